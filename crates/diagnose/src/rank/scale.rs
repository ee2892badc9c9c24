//! What a series normally reads, and how far from it counts as one step.

use std::ops::Range;

use auscult_stats::quantile::{median, quantile};
use auscult_stats::resolution::Resolution;

use super::case::Case;

/// Least scale, as a share of the level: less than a hundredth is of no consequence.
pub const LEAST_SHARE: f64 = 0.01;

/// Targets that must have a series of one kind before they are each other's measure.
const LEAST_PEERS: usize = 3;

/// Where a series lies while nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    /// Its median.
    pub centre: f64,
    /// What counts as one step away; 0 for a series that never says anything.
    pub scale: f64,
}

impl Level {
    /// How many steps `value` is away, with its sign.
    pub(super) fn steps(&self, value: f64) -> f64 {
        if self.scale > 0.0 { (value - self.centre) / self.scale } else { 0.0 }
    }
}

/// What is read, without what is missing.
pub(super) fn present(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| !value.is_nan()).collect()
}

/// The level of every series in the rows `normal`: median, and as scale the
/// interquartile range, but no less than a hundredth of the level, the step in which
/// readings come, and a hundredth of what series of this kind read at other targets.
///
/// A series that was 0 throughout has no scale of its own: a hundredth of the largest
/// reading outside `normal` takes its place, so that it can score 100 and no more.
pub(super) fn levels(case: &Case, normal: &Range<usize>) -> Vec<Level> {
    let mut levels: Vec<Level> =
        case.series().iter().map(|series| own_level(&series.values, normal)).collect();
    for peers in case.kinds().values() {
        let mut usual: Vec<f64> = peers.iter().map(|at| levels[*at].centre.abs()).collect();
        if usual.len() < LEAST_PEERS {
            continue;
        }
        let least = LEAST_SHARE * median(&mut usual);
        for at in peers {
            levels[*at].scale = levels[*at].scale.max(least);
        }
    }
    for (level, series) in levels.iter_mut().zip(case.series()) {
        if level.scale == 0.0 {
            let largest = series.values.iter().map(|value| (value - level.centre).abs());
            level.scale = LEAST_SHARE * largest.fold(0.0, f64::max);
        }
    }
    levels
}

/// The level by the series alone; scale 0 for one that is always 0.
fn own_level(values: &[f64], normal: &Range<usize>) -> Level {
    let mut read = present(&values[normal.clone()]);
    if read.is_empty() {
        // Nothing to hold against: what came later is all there is.
        return Level { centre: median(&mut present(values)), scale: 0.0 };
    }
    let step = Resolution::of(&read).step();
    let (low, high) = (quantile(&mut read, 0.25), quantile(&mut read, 0.75));
    let centre = median(&mut read);
    let scale = (high - low).max(LEAST_SHARE * centre.abs()).max(step);
    Level { centre, scale }
}

#[cfg(test)]
mod tests {
    use super::super::case::{CaseSeries, Layer};
    use super::*;

    fn case(columns: &[&[f64]]) -> Case {
        let series = columns.iter().enumerate().map(|(at, values)| CaseSeries {
            name: format!("s{at}"),
            target: format!("t{at}"),
            kind: "memory".to_owned(),
            layer: Layer::Stock,
            values: values.to_vec(),
        });
        Case::new(series.collect(), Some(6)).expect("a case")
    }

    #[test]
    fn the_scale_has_a_floor_in_units_that_make_sense() {
        let steady = case(&[&[5e8, 5e8, 5e8, 5e8, 5e8, 5e8, 6e8]]);
        let level = levels(&steady, &(0..6))[0];
        assert_eq!(level, Level { centre: 5e8, scale: 5e6 });
        assert_eq!(level.steps(6e8), 20.0);
    }

    #[test]
    fn a_series_that_was_nothing_scores_a_hundred_at_most() {
        let errors = case(&[&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0]]);
        assert!((levels(&errors, &(0..6))[0].steps(7.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn peers_tell_what_is_of_consequence() {
        let rows = [8e6; 7];
        let large = [4e8; 7];
        let small = case(&[&rows, &large, &large]);
        assert_eq!(levels(&small, &(0..6))[0].scale, 4e6);
        let alone = case(&[&rows]);
        assert_eq!(levels(&alone, &(0..6))[0].scale, 8e4);
    }

    #[test]
    fn a_series_that_begins_late_is_no_suspect() {
        let late = case(&[&[f64::NAN, f64::NAN, f64::NAN, f64::NAN, f64::NAN, f64::NAN, 3.0]]);
        assert_eq!(levels(&late, &(0..6))[0].steps(3.0), 0.0);
    }
}
