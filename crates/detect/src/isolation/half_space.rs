//! Mass in random half-spaces, window after window.

use auscult_core::{
    DetectError, Detector, Explanation, Frame, Sample, Score, SettingError, Settings, Snapshot,
    settings,
};
use serde::{Deserialize, Serialize};

use super::half_space_tree::{HalfSpaceTree, Range, WorkSpace};
use crate::attribution::{explain_by_substitution, typical_row};
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`HalfSpaceTrees`].
    pub struct HalfSpaceTreesSettings {
        /// Trees; more give steadier scores.
        trees: usize = 25, "in 1..=1000", |trees| (1..=1000).contains(trees);
        /// Most halvings from the whole space down to a leaf.
        depth: u32 = 15, "in 1..=30", |depth| (1..=30).contains(depth);
        /// Samples in a window: each is compared with the window before.
        window: usize = 250, "in 10..=100000", |window| (10..=100_000).contains(window);
        /// Share of a window below which a half-space is not halved further.
        size_limit: f64 = 0.1, "in (0, 1)", |share| *share > 0.0 && *share < 1.0;
        /// Start of the random numbers.
        seed: u64 = 0, "a whole number", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "half-space-trees",
    title: "Half-space trees",
    summary: "How empty the region of a sample was in the window before.",
    sees: "samples in regions that were empty lately, jointly over channels; adapts within two windows",
    blind: "slow drift, which it follows; the order of samples; detail far below the range of the first window",
    unit: "emptiness in 0..=1: 0.5 where samples are as dense as if spread evenly",
    cost: "O(trees x depth) time per sample, and window times that once a window; O(window x d) memory",
    source: "S. C. Tan, K. M. Ting, F. T. Liu, \"Fast anomaly detection for streaming data\", International Joint Conference on Artificial Intelligence, 2011",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: HalfSpaceTreesSettings::PARAMETERS,
    default_of: HalfSpaceTreesSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        Ok(Box::new(HalfSpaceTrees::new(HalfSpaceTreesSettings::from_map(map)?, channels)?))
    }),
};

/// How empty the region of a sample was in the window before.
///
/// Each tree halves the work space again and again along random channels. A
/// sample falls into a half-space of some depth `k` that held `r` samples of the
/// last full window; `2^k r / window` is how dense that region was, 1 if samples
/// were spread evenly. The score is `1 / (1 + mean density)`: 1 where there was
/// nothing, 0.5 at even density, near 0 in a crowd. It ranks as the paper's
/// score (and river's, which is 1 - something nearly 0) does.
///
/// The first window sets the range of each channel; the work space reaches
/// beyond it as in the paper. Readings outside count at the edge.
///
/// O(trees x depth) time per sample; the trees are filled anew at the end of
/// each window, which takes `window` times as long. Only half-spaces that hold
/// more than `size_limit` of the window are halved further, and those are few:
/// memory is O(window x channels + trees x depth / size_limit), rather than
/// 2^depth counters to a tree. The state is the two last windows; trees follow
/// from it.
///
/// Reference: S. C. Tan, K. M. Ting, F. T. Liu, "Fast anomaly detection for
/// streaming data", IJCAI 2011. The paper takes channels scaled to 0..1 before;
/// we take their range from the first window.
///
/// ```
/// use auscult_core::{Detector, Sample, Score, Timestamp};
/// use auscult_detect::isolation::{HalfSpaceTrees, HalfSpaceTreesSettings};
/// let mut trees = HalfSpaceTrees::new(HalfSpaceTreesSettings::default(), 1)?;
/// for second in 0..250 {
///     let watts = [300.0 + (second % 7) as f64];
///     trees.learn(Sample::new(Timestamp::from_seconds(second), &watts)?)?;
/// }
/// let score = trees.score(Sample::new(Timestamp::from_seconds(250), &[90.0])?)?;
/// assert!(matches!(score, Score::Ready(score) if score > 0.9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HalfSpaceTrees {
    settings: HalfSpaceTreesSettings,
    state: State,
    /// Made from the state; empty during warm-up.
    trees: Vec<HalfSpaceTree>,
    /// Median of the reference window.
    typical: Vec<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    channels: usize,
    /// Range of each channel in the first window; empty during warm-up.
    ranges: Vec<Range>,
    /// The last full window; empty during warm-up.
    reference: Vec<f64>,
    /// The window that is filling.
    latest: Vec<f64>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl HalfSpaceTrees {
    /// A fresh detector of `channels` channels.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range.
    pub fn new(settings: HalfSpaceTreesSettings, channels: usize) -> Result<Self, SettingError> {
        settings.check()?;
        let state =
            State { channels, ranges: Vec::new(), reference: Vec::new(), latest: Vec::new() };
        Ok(Self { settings, state, trees: Vec::new(), typical: Vec::new() })
    }

    fn rate(&self, row: &[f64]) -> f64 {
        let density: f64 = self.trees.iter().map(|tree| tree.density(row)).sum();
        1.0 / (1.0 + density / self.trees.len() as f64)
    }

    /// Makes trees and medians of the reference window.
    fn fill(&mut self) {
        let State { channels, ranges, reference, .. } = &self.state;
        let frame = Frame::new(reference, *channels).expect("samples are whole and finite");
        self.typical = typical_row(&frame);
        let limit = self.settings.size_limit * self.settings.window as f64;
        let tree = |tree: usize| {
            let space = WorkSpace::new(ranges, self.settings.seed, tree as u64);
            HalfSpaceTree::fill(space, self.settings.depth, limit as usize, &frame)
        };
        self.trees = (0..self.settings.trees).map(tree).collect();
    }
}

impl Detector for HalfSpaceTrees {
    fn channels(&self) -> usize {
        self.state.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        if self.trees.is_empty() {
            let seen = self.state.latest.len() / self.state.channels;
            return Ok(Score::Warming(self.settings.window - seen));
        }
        let row: Vec<f64> = sample.readings().collect();
        Ok(Score::Ready(self.rate(&row)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        self.state.latest.extend(sample.readings());
        if self.state.latest.len() < self.settings.window * self.state.channels {
            return Ok(());
        }
        self.state.reference = std::mem::take(&mut self.state.latest);
        if self.state.ranges.is_empty() {
            self.state.ranges = Range::of_channels(&self.state.reference, self.state.channels);
        }
        self.fill();
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), sample.channels())?;
        if self.trees.is_empty() {
            return Ok(None);
        }
        let row: Vec<f64> = sample.readings().collect();
        Ok(Some(explain_by_substitution(&row, &self.typical, |row| self.rate(row))))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let channels = self.channels();
        if state.channels != channels {
            return Err(snapshot.refused(METHOD.name, "it has another number of channels"));
        }
        let window = self.settings.window * channels;
        let warming = state.ranges.is_empty() && state.reference.is_empty();
        let running = state.ranges.len() == channels && state.reference.len() == window;
        let whole = state.latest.len() < window && state.latest.len().is_multiple_of(channels);
        let numbers = state.reference.iter().chain(&state.latest);
        let held = numbers.into_iter().all(|x| x.abs() <= auscult_core::LARGEST_READING)
            && state.ranges.iter().all(Range::is_sound);
        if !(warming || running) || !whole || !held {
            let reason = "it was made with another `window`, or is damaged";
            return Err(snapshot.refused(METHOD.name, reason));
        }
        self.state = state;
        self.trees.clear();
        if running {
            self.fill();
        }
        Ok(())
    }
}
