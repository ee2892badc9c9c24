//! Which target a series is of, and which targets belong together, told by labels.

use auscult_core::Labels;
use auscult_knowledge::Adapter;

use super::Target;

/// Attributes that targets belong together by, and the labels that say them, the surest first.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("host", &["host", "Hostname", "node", "nodename", "kubernetes_node"]),
    ("pod", &["pod", "exported_pod"]),
    ("service", &["service"]),
    ("job", &["training_job"]),
    ("rank", &["rank"]),
    ("gpu", &["gpu"]),
    ("source", &["source"]),
    ("storage", &["mountaddr"]),
    ("role", &["engine_type"]),
    ("bus", &["pci_bus_id"]),
    ("scraped as", &["job"]),
];

/// Sets of attributes: the first of these that both of two targets have decides.
pub(super) type By = &'static [&'static [&'static str]];

/// By which attributes targets of two kinds belong together.
const LINKS: &[(&str, &str, By)] = &[
    ("container", "gpu", &[&["pod"], &["host"]]),
    ("container", "replica", &[&["pod"]]),
    ("gpu", "rank", &[&["host", "gpu"]]),
    ("gpu", "replica", &[&["pod"], &["host"]]),
    ("rank", "job", &[&["job"]]),
];
/// By which attributes targets of other kinds do.
const OTHERS: By = &[&["job"], &["service"], &["model"], &["storage"], &["host"]];

/// The name without a port.
pub(super) fn bare(instance: &str) -> &str {
    instance.rsplit_once(':').map_or(instance, |(name, _)| name)
}

/// What the labels of a series of a target of `kind`, which `adapter` knows, say of what it has to do
/// with others: attributes and their values, each of which may come twice.
pub(super) fn attributes<'l>(
    kind: &str,
    labels: &'l Labels,
    adapter: &'l Adapter,
) -> Vec<(&'static str, &'l str)> {
    let mut found = Vec::new();
    let mut add = |name: &'static str, value: &'l str| {
        if !value.is_empty() {
            found.push((name, value));
        }
    };
    for (name, said) in ATTRIBUTES {
        if let Some(value) = said.iter().find_map(|label| labels.get(label)) {
            add(name, value);
        }
    }
    if let Some(value) = adapter.model.as_deref().and_then(|label| labels.get(label)) {
        add("model", value);
    }
    // What another program says of a replica is not shown by the replica.
    let own = told_of(labels).is_none();
    if let Some(instance) = labels.get("instance").filter(|_| own) {
        add("instance", instance);
        // What a host's exporter tells of its parts.
        if matches!(kind, "host" | "port" | "storage") {
            add("host", bare(instance));
        }
    }
    if kind == "replica" {
        if own {
            add("program", &adapter.adapter);
        }
        let instance = told_of(labels).or(labels.get("instance"));
        if let Some(instance) = instance {
            add("pod", bare(instance));
        }
    }
    found
}

/// The replica that a router or a judge of answers tells of.
fn told_of(labels: &Labels) -> Option<&str> {
    labels.get("replica").or(labels.get("worker"))
}

/// The kind of target that a series is of, where the adapter says `kind`, told apart by the labels
/// `own`: of a program that tells of replicas, what names none is of the service.
pub(super) fn kind<'k>(kind: &'k str, labels: &Labels, own: &[String]) -> &'k str {
    let knows_itself = own.iter().any(|label| label == "instance");
    match kind {
        _ if told_of(labels).is_some() => "replica",
        "replica" if !knows_itself => "service",
        kind => kind,
    }
}

/// What the target is called that a series of `kind` with these labels is of.
pub(super) fn name(kind: &str, labels: &Labels, own: &[String]) -> String {
    let get = |names: &[&str]| names.iter().find_map(|name| labels.get(name));
    let joined = |parts: &[Option<&str>]| {
        let parts: Vec<&str> = parts.iter().copied().flatten().collect();
        parts.join("/")
    };
    let host = || get(&["host", "Hostname", "node", "nodename"]);
    match kind {
        "replica" => told_of(labels).or(labels.get("instance")).unwrap_or_default().to_owned(),
        "host" => bare(get(&["nodename", "instance"]).unwrap_or_default()).to_owned(),
        "gpu" => joined(&[host(), get(&["gpu", "UUID"])]),
        "rank" => joined(&[get(&["training_job"]), get(&["rank"])]),
        "port" => {
            let host = host().or_else(|| get(&["instance"]).map(bare));
            joined(&[host, get(&["device"]), get(&["port"])])
        }
        "container" => joined(&[host(), get(&["pod"]), get(&["container"])]),
        _ => joined(&own.iter().map(|label| labels.get(label)).collect::<Vec<_>>()),
    }
}

/// By which attributes targets of these kinds belong together.
pub(super) fn links(one: &str, other: &str) -> By {
    let is = |a: &str, b: &str| (a == one && b == other) || (a == other && b == one);
    LINKS.iter().find(|(a, b, _)| is(a, b)).map_or(OTHERS, |(_, _, by)| by)
}

/// Whether two targets have a value of an attribute in common.
pub(super) fn shares(one: &Target, other: &Target, name: &str) -> bool {
    match (one.attributes.get(name), other.attributes.get(name)) {
        (Some(one), Some(other)) => !one.is_disjoint(other),
        _ => false,
    }
}
