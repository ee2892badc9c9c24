//! The best threshold for all files, and the outcome of a given one.

use super::weights::{Weighed, weighed};
use super::{NabProfile, NabSeries};

/// What a threshold reaches over all files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NabOutcome {
    /// Alarms are rows that score at least this much; infinite where no alarm at
    /// all is best.
    pub threshold: f64,
    /// Sum of the worth of alarms and the cost of misses.
    pub raw: f64,
    /// `raw` on the published scale: 0 for no alarm at all, 100 for every window
    /// found at once without a false alarm. Not a number without windows.
    pub normalised: f64,
}

/// The best of all thresholds under `profile`, one for all files together: an
/// oracle, as the benchmark prescribes; [`nab_cross_halves`] stands beside it.
///
/// Inside a window the first good alarm counts, more the earlier it comes;
/// outside every alarm costs, more the farther behind a window it is. Only the
/// order of scores counts. Of equal thresholds the highest wins. Time O(n log n)
/// over the rows of all files.
///
/// Reference: A. Lavin, S. Ahmad, "Evaluating real-time anomaly detection
/// algorithms: the Numenta anomaly benchmark", ICMLA 2015; version 1.1.
///
/// ```
/// use auscult_evaluate::{NAB_PROFILES, NabSeries, Segment, nab_sweep};
/// let mut scores = vec![0.0; 1000];
/// scores[500] = 1.0;
/// let file = NabSeries::new(scores, vec![Segment { start: 500, end: 599 }], 150)?;
/// let best = nab_sweep(&[file], &NAB_PROFILES[0]);
/// assert_eq!((best.threshold, best.normalised.round()), (1.0, 100.0));
/// # Ok::<(), auscult_evaluate::NabError>(())
/// ```
#[must_use]
pub fn nab_sweep(files: &[NabSeries], profile: &NabProfile) -> NabOutcome {
    let (mut rows, windows) = pooled(files);
    rows.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut tally = Tally::new(&rows, windows, profile);
    let (mut threshold, mut raw) = (f64::INFINITY, tally.raw());
    for (at, row) in rows.iter().enumerate() {
        tally.alarm(row);
        let level_ends = rows.get(at + 1).is_none_or(|next| next.score != row.score);
        if level_ends && tally.raw() > raw {
            (threshold, raw) = (row.score, tally.raw());
        }
    }
    NabOutcome { threshold, raw, normalised: normalised(raw, windows, profile) }
}

/// The outcome of one given threshold.
#[must_use]
pub fn nab_at_threshold(files: &[NabSeries], profile: &NabProfile, threshold: f64) -> NabOutcome {
    let (rows, windows) = pooled(files);
    let mut tally = Tally::new(&rows, windows, profile);
    rows.iter().filter(|row| row.score >= threshold).for_each(|row| tally.alarm(row));
    let raw = tally.raw();
    NabOutcome { threshold, raw, normalised: normalised(raw, windows, profile) }
}

/// The normalised score when no file helped to choose its own threshold.
///
/// The files with even and with odd index (`files` in alphabetical order) each get
/// the best threshold of the other half; raw scores of both halves are added and
/// normalised by all windows.
#[must_use]
pub fn nab_cross_halves(files: &[NabSeries], profile: &NabProfile) -> f64 {
    let half = |parity: usize| -> Vec<NabSeries> {
        files.iter().skip(parity).step_by(2).cloned().collect()
    };
    let halves = [half(0), half(1)];
    let raw = |judged: usize| {
        let threshold = nab_sweep(&halves[1 - judged], profile).threshold;
        nab_at_threshold(&halves[judged], profile, threshold).raw
    };
    let windows = files.iter().map(NabSeries::windows).sum();
    normalised(raw(0) + raw(1), windows, profile)
}

/// Rows that count of all files, and how many windows there are.
fn pooled(files: &[NabSeries]) -> (Vec<Weighed>, usize) {
    let mut rows = Vec::new();
    let mut windows = 0;
    for file in files {
        rows.extend(weighed(file, windows));
        windows += file.windows();
    }
    (rows, windows)
}

/// The running score while rows are alarmed on.
struct Tally<'a> {
    profile: &'a NabProfile,
    /// What each window contributes; 0 for one without a row that counts.
    windows: Vec<f64>,
    of_windows: f64,
    of_false_alarms: f64,
}

impl<'a> Tally<'a> {
    fn new(rows: &[Weighed], windows: usize, profile: &'a NabProfile) -> Self {
        let mut parts = vec![0.0; windows];
        for window in rows.iter().filter_map(|row| row.window) {
            parts[window] = -profile.miss;
        }
        let of_windows = parts.iter().sum();
        Self { profile, windows: parts, of_windows, of_false_alarms: 0.0 }
    }

    fn alarm(&mut self, row: &Weighed) {
        match row.window {
            None => self.of_false_alarms += row.worth * self.profile.false_alarm,
            Some(window) => {
                let part = self.windows[window].max(row.worth * self.profile.hit);
                self.of_windows += part - self.windows[window];
                self.windows[window] = part;
            }
        }
    }

    fn raw(&self) -> f64 {
        self.of_windows + self.of_false_alarms
    }
}

fn normalised(raw: f64, windows: usize, profile: &NabProfile) -> f64 {
    let windows = windows as f64;
    let (perfect, base) = (windows * profile.hit, -windows * profile.miss);
    100.0 * (raw - base) / (perfect - base)
}
