//! Path lengths and the scores made of them.

/// Mean path length of an unsuccessful search in a binary search tree of
/// `rows` keys: what a leaf still holding `rows` rows adds to its depth.
///
/// As in Liu, Ting, Zhou 2008, equation 1, with the two smallest cases exact.
pub(super) fn expected_path(rows: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let rows = rows as f64;
            2.0 * ((rows - 1.0).ln() + EULER) - 2.0 * (rows - 1.0) / rows
        }
    }
}

/// Levels of a tree grown on `rows` rows: deeper than average is never strange.
pub(super) fn levels(rows: usize) -> u32 {
    rows.next_power_of_two().trailing_zeros()
}

/// Turns the sum of path lengths over trees into a score in (0, 1).
#[derive(Debug, Clone, Copy)]
pub(super) struct PathScore {
    /// Path length, summed over trees, that scores one half.
    pub(super) usual: f64,
}

impl PathScore {
    pub(super) fn new(trees: usize, sample: usize) -> Self {
        Self { usual: trees as f64 * expected_path(sample) }
    }

    pub(super) fn of(self, paths: f64) -> f64 {
        (-paths / self.usual).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_paths_are_those_of_the_paper() {
        assert_eq!([0, 1, 2].map(expected_path), [0.0, 0.0, 1.0]);
        // The paper's usual sample.
        assert!((expected_path(256) - 10.244770920119917).abs() < 1e-12);
        assert_eq!([2, 3, 256, 257].map(levels), [1, 2, 8, 9]);
    }

    #[test]
    fn the_usual_path_scores_one_half() {
        let score = PathScore::new(10, 256);
        assert_eq!(score.of(score.usual), 0.5);
        assert_eq!(score.of(0.0), 1.0);
    }
}
