//! How well what is learnt holds on rows that were held out.

use auscult_trees::{Features, Forest};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use super::folds::shuffle;
use super::grow::{Lessons, grow};
use super::importance::{FeatureImportance, fall};
use super::settings::LearnSettings;
use super::{Confusion, Fold, LearnError};

/// What rows that were held out say of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// How the rows were held out: `stratified`, `time-ordered` or `given`.
    pub kind: &'static str,
    /// Number of folds.
    pub folds: usize,
    /// True against predicted causes, over all folds.
    pub confusion: Confusion,
    /// The same for always naming the most frequent cause of the rows learnt from.
    pub majority: Confusion,
    /// Fall of the accuracy when a feature is shuffled among the rows of its
    /// fold; largest first. Empty when it was not asked for.
    pub importance: Vec<FeatureImportance>,
}

/// A fold after learning.
struct Round {
    forest: Forest,
    held_out: Lessons<'static>,
    predicted: Vec<u32>,
    majority: u32,
}

/// Learns afresh in every fold, pruning included, and predicts what was held out.
pub(crate) fn validate(
    lessons: &Lessons<'_>,
    folds: &[Fold],
    names: &[String],
    settings: &LearnSettings,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<HeldOut, LearnError> {
    let mut rounds = Vec::with_capacity(folds.len());
    for (at, fold) in folds.iter().enumerate() {
        progress(&format!("validating, fold {} of {}", at + 1, folds.len()));
        rounds.push(round(lessons, fold, settings)?);
    }
    let pooled = |predict: &dyn Fn(&Round) -> Vec<u32>| {
        let truth: Vec<u32> = rounds.iter().flat_map(|r| r.held_out.labels.clone()).collect();
        let predicted: Vec<u32> = rounds.iter().flat_map(predict).collect();
        Confusion::of(lessons.classes, &truth, &predicted)
    };
    let confusion = pooled(&|round| round.predicted.clone());
    let majority = pooled(&|round| vec![round.majority; round.predicted.len()]);
    progress("shuffling features");
    let importance = importance(&rounds, names, &confusion, settings)?;
    Ok(HeldOut {
        kind: settings.validation.name(),
        folds: folds.len(),
        confusion,
        majority,
        importance,
    })
}

fn round(
    lessons: &Lessons<'_>,
    fold: &Fold,
    settings: &LearnSettings,
) -> Result<Round, LearnError> {
    let train = lessons.select(&fold.train)?;
    let mut counts = vec![0_usize; lessons.classes];
    train.labels.iter().for_each(|&label| counts[label as usize] += 1);
    // Of several causes that are most frequent, the first.
    let most = counts.iter().copied().max().unwrap_or(0);
    let majority = counts.iter().position(|&count| count == most).unwrap_or(0) as u32;
    let (forest, _) = grow(&train, settings)?;
    let held_out = lessons.select(&fold.test)?;
    let predicted = forest.predict_classes(&held_out.features)?;
    Ok(Round { forest, held_out, predicted, majority })
}

fn importance(
    rounds: &[Round],
    names: &[String],
    confusion: &Confusion,
    settings: &LearnSettings,
) -> Result<Vec<FeatureImportance>, LearnError> {
    if settings.importance_repeats == 0 {
        return Ok(Vec::new());
    }
    let one = |(column, name): (usize, &String)| {
        let accuracies = (0..settings.importance_repeats)
            .map(|repeat| {
                let seed = settings.seed ^ ((column as u64) << 32 | repeat as u64);
                let right = rounds.iter().map(|round| right_when_shuffled(round, column, seed));
                let right = right.sum::<Result<u64, LearnError>>()?;
                Ok(right as f64 / confusion.rows() as f64)
            })
            .collect::<Result<Vec<f64>, LearnError>>()?;
        let (mean, deviation) = fall(confusion.accuracy(), &accuracies);
        Ok(FeatureImportance { feature: name.clone(), mean, deviation })
    };
    let mut all: Vec<FeatureImportance> =
        names.par_iter().enumerate().map(one).collect::<Result<_, LearnError>>()?;
    all.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    Ok(all)
}

/// Held-out rows predicted right when `column` is shuffled among them.
fn right_when_shuffled(round: &Round, column: usize, seed: u64) -> Result<u64, LearnError> {
    let Round { forest, held_out, predicted, .. } = round;
    let used = |tree: &auscult_trees::Tree| {
        let mut splits = tree.nodes().iter().filter_map(|node| node.split.as_ref());
        splits.any(|split| split.feature == column)
    };
    let right = |predicted: &[u32]| {
        let pairs = predicted.iter().zip(&held_out.labels);
        pairs.filter(|(predicted, truth)| predicted == truth).count() as u64
    };
    if !forest.trees().iter().any(used) {
        return Ok(right(predicted));
    }
    let mut order: Vec<usize> = (0..held_out.labels.len()).collect();
    shuffle(&mut order, &mut Pcg64Mcg::seed_from_u64(seed));
    let shuffled = held_out.features.columns()[column].reordered(&order);
    let features: Features<'_> = held_out.features.clone().with_column(column, shuffled)?;
    Ok(right(&forest.predict_classes(&features)?))
}
