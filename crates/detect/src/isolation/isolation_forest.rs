//! Isolation by random cuts along the channels.

use auscult_core::{
    DetectError, Estimator, Explanation, Fit, FitError, Frame, Model, SettingError, Settings,
    settings,
};
use rand_pcg::Pcg64Mcg;
use serde::Deserialize;

use super::IsolationForestDetector;
use super::forest::{Forest, PathTree};
use super::tree::{ImportedNode, IsolationTree};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`IsolationForest`] and [`IsolationForestDetector`].
    pub struct IsolationForestSettings {
        /// Trees to grow; more give steadier scores.
        trees: usize = 100, "in 1..=10000", |trees| (1..=10_000).contains(trees);
        /// Rows that each tree is grown on; all rows where the history is shorter.
        sample: usize = 256, "in 2..=65536", |sample| (2..=65_536).contains(sample);
        /// Share of the channels that each tree may cut, rounded to at least one.
        max_features: f64 = 1.0, "in (0, 1]", |share| *share > 0.0 && *share <= 1.0;
        /// Of a stream: the last so many samples are what trees are grown from,
        /// each tree once in as many samples.
        window: usize = 2048, "in 16..=1000000", |window| (16..=1_000_000).contains(window);
        /// Start of the random numbers; the same seed grows the same forest.
        seed: u64 = 0, "a whole number", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "isolation-forest",
    title: "Isolation forest",
    summary: "How few random cuts it takes to set a row apart from the rest.",
    sees: "rows in sparse regions, jointly over channels of any units and shapes, without tuning",
    blind: "the order of rows in time; dense groups of anomalies; oddities that show only in combinations along the diagonal; one odd channel among many",
    unit: "isolation score in (0, 1)",
    cost: "O(trees x sample x log sample) to fit, O(n x trees x log sample) to score; online a tree every window / trees samples, O(window x d) memory",
    source: "F. T. Liu, K. M. Ting, Z.-H. Zhou, \"Isolation forest\", IEEE International Conference on Data Mining, 2008; of a stream after Z. Ding, M. Fei, IFAC Proceedings Volumes 46(20), 2013",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: IsolationForestSettings::PARAMETERS,
    default_of: IsolationForestSettings::default_of,
    batch: Some(|map| Ok(Box::new(IsolationForest::new(IsolationForestSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        let settings = IsolationForestSettings::from_map(map)?;
        Ok(Box::new(IsolationForestDetector::new(settings, channels)?))
    }),
};

impl IsolationForestSettings {
    /// Which of `width` channels a tree may cut.
    pub(super) fn channels_of_a_tree(&self, width: usize, random: &mut Pcg64Mcg) -> Vec<u32> {
        let allowed = ((width as f64 * self.max_features) as usize).max(1);
        let chosen = rand::seq::index::sample(random, width, allowed);
        chosen.iter().map(|channel| channel as u32).collect()
    }
}

/// How few random cuts it takes to set a row apart from the rest.
///
/// The score is `2^(-E[h] / c(sample))`, where `E[h]` is the mean number of
/// cuts until the row is alone and `c` what is usual for that many rows: 0.5 is
/// usual, near 1 strange. It equals the negative `score_samples` of
/// scikit-learn for the same trees. Misses rows that are odd only in the order
/// of time, and groups of anomalies as large as the sample sees them.
///
/// How high a strange row scores depends on the number of channels and the
/// shape of the data, so no fixed threshold keeps the number of false alarms
/// down; by default the strangest hundredth of the history is shown. (The
/// paper draws 0.6 as an example; scikit-learn cuts at 0.5, which takes a
/// good part of clean data.)
///
/// Fits in O(trees x sample x log sample), scores in O(rows x trees x log
/// sample) on all cores; memory O(trees x sample).
///
/// Reference: F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation forest", IEEE
/// International Conference on Data Mining, 2008. We scale each channel by
/// median and interquartile range before comparing in `f32`; this does not
/// change which cuts are possible, only how finely readings are told apart.
///
/// ```
/// use auscult_core::{Estimator, Frame};
/// use auscult_detect::isolation::{IsolationForest, IsolationForestSettings};
/// let mut readings: Vec<f64> = (0..200).map(|i| f64::from(i % 14)).collect();
/// readings[33] = 90.0;
/// let forest = IsolationForest::new(IsolationForestSettings::default())?;
/// let scores = forest.fit(&Frame::new(&readings, 2)?)?.scores;
/// assert!(scores.iter().enumerate().all(|(row, score)| row == 16 || *score < scores[16]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct IsolationForest {
    settings: IsolationForestSettings,
}

impl IsolationForest {
    /// An isolation forest with `settings`.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: IsolationForestSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for IsolationForest {
    type Fitted = IsolationForestModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<IsolationForestModel>, FitError> {
        FitError::check_rows(2, history.rows())?;
        let IsolationForestSettings { trees, sample, seed, .. } = self.settings;
        let width = history.channels();
        let forest = Forest::grow(history, trees, sample, seed, |rows, random| {
            let mut channels = self.settings.channels_of_a_tree(width, random);
            IsolationTree::grow(rows, width, &mut channels, random)
        });
        let scores = forest.score(history.readings());
        Ok(Fit { model: IsolationForestModel { forest }, scores })
    }
}

/// A fitted isolation forest.
#[derive(Debug, Clone)]
pub struct IsolationForestModel {
    forest: Forest<IsolationTree>,
}

impl IsolationForestModel {
    /// A model of trees that another program grew, each on `sample` rows of
    /// `channels` channels.
    ///
    /// Scores as that program would, as long as it compares in single
    /// precision as scikit-learn does. Explanations know no typical row and
    /// take 0 for it.
    ///
    /// # Errors
    ///
    /// [`FitError::History`] when there are no trees, or lists that are no tree.
    pub fn import(
        trees: &[ExportedTree],
        channels: usize,
        sample: usize,
    ) -> Result<Self, FitError> {
        if trees.is_empty() || channels == 0 || sample < 2 {
            let reason = "need at least one tree, one channel and a sample of two rows";
            return Err(FitError::History(reason.to_owned()));
        }
        let import = |(number, tree): (usize, &ExportedTree)| {
            tree.import(channels)
                .map_err(|reason| FitError::History(format!("cannot take tree {number}: {reason}")))
        };
        let trees = trees.iter().enumerate().map(import).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { forest: Forest::of(trees, channels, sample) })
    }
}

