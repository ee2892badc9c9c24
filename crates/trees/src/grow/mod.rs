//! Growing a tree.
//!
//! Numbers become ranks once ([`table`]). A node sorts its rows by rank, feature
//! by feature, and walks along each order ([`split`]). Large nodes share the
//! features out among threads, and both halves grow side by side; once a subtree
//! is small its columns are packed together, so that all further work stays in
//! the cache. The result does not depend on the number of threads.

mod categories;
mod objective;
mod radix;
mod split;
mod table;

use std::collections::BinaryHeap;
use std::sync::Mutex;

pub(crate) use objective::{Objective, Squares, TwoClasses, WeightedClasses, WholeGini};
use split::{Candidate, Cut, Open, Scratch};
pub(crate) use table::Ranked;
use table::{Column, Table};

use crate::settings::Limits;
use crate::tree::{Node, Question, Sides, Split};

/// Rows of a subtree that is packed and grown by one thread.
const PACKED: usize = 8192;

/// Levels down to which halves grow side by side. Deeper ones take turns, so
/// that a tree as deep as its rows are many does not exhaust the stack.
const SHARED_LEVELS: usize = 64;

/// Nodes and their values, root first.
#[derive(Debug, Default)]
pub(crate) struct Grown {
    pub(crate) nodes: Vec<Node>,
    pub(crate) values: Vec<f64>,
}

/// What every node of a tree needs.
struct Context<'a, O> {
    columns: &'a [Column],
    limits: &'a Limits,
    /// Of the whole tree.
    weight: f64,
    /// That each side of a split needs.
    least_weight: f64,
    pure: f64,
    unit: f64,
    parallel: bool,
    scratch: Mutex<Vec<Scratch>>,
    objective: std::marker::PhantomData<fn() -> O>,
}

/// Codes and targets of the rows that a subtree is grown on.
struct Data<'a, O> {
    table: &'a Table,
    objective: &'a O,
}

impl<O> Clone for Data<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Data<'_, O> {}

/// Grows a tree on `rows` of `ranked`, each of which has weight. Reorders `rows`.
pub(crate) fn grow<O: Objective>(
    ranked: &Ranked,
    objective: &O,
    limits: &Limits,
    rows: &mut [u32],
    parallel: bool,
) -> Grown {
    let sums = sum_up(objective, rows);
    let weight = objective.weight(&sums);
    let context = Context {
        columns: &ranked.columns,
        limits,
        weight,
        least_weight: limits.min_weight_leaf * weight,
        pure: objective.pure(),
        unit: objective.unit(),
        parallel,
        scratch: Mutex::default(),
        objective: std::marker::PhantomData,
    };
    let data = Data { table: &ranked.table, objective };
    if let Some(leaves) = limits.max_leaf_nodes {
        return context.best_first(data, rows, leaves);
    }
    context.shared(data, rows, 0, mix(limits.seed, 1))
}

fn sum_up<O: Objective>(objective: &O, rows: &[u32]) -> Vec<f64> {
    let mut sums = vec![0.0; objective.width()];
    rows.iter().for_each(|row| objective.add(objective.payload(*row), &mut sums));
    sums
}

