//! Fitting single trees.

use crate::grow::{
    self, Grown, Objective, Ranked, Squares, TwoClasses, WeightedClasses, WholeGini,
};
use crate::settings::Limits;
use crate::tree::{Kind, Tree};
use crate::{ClassifierSettings, Criterion, FeatureKind, Features, RegressorSettings, TreeError};

impl Tree {
    /// Fits a tree that predicts the classes `labels`, each below `classes`.
    ///
    /// `weights` has one weight of at least 0 per row; rows of weight 0 are left
    /// out. The tree does not depend on the order of rows, up to the rounding of
    /// weights that are not whole; between splits of equal gain the first feature
    /// wins, then the lowest threshold. Time O(rows · features · depth), shared
    /// among threads; memory O(rows · features).
    ///
    /// Agrees with `DecisionTreeClassifier` of scikit-learn wherever the best
    /// split is unique and numbers are exact in single precision, to which it
    /// rounds and we do not.
    ///
    /// Reference: L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification
    /// and regression trees", Wadsworth, 1984. We add native categories and
    /// missing values, and costs of questions after S. W. Norton, "Generating
    /// better decision trees", IJCAI, 1989.
    ///
    /// ```
    /// use auscult_trees::{Answer, ClassifierSettings, Feature, Features, Smoothing, Tree};
    /// let features = Features::new(vec![
    ///     Feature::numbers(vec![61.0, 64.0, 88.0, 91.0, 90.0]), // degrees Celsius
    ///     Feature::categories(vec![0, 1, 0, 1, 1], 2),          // rack
    /// ])?;
    /// let throttled = [0, 0, 1, 1, 1];
    /// let settings = ClassifierSettings::default();
    /// let tree = Tree::fit_classes(&features, &throttled, 2, None, &settings)?;
    /// let hot = vec![Answer::Number(95.0), Answer::Unknown];
    /// assert_eq!(tree.probabilities(&hot, Smoothing::None), [0.0, 1.0]);
    /// # Ok::<(), auscult_trees::TreeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TreeError`] for settings out of range, labels or weights that do not
    /// match the rows, or when no row has weight.
    pub fn fit_classes(
        features: &Features<'_>,
        labels: &[u32],
        classes: usize,
        weights: Option<&[f64]>,
        settings: &ClassifierSettings,
    ) -> Result<Self, TreeError> {
        let limits = settings.limits(features.columns().len())?;
        check_labels(features.rows(), labels, classes)?;
        let weights = class_weights(features.rows(), labels, classes, weights, settings)?;
        let ranked = Ranked::new(features);
        let target = Classes { labels, classes, criterion: settings.criterion };
        let growth = Growth { kinds: features.kinds(), limits: &limits, parallel: true };
        let tree = growth.classes(&ranked, target, weights.as_deref())?;
        Ok(if settings.ccp_alpha > 0.0 { tree.prune(settings.ccp_alpha) } else { tree })
    }

    /// Fits a tree that predicts the numbers `targets`, by least squares.
    ///
    /// As [`Tree::fit_classes`]; agrees with `DecisionTreeRegressor` of
    /// scikit-learn in the same sense, save that a node counts as pure by its
    /// variance relative to that of all targets, so that units do not matter.
    ///
    /// # Errors
    ///
    /// As [`Tree::fit_classes`].
    pub fn fit_numbers(
        features: &Features<'_>,
        targets: &[f64],
        weights: Option<&[f64]>,
        settings: &RegressorSettings,
    ) -> Result<Self, TreeError> {
        let limits = settings.limits(features.columns().len())?;
        check_targets(features.rows(), targets)?;
        check_weights(features.rows(), weights)?;
        let ranked = Ranked::new(features);
        let growth = Growth { kinds: features.kinds(), limits: &limits, parallel: true };
        let tree = growth.numbers(&ranked, targets, weights)?;
        Ok(if settings.ccp_alpha > 0.0 { tree.prune(settings.ccp_alpha) } else { tree })
    }
}

/// What a tree of classes learns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Classes<'a> {
    pub(crate) labels: &'a [u32],
    pub(crate) classes: usize,
    pub(crate) criterion: Criterion,
}

/// How one tree is grown.
#[derive(Debug)]
pub(crate) struct Growth<'a> {
    pub(crate) kinds: Vec<FeatureKind>,
    pub(crate) limits: &'a Limits,
    pub(crate) parallel: bool,
}

