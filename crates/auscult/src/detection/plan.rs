//! What the person asked for, resolved and checked.

use auscult_core::{DetectError, Detector, Sample, Score, SettingsMap, Timestamp};
use auscult_detect::ensemble::{AlarmBudget, BudgetGate, BudgetMode};
use auscult_detect::{Method, Threshold};

/// How the method learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// From the whole history, before it judges any row of it.
    Batch,
    /// Row by row: each is judged by what came before it.
    Online,
    /// From labelled rows.
    Labelled,
}

/// A method, its settings, and what to do with its scores.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Which method.
    pub method: &'static Method,
    /// Its settings, already checked.
    pub settings: SettingsMap,
    /// How it learns.
    pub mode: Mode,
    /// When a score is an anomaly.
    pub threshold: Threshold,
    /// How many false alarms are bearable, instead of a threshold.
    pub budget: Option<(AlarmBudget, BudgetMode)>,
    /// Whether several columns are judged together.
    pub joint: bool,
    /// Whether findings that are no anomalies are wanted too.
    pub all_rows: bool,
}

impl Plan {
    /// A fresh streaming detector.
    ///
    /// # Panics
    ///
    /// When the plan is not online; the settings were checked before.
    pub(crate) fn detector(&self, channels: usize) -> Box<dyn Detector> {
        let build = self.method.online.expect("an online plan has an online method");
        build(&self.settings, channels).expect("settings were checked when the plan was made")
    }
}

/// What the scores of one series have to pass.
#[derive(Debug)]
pub(crate) enum Bar {
    /// The same score all the time.
    Fixed(f64),
    /// What a budget asks for, which changes with the history of the series.
    Budget(Box<BudgetBar>),
}

/// A budget, and what it needs to know of the detector.
#[derive(Debug)]
pub(crate) struct BudgetBar {
    gate: BudgetGate,
    /// What ranks are worth by now; the gate goes by their products.
    maturity: f64,
}

impl Bar {
    /// The bar of `budget` if there is one, else `threshold`.
    pub(crate) fn new(budget: Option<(AlarmBudget, BudgetMode)>, threshold: f64) -> Self {
        match budget {
            Some((budget, mode)) => {
                let gate = BudgetGate::new(budget, mode);
                Self::Budget(Box::new(BudgetBar { gate, maturity: 1.0 }))
            }
            None => Self::Fixed(threshold),
        }
    }

    /// What of `sample` is held against the bar: the score, or the rank under a budget.
    pub(crate) fn rate(
        &mut self,
        detector: &dyn Detector,
        sample: Sample<'_>,
    ) -> Result<Score, DetectError> {
        match self {
            Self::Fixed(_) => detector.score(sample),
            Self::Budget(bar) => {
                bar.maturity = detector.maturity();
                detector.rank(sample)
            }
        }
    }

    /// What the just rated `score` at `time` has to pass.
    pub(crate) fn height(&self, time: Timestamp, score: f64) -> f64 {
        match self {
            Self::Fixed(threshold) => *threshold,
            Self::Budget(bar) => {
                let worth = score * bar.maturity;
                let height = bar.gate.bar(time, worth);
                // Rounding must not part what is reported from what the gate decides.
                if worth > height {
                    (height / bar.maturity).min(score.next_down())
                } else {
                    (height / bar.maturity).clamp(score, f64::MAX)
                }
            }
        }
    }

    /// Takes the just rated `score` at `time` in; of a `confirmed` anomaly a budget learns nothing.
    pub(crate) fn learn(&mut self, time: Timestamp, score: f64, confirmed: bool) {
        if let Self::Budget(bar) = self {
            let worth = score * bar.maturity;
            if confirmed {
                bar.gate.learn_confirmed(time, worth);
            } else {
                bar.gate.learn(time, worth);
            }
        }
    }

    /// Where it stands between two scores; `None` where a budget has too short a history.
    pub(crate) fn level(&self) -> Option<f64> {
        match self {
            Self::Fixed(threshold) => Some(*threshold),
            Self::Budget(bar) => bar.gate.level().map(|level| level / bar.maturity),
        }
    }

    /// Seconds from one alarm to the next that a budget comes to, where samples are too
    /// rare for what was asked.
    pub(crate) fn coarse(&self) -> Option<f64> {
        match self {
            Self::Budget(bar) if bar.gate.is_coarse() => Some(bar.gate.interval()),
            Self::Fixed(_) | Self::Budget(_) => None,
        }
    }
}

/// The score that at most a `share` of `scores` passes.
pub(crate) fn score_of_share(scores: &[f64], share: f64) -> f64 {
    let mut sorted = scores.to_vec();
    if sorted.is_empty() {
        return f64::MAX;
    }
    let passing = ((share * sorted.len() as f64).round() as usize).min(sorted.len() - 1);
    let at = sorted.len() - 1 - passing;
    *sorted.select_nth_unstable_by(at, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_the_share_passes() {
        let scores: Vec<f64> = (0..200).map(f64::from).collect();
        let threshold = score_of_share(&scores, 0.01);
        assert_eq!(scores.iter().filter(|score| **score > threshold).count(), 2);
        let equal = [1.0; 50];
        assert_eq!(score_of_share(&equal, 0.1), 1.0, "none of equal scores passes");
    }
}