/// A number that looks random, from two. The finaliser of SplitMix64.
pub(crate) fn mix(seed: u64, salt: u64) -> u64 {
    let mut state = seed.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

/// Seeds of the yes and the no side.
fn seeds(seed: u64) -> [u64; 2] {
    [mix(seed, 2), mix(seed, 3)]
}

impl<O: Objective> Context<'_, O> {
    fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let lock = || self.scratch.lock().expect("no thread panics while it holds the buffers");
        let mut scratch = lock().pop().unwrap_or_default();
        let result = work(&mut scratch);
        lock().push(scratch);
        result
    }

    /// Writes down a node and, unless it is to stay a leaf, its best split.
    fn open(
        &self,
        data: Data<'_, O>,
        rows: &[u32],
        depth: usize,
        seed: u64,
        grown: &mut Grown,
        scratch: &mut Scratch,
    ) -> Option<Candidate> {
        let objective = data.objective;
        let sums = sum_up(objective, rows);
        let weight = objective.weight(&sums);
        let impurity = objective.impurity(rows, &sums);
        let told = impurity * self.unit;
        objective.value(&sums, &mut grown.values);
        grown.nodes.push(Node { rows: rows.len(), weight, impurity: told, split: None });
        let limits = self.limits;
        if depth >= limits.max_depth
            || rows.len() < limits.min_samples_split
            || rows.len() < 2 * limits.min_samples_leaf
            || weight < 2.0 * self.least_weight
            || impurity <= self.pure
        {
            return None;
        }
        let node = Open { rows, sums: &sums, seed };
        let candidate = split::best(self, data, node, scratch)?;
        let gain = self.gain(&candidate);
        (gain + f64::EPSILON >= limits.min_impurity_decrease).then_some(candidate)
    }

    fn gain(&self, candidate: &Candidate) -> f64 {
        (candidate.rise / self.weight * self.unit).max(0.0)
    }

    /// Turns a candidate into a split whose children are still to be numbered.
    fn split(&self, candidate: Candidate, yes_rows: usize, rows: usize, missing: bool) -> Split {
        let gain = self.gain(&candidate);
        let missing_goes_yes = match candidate.cut {
            Cut::Present => false,
            // Nothing to learn from: to the side with more rows.
            _ if !missing => yes_rows > rows - yes_rows,
            _ => candidate.missing_goes_yes,
        };
        let question = match (candidate.cut, &self.columns[candidate.feature]) {
            (Cut::Between(last, next), Column::Number { distinct, .. }) => {
                let threshold = midway(distinct[last as usize], distinct[next as usize]);
                Question::AtMost { threshold }
            }
            (Cut::Categories(yes, no), _) => Question::OneOf(Box::new(Sides { yes, no })),
            _ => Question::Present,
        };
        let feature = candidate.feature;
        Split { feature, question, yes: 0, no: 0, missing_goes_yes, gain }
    }

    /// Grows on `rows`, with other threads taking a part.
    fn shared(&self, data: Data<'_, O>, rows: &mut [u32], depth: usize, seed: u64) -> Grown {
        if rows.len() <= PACKED || depth >= SHARED_LEVELS {
            let (table, objective) = (data.table.restrict(rows), data.objective.restrict(rows));
            let data = Data { table: &table, objective: &objective };
            let mut rows: Vec<u32> = (0..rows.len() as u32).collect();
            return self
                .with_scratch(|scratch| self.in_turn(data, &mut rows, depth, seed, scratch));
        }
        let mut grown = Grown::default();
        let split = self.with_scratch(|scratch| {
            let candidate = self.open(data, rows, depth, seed, &mut grown, scratch)?;
            let (yes, missing) = partition(data.table, rows, &candidate, scratch);
            Some((yes, self.split(candidate, yes, rows.len(), missing)))
        });
        let Some((yes, split)) = split else { return grown };
        let (yes_rows, no_rows) = rows.split_at_mut(yes);
        let [yes_seed, no_seed] = seeds(seed);
        let mut grow_yes = || self.shared(data, yes_rows, depth + 1, yes_seed);
        let mut grow_no = || self.shared(data, no_rows, depth + 1, no_seed);
        let (yes, no) =
            if self.parallel { rayon::join(grow_yes, grow_no) } else { (grow_yes(), grow_no()) };
        grown.attach(0, split, yes, no);
        grown
    }

    /// Grows on `rows` in one thread, without recursion.
    fn in_turn(
        &self,
        data: Data<'_, O>,
        rows: &mut [u32],
        depth: usize,
        seed: u64,
        scratch: &mut Scratch,
    ) -> Grown {
        struct Task {
            rows: std::ops::Range<usize>,
            depth: usize,
            seed: u64,
            /// And whether this is its yes side.
            parent: Option<(usize, bool)>,
        }
        let mut grown = Grown::default();
        let mut tasks = vec![Task { rows: 0..rows.len(), depth, seed, parent: None }];
        while let Some(Task { rows: range, depth, seed, parent }) = tasks.pop() {
            let at = grown.nodes.len();
            if let Some((parent, is_yes)) = parent {
                let split = grown.nodes[parent].split.as_mut();
                let split = split.expect("only a node with a split has children");
                *(if is_yes { &mut split.yes } else { &mut split.no }) = at;
            }
            let own = &mut rows[range.clone()];
            let Some(candidate) = self.open(data, own, depth, seed, &mut grown, scratch) else {
                continue;
            };
            let (yes, missing) = partition(data.table, own, &candidate, scratch);
            grown.nodes[at].split = Some(self.split(candidate, yes, own.len(), missing));
            let middle = range.start + yes;
            let [yes_seed, no_seed] = seeds(seed);
            let depth = depth + 1;
            let no =
                Task { rows: middle..range.end, depth, seed: no_seed, parent: Some((at, false)) };
            tasks.push(no);
            let yes =
                Task { rows: range.start..middle, depth, seed: yes_seed, parent: Some((at, true)) };
            tasks.push(yes);
        }
        grown
    }

    /// Grows to at most `leaves` leaves, always splitting where the gain is
    /// largest; of equal gains the node that was there first.
    fn best_first(&self, data: Data<'_, O>, rows: &mut [u32], leaves: usize) -> Grown {
        let mut grown = Grown::default();
        let mut scratch = Scratch::default();
        let mut waiting = BinaryHeap::new();
        let open = |at: Place, rows: &[u32], grown: &mut Grown, scratch: &mut Scratch| {
            let node = grown.nodes.len();
            let found = self.open(data, rows, at.depth, at.seed, grown, scratch);
            found.map(|candidate| Waiting { gain: self.gain(&candidate), node, at, candidate })
        };
        let root = Place { start: 0, end: rows.len(), depth: 0, seed: mix(self.limits.seed, 1) };
        waiting.extend(open(root, rows, &mut grown, &mut scratch));
        let mut made = 1;
        while made < leaves {
            let Some(Waiting { node, at, candidate, .. }) = waiting.pop() else { break };
            let own = &mut rows[at.start..at.end];
            let (yes, missing) = partition(data.table, own, &candidate, &mut scratch);
            let mut split = self.split(candidate, yes, own.len(), missing);
            let [yes_seed, no_seed] = seeds(at.seed);
            let middle = at.start + yes;
            let depth = at.depth + 1;
            split.yes = grown.nodes.len();
            let place = Place { start: at.start, end: middle, depth, seed: yes_seed };
            waiting.extend(open(place, &rows[at.start..middle], &mut grown, &mut scratch));
            split.no = grown.nodes.len();
            let place = Place { start: middle, end: at.end, depth, seed: no_seed };
            waiting.extend(open(place, &rows[middle..at.end], &mut grown, &mut scratch));
            grown.nodes[node].split = Some(split);
            made += 1;
        }
        grown
    }
}

