//! How often a person is called for nothing.

use crate::Flagged;

/// Alarms on normal rows, and how long those rows took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AlarmRate {
    /// Alarms that began on a normal row.
    pub alarms: usize,
    /// Time covered by normal rows, in weeks of one series.
    pub series_weeks: f64,
}

/// A week, in seconds.
const WEEK: f64 = 7.0 * 24.0 * 3600.0;

impl AlarmRate {
    /// Alarms in a week of one series; `None` for no time at all.
    #[must_use]
    pub fn per_week(&self) -> Option<f64> {
        (self.series_weeks > 0.0).then(|| self.alarms as f64 / self.series_weeks)
    }
}

impl std::ops::Add for AlarmRate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            alarms: self.alarms + other.alarms,
            series_weeks: self.series_weeks + other.series_weeks,
        }
    }
}

/// Alarms that begin on normal rows, of `step_seconds` each; a run of alarms is
/// one alarm, and a run that began inside an anomaly is none. Add several to pool
/// series.
///
/// ```
/// use auscult_evaluate::{Flagged, alarm_rate};
/// let alarms: Vec<bool> = (0..2016).map(|row| row % 1000 < 3).collect();
/// let rate = alarm_rate(&Flagged::new(&[false; 2016], &alarms)?, 300.0);
/// assert_eq!(rate.per_week(), Some(3.0));
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn alarm_rate(flagged: &Flagged<'_>, step_seconds: f64) -> AlarmRate {
    let alarms = flagged.alarms();
    let begins = |row: usize| alarms[row] && (row == 0 || !alarms[row - 1]);
    let normal = flagged.labels().iter().enumerate().filter(|(_, label)| !**label);
    let mut rate = AlarmRate::default();
    let mut rows = 0;
    for (row, _) in normal {
        rows += 1;
        rate.alarms += usize::from(begins(row));
    }
    rate.series_weeks = f64::from(rows) * step_seconds / WEEK;
    rate
}