impl Growth<'_> {
    pub(crate) fn classes(
        self,
        ranked: &Ranked,
        target: Classes<'_>,
        weights: Option<&[f64]>,
    ) -> Result<Tree, TreeError> {
        let Classes { labels, classes, criterion } = target;
        let kind = Kind::Classes { classes };
        let gini = criterion == Criterion::Gini;
        if gini
            && classes == 2
            && let Some(objective) = TwoClasses::new(labels, weights)
        {
            return self.grow(ranked, &objective, kind, weights);
        }
        if gini && let Some(objective) = WholeGini::new(labels, classes, weights) {
            return self.grow(ranked, &objective, kind, weights);
        }
        let objective = WeightedClasses::new(labels, classes, weights, criterion);
        self.grow(ranked, &objective, kind, weights)
    }

    pub(crate) fn numbers(
        self,
        ranked: &Ranked,
        targets: &[f64],
        weights: Option<&[f64]>,
    ) -> Result<Tree, TreeError> {
        let objective = Squares::new(targets, weights);
        self.grow(ranked, &objective, Kind::Numbers, weights)
    }

    fn grow<O: Objective>(
        self,
        ranked: &Ranked,
        objective: &O,
        kind: Kind,
        weights: Option<&[f64]>,
    ) -> Result<Tree, TreeError> {
        let all = 0..ranked.table.rows as u32;
        let mut rows: Vec<u32> = match weights {
            None => all.collect(),
            Some(weights) => all.filter(|row| weights[*row as usize] > 0.0).collect(),
        };
        if rows.is_empty() {
            return Err(TreeError::Empty);
        }
        let Grown { nodes, values } =
            grow::grow(ranked, objective, self.limits, &mut rows, self.parallel);
        Ok(Tree { kind, features: self.kinds, nodes, values })
    }
}

pub(crate) fn check_labels(rows: usize, labels: &[u32], classes: usize) -> Result<(), TreeError> {
    if labels.len() != rows {
        return Err(TreeError::Count { what: "labels", got: labels.len(), rows });
    }
    match labels.iter().position(|label| *label as usize >= classes) {
        None => Ok(()),
        Some(row) => {
            Err(TreeError::Code { what: "the label", row, code: labels[row], limit: classes })
        }
    }
}

/// Largest target that is taken, so that sums of squares stay finite.
const LARGEST_TARGET: f64 = 1e100;

/// Largest weight that is taken, for the same reason.
const LARGEST_WEIGHT: f64 = 1e30;

pub(crate) fn check_targets(rows: usize, targets: &[f64]) -> Result<(), TreeError> {
    if targets.len() != rows {
        return Err(TreeError::Count { what: "targets", got: targets.len(), rows });
    }
    match targets.iter().position(|target| target.is_nan() || target.abs() > LARGEST_TARGET) {
        None => Ok(()),
        Some(row) => {
            let need = "a number within ±1e100";
            Err(TreeError::Number { what: "the target", row, value: targets[row], need })
        }
    }
}

pub(crate) fn check_weights(rows: usize, weights: Option<&[f64]>) -> Result<(), TreeError> {
    let Some(weights) = weights else { return Ok(()) };
    if weights.len() != rows {
        return Err(TreeError::Count { what: "weights", got: weights.len(), rows });
    }
    match weights.iter().position(|weight| !(0.0..=LARGEST_WEIGHT).contains(weight)) {
        None => Ok(()),
        Some(row) => {
            let need = "a number in 0..=1e30";
            Err(TreeError::Number { what: "the weight", row, value: weights[row], need })
        }
    }
}

/// Weights of rows times weights of their classes; `None` when all are 1.
pub(crate) fn class_weights(
    rows: usize,
    labels: &[u32],
    classes: usize,
    weights: Option<&[f64]>,
    settings: &ClassifierSettings,
) -> Result<Option<Vec<f64>>, TreeError> {
    check_weights(rows, weights)?;
    let Some(of_class) = settings.class_weight.of(labels, classes)? else {
        return Ok(weights.map(<[f64]>::to_vec));
    };
    let own = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let product = |(row, label): (usize, &u32)| own(row) * of_class[*label as usize];
    let all: Vec<f64> = labels.iter().enumerate().map(product).collect();
    check_weights(rows, Some(&all))?;
    Ok(Some(all))
}
