//! Which targets belong together, and which are peers.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Target;
use super::identity::{links, shares};

/// Found once for a scene.
#[derive(Debug, Clone)]
pub(super) struct Kin {
    /// For each target, its group of peers.
    groups: Vec<usize>,
    /// For each group, its members.
    members: Vec<Vec<usize>>,
    /// Targets by kind, attribute and value.
    by_value: HashMap<(String, &'static str, String), Vec<usize>>,
    /// Attributes that targets of a kind have.
    has: HashSet<(String, &'static str)>,
}

impl Kin {
    pub(super) fn of(targets: &[Target]) -> Self {
        let mut by_value: HashMap<_, Vec<usize>> = HashMap::new();
        let mut has = HashSet::new();
        for (number, target) in targets.iter().enumerate() {
            for (name, values) in &target.attributes {
                has.insert((target.kind.clone(), *name));
                for value in values {
                    let key = (target.kind.clone(), *name, value.clone());
                    by_value.entry(key).or_default().push(number);
                }
            }
        }
        // By host, numbers of the services and jobs there.
        let mut employers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, target) in targets.iter().enumerate() {
            if matches!(&*target.kind, "service" | "job") {
                for host in target.attributes.get("host").into_iter().flatten() {
                    employers.entry(host).or_default().push(number);
                }
            }
        }
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut groups = Vec::with_capacity(targets.len());
        for (number, target) in targets.iter().enumerate() {
            let role = role(target, targets, &employers);
            let group = *numbers.entry(role).or_insert_with(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[group].push(number);
            groups.push(group);
        }
        Self { groups, members, by_value, has }
    }

    /// Number of the group of peers that target number `target` is of.
    pub(super) fn group(&self, target: usize) -> usize {
        self.groups[target]
    }

    /// The members of a group of peers, in order.
    pub(super) fn members(&self, group: usize) -> &[usize] {
        &self.members[group]
    }

    /// Targets of `kind` that belong to target number `own`, or it to them, in order.
    pub(super) fn near(&self, targets: &[Target], own: usize, kind: &str) -> Vec<usize> {
        let target = &targets[own];
        for together in links(&target.kind, kind) {
            let both = together.iter().all(|name| {
                target.attributes.contains_key(name) && self.has.contains(&(kind.to_owned(), *name))
            });
            let Some(first) = together.first().filter(|_| both) else { continue };
            let values = target.attributes.get(first).into_iter().flatten();
            let found = values
                .filter_map(|value| self.by_value.get(&(kind.to_owned(), *first, value.clone())));
            let found: BTreeSet<usize> = found
                .flatten()
                .copied()
                .filter(|other| *other != own)
                .filter(|other| together.iter().all(|name| shares(target, &targets[*other], name)))
                .collect();
            return found.into_iter().collect();
        }
        Vec::new()
    }
}

/// What makes targets of one kind comparable: what they work for.
fn role(target: &Target, targets: &[Target], employers: &HashMap<&str, Vec<usize>>) -> String {
    let list = |name: &str| {
        let values = target.attributes.get(name).into_iter().flatten();
        values.cloned().collect::<Vec<_>>().join(",")
    };
    let works_for = match &*target.kind {
        "replica" => format!("{}/{}/{}", list("service"), list("model"), list("role")),
        "rank" => list("job"),
        "source" => list("service"),
        "host" | "gpu" | "port" | "container" => {
            let hosts = target.attributes.get("host").into_iter().flatten();
            let of = hosts.filter_map(|host| employers.get(host.as_str())).flatten();
            let of: BTreeSet<usize> = of.copied().collect();
            of.iter().map(|number| targets[*number].name.as_str()).collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    };
    format!("{} {works_for}", target.kind)
}