/// Where a node of a best-first tree stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    depth: usize,
    seed: u64,
}

/// A leaf that could be split.
#[derive(Debug)]
struct Waiting {
    gain: f64,
    node: usize,
    at: Place,
    candidate: Candidate,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.gain.total_cmp(&other.gain).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

impl Grown {
    /// Makes the roots of `yes` and `no` the children of node `at`.
    fn attach(&mut self, at: usize, mut split: Split, yes: Self, no: Self) {
        split.yes = self.nodes.len();
        self.append(yes);
        split.no = self.nodes.len();
        self.append(no);
        self.nodes[at].split = Some(split);
    }

    fn append(&mut self, mut other: Self) {
        let offset = self.nodes.len();
        for split in other.nodes.iter_mut().filter_map(|node| node.split.as_mut()) {
            split.yes += offset;
            split.no += offset;
        }
        self.nodes.append(&mut other.nodes);
        self.values.append(&mut other.values);
    }
}

/// Moves the rows for yes to the front; both sides keep their order. Says how
/// many those are, and whether any value is missing.
fn partition(
    table: &Table,
    rows: &mut [u32],
    candidate: &Candidate,
    scratch: &mut Scratch,
) -> (usize, bool) {
    let codes = table.column(candidate.feature);
    let no = &mut scratch.rows;
    no.clear();
    let mut yes = 0;
    let mut missing = false;
    for at in 0..rows.len() {
        let row = rows[at];
        let code = codes[row as usize];
        missing |= code == crate::MISSING;
        if candidate.goes_yes(code) {
            rows[yes] = row;
            yes += 1;
        } else {
            no.push(row);
        }
    }
    rows[yes..].copy_from_slice(no);
    (yes, missing)
}

/// The middle of two numbers, such that the lower is at most it and the upper
/// is not.
fn midway(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if middle >= low && middle < high { middle } else { low }
}
