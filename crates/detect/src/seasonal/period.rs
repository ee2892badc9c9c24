//! The season of a history, helped by its times.

use auscult_core::Frame;
use auscult_stats::season::find_season;

use super::grid::step_nanos;

/// Spans that people and cron live by, in seconds.
const LIKELY_SECONDS: [f64; 3] = [3600.0, 86_400.0, 604_800.0];

/// Steps in a season of `values`, evenly spaced, which `history` became; `None`
/// without one. Where the times are known, an hour, a day and a week are tried
/// first.
pub(crate) fn season_of(history: &Frame<'_>, values: &[f64]) -> Option<usize> {
    find_season(values, &likely_periods(history))
}

/// An hour, a day and a week in rows, as far as these are whole numbers.
fn likely_periods(history: &Frame<'_>) -> Vec<usize> {
    let Some(step) = step_nanos(history) else { return Vec::new() };
    LIKELY_SECONDS
        .iter()
        .map(|seconds| seconds * 1e9 / step as f64)
        .filter(|rows| (rows - rows.round()).abs() < 1e-3 * rows && *rows < 1e9)
        .map(|rows| rows.round() as usize)
        .filter(|rows| *rows >= 2)
        .collect()
}

#[cfg(test)]
mod tests {
    use auscult_core::Timestamp;

    use super::*;

    #[test]
    fn a_day_is_counted_in_rows() {
        let readings = vec![0.0; 50];
        let times: Vec<Timestamp> = (0..50).map(|row| Timestamp::from_seconds(300 * row)).collect();
        let frame = Frame::of_column(&readings).expect("finite");
        assert!(likely_periods(&frame).is_empty());
        let frame = frame.with_times(&times).expect("one time per row");
        assert_eq!(likely_periods(&frame), [12, 288, 2016]);
    }

    #[test]
    fn times_that_stand_still_say_nothing() {
        let times = [Timestamp::from_seconds(5); 4];
        let frame = Frame::of_column(&[0.0; 4]).expect("finite");
        let frame = frame.with_times(&times).expect("one time per row");
        assert!(likely_periods(&frame).is_empty());
    }
}
