//! The scenario language: what may stand in a scenario file.

use std::time::Duration;

use auscult_core::units::{AsBytes, AsDuration};
use schemars::JsonSchema;
use serde::Deserialize;

/// A fleet, a time, and what goes wrong in it.
///
/// ```
/// use auscult_simulate::scenario::Scenario;
/// let text = "
/// scenario: one hot card
/// duration: 1h
/// fleet:
///   hosts:
///     - {name: serve, count: 2, gpu: H100}
///   services:
///     - {name: chat, model: llama-3.1-8b, hosts: serve, replicas: 8}
/// faults:
///   - {fault: G1, at: 20m, for: 15m, place: serve-0/3}
/// ";
/// let scenario = Scenario::read("hot.yaml", text).unwrap();
/// assert_eq!(scenario.faults[0].fault.as_deref(), Some("G1"));
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub scenario: String,
    /// What happens, in a sentence.
    #[serde(default)]
    pub about: String,
    /// Seed of everything that is drawn.
    #[serde(default = "one")]
    pub seed: u64,
    /// Seconds since 1970 at which it begins [default: 2026-03-02 08:00 UTC, a Monday].
    #[serde(default = "monday")]
    pub start: u64,
    /// How long it lasts.
    #[serde(with = "AsDuration")]
    #[schemars(with = "AsDuration")]
    pub duration: Duration,
    /// Who is there.
    pub fleet: FleetSection,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<FaultSection>,
}

/// The parts of a fleet.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetSection {
    /// Groups of like hosts.
    pub hosts: Vec<HostSection>,
    /// Served models.
    #[serde(default)]
    pub services: Vec<ServiceSection>,
    /// Served models that hear, see or drive.
    #[serde(default)]
    pub perception: Vec<PerceptionSection>,
    /// Training jobs.
    #[serde(default)]
    pub jobs: Vec<JobSection>,
}

/// A group of like hosts.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HostSection {
    /// Name of the group; its hosts are called NAME-0, NAME-1 and so on.
    pub name: String,
    /// How many.
    #[schemars(range(min = 1, max = 100_000))]
    pub count: usize,
    /// Accelerator: A100, H100, H200 or B200.
    pub gpu: String,
    /// Accelerators of each.
    #[schemars(range(min = 1, max = 16))]
    pub gpus: usize,
    /// Processor cores of each.
    #[schemars(range(min = 1, max = 1024))]
    pub cores: usize,
    /// Memory of each.
    #[serde(with = "AsBytes")]
    #[schemars(with = "AsBytes")]
    pub memory: u64,
    /// Ports of each on the fabric between hosts.
    #[schemars(range(min = 0, max = 16))]
    pub ports: usize,
    /// Temperature of the air that they take in, in degrees Celsius.
    #[schemars(range(min = 0, max = 60))]
    pub inlet: f64,
}

impl Default for HostSection {
    fn default() -> Self {
        Self {
            name: "host".to_owned(),
            count: 1,
            gpu: "H100".to_owned(),
            gpus: 8,
            cores: 128,
            memory: 2 << 40,
            ports: 8,
            inlet: 24.0,
        }
    }
}

/// A served model.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSection {
    /// Its name.
    pub name: String,
    /// Model that it serves, one of the catalogue.
    pub model: String,
    /// Engine: vllm, sglang or llama-cpp.
    pub engine: EngineKind,
    /// Group of hosts that it runs on.
    pub hosts: String,
    /// Replicas.
    #[schemars(range(min = 1, max = 100_000))]
    pub replicas: usize,
    /// Accelerators of each replica, which compute each step together.
    #[schemars(range(min = 1, max = 16))]
    pub gpus: usize,
    /// Load in the busiest hour of a weekday, as a share of what the replicas can bear.
    #[schemars(range(min = 0, max = 3))]
    pub load: f64,
    /// What people ask for.
    pub traffic: TrafficKind,
    /// Requests that a replica runs at once.
    #[schemars(range(min = 1, max = 4096))]
    pub max_running: usize,
    /// Tokens of one step.
    #[schemars(range(min = 256, max = 65_536))]
    pub step_tokens: usize,
    /// Adapters that requests ask for; 0 for none.
    #[schemars(range(min = 0, max = 10_000))]
    pub adapters: usize,
    /// Whether a small model drafts tokens ahead.
    pub speculation: bool,
    /// Whether prefill and decode run on replicas of their own.
    pub disaggregation: bool,
    /// Time that a client waits for an answer, like `10m`.
    #[serde(with = "AsDuration")]
    #[schemars(with = "AsDuration")]
    pub client_timeout: Duration,
    /// Times that a client asks again if it gets none.
    #[schemars(range(min = 0, max = 100))]
    pub client_retries: usize,
}