impl Model for IsolationForestModel {
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

impl PathTree for IsolationTree {
    fn add_paths(&self, block: &[f32], width: usize, sums: &mut [f64]) {
        Self::add_paths(self, block, width, sums);
    }
}

/// A tree as scikit-learn stores it: one entry per node, node 0 the root.
///
/// The fields are `tree_.children_left`, `tree_.children_right`,
/// `tree_.feature`, `tree_.threshold` and `tree_.n_node_samples`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedTree {
    /// Node to go to when the reading is at most the threshold; below 0 in a leaf.
    pub left: Vec<i64>,
    /// Node to go to otherwise; below 0 in a leaf.
    pub right: Vec<i64>,
    /// Channel that is compared; any number in a leaf.
    pub channel: Vec<i64>,
    /// What it is compared with; any number in a leaf.
    pub threshold: Vec<f64>,
    /// Rows of the sample in the node.
    pub rows: Vec<usize>,
}

impl ExportedTree {
    fn import(&self, channels: usize) -> Result<IsolationTree, String> {
        let nodes = self.left.len();
        let lengths = [self.right.len(), self.channel.len(), self.threshold.len(), self.rows.len()];
        if lengths != [nodes; 4] {
            return Err("its lists differ in length".to_owned());
        }
        let nodes = (0..nodes).map(|at| self.node(at, channels));
        IsolationTree::import(&nodes.collect::<Result<Vec<_>, _>>()?)
    }

    fn node(&self, at: usize, channels: usize) -> Result<ImportedNode, String> {
        let (Ok(left), Ok(right)) =
            (usize::try_from(self.left[at]), usize::try_from(self.right[at]))
        else {
            return Ok(ImportedNode::Leaf { rows: self.rows[at] });
        };
        match u32::try_from(self.channel[at]) {
            Ok(channel) if (channel as usize) < channels => {
                Ok(ImportedNode::Cut { channel, threshold: self.threshold[at], left, right })
            }
            _ => Err(format!("node {at} compares channel {} of {channels}", self.channel[at])),
        }
    }
}
