//! How much a prediction owes to each feature.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use crate::grow::mix;
use crate::{Features, TreeError};

/// How much a score falls when a feature is shuffled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Importance {
    /// Mean fall of the score.
    pub mean: f64,
    /// Standard deviation of the falls, over the number of shuffles.
    pub deviation: f64,
}

/// How much `score` falls when the values of one feature are shuffled over
/// the rows, for each feature, `repeats` times.
///
/// Unlike impurity, it does not favour features with many values, and on rows
/// that were held out it does not credit what was only memorised. Of features
/// that say the same, each seems to matter little. Calls `score` once, and
/// `repeats` times for each feature, on several threads.
///
/// Reference: L. Breiman, "Random forests", Machine Learning 45(1), 2001.
///
/// ```
/// use auscult_trees::{ClassifierSettings, Features, Tree, permutation_importance};
/// let readings: Vec<f64> = (0..60).flat_map(|row| [f64::from(row), f64::from(row % 3)]).collect();
/// let labels: Vec<u32> = (0..60).map(|row| u32::from(row >= 30)).collect();
/// let features = Features::from_rows(&readings, 2)?;
/// let tree = Tree::fit_classes(&features, &labels, 2, None, &ClassifierSettings::default())?;
/// let importance = permutation_importance(&features, 5, 0, |features| {
///     let ours = tree.predict_classes(features).expect("the columns it learnt");
///     ours.iter().zip(&labels).filter(|(ours, label)| ours == label).count() as f64 / 60.0
/// })?;
/// assert!(importance[0].mean > 0.3 && importance[1].mean == 0.0);
/// # Ok::<(), auscult_trees::TreeError>(())
/// ```
///
/// # Errors
///
/// [`TreeError::Misfit`] when `repeats` is 0.
pub fn permutation_importance(
    features: &Features<'_>,
    repeats: usize,
    seed: u64,
    score: impl Fn(&Features<'_>) -> f64 + Sync,
) -> Result<Vec<Importance>, TreeError> {
    if repeats == 0 {
        let reason = "at least one shuffle is needed".to_owned();
        return Err(TreeError::Misfit { key: "repeats", reason });
    }
    let whole = score(features);
    let one = |column: usize| {
        let falls: Vec<f64> = (0..repeats)
            .map(|repeat| {
                let salt = (column * repeats + repeat) as u64;
                let order = shuffled(features.rows(), mix(seed, salt));
                let feature = features.columns()[column].reordered(&order);
                let shuffled = features.clone().with_column(column, feature);
                whole - score(&shuffled.expect("a column in another order still fits"))
            })
            .collect();
        let mean = falls.iter().sum::<f64>() / repeats as f64;
        let squares: f64 = falls.iter().map(|fall| (fall - mean) * (fall - mean)).sum();
        Importance { mean, deviation: (squares / repeats as f64).sqrt() }
    };
    Ok((0..features.columns().len()).into_par_iter().map(one).collect())
}

/// The numbers below `count` in random order.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        order.swap(at, random.random_range(0..=at));
    }
    order
}