impl Default for ServiceSection {
    fn default() -> Self {
        Self {
            name: "chat".to_owned(),
            model: "llama-3.1-8b".to_owned(),
            engine: EngineKind::Vllm,
            hosts: "host".to_owned(),
            replicas: 1,
            gpus: 1,
            load: 0.5,
            traffic: TrafficKind::Chat,
            max_running: 256,
            step_tokens: 8192,
            adapters: 0,
            speculation: false,
            disaggregation: false,
            client_timeout: Duration::from_secs(600),
            client_retries: 2,
        }
    }
}

/// An inference engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// vLLM, engine version 1.
    Vllm,
    /// SGLang.
    Sglang,
    /// llama.cpp's server; `max_running` is the number of its slots.
    #[serde(rename = "llama-cpp")]
    LlamaCpp,
}

/// What people ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrafficKind {
    /// Conversations: prompts of about a thousand tokens that grow, answers of some hundred.
    Chat,
    /// Code completion: prompts of two thousand tokens, short answers.
    Code,
    /// Questions over documents that were found: prompts of many thousand tokens.
    Documents,
}

/// A served model that hears, sees or drives, on one accelerator.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerceptionSection {
    /// Its name.
    pub name: String,
    /// What it perceives.
    pub kind: PerceptionKind,
    /// Group of hosts that it runs on.
    pub hosts: String,
    /// Lines, cameras or sensors that it listens to.
    #[schemars(range(min = 1, max = 1000))]
    pub sources: usize,
}

impl Default for PerceptionSection {
    fn default() -> Self {
        Self {
            name: "perception".to_owned(),
            kind: PerceptionKind::Vision,
            hosts: "host".to_owned(),
            sources: 4,
        }
    }
}

/// What a model perceives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PerceptionKind {
    /// Words in calls.
    Speech,
    /// Objects before cameras.
    Vision,
    /// Objects around a car.
    Driving,
}

/// A training job.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JobSection {
    /// Its name.
    pub name: String,
    /// Model that it trains, one of the catalogue.
    pub model: String,
    /// Group of hosts that it runs on, one rank for each accelerator.
    pub hosts: String,
    /// Ranks that share each layer.
    #[schemars(range(min = 1, max = 16))]
    pub tensor_parallel: usize,
    /// Ranks that hold one stage of layers each.
    #[schemars(range(min = 1, max = 64))]
    pub pipeline_parallel: usize,
    /// Time from one checkpoint to the next.
    #[serde(with = "AsDuration")]
    #[schemars(with = "AsDuration")]
    pub checkpoint_interval: Duration,
    /// Whether ranks that wait keep a processor busy, or sleep.
    pub busy_waiting: bool,
}

impl Default for JobSection {
    fn default() -> Self {
        Self {
            name: "pretrain".to_owned(),
            model: "llama-3.1-8b".to_owned(),
            hosts: "host".to_owned(),
            tensor_parallel: 1,
            pipeline_parallel: 1,
            checkpoint_interval: Duration::from_secs(1800),
            busy_waiting: true,
        }
    }
}

/// Something that goes wrong: a fault of the catalogue, or one dial.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSection {
    /// Number in the catalogue: G1; a look-alike: L1.
    #[serde(default)]
    pub fault: Option<String>,
    /// Which of its ways, by name [default: drawn].
    #[serde(default)]
    pub variant: Option<String>,
    /// Instead of a fault: one dial, such as gpu.cooling.
    #[serde(default)]
    pub dial: Option<String>,
    /// Where that dial stands at the height.
    #[serde(default)]
    pub value: Option<f64>,
    /// When it begins, from the start.
    #[serde(with = "AsDuration")]
    #[schemars(with = "AsDuration")]
    pub at: Duration,
    /// How long it lasts.
    #[serde(rename = "for", with = "AsDuration")]
    #[schemars(with = "AsDuration")]
    pub lasts: Duration,
    /// From the mildest, 0, to the worst, 1.
    #[serde(default = "half")]
    #[schemars(range(min = 0, max = 1))]
    pub severity: f64,
    /// How it begins: sudden, creeping or intermittent [default: as it usually does].
    #[serde(default)]
    pub onset: Option<String>,
    /// Where: chat (a service), chat/2 (its replica), host-0 (a host), host-0/3 (a GPU), host-0/port-1,
    /// pretrain (a job), pretrain/5 (its rank), chat/source-1, storage [default: drawn].
    #[serde(default)]
    pub place: Option<String>,
}

fn one() -> u64 {
    1
}

fn half() -> f64 {
    0.5
}

fn monday() -> u64 {
    1_772_438_400
}
