//! Which target depends on which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Known dependencies between targets.
///
/// ```
/// use auscult_diagnose::rank::Topology;
/// let topology = Topology::new([("web", "shop"), ("shop", "store")]);
/// assert!(topology.dependencies("web").any(|target| target == "shop"));
/// assert!(topology.reach("web").contains("store"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    below: BTreeMap<String, BTreeSet<String>>,
    above: BTreeMap<String, BTreeSet<String>>,
}

impl Topology {
    /// The topology in which the first of each pair depends on the second: it calls it,
    /// runs on it, waits for it.
    pub fn new<N: Into<String>>(edges: impl IntoIterator<Item = (N, N)>) -> Self {
        let mut topology = Self::default();
        for (caller, callee) in edges {
            let (caller, callee) = (caller.into(), callee.into());
            if caller != callee {
                topology.above.entry(callee.clone()).or_default().insert(caller.clone());
                topology.below.entry(caller).or_default().insert(callee);
            }
        }
        topology
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.below.is_empty()
    }

    /// What `target` depends on directly, in order of name.
    pub fn dependencies(&self, target: &str) -> impl Iterator<Item = &str> {
        self.below.get(target).into_iter().flatten().map(String::as_str)
    }

    /// What depends on `target` directly, in order of name.
    pub fn dependents(&self, target: &str) -> impl Iterator<Item = &str> {
        self.above.get(target).into_iter().flatten().map(String::as_str)
    }

    /// `target` and all that it depends on, directly or not.
    #[must_use]
    pub fn reach(&self, target: &str) -> BTreeSet<String> {
        self.reach_through(target, |_| true)
    }

    /// `target` and all that it depends on by way of targets that `lets` through.
    pub(super) fn reach_through(
        &self,
        target: &str,
        lets: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([target.to_owned()]);
        let mut waiting = VecDeque::from([target.to_owned()]);
        while let Some(target) = waiting.pop_front() {
            for below in self.dependencies(&target).filter(|below| lets(below)) {
                if reached.insert(below.to_owned()) {
                    waiting.push_back(below.to_owned());
                }
            }
        }
        reached
    }
}
