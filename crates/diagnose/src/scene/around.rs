//! Which part of a fleet a look at something reads: all of it, or what is nearest where it is large.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use auscult_core::Labels;
use auscult_knowledge::Knowledge;

use super::builder::{SceneBuilder, reads, suspects, to_structure};
use super::kin::Kin;
use super::{Strange, Target, Track};

/// Most series of one metric that are read of a target: of a label whose values never end some do.
const OF_METRIC: usize = 2048;

/// The series that there are, before any of them is read.
///
/// A fleet may have more series than memory and time allow to look at: where something was noticed,
/// what belongs to that, and the peers of both are looked at first.
///
/// Cost: a hash of each series that is met, and what a scene knows of each target.
///
/// ```
/// use auscult_core::Labels;
/// use auscult_diagnose::scene::{Surroundings, reads};
/// use auscult_knowledge::Knowledge;
/// let knowledge = Knowledge::embedded();
/// let mut around = Surroundings::new(&knowledge);
/// let load = |host: usize| {
///     let instance = format!("host-{host}:9100");
///     Labels::from_pairs([("__name__", "node_load1"), ("instance", instance.as_str())])
/// };
/// around.notice(&load(7)?);
/// (0..1000).try_for_each(|host| load(host).map(|labels| around.meet(&labels)))?;
/// assert!(reads(&knowledge, "node_load1") && !reads(&knowledge, "own_metric"));
/// let nearest = around.nearest(10);
/// assert_eq!(nearest.series(), 10);
/// assert!(nearest.wants(&load(7)?));
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[derive(Debug)]
pub struct Surroundings<'k> {
    knowledge: &'k Knowledge,
    structure: SceneBuilder<'k>,
    met: HashSet<u64>,
    /// How many series of a metric there are of each target.
    counts: Vec<HashMap<String, usize>>,
}

/// What of it is read.
#[derive(Debug)]
pub struct Nearest<'k> {
    around: Surroundings<'k>,
    chosen: HashSet<usize>,
    series: usize,
    left_out: usize,
}

impl<'k> Surroundings<'k> {
    /// Nothing met yet.
    #[must_use]
    pub fn new(knowledge: &'k Knowledge) -> Self {
        let structure = SceneBuilder::new(knowledge, 0.0, 1.0, 0);
        Self { knowledge, structure, met: HashSet::new(), counts: Vec::new() }
    }

    /// Says that it was noticed in the series with these labels.
    pub fn notice(&mut self, labels: &Labels) {
        self.structure.notice(labels);
    }

    /// Says that there is a series with these labels; again is as once, and one that tells a scene
    /// nothing is left out.
    pub fn meet(&mut self, labels: &Labels) {
        let metric = labels.as_ref().metric();
        if !reads(self.knowledge, metric) || !self.met.insert(hash(labels)) {
            return;
        }
        let Some(target) = self.structure.target(labels) else { return };
        if self.counts.len() <= target {
            self.counts.resize_with(target + 1, HashMap::new);
        }
        match self.counts[target].get_mut(metric) {
            Some(count) => *count += 1,
            None => drop(self.counts[target].insert(metric.to_owned(), 1)),
        }
    }

    /// About `most` series at most, those of the nearest targets: where it was noticed and where that may
    /// come from, what belongs to that, the peers of all these, and then others.
    #[must_use]
    pub fn nearest(mut self, most: usize) -> Nearest<'k> {
        self.met = HashSet::new();
        let targets = self.structure.targets();
        self.counts.resize_with(targets.len(), HashMap::new);
        let read = |target: usize| -> usize {
            self.counts[target].values().map(|count| (*count).min(OF_METRIC)).sum()
        };
        let all = self.counts.iter().flat_map(HashMap::values).sum::<usize>();
        let mut chosen = HashSet::new();
        let mut series = 0;
        for target in in_order(targets) {
            let of_target: usize = target
                .iter()
                .filter(|number| !chosen.contains(*number))
                .map(|one| read(*one))
                .sum();
            if series + of_target <= most {
                series += of_target;
                chosen.extend(target);
            }
        }
        Nearest { around: self, chosen, series, left_out: all - series }
    }
}

impl Nearest<'_> {
    /// Whether the series with these labels, which was met, is read.
    #[must_use]
    pub fn wants(&self, labels: &Labels) -> bool {
        let Self { around, chosen, .. } = self;
        let target = around.structure.known_target(labels);
        let Some(target) = target.filter(|target| chosen.contains(target)) else { return false };
        match around.counts[target].get(labels.as_ref().metric()) {
            // The same ones each time that it is asked.
            Some(count) if *count > OF_METRIC => hash(labels) % (*count as u64) < OF_METRIC as u64,
            Some(_) => true,
            None => false,
        }
    }

    /// How many series are read.
    #[must_use]
    pub fn series(&self) -> usize {
        self.series
    }

    /// How many others there are that a scene could tell something by.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

fn hash(labels: &Labels) -> u64 {
    let mut hasher = DefaultHasher::new();
    labels.as_ref().bytes().hash(&mut hasher);
    hasher.finish()
}

/// For each target of a scene, those whose series it will be told by; the nearest first.
fn in_order(targets: &[Target]) -> Vec<Vec<usize>> {
    // A track without readings stands for all series of a target: where it ends up, they will.
    let marked = targets.iter().enumerate().map(|(number, target)| {
        let mark = Track {
            signal: String::new(),
            rank: number,
            labels: Labels::default(),
            values: Vec::new(),
            weights: None,
            strange: Strange::default(),
        };
        Target { tracks: vec![mark], ..target.clone() }
    });
    let mut targets: Vec<Target> = marked.collect();
    to_structure(&mut targets);
    let kin = Kin::of(&targets);
    let suspects = suspects(&targets, &kin).unwrap_or_default();
    let kinds: BTreeSet<&str> = targets.iter().map(|target| target.kind.as_str()).collect();
    let belonging = |number: &usize| {
        let near = kinds.iter().flat_map(|kind| kin.near(&targets, *number, kind));
        near.collect::<Vec<usize>>()
    };
    let near: BTreeSet<usize> = suspects.iter().flat_map(belonging).collect();
    let both = suspects.iter().chain(&near);
    let groups: BTreeSet<usize> = both.map(|number| kin.group(*number)).collect();
    let distance = |number: usize| match number {
        _ if suspects.contains(&number) => 0,
        _ if near.contains(&number) => 1,
        _ if groups.contains(&kin.group(number)) => 2,
        _ => 3,
    };
    let mut order: Vec<usize> = (0..targets.len()).collect();
    order.sort_by_key(|number| distance(*number));
    let marks = |number: &usize| targets[*number].tracks.iter().map(|mark| mark.rank).collect();
    order.iter().map(marks).collect()
}
