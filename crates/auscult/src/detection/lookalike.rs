//! Columns that look like counters and were not declared to be.

use std::collections::HashMap;
use std::sync::Arc;

use super::finding::SeriesName;
use super::series::Series;
use super::words::counted;

/// Rises that make a counter, and again as many for each fall.
const RISES: u64 = 64;
/// A fall to below this share is one to near 0.
const NEAR_ZERO: f64 = 0.1;

/// How each judged column grew so far.
#[derive(Debug, Default)]
pub(super) struct Lookalikes {
    /// One entry a column of the series.
    series: HashMap<Arc<SeriesName>, Vec<Grown>>,
}

/// How a column grew so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Grown {
    before: Option<f64>,
    rises: u64,
    falls: u64,
    /// Below 0, or it fell otherwise than to near 0: no counter.
    ruled_out: bool,
}

impl Grown {
    /// Goes on with `readings`; stops at the first that no counter has.
    pub(crate) fn take(&mut self, readings: impl Iterator<Item = f64>) {
        if self.ruled_out {
            return;
        }
        for reading in readings {
            let before = self.before.replace(reading).unwrap_or(reading);
            self.rises += u64::from(reading > before);
            let falls = reading < before;
            self.falls += u64::from(falls);
            if reading < 0.0 || falls && reading > NEAR_ZERO * before {
                self.ruled_out = true;
                return;
            }
        }
    }

    fn is_counter(&self) -> bool {
        !self.ruled_out && self.rises >= RISES * (self.falls + 1)
    }

    /// That `column`, which grew so, looks like a counter; `None` if it does not.
    pub(crate) fn sentence(&self, column: &str) -> Option<String> {
        if !self.is_counter() {
            return None;
        }
        let grows = match self.falls {
            0 => "only grows".to_owned(),
            falls => format!("grows but for {} to near 0", counted(falls, "fall", "falls")),
        };
        Some(format!("{column} {grows}, like a counter; --counter {column} judges its rate"))
    }
}

impl Lookalikes {
    /// Goes on with a batch of a series.
    pub(super) fn take(&mut self, series: &Series) {
        let channels = series.name.columns.len();
        if !self.series.contains_key(&series.name) {
            self.series.insert(series.name.clone(), vec![Grown::default(); channels]);
        }
        let Some(columns) = self.series.get_mut(&series.name) else { return };
        for (channel, column) in columns.iter_mut().enumerate() {
            column.take(series.readings.iter().skip(channel).step_by(channels).copied());
        }
    }

    /// A sentence on each column of series `name` that looks like a counter and is none of `declared`.
    pub(super) fn sentences(&self, name: &Arc<SeriesName>, declared: &[String]) -> Vec<String> {
        let columns = self.series.get(name).map_or(&[][..], Vec::as_slice);
        let undeclared =
            name.columns.iter().zip(columns).filter(|(column, _)| !declared.contains(column));
        undeclared.filter_map(|(column, grown)| grown.sentence(column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_counter(readings: impl Iterator<Item = f64>) -> bool {
        let mut grown = Grown::default();
        grown.take(readings);
        grown.is_counter()
    }

    #[test]
    fn what_grows_and_falls_to_near_0_only_is_a_counter() {
        let rows = || (0..300).map(f64::from);
        assert!(is_counter(rows()));
        assert!(is_counter(rows().map(|row| 1000.0 + row * row)));
        assert!(is_counter(rows().map(|row| row % 140.0)));
        assert!(!is_counter(rows().take(64)), "63 rises are too few to tell");
        assert!(!is_counter(rows().map(|row| row % 30.0)), "a saw");
        assert!(!is_counter(rows().map(|row| f64::from(row == 100.0))), "a rare event");
        assert!(!is_counter(rows().map(|row| row - 50.0)), "below 0");
        assert!(!is_counter(rows().map(|row| if row == 200.0 { 150.0 } else { row })), "a dip");
        assert!(!is_counter(rows().map(|_| 5.0)), "a constant");
    }
}
