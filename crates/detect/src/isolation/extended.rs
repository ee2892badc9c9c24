//! Isolation by random oblique cuts.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::forest::{Forest, PathTree};
use super::path::{expected_path, levels};
use super::tree::split;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`ExtendedIsolationForest`].
    pub struct ExtendedIsolationForestSettings {
        /// Trees to grow; more give steadier scores.
        trees: usize = 100, "in 1..=10000", |trees| (1..=10_000).contains(trees);
        /// Rows that each tree is grown on; all rows where the history is shorter.
        sample: usize = 256, "in 2..=65536", |sample| (2..=65_536).contains(sample);
        /// Channels that join the first in each cut: 0 cuts along one channel,
        /// as the plain forest does; automatic takes all.
        extension: Option<usize> = None, "below the number of channels", |_| true;
        /// Start of the random numbers; the same seed grows the same forest.
        seed: u64 = 0, "a whole number", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "extended-isolation-forest",
    title: "Extended isolation forest",
    summary: "How few random oblique cuts it takes to set a row apart from the rest.",
    sees: "rows in sparse regions, also those that are odd only in how channels go together",
    blind: "the order of rows in time; dense groups of anomalies; one odd channel among many",
    unit: "isolation score in (0, 1)",
    cost: "O(trees x sample x d log sample) to fit, O(n x trees x d log sample) to score",
    source: "S. Hariri, M. Carrasco Kind, R. J. Brunner, \"Extended isolation forest\", IEEE Transactions on Knowledge and Data Engineering 33(4), 2021",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: ExtendedIsolationForestSettings::PARAMETERS,
    default_of: ExtendedIsolationForestSettings::default_of,
    batch: Some(|map| {
        let settings = ExtendedIsolationForestSettings::from_map(map)?;
        Ok(Box::new(ExtendedIsolationForest::new(settings)?))
    }),
    pieces: None,
    labelled: None,
    online: None,
};

/// How few random oblique cuts it takes to set a row apart from the rest.
///
/// As [`IsolationForest`](super::IsolationForest), but each cut is a plane of
/// random slope through a random point of the box around the rows, so that
/// scores have no bias along the axes. The score is `2^(-E[h] / c(sample))`:
/// 0.5 is usual, near 1 strange. Costs a dot product per step.
///
/// Reference: S. Hariri, M. Carrasco Kind, R. J. Brunner, "Extended isolation
/// forest", IEEE Transactions on Knowledge and Data Engineering 33(4), 2021
/// (arXiv 1811.02141, 2018). A slope mixes channels, so we scale each by its
/// median and interquartile range first; the paper takes them as they are.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::isolation::{ExtendedIsolationForest, ExtendedIsolationForestSettings};
/// // Load and power go together, except in row 50.
/// let mut readings: Vec<f64> = (0..200).flat_map(|i| [f64::from(i % 20); 2]).collect();
/// readings[101] = 19.0 - readings[100];
/// readings[100] = 0.0;
/// let forest = ExtendedIsolationForest::new(ExtendedIsolationForestSettings::default())?;
/// let scores = forest.fit(&Frame::new(&readings, 2)?)?.scores;
/// assert!(scores.iter().enumerate().all(|(row, score)| row == 50 || *score < scores[50]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ExtendedIsolationForest {
    settings: ExtendedIsolationForestSettings,
}

impl ExtendedIsolationForest {
    /// An extended isolation forest with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: ExtendedIsolationForestSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for ExtendedIsolationForest {
    type Fitted = ExtendedIsolationForestModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<ExtendedIsolationForestModel>, FitError> {
        FitError::check_rows(2, history.rows())?;
        let ExtendedIsolationForestSettings { trees, sample, extension, seed } = self.settings;
        let width = history.channels();
        let extension = extension.unwrap_or(width - 1);
        if extension >= width {
            return Err(FitError::Setting {
                key: "extension",
                value: extension.to_string(),
                reason: format!("with {width} channels it is at most {}", width - 1),
            });
        }
        let forest = Forest::grow(history, trees, sample, seed, |rows, random| {
            ObliqueTree::grow(rows, width, extension, random)
        });
        let scores = forest.score(history.readings());
        Ok(Fit { model: ExtendedIsolationForestModel { forest }, scores })
    }
}

/// A fitted extended isolation forest.
#[derive(Debug, Clone)]
pub struct ExtendedIsolationForestModel {
    forest: Forest<ObliqueTree>,
}

impl Model for ExtendedIsolationForestModel {
    fn channels(&self) -> usize {
        self.forest.channels()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        self.forest.score_frame(rows)
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        self.forest.explain(rows, row)
    }
}

/// A full binary tree of planes, stored level by level from node 1.
#[derive(Debug, Clone)]
struct ObliqueTree {
    levels: u32,
    /// Slope of each plane, shape `(2^levels, width)`.
    slopes: Vec<f32>,
    /// A row goes right when slope times row is above this; shape `(2^levels,)`.
    offsets: Vec<f32>,
    /// Path length of each leaf, shape `(2^levels,)`.
    paths: Vec<f64>,
}

