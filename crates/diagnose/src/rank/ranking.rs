//! The answer: causes, best first.

use std::collections::BTreeMap;

use super::case::Case;
use super::onset::Onset;

/// Something that may be the cause.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Suspect {
    /// The series or the target.
    pub name: String,
    /// Finite and at least 0, higher is more suspect; comparable within one ranking.
    pub score: f64,
}

/// Causes, best first; equal scores stand in order of name.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Ranking {
    /// Every series.
    pub series: Vec<Suspect>,
    /// Every target that is a candidate.
    pub targets: Vec<Suspect>,
    /// When it began.
    pub onset: Onset,
    /// How often a healthy window of this case has a target that is at least as
    /// suspect as the first one here, in (0, 1]; `None` when the method cannot say.
    pub chance: Option<f64>,
}

/// Above this chance the first suspect may as well be nobody.
pub const ABSTAIN_ABOVE: f64 = 0.05;

impl Ranking {
    /// The ranking by the scores of the series; a target is as suspect as its most
    /// suspect series.
    pub(super) fn by_series(case: &Case, scores: &[f64], onset: Onset) -> Self {
        let mut targets: BTreeMap<&str, f64> = BTreeMap::new();
        for (series, score) in case.series().iter().zip(scores) {
            let best = targets.entry(&series.target).or_default();
            *best = best.max(*score);
        }
        let named = case.series().iter().map(|series| series.name.as_str());
        let series = named.zip(scores.iter().copied());
        Self { series: sorted(series), targets: sorted(targets), onset, chance: None }
    }

    /// Whether the ranking names nobody: nothing stands out from what healthy windows
    /// show. A method that cannot say never abstains.
    #[must_use]
    pub fn abstains(&self) -> bool {
        self.chance.is_some_and(|chance| chance > ABSTAIN_ABOVE)
    }
}

/// Suspects, best first, equal ones in order of name.
pub(super) fn sorted<'n>(scores: impl IntoIterator<Item = (&'n str, f64)>) -> Vec<Suspect> {
    let mut suspects: Vec<Suspect> = scores
        .into_iter()
        .map(|(name, score)| Suspect {
            name: name.to_owned(),
            score: if score.is_finite() { score.max(0.0) } else { 0.0 },
        })
        .collect();
    suspects.sort_by(|one, other| {
        other.score.total_cmp(&one.score).then_with(|| one.name.cmp(&other.name))
    });
    suspects
}
