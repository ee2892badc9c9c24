//! The probability of an anomaly, learnt from rows that people have labelled.

use auscult_core::{
    DetectError, Explanation, Fit, FitError, Frame, LabelledEstimator, Model, Settings, settings,
};
use auscult_stats::quantile::median;
use auscult_trees::{ClassWeight, ClassifierSettings, Features, Forest, ForestSettings, Smoothing};

use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`RandomForest`].
    pub struct RandomForestSettings {
        /// Number of trees.
        trees: usize = 100, "in 10..=10000", |trees| (10..=10_000).contains(trees);
        /// Rows that each leaf needs.
        min_samples_leaf: usize = 1, "at least 1", |rows| *rows >= 1;
        /// Most questions from the root to a leaf.
        max_depth: Option<usize> = None, "at least 1", |depth| depth.is_none_or(|depth| depth >= 1);
        /// Whether anomalies and normal rows weigh the same in sum, however rare
        /// anomalies are. Otherwise every row weighs the same.
        balanced: bool = true, "true or false", |_| true;
        /// Seed of the forest.
        seed: u64 = 0, "any", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "random-forest",
    title: "Random forest",
    summary: "Probability of an anomaly, learnt from labelled rows.",
    sees: "anomalies like those that were labelled, each row on its own",
    blind: "anomalies of a new kind; whatever shows only in the order of rows",
    unit: "probability of an anomaly",
    cost: "O(trees · √d · n log n) time, O(trees · n) memory",
    source: "L. Breiman, \"Random forests\", Machine Learning 45(1), 2001",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Score(0.5),
    parameters: RandomForestSettings::PARAMETERS,
    default_of: RandomForestSettings::default_of,
    batch: None,
    pieces: None,
    labelled: Some(|map| Ok(Box::new(RandomForest::new(RandomForestSettings::from_map(map)?)?))),
    online: None,
};

/// Probability of an anomaly, learnt from labelled rows by a random forest.
///
/// The score is the mean over trees of the share of anomalies in the row's leaf,
/// in 0 to 1. Labelled rows are scored by the trees that did not see them (out
/// of bag), rows without a label by all trees. Each row is judged on its own.
///
/// Knows only anomalies of the labelled kinds. Time O(trees · √d · n log n)
/// with `d` columns and `n` labelled rows.
///
/// Explains by the change in probability along each tree's path, credited to
/// the column asked about; see [`Forest::contributions`]. Expects the median of
/// the normal rows. There is no band, for the readings that would not alarm need
/// not be one range.
///
/// Reference: L. Breiman, "Random forests", Machine Learning 45(1), 2001.
///
/// ```
/// use auscult_core::{Frame, LabelledEstimator};
/// use auscult_detect::forest::{RandomForest, RandomForestSettings};
/// let celsius: Vec<f64> = (0..90).map(|row| if row % 9 == 4 { 95.0 } else { 60.0 + f64::from(row % 5) }).collect();
/// let labels: Vec<Option<bool>> = celsius.iter().map(|degrees| Some(*degrees > 90.0)).collect();
/// let frame = Frame::of_column(&celsius)?;
/// let fit = RandomForest::new(RandomForestSettings::default())?.fit_labelled(&frame, &labels)?;
/// assert!(fit.scores[4] > 0.5 && fit.scores[5] < 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RandomForest {
    settings: RandomForestSettings,
}

impl RandomForest {
    /// The method with `settings`.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: RandomForestSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

/// The class of an anomaly; that of a normal row is 0.
const ANOMALY: usize = 1;

impl LabelledEstimator for RandomForest {
    type Fitted = RandomForestModel;

