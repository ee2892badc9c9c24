//! What a case looks like while nothing is wrong: windows of its normal rows.

use std::ops::Range;

use super::case::Case;

/// Windows looked at, at most.
const MOST_WINDOWS: usize = 200;

/// Normal rows must be this many times a window, so that windows are not all the same.
const LEAST_WINDOWS: usize = 8;

/// Windows of `rows` rows, or of what the normal rows allow, that lie in one stretch of
/// time: all of them, or 200 spread evenly.
pub(super) fn windows(case: &Case, normal: usize, rows: usize) -> Vec<Range<usize>> {
    let length = rows.min(normal / LEAST_WINDOWS).max(1);
    let all: Vec<Range<usize>> = (0..=normal.saturating_sub(length))
        .map(|start| start..start + length)
        .filter(|window| case.is_one_stretch(window.start, window.end))
        .collect();
    let count = all.len().min(MOST_WINDOWS);
    (0..count).map(|at| all[at * all.len() / count].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::case::{CaseSeries, Layer};
    use super::*;

    fn case(rows: usize) -> Case {
        let series = CaseSeries {
            name: "s".to_owned(),
            target: "t".to_owned(),
            kind: "k".to_owned(),
            layer: Layer::Other,
            values: vec![0.0; rows],
        };
        Case::new(vec![series], Some(rows - 1)).expect("a case")
    }

    #[test]
    fn windows_do_not_reach_over_jumps_of_time() {
        let case = case(41).with_breaks([20]);
        let windows = windows(&case, 40, 5);
        assert_eq!(windows.len(), 16 + 16);
        assert!(windows.iter().all(|window| window.end <= 20 || window.start >= 20));
    }

    #[test]
    fn long_histories_are_sampled_and_short_ones_make_short_windows() {
        assert_eq!(windows(&case(5001), 5000, 10).len(), 200);
        let short = windows(&case(17), 16, 10);
        assert!(short.iter().all(|window| window.len() == 2));
    }
}
