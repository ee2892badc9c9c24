//! What the rows of each leaf answered to every feature, so that an answer
//! counts also where the tree does not ask it.

use auscult_trees::{Answer, Features, Question, Row, Smoothing, Tree};
use serde::{Deserialize, Serialize};

use super::{FeatureInfo, KnownValues, SMOOTHING_ROWS};

/// Ranges of even rank that the numbers of a feature are cut into at most, the
/// thresholds of the tree aside.
const RANGES: usize = 8;
/// Thresholds of the tree that cut the numbers of a feature at most.
const MOST_THRESHOLDS: usize = 31;
/// Counts that are kept at most; a tree that needs more goes without.
const MOST_COUNTS: usize = 2_000_000;
/// Answers that are weighed at most; the next would weigh less than a millionth.
const MOST_WEIGHED: usize = 20;
/// Rows with which the share of an answer among the rows of one cause in a leaf
/// is drawn towards its share in the whole leaf. Pruning has found nothing in a
/// leaf that surely tells its causes apart, so it takes many rows to do so here.
/// Of 1, 5, 30 and infinitely many, 30 did best by log loss on rows held out of
/// the AI4I log and of the anomaly columns of the OpenStack log.
const CAUSE_PULL: f64 = 30.0;
/// Rows with which the share of an answer in a leaf is drawn towards its share
/// in the log.
const LEAF_PULL: f64 = 1.0;

/// Counts of the rows of the log, as they are written down.
///
/// The cells of a feature of numbers end at `bounds`, both thresholds of the
/// tree and steps of rank, and one more holds all that is larger; each word is
/// a cell; missing values are the last cell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// For each feature, the upper ends of its cells but the last, ascending;
    /// none for words.
    bounds: Vec<Vec<f64>>,
    /// For each leaf, in the order of the nodes: feature, cause, cell, rows;
    /// ascending.
    leaves: Vec<Vec<[u32; 4]>>,
}

/// [`Counts`] beside the tree that they belong to.
///
/// Beliefs come from Bayes' rule over the leaves that agree with the answers.
/// A leaf `l` with a cause `c` weighs `w(l) · P(c | l) · Π P(a | l, c)`, where
/// `w(l)` is its training weight, `P(c | l)` its smoothed share, and the
/// product goes over the answers: their share among the rows of the leaf, or of
/// its rows with that cause where no question on the way to the leaf is about
/// them. Shares of few rows are drawn towards those of the leaf and of the log.
///
/// Readings repeat one another, which the product ignores, so the answers are
/// weighed down: the one that tells most counts in full, each next one half of
/// the one before. A single answer is thus exactly Bayes' rule, and any number
/// of them counts at most as two of the strongest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Companions {
    counts: Counts,
    leaves: Vec<Leaf>,
    causes: usize,
    /// Share of each cell in the log, for each feature.
    shares: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Leaf {
    /// The nodes on the way here, and whether the way goes on with yes.
    path: Vec<(usize, bool)>,
    /// Logarithm of the weight of each cause.
    weights: Vec<f64>,
    /// Whether any row had the cause.
    present: Vec<bool>,
    /// Rows of each cause.
    rows: Vec<f64>,
    /// Where the counts of each feature begin, and where they end.
    starts: Vec<u32>,
}

/// What one answer says: for each leaf and cause, the logarithm of its
/// likelihood; 0 in leaves that do not agree with the answers.
#[derive(Debug, Clone)]
pub(crate) struct Testimony {
    logs: Vec<f64>,
}