    fn fit_labelled(
        &self,
        history: &Frame<'_>,
        labels: &[Option<bool>],
    ) -> Result<Fit<RandomForestModel>, FitError> {
        if labels.len() != history.rows() {
            let (labels, rows) = (labels.len(), history.rows());
            return Err(FitError::History(format!("got {labels} labels for {rows} rows")));
        }
        let known: Vec<(usize, bool)> = labels
            .iter()
            .enumerate()
            .filter_map(|(row, label)| label.map(|label| (row, label)))
            .collect();
        let anomalies = known.iter().filter(|(_, anomaly)| *anomaly).count();
        if anomalies < 2 || known.len() - anomalies < 2 {
            let normal = known.len() - anomalies;
            return Err(FitError::History(format!(
                "need at least 2 rows labelled as anomalies and 2 as normal, got {anomalies} and {normal}"
            )));
        }
        let of_known = columns(&known_rows(history, &known), history.channels());
        let classes: Vec<u32> = known.iter().map(|(_, anomaly)| u32::from(*anomaly)).collect();
        let class_weight =
            if self.settings.balanced { ClassWeight::Balanced } else { ClassWeight::None };
        let tree = ClassifierSettings {
            min_samples_leaf: self.settings.min_samples_leaf,
            max_depth: self.settings.max_depth,
            class_weight,
            seed: self.settings.seed,
            ..ClassifierSettings::for_forest()
        };
        let forest = ForestSettings { trees: self.settings.trees, ..Default::default() };
        let fit = Forest::fit_classes(&of_known, &classes, 2, None, &tree, &forest)
            .map_err(|error| FitError::History(error.to_string()))?;
        let model =
            RandomForestModel { forest: fit.forest, expected: normal_medians(history, &known) };
        let mut scores = model.rate(history);
        let out_of_bag = fit.out_of_bag.expect("rows are drawn, and predictions asked for");
        for (at, (row, _)) in known.iter().enumerate() {
            // Every tree has seen a row once in 10²⁰ at 100 trees; then nothing is known of it but
            // how frequent anomalies are.
            let frequency = anomalies as f64 / known.len() as f64;
            scores[*row] = out_of_bag.prediction(at).map_or(frequency, |shares| shares[ANOMALY]);
        }
        Ok(Fit { model, scores })
    }
}

fn known_rows(history: &Frame<'_>, known: &[(usize, bool)]) -> Vec<f64> {
    known.iter().flat_map(|(row, _)| history.row(*row)).copied().collect()
}

fn columns(readings: &[f64], channels: usize) -> Features<'static> {
    Features::from_rows(readings, channels).expect("frames hold whole rows of finite readings")
}

fn normal_medians(history: &Frame<'_>, known: &[(usize, bool)]) -> Vec<f64> {
    let of_channel = |channel: usize| {
        let normal = known.iter().filter(|(_, anomaly)| !anomaly);
        median(&mut normal.map(|(row, _)| history.row(*row)[channel]).collect::<Vec<f64>>())
    };
    (0..history.channels()).map(of_channel).collect()
}

/// A forest that tells anomalies from normal rows.
#[derive(Debug)]
pub struct RandomForestModel {
    forest: Forest,
    /// Median of each column over rows labelled as normal.
    expected: Vec<f64>,
}

impl RandomForestModel {
    /// The forest; class 1 are anomalies.
    #[must_use]
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    fn rate(&self, rows: &Frame<'_>) -> Vec<f64> {
        let features = columns(rows.readings(), rows.channels());
        let shares = self.forest.predict_probabilities(&features, Smoothing::None);
        let shares = shares.expect("the columns are those that the forest learnt from");
        shares.chunks_exact(2).map(|shares| shares[ANOMALY]).collect()
    }
}

impl Model for RandomForestModel {
    fn channels(&self) -> usize {
        self.expected.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.rate(rows))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let features = columns(rows.row(row), rows.channels());
        let why = self.forest.contributions(&features.row(0), ANOMALY);
        let why = why.expect("the forest knows two classes");
        let share = Explanation::shares(&why.features);
        Ok(Some(Explanation::new(self.expected.clone(), None, share)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows in which column 1 alone makes the anomaly, one label in two unknown.
    fn example() -> (Vec<f64>, Vec<Option<bool>>) {
        let mut readings = Vec::new();
        let mut labels = Vec::new();
        for row in 0..300_u32 {
            let anomaly = row % 11 == 3;
            let level = if anomaly { 80.0 } else { 20.0 };
            readings.extend([
                f64::from(row * 7919 % 101),
                level + f64::from(row * 31 % 17),
                f64::from(row * 104_729 % 97),
            ]);
            labels.push((row % 2 == 1).then_some(anomaly));
        }
        (readings, labels)
    }

    #[test]
    fn rows_without_a_label_are_found_and_explained() {
        let (readings, labels) = example();
        let frame = Frame::new(&readings, 3).expect("whole rows");
        let method = RandomForest::new(RandomForestSettings::default()).expect("in range");
        let fit = method.fit_labelled(&frame, &labels).expect("fits");
        for (row, score) in fit.scores.iter().enumerate() {
            assert_eq!(*score > 0.5, row % 11 == 3, "row {row} scores {score}");
        }
        let why = fit.model.explain(&frame, 14, 0.5).expect("its width").expect("a reason");
        assert!(why.share[1] > 0.9, "{why:?}");
        assert!((20.0..=37.0).contains(&why.expected[1]), "{why:?}");
    }

    #[test]
    fn labels_of_one_kind_are_refused() {
        let (readings, _) = example();
        let frame = Frame::new(&readings, 3).expect("whole rows");
        let method = RandomForest::new(RandomForestSettings::default()).expect("in range");
        let say = |labels: &[Option<bool>]| {
            method.fit_labelled(&frame, labels).expect_err("refused").to_string()
        };
        assert!(say(&[Some(false); 300]).contains("got 0 and 300"));
        assert!(say(&[None; 300]).contains("got 0 and 0"));
        assert_eq!(say(&[None; 3]), "got 3 labels for 300 rows");
    }
}
