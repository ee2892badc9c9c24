//! What a person may set of the engine.

use std::sync::Arc;
use std::time::Duration;

use auscult_core::units::{AsBytes, AsDuration, AsText};
use auscult_detect::ensemble::AlarmBudget;
use auscult_knowledge::Knowledge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handbook::Handbook;
use crate::policy::Policy;

/// How series are judged, and how alarms become incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// False alarms that are bearable for each target, such as `1/week`.
    #[serde(with = "AsText::<AlarmBudget>")]
    #[schemars(extend("format" = "auscult-budget"))]
    pub budget: AlarmBudget,
    /// Most series that are watched; later ones are counted and not watched.
    pub most_series: usize,
    /// Most bytes that methods which policies assign may take, all together; series for which there
    /// is no room are judged by the default detector alone.
    #[serde(with = "AsBytes")]
    pub method_memory_limit: u64,
    /// A series without samples for so long is forgotten.
    #[serde(with = "AsDuration")]
    pub forget_after: Duration,
    /// A series without samples for so long, and for five of its usual steps, is silent; a target
    /// whose series nearly all are is an alarm, unless its source said that they have ended.
    #[serde(with = "AsDuration")]
    pub silent_after: Duration,
    /// Labels that say which target a series belongs to; those that a series has count.
    pub target_labels: Vec<String>,
    /// Labels that set siblings apart: series that differ in nothing else are compared with
    /// each other, where they are five at least.
    pub member_labels: Vec<String>,
    /// Labels that targets of one incident may share, besides being the same target.
    pub topology_labels: Vec<String>,
    /// Alarms so close in time may belong to one incident.
    #[serde(with = "AsDuration")]
    pub together: Duration,
    /// An incident whose series have been as usual for so long has recovered; twice as long
    /// after each time that it was opened again, up to `reopen_within`.
    #[serde(with = "AsDuration")]
    pub quiet_after: Duration,
    /// An alarm so soon after the recovery of its incident opens it again.
    #[serde(with = "AsDuration")]
    pub reopen_within: Duration,
    /// What a person wants of some series; later ones override fields of earlier ones. They can
    /// be replaced while the engine runs.
    #[serde(skip)]
    pub policies: Vec<Policy>,
    /// What is known of metrics.
    #[serde(skip)]
    pub knowledge: Arc<Knowledge>,
    /// Parts that are judged independently of each other; more of them keep threads apart.
    #[serde(skip)]
    pub shards: usize,
}

impl Default for EngineSettings {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            budget: "1/week".parse().expect("a budget"),
            most_series: 1_000_000,
            method_memory_limit: 256 << 20,
            forget_after: minutes(60),
            silent_after: minutes(2),
            target_labels: labels(&[
                "job",
                "instance",
                "service_name",
                "service_instance_id",
                "pod",
                "node",
                "host",
            ]),
            member_labels: labels(&[
                "instance",
                "service_instance_id",
                "pod",
                "node",
                "host",
                "Hostname",
                "gpu",
                "UUID",
                "device",
                "pci_bus_id",
                "rank",
                "tp_rank",
                "dp_rank",
            ]),
            topology_labels: labels(&["node", "host", "Hostname", "model_name", "job"]),
            together: minutes(5),
            quiet_after: minutes(10),
            reopen_within: minutes(60),
            policies: Vec::new(),
            knowledge: Arc::clone(Handbook::embedded().knowledge()),
            shards: 16,
        }
    }
}