impl Counts {
    /// Counts the rows of the log; `None` when that takes too much room.
    pub(crate) fn of(
        tree: &Tree,
        rows: &Features<'_>,
        labels: &[u32],
        features: &[FeatureInfo],
    ) -> Option<Self> {
        let bounds: Vec<Vec<f64>> =
            features.iter().enumerate().map(|(at, info)| bounds(tree, at, info)).collect();
        let mut order = vec![usize::MAX; tree.nodes().len()];
        let leaves = (0..order.len()).filter(|&node| tree.nodes()[node].split.is_none());
        let leaves = leaves.enumerate().map(|(at, node)| order[node] = at).count();
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); leaves];
        for (row, leaf) in tree.apply(rows).ok()?.into_iter().enumerate() {
            members[order[leaf as usize]].push(row);
        }
        let mut kept = 0;
        let mut counts = Self { bounds, leaves: Vec::with_capacity(leaves) };
        for members in members {
            let mut keys: Vec<[u32; 3]> = Vec::with_capacity(members.len() * features.len());
            for row in members {
                let answers = rows.row(row);
                for (feature, info) in features.iter().enumerate() {
                    let cell = counts.cell(feature, info, answers.answer(feature))?;
                    keys.push([feature as u32, labels[row], cell as u32]);
                }
            }
            keys.sort_unstable();
            let same = keys.chunk_by(|a, b| a == b);
            let leaf: Vec<[u32; 4]> =
                same.map(|keys| [keys[0][0], keys[0][1], keys[0][2], keys.len() as u32]).collect();
            kept += leaf.len();
            if kept > MOST_COUNTS {
                return None;
            }
            counts.leaves.push(leaf);
        }
        Some(counts)
    }

    /// The cell of `answer`; `None` when it is unknown or of the wrong kind.
    fn cell(&self, feature: usize, info: &FeatureInfo, answer: Answer) -> Option<usize> {
        let bounds = &self.bounds[feature];
        match (answer, &info.values) {
            (Answer::Missing, _) => Some(self.cells(feature, info) - 1),
            (Answer::Number(number), KnownValues::Numbers { .. }) if number.is_nan() => {
                Some(self.cells(feature, info) - 1)
            }
            (Answer::Number(number), KnownValues::Numbers { .. }) => {
                Some(bounds.partition_point(|bound| *bound < number))
            }
            (Answer::Category(auscult_trees::MISSING), KnownValues::Words { .. }) => {
                Some(self.cells(feature, info) - 1)
            }
            (Answer::Category(code), KnownValues::Words { categories, .. }) => {
                Some(code as usize).filter(|&code| code < categories.len())
            }
            _ => None,
        }
    }

    /// Cells of a feature, the one of missing values included.
    fn cells(&self, feature: usize, info: &FeatureInfo) -> usize {
        match &info.values {
            KnownValues::Numbers { .. } => self.bounds[feature].len() + 2,
            KnownValues::Words { categories, .. } => categories.len() + 1,
        }
    }
}

/// Where the cells of `feature` end.
fn bounds(tree: &Tree, feature: usize, info: &FeatureInfo) -> Vec<f64> {
    let KnownValues::Numbers { quantiles } = &info.values else { return Vec::new() };
    let threshold = |node: &auscult_trees::Node| match &node.split {
        Some(split) if split.feature == feature => match split.question {
            Question::AtMost { threshold } => Some(threshold),
            _ => None,
        },
        _ => None,
    };
    let mut bounds: Vec<f64> = tree.nodes().iter().filter_map(threshold).collect();
    ascend(&mut bounds);
    if bounds.len() > MOST_THRESHOLDS {
        let last = bounds.len() - 1;
        bounds = (0..MOST_THRESHOLDS).map(|at| bounds[at * last / (MOST_THRESHOLDS - 1)]).collect();
    }
    let last = quantiles.len() - 1;
    let largest = quantiles[last];
    let steps = (1..RANGES).map(|step| quantiles[step * last / RANGES]);
    bounds.extend(steps.filter(|step| *step < largest));
    ascend(&mut bounds);
    bounds
}

fn ascend(numbers: &mut Vec<f64>) {
    numbers.sort_by(f64::total_cmp);
    numbers.dedup_by(|a, b| a == b);
}

