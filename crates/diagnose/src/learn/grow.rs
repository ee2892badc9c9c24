//! Growing a tree or forest, with its pruning chosen by cross-validation.

use auscult_trees::{Features, Forest, Tree};
use rayon::prelude::*;

use super::settings::{Alpha, LearnSettings, Learner, Validation};
use super::{Fold, LearnError, forward, stratified};

/// Candidates for the cost of a leaf that are tried at most; a long path is
/// thinned evenly.
const CANDIDATES: usize = 50;

/// Rows to learn from.
#[derive(Debug, Clone)]
pub(crate) struct Lessons<'a> {
    pub(crate) features: Features<'a>,
    pub(crate) labels: Vec<u32>,
    pub(crate) times: Option<Vec<i64>>,
    pub(crate) classes: usize,
}

impl Lessons<'_> {
    /// Only `rows`, in that order.
    pub(crate) fn select(&self, rows: &[usize]) -> Result<Lessons<'static>, LearnError> {
        let columns = self.features.columns().iter().map(|column| column.reordered(rows)).collect();
        Ok(Lessons {
            features: Features::new(columns)?,
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            times: self.times.as_ref().map(|times| rows.iter().map(|&row| times[row]).collect()),
            classes: self.classes,
        })
    }

    fn tree(&self, settings: &LearnSettings) -> Result<Tree, LearnError> {
        let Self { features, labels, classes, .. } = self;
        Ok(Tree::fit_classes(features, labels, *classes, None, &settings.of_tree())?)
    }
}

/// A forest, or a tree pruned at the cost that is returned with it.
pub(crate) fn grow(
    lessons: &Lessons<'_>,
    settings: &LearnSettings,
) -> Result<(Forest, f64), LearnError> {
    match settings.learner {
        Learner::Forest { trees } => {
            let Lessons { features, labels, classes, .. } = lessons;
            let forest = LearnSettings::of_forest(trees);
            let fit = Forest::fit_classes(
                features,
                labels,
                *classes,
                None,
                &settings.of_tree(),
                &forest,
            )?;
            Ok((fit.forest, 0.0))
        }
        Learner::Tree { alpha } => {
            let full = lessons.tree(settings)?;
            let alpha = match alpha {
                Alpha::Given(alpha) => alpha,
                Alpha::Auto => choose_alpha(lessons, &full, settings)?,
            };
            Ok((Forest::try_from(vec![full.prune(alpha)])?, alpha))
        }
    }
}

/// The largest cost of a leaf whose cross-validated loss is within one
/// standard error of the smallest.
///
/// The loss is the share of rows predicted wrongly, rows weighing as in
/// learning.
///
/// Reference: L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification
/// and regression trees", Wadsworth, 1984, section 3.4: candidates are the
/// geometric means of neighbouring costs on the path of the whole tree.
fn choose_alpha(
    lessons: &Lessons<'_>,
    full: &Tree,
    settings: &LearnSettings,
) -> Result<f64, LearnError> {
    let candidates = candidates(&full.pruning_path().alphas);
    let folds = inner_folds(lessons, settings);
    if candidates.len() < 2 || folds.is_empty() {
        return Ok(candidates.first().copied().unwrap_or(0.0));
    }
    let weights = row_weights(lessons, settings.balanced);
    let of_fold = |fold: &Fold| losses(lessons, fold, &candidates, &weights, settings);
    let per_fold: Vec<Vec<Vec<f64>>> = folds.par_iter().map(of_fold).collect::<Result<_, _>>()?;
    let score = |candidate: usize| {
        let losses: Vec<f64> =
            per_fold.iter().flat_map(|losses| &losses[candidate]).copied().collect();
        mean_and_error(&losses)
    };
    let scores: Vec<(f64, f64)> = (0..candidates.len()).map(score).collect();
    let best = scores.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0.0));
    let good_enough = scores.iter().rposition(|(loss, _)| *loss <= best.0 + best.1);
    Ok(candidates[good_enough.unwrap_or(0)])
}