impl ObliqueTree {
    fn grow(rows: &[f32], width: usize, extension: usize, random: &mut Pcg64Mcg) -> Self {
        let count = rows.len() / width;
        let levels = levels(count);
        let size = 1 << levels;
        let mut tree = Self {
            levels,
            slopes: vec![0.0; size * width],
            // Below an early leaf every row goes left.
            offsets: vec![f32::INFINITY; size],
            paths: vec![0.0; size],
        };
        let mut order: Vec<u32> = (0..count as u32).collect();
        Grower { rows, width, extension, random, tree: &mut tree }.grow(1, 0, &mut order);
        tree
    }
}

impl PathTree for ObliqueTree {
    fn add_paths(&self, block: &[f32], width: usize, sums: &mut [f64]) {
        for (row, sum) in block.chunks_exact(width).zip(sums) {
            let mut at = 1;
            for _ in 0..self.levels {
                let slope = &self.slopes[at * width..(at + 1) * width];
                at = 2 * at + usize::from(dot(slope, row) > self.offsets[at]);
            }
            *sum += self.paths[at - self.paths.len()];
        }
    }
}

/// Scaled readings stay below 1e18, so this stays finite.
fn dot(slope: &[f32], row: &[f32]) -> f32 {
    slope.iter().zip(row).map(|(slope, reading)| slope * reading).sum()
}

struct Grower<'a> {
    rows: &'a [f32],
    width: usize,
    extension: usize,
    random: &'a mut Pcg64Mcg,
    tree: &'a mut ObliqueTree,
}

impl Grower<'_> {
    fn grow(&mut self, at: usize, depth: u32, order: &mut [u32]) {
        if order.len() <= 1 || depth == self.tree.levels || self.all_equal(order) {
            let leaf = (at << (self.tree.levels - depth)) - self.tree.paths.len();
            self.tree.paths[leaf] = f64::from(depth) + expected_path(order.len());
            return;
        }
        let (slope, offset) = self.plane(order);
        let (rows, width) = (self.rows, self.width);
        let middle = split(order, |row| {
            let from = row as usize * width;
            dot(&slope, &rows[from..from + width]) <= offset
        });
        self.tree.slopes[at * width..(at + 1) * width].copy_from_slice(&slope);
        self.tree.offsets[at] = offset;
        let (left, right) = order.split_at_mut(middle);
        self.grow(2 * at, depth + 1, left);
        self.grow(2 * at + 1, depth + 1, right);
    }

    fn row(&self, row: u32) -> &[f32] {
        &self.rows[row as usize * self.width..][..self.width]
    }

    fn all_equal(&self, order: &[u32]) -> bool {
        order[1..].iter().all(|row| self.row(*row) == self.row(order[0]))
    }

    /// A plane of random slope through a random point of the box around `order`.
    fn plane(&mut self, order: &[u32]) -> (Vec<f32>, f32) {
        let mut slope = vec![0.0; self.width];
        let joined = rand::seq::index::sample(self.random, self.width, self.extension + 1);
        joined.iter().for_each(|channel| slope[channel] = normal(self.random) as f32);
        let mut point = Vec::with_capacity(self.width);
        for channel in 0..self.width {
            let readings = order.iter().map(|row| self.row(*row)[channel]);
            let (low, high) = readings
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), reading| {
                    (low.min(reading), high.max(reading))
                });
            point.push(low + (high - low) * self.random.random::<f32>());
        }
        let offset = dot(&slope, &point);
        (slope, offset)
    }
}

/// A standard normal number, by Box and Muller.
fn normal(random: &mut Pcg64Mcg) -> f64 {
    // 1 - u is in (0, 1], so its logarithm is finite.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(extension: Option<usize>, readings: &[f64]) -> Result<Vec<f64>, FitError> {
        let settings = ExtendedIsolationForestSettings { extension, ..Default::default() };
        let forest = ExtendedIsolationForest::new(settings).expect("in range");
        Ok(forest.fit(&Frame::new(readings, 2).expect("finite"))?.scores)
    }

    #[test]
    fn an_extension_beyond_the_channels_is_refused_by_name() {
        let error = scores(Some(2), &[1.0; 20]).expect_err("too many");
        assert!(error.to_string().starts_with("`extension = 2`"), "{error}");
    }

    #[test]
    fn oblique_cuts_have_no_ghosts_where_straight_ones_do() {
        // Two clusters on a diagonal. Straight cuts also find the other two
        // corners usual; oblique ones much less so.
        let mut readings = Vec::new();
        for i in 0..400 {
            let wobble = |factor: f64| (f64::from(i) * factor).sin();
            let centre = if i % 2 == 0 { 0.0 } else { 10.0 };
            readings.extend([centre + wobble(1.7), centre + wobble(2.9)]);
        }
        readings.extend([0.0, 10.0]);
        let gap = |scores: Vec<f64>| scores[400] - scores[..400].iter().sum::<f64>() / 400.0;
        let straight = gap(scores(Some(0), &readings).expect("fits"));
        let oblique = gap(scores(Some(1), &readings).expect("fits"));
        assert!(oblique > straight && oblique > 0.1, "{oblique} {straight}");
    }
}