impl Companions {
    /// Checks `counts` completely against the tree and the features.
    pub(crate) fn new(
        counts: Counts,
        tree: &Tree,
        features: &[FeatureInfo],
        causes: usize,
    ) -> Result<Self, String> {
        if counts.bounds.len() != features.len() || counts.leaves.len() != tree.leaves() {
            return Err("they are of other features or leaves than the tree".to_owned());
        }
        for (bounds, info) in counts.bounds.iter().zip(features) {
            let is_number = matches!(info.values, KnownValues::Numbers { .. });
            let ascends = bounds.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascends || bounds.iter().any(|bound| !bound.is_finite()) {
                return Err(format!("the bounds of `{}` must be finite and ascend", info.name));
            }
            if bounds.len() > MOST_THRESHOLDS + RANGES || !(is_number || bounds.is_empty()) {
                return Err(format!("`{}` has {} bounds", info.name, bounds.len()));
            }
        }
        let cells: Vec<usize> =
            features.iter().enumerate().map(|(at, info)| counts.cells(at, info)).collect();
        let mut totals: Vec<Vec<f64>> = cells.iter().map(|&cells| vec![0.0; cells]).collect();
        let mut leaves = Vec::with_capacity(counts.leaves.len());
        for (rows, (node, path)) in counts.leaves.iter().zip(paths(tree)) {
            let mut leaf = Leaf::new(tree, node, path, causes);
            let mut last = None;
            for (at, &[feature, cause, cell, count]) in rows.iter().enumerate() {
                let key = [feature, cause, cell];
                let [feature, cause, cell] = key.map(|part| part as usize);
                let is_known = feature < cells.len() && cause < causes && cell < cells[feature];
                if !is_known || count == 0 || last.is_some_and(|last| last >= key) {
                    return Err(format!("count {at} of node {node} is out of range or order"));
                }
                last = Some(key);
                totals[feature][cell] += f64::from(count);
                if feature == 0 {
                    leaf.rows[cause] += f64::from(count);
                }
            }
            let starts = (0..=features.len())
                .map(|feature| rows.partition_point(|count| (count[0] as usize) < feature) as u32);
            leaf.starts = starts.collect();
            leaves.push(leaf);
        }
        let share = |totals: Vec<f64>| {
            let all = totals.iter().sum::<f64>() + 0.5 * totals.len() as f64;
            totals.into_iter().map(|total| (total + 0.5) / all).collect()
        };
        let shares = totals.into_iter().map(share).collect();
        Ok(Self { counts, leaves, causes, shares })
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Where the cells of a feature of numbers end.
    pub(crate) fn bounds(&self, feature: usize) -> &[f64] {
        &self.counts.bounds[feature]
    }

    /// The leaves that agree with `answers`; at least one.
    pub(crate) fn agreeing(&self, tree: &Tree, answers: &[Answer]) -> Vec<usize> {
        let agrees = |leaf: &usize| {
            self.leaves[*leaf].path.iter().all(|&(node, yes)| {
                let split = tree.nodes()[node].split.as_ref();
                split
                    .is_none_or(|split| split.goes_yes(answers.answer(split.feature)) != Some(!yes))
            })
        };
        (0..self.leaves.len()).filter(agrees).collect()
    }

    /// What `answer` to `feature` says in the leaves `alive`; `None` when it is
    /// unknown.
    pub(crate) fn testimony(
        &self,
        tree: &Tree,
        info: &FeatureInfo,
        feature: usize,
        answer: Answer,
        alive: &[usize],
    ) -> Option<Testimony> {
        let cell = self.counts.cell(feature, info, answer)?;
        let in_log = self.shares[feature][cell];
        let mut logs = vec![0.0; self.leaves.len() * self.causes];
        let mut rows = vec![0.0; self.causes];
        for &at in alive {
            let (leaf, counts) = (&self.leaves[at], &self.counts.leaves[at]);
            rows.fill(0.0);
            let own = leaf.starts[feature] as usize..leaf.starts[feature + 1] as usize;
            for &[_, cause, _, count] in counts[own].iter().filter(|c| c[2] as usize == cell) {
                rows[cause as usize] = f64::from(count);
            }
            let all: f64 = leaf.rows.iter().sum();
            let in_leaf = (rows.iter().sum::<f64>() + LEAF_PULL * in_log) / (all + LEAF_PULL);
            let is_asked = leaf.asks(tree, feature);
            for cause in 0..self.causes {
                let share = if is_asked {
                    in_leaf
                } else {
                    (rows[cause] + CAUSE_PULL * in_leaf) / (leaf.rows[cause] + CAUSE_PULL)
                };
                logs[at * self.causes + cause] = share.ln();
            }
        }
        Some(Testimony { logs })
    }

    /// The probability of each cause in each of the leaves `alive` given what
    /// was testified, in any order; shape `(leaves, causes)`, 0 elsewhere.
    pub(crate) fn posterior(&self, said: &[&Testimony], alive: &[usize]) -> Vec<f64> {
        let strength = |testimony: &Testimony| self.strength(testimony, alive);
        let mut told: Vec<(f64, &Testimony)> =
            said.iter().map(|testimony| (strength(testimony), *testimony)).collect();
        told.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut weights = vec![f64::NEG_INFINITY; self.leaves.len() * self.causes];
        let mut most = f64::NEG_INFINITY;
        for &leaf in alive {
            for cause in 0..self.causes {
                let at = leaf * self.causes + cause;
                let mut part = 1.0;
                weights[at] = self.leaves[leaf].weights[cause];
                for (_, testimony) in told.iter().take(MOST_WEIGHED) {
                    weights[at] += part * testimony.logs[at];
                    part /= 2.0;
                }
                most = most.max(weights[at]);
            }
        }
        weights.iter_mut().for_each(|weight| *weight = (*weight - most).exp());
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        weights
    }

    /// The probability of each cause given what was testified in the leaves `alive`.
    pub(crate) fn beliefs(&self, said: &[&Testimony], alive: &[usize]) -> Vec<f64> {
        let mut beliefs = vec![0.0; self.causes];
        for (at, weight) in self.posterior(said, alive).into_iter().enumerate() {
            beliefs[at % self.causes] += weight;
        }
        beliefs
    }

    /// How likely an answer is that testifies `testimony` and is agreed to by
    /// the leaves `alive` only.
    pub(crate) fn chance(&self, testimony: &Testimony, posterior: &[f64], alive: &[usize]) -> f64 {
        let of_leaf = |leaf: &usize| {
            let own = leaf * self.causes..(leaf + 1) * self.causes;
            own.map(|at| posterior[at] * testimony.logs[at].exp()).sum::<f64>()
        };
        alive.iter().map(of_leaf).sum()
    }

    /// The features that tell most in the leaves `alive`.
    pub(crate) fn strongest(&self, said: &[(usize, Testimony)], alive: &[usize]) -> Vec<usize> {
        const MOST: usize = 8;
        let strength =
            |(feature, said): &(usize, Testimony)| (self.strength(said, alive), *feature);
        let mut told: Vec<(f64, usize)> = said.iter().map(strength).collect();
        told.sort_by(|a, b| b.0.total_cmp(&a.0));
        told.into_iter().take(MOST).map(|(_, feature)| feature).collect()
    }

    /// How far apart the leaves and causes are that `testimony` tells apart.
    fn strength(&self, testimony: &Testimony, alive: &[usize]) -> f64 {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for &leaf in alive {
            for cause in (0..self.causes).filter(|&cause| self.leaves[leaf].present[cause]) {
                let log = testimony.logs[leaf * self.causes + cause];
                (least, most) = (least.min(log), most.max(log));
            }
        }
        (most - least).max(0.0)
    }
}

impl Leaf {
    fn new(tree: &Tree, node: usize, path: Vec<(usize, bool)>, causes: usize) -> Self {
        let shares = tree.node_prediction(node, Smoothing::MEstimate(SMOOTHING_ROWS));
        let weight = tree.nodes()[node].weight.ln();
        Self {
            path,
            weights: shares.iter().map(|share| weight + share.ln()).collect(),
            present: tree.value(node).iter().map(|weight| *weight > 0.0).collect(),
            rows: vec![0.0; causes],
            starts: Vec::new(),
        }
    }

    /// Whether a question on the way here is about `feature`.
    fn asks(&self, tree: &Tree, feature: usize) -> bool {
        let mut splits =
            self.path.iter().filter_map(|&(node, _)| tree.nodes()[node].split.as_ref());
        splits.any(|split| split.feature == feature)
    }
}

/// The leaves in the order of the nodes, each with the way to it.
fn paths(tree: &Tree) -> Vec<(usize, Vec<(usize, bool)>)> {
    let nodes = tree.nodes();
    let mut ways: Vec<Vec<(usize, bool)>> = vec![Vec::new(); nodes.len()];
    let mut leaves = Vec::new();
    for at in 0..nodes.len() {
        let way = std::mem::take(&mut ways[at]);
        let Some(split) = &nodes[at].split else {
            leaves.push((at, way));
            continue;
        };
        for (child, yes) in [(split.yes, true), (split.no, false)] {
            ways[child] = way.clone();
            ways[child].push((at, yes));
        }
    }
    leaves
}
