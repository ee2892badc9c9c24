//! The best split of a node.

use rayon::prelude::*;

use super::objective::Objective;
use super::table::Column;
use super::{Context, Data, radix};
use crate::MISSING;

/// Below this many readings, sharing the features out costs more than it saves.
const WORTH_SHARING: usize = 50_000;

/// A worth counts as higher only beyond this share of the node's weight, so
/// that rounding does not decide between equals.
const SAME: f64 = 1e-12;

/// A way to split a node.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) feature: usize,
    pub(super) cut: Cut,
    /// Meaningless when nothing is missing here.
    pub(super) missing_goes_yes: bool,
    /// Worth of both sides less the worth of the node.
    pub(super) rise: f64,
}

/// Which codes go to yes.
#[derive(Debug, Clone)]
pub(super) enum Cut {
    /// Ranks up to the first; the second is the next that occurs.
    Between(u32, u32),
    /// These categories, and these to no; both ascend.
    Categories(Vec<u32>, Vec<u32>),
    /// All that are not missing.
    Present,
}

impl Candidate {
    /// Whether `code` goes to yes.
    pub(super) fn goes_yes(&self, code: u32) -> bool {
        if code == MISSING {
            return self.missing_goes_yes;
        }
        match &self.cut {
            Cut::Between(last, _) => code <= *last,
            Cut::Categories(yes, _) => yes.binary_search(&code).is_ok(),
            Cut::Present => true,
        }
    }
}

/// A node about to be split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open<'a> {
    pub(super) rows: &'a [u32],
    pub(super) sums: &'a [f64],
    /// Decides which features are looked at.
    pub(super) seed: u64,
}

/// Buffers that are used again for every node.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    keys: Vec<u64>,
    spare: Vec<u64>,
    pub(super) rows: Vec<u32>,
}

/// The best split among the features that chance allows, if there is any.
/// Ties go to the first feature, then to the lowest threshold.
pub(super) fn best<O: Objective>(
    context: &Context<'_, O>,
    data: Data<'_, O>,
    node: Open<'_>,
    scratch: &mut Scratch,
) -> Option<Candidate> {
    let features = context.columns.len();
    let wanted = context.limits.features_per_split;
    let look = |feature: usize, scratch: &mut Scratch| {
        best_of_feature(context, data, node, feature, scratch)
    };
    if wanted >= features {
        let all: Vec<Option<Candidate>> =
            if context.parallel && node.rows.len() * features >= WORTH_SHARING {
                let look = |feature| context.with_scratch(|scratch| look(feature, scratch));
                (0..features).into_par_iter().map(look).collect()
            } else {
                (0..features).map(|feature| look(feature, scratch)).collect()
            };
        return choose(context, data.objective, node, all.into_iter().flatten());
    }
    let mut found = Vec::new();
    for (drawn, feature) in Draw::new(features, node.seed).enumerate() {
        if drawn >= wanted && !found.is_empty() {
            break;
        }
        found.extend(look(feature, scratch));
    }
    found.sort_unstable_by_key(|candidate: &Candidate| candidate.feature);
    choose(context, data.objective, node, found.into_iter())
}