/// Loss of each held-out row, for each candidate.
fn losses(
    lessons: &Lessons<'_>,
    fold: &Fold,
    candidates: &[f64],
    weights: &[f64],
    settings: &LearnSettings,
) -> Result<Vec<Vec<f64>>, LearnError> {
    let tree = lessons.select(&fold.train)?.tree(settings)?;
    let held_out = lessons.select(&fold.test)?;
    let of_candidate = |&alpha: &f64| {
        let predicted = tree.prune(alpha).predict_classes(&held_out.features)?;
        let rows = predicted.iter().zip(&held_out.labels).zip(&fold.test);
        Ok(rows
            .map(|((predicted, truth), &row)| if predicted == truth { 0.0 } else { weights[row] })
            .collect())
    };
    candidates.iter().map(of_candidate).collect()
}

/// Geometric means of neighbouring costs; the last stands for the root alone.
fn candidates(path: &[f64]) -> Vec<f64> {
    let mut costs: Vec<f64> = path.windows(2).map(|pair| (pair[0] * pair[1]).sqrt()).collect();
    costs.extend(path.last());
    costs.dedup();
    if costs.len() <= CANDIDATES {
        return costs;
    }
    let last = costs.len() - 1;
    (0..CANDIDATES).map(|at| costs[at * last / (CANDIDATES - 1)]).collect()
}

/// Folds of the rows that are learnt from; none when they are too few, and the
/// tree then stays whole.
fn inner_folds(lessons: &Lessons<'_>, settings: &LearnSettings) -> Vec<Fold> {
    let folds = match (&settings.validation, &lessons.times) {
        (Validation::Forward(count), Some(times)) => {
            (2..=*count).rev().find_map(|count| forward(times, count).ok())
        }
        (Validation::Stratified(count), _) => {
            stratified(&lessons.labels, (*count).min(lessons.labels.len()), settings.seed).ok()
        }
        _ => stratified(&lessons.labels, 5.min(lessons.labels.len()), settings.seed).ok(),
    };
    folds.unwrap_or_default().into_iter().filter(|fold| !fold.train.is_empty()).collect()
}

/// What each row weighs in the loss; 1 on average.
fn row_weights(lessons: &Lessons<'_>, balanced: bool) -> Vec<f64> {
    let mut counts = vec![0_usize; lessons.classes];
    lessons.labels.iter().for_each(|&label| counts[label as usize] += 1);
    let present = counts.iter().filter(|&&count| count > 0).count();
    let weight = |&label: &u32| {
        if !balanced {
            return 1.0;
        }
        lessons.labels.len() as f64 / (present * counts[label as usize]) as f64
    };
    lessons.labels.iter().map(weight).collect()
}

fn mean_and_error(losses: &[f64]) -> (f64, f64) {
    let rows = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / rows;
    let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / rows;
    (mean, (variance / rows).sqrt())
}

#[cfg(test)]
mod tests {
    use auscult_trees::Feature;

    use super::*;

    /// One telling feature, one of noise, a tenth of the labels wrong.
    fn noisy() -> Lessons<'static> {
        let noise = |row: usize, salt: usize| (row * 7919 + salt) % 1009;
        let label = |row: usize| u32::from((row % 100 >= 50) != noise(row, 3).is_multiple_of(10));
        let columns = vec![
            Feature::numbers((0..400).map(|row| (row % 100) as f64).collect::<Vec<_>>()),
            Feature::numbers((0..400).map(|row| noise(row, 500) as f64).collect::<Vec<_>>()),
        ];
        Lessons {
            features: Features::new(columns).expect("columns fit"),
            labels: (0..400).map(label).collect(),
            times: None,
            classes: 2,
        }
    }

    #[test]
    fn pruning_finds_the_one_question_that_matters() {
        let lessons = noisy();
        let settings = LearnSettings::default();
        let (forest, alpha) = grow(&lessons, &settings).expect("grows");
        assert_eq!(forest.trees()[0].leaves(), 2);
        assert!(alpha > 0.0);
        let whole = LearnSettings {
            learner: Learner::Tree { alpha: Alpha::Given(0.0) },
            ..LearnSettings::default()
        };
        assert!(grow(&lessons, &whole).expect("grows").0.trees()[0].leaves() > 20);
    }

    #[test]
    fn long_paths_of_costs_are_thinned_from_end_to_end() {
        let path: Vec<f64> = (0..1000).map(f64::from).collect();
        let costs = candidates(&path);
        assert_eq!(costs.len(), CANDIDATES);
        assert_eq!((costs[0], *costs.last().unwrap()), (0.0, 999.0));
        assert_eq!(candidates(&[0.0]), [0.0]);
    }
}
