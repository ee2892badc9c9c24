//! What the person asked for, resolved and checked.

use auscult_core::{Detector, SettingsMap};
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