/// The first of the best, gain counting per cost.
fn choose<O: Objective>(
    context: &Context<'_, O>,
    objective: &O,
    node: Open<'_>,
    candidates: impl Iterator<Item = Candidate>,
) -> Option<Candidate> {
    let cost = |feature: usize| context.limits.costs.get(feature).copied().unwrap_or(1.0);
    let margin = SAME * objective.worth(node.sums).abs();
    let mut best: Option<(f64, Candidate)> = None;
    for candidate in candidates {
        let merit = candidate.rise / cost(candidate.feature);
        if best.as_ref().is_none_or(|(most, _)| merit > most + margin) {
            best = Some((merit, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn best_of_feature<O: Objective>(
    context: &Context<'_, O>,
    data: Data<'_, O>,
    node: Open<'_>,
    feature: usize,
    scratch: &mut Scratch,
) -> Option<Candidate> {
    let (codes, objective) = (data.table.column(feature), data.objective);
    let found = match &context.columns[feature] {
        Column::Category { categories } => {
            best_of_categories(context, objective, node, codes, *categories)
        }
        Column::Number { missing, .. } => {
            best_of_numbers(context, objective, node, codes, *missing, scratch)
        }
    };
    let (cut, missing_goes_yes, worth) = found?;
    let rise = worth - objective.worth(node.sums);
    Some(Candidate { feature, cut, missing_goes_yes, rise })
}

/// A cut, whether missing values go to yes, and the worth of both sides.
type Found = (Cut, bool, f64);

fn best_of_numbers<O: Objective>(
    context: &Context<'_, O>,
    objective: &O,
    node: Open<'_>,
    codes: &[u32],
    may_miss: bool,
    scratch: &mut Scratch,
) -> Option<Found> {
    let Scratch { keys, spare, .. } = scratch;
    keys.clear();
    let (mut least, mut most) = (u32::MAX, 0);
    let mut missing = vec![0.0; if may_miss { objective.width() } else { 0 }];
    if may_miss {
        for row in node.rows {
            let code = codes[*row as usize];
            let payload = objective.payload(*row);
            if code == MISSING {
                objective.add(payload, &mut missing);
                continue;
            }
            (least, most) = (least.min(code), most.max(code));
            keys.push(u64::from(code) << 32 | u64::from(payload));
        }
    } else {
        keys.extend(node.rows.iter().map(|row| {
            let code = codes[*row as usize];
            (least, most) = (least.min(code), most.max(code));
            u64::from(code) << 32 | u64::from(objective.payload(*row))
        }));
    }
    let missing_rows = node.rows.len() - keys.len();
    if keys.is_empty() || (least == most && missing_rows == 0) {
        return None;
    }
    if least < most {
        radix::sort_by_rank(keys, spare, least, most);
    }
    let between = |at: usize| Cut::Between((keys[at] >> 32) as u32, (keys[at + 1] >> 32) as u32);
    if missing_rows == 0 {
        let zero = vec![0.0; node.sums.len()];
        let (at, worth) = scan(context, objective, keys, [0, 0], [&zero, node.sums])?;
        return Some((between(at), false, worth));
    }
    let known: Vec<f64> = node.sums.iter().zip(&missing).map(|(all, gone)| all - gone).collect();
    // Missing values to no, then to yes, then on their own; the first of the best.
    let zero = vec![0.0; node.sums.len()];
    let margin = SAME * objective.worth(node.sums).abs();
    let no = scan(context, objective, keys, [0, missing_rows], [&zero, node.sums])
        .map(|(at, worth)| (between(at), false, worth));
    let yes = scan(context, objective, keys, [missing_rows, 0], [&missing, &known])
        .map(|(at, worth)| (between(at), true, worth));
    let apart = allowed(context, objective, [keys.len(), missing_rows], [&known, &missing])
        .then(|| (Cut::Present, false, objective.worth(&known) + objective.worth(&missing)));
    [no, yes, apart]
        .into_iter()
        .flatten()
        .reduce(|best, next| if next.2 > best.2 + margin { next } else { best })
}

/// Walks sorted `keys` from the right to the left of the cut, beside `fixed_rows`
/// that stay where they are; `sums` are those of both sides before the walk. The
/// last key of the left side, and the worth.
fn scan<O: Objective>(
    context: &Context<'_, O>,
    objective: &O,
    keys: &[u64],
    fixed_rows: [usize; 2],
    sums: [&[f64]; 2],
) -> Option<(usize, f64)> {
    let ([left_rows, right_rows], [left, right]) = (fixed_rows, sums);
    let least_rows = context.limits.min_samples_leaf;
    // Positions `first..end` leave enough rows on both sides.
    let first = least_rows.saturating_sub(left_rows).max(1) - 1;
    let end = (keys.len() + right_rows).checked_sub(least_rows)?.min(keys.len() - 1);
    if first >= end {
        return None;
    }
    let mut scan = objective.scan(left, right);
    for key in &keys[..first] {
        objective.shift(&mut scan, *key as u32);
    }
    let least_weight = context.least_weight;
    let margin = SAME * objective.worth(right).abs();
    let mut best: Option<(usize, f64)> = None;
    let mut bar = f64::NEG_INFINITY;
    for at in first..end {
        objective.shift(&mut scan, keys[at] as u32);
        if keys[at] >> 32 == keys[at + 1] >> 32 {
            continue;
        }
        if least_weight > 0.0 {
            let [left, right] = objective.weights(&scan);
            if left < least_weight || right < least_weight {
                continue;
            }
        }
        let worth = objective.worth_of_both(&scan);
        if worth > bar {
            best = Some((at, worth));
            bar = worth + margin;
        }
    }
    best
}

/// Whether both sides have rows and weight enough.
fn allowed<O: Objective>(
    context: &Context<'_, O>,
    objective: &O,
    rows: [usize; 2],
    sums: [&[f64]; 2],
) -> bool {
    let least_rows = context.limits.min_samples_leaf.max(1);
    rows.iter().all(|rows| *rows >= least_rows)
        && sums.iter().all(|sums| {
            let weight = objective.weight(sums);
            weight > 0.0 && weight >= context.least_weight
        })
}

fn best_of_categories<O: Objective>(
    context: &Context<'_, O>,
    objective: &O,
    node: Open<'_>,
    codes: &[u32],
    categories: usize,
) -> Option<Found> {
    let width = objective.width();
    // The last entry collects missing values.
    let mut sums = vec![0.0; (categories + 1) * width];
    let mut rows = vec![0_usize; categories + 1];
    for row in node.rows {
        let at = (codes[*row as usize] as usize).min(categories);
        rows[at] += 1;
        objective.add(objective.payload(*row), &mut sums[at * width..(at + 1) * width]);
    }
    let present: Vec<u32> =
        (0..categories as u32).filter(|code| rows[*code as usize] > 0).collect();
    let (missing_rows, missing) = (rows[categories], sums[categories * width..].to_vec());
    let margin = SAME * objective.worth(node.sums).abs();
    let mut best: Option<Found> = None;
    let mut offer = |worth: f64, missing_goes_yes: bool, cut: &dyn Fn() -> Cut| {
        if best.as_ref().is_none_or(|(_, _, most)| worth > most + margin) {
            best = Some((cut(), missing_goes_yes, worth));
        }
    };
    let add = |into: &mut [f64], from: &[f64]| {
        into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
    };
    for order in objective.orders(&sums, &present) {
        for missing_goes_yes in [false, true] {
            if missing_goes_yes && missing_rows == 0 {
                continue;
            }
            // Both sides are added up, rather than taken from the whole, so
            // that nothing is lost to rounding.
            let mut right = vec![vec![0.0; width]; order.len() + 1];
            if !missing_goes_yes {
                right[order.len()].copy_from_slice(&missing);
            }
            for (at, code) in order.iter().enumerate().rev() {
                right[at] = right[at + 1].clone();
                add(&mut right[at], &sums[*code as usize * width..(*code as usize + 1) * width]);
            }
            let mut left = if missing_goes_yes { missing.clone() } else { vec![0.0; width] };
            let mut left_rows = if missing_goes_yes { missing_rows } else { 0 };
            for (at, code) in order.iter().enumerate().take(order.len().saturating_sub(1)) {
                add(&mut left, &sums[*code as usize * width..(*code as usize + 1) * width]);
                left_rows += rows[*code as usize];
                let right = &right[at + 1];
                let both = [left_rows, node.rows.len() - left_rows];
                if allowed(context, objective, both, [&left, right]) {
                    offer(
                        objective.worth(&left) + objective.worth(right),
                        missing_goes_yes,
                        &|| {
                            let mut sides = [order[..=at].to_vec(), order[at + 1..].to_vec()];
                            sides.iter_mut().for_each(|side| side.sort_unstable());
                            let [yes, no] = sides;
                            Cut::Categories(yes, no)
                        },
                    );
                }
            }
        }
    }
    if missing_rows > 0 && !present.is_empty() {
        let mut known = vec![0.0; width];
        sums[..categories * width].chunks_exact(width).for_each(|own| add(&mut known, own));
        let both = [node.rows.len() - missing_rows, missing_rows];
        if allowed(context, objective, both, [&known, &missing]) {
            let worth = objective.worth(&known) + objective.worth(&missing);
            offer(worth, false, &|| Cut::Present);
        }
    }
    best
}

/// Features in random order, without repetition.
struct Draw {
    left: Vec<usize>,
    state: u64,
}

impl Draw {
    fn new(features: usize, seed: u64) -> Self {
        Self { left: (0..features).collect(), state: seed }
    }
}

impl Iterator for Draw {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.left.is_empty() {
            return None;
        }
        self.state = super::mix(self.state, 0x9e37);
        // The upper bits times the range, shifted down: even up to 2⁻³².
        let at = (((self.state >> 32) * self.left.len() as u64) >> 32) as usize;
        Some(self.left.swap_remove(at))
    }
}
