//! Rows on an even grid of times.

use auscult_core::Frame;

/// Where rows lie in time, in steps since the first row.
///
/// Without times, or with times that are no grid, every row is the next step.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    /// First time and step in nanoseconds.
    clock: Option<(i64, i64)>,
    /// Steps that the history covers.
    pub(crate) steps: usize,
}

/// Gaps may stretch a history to this many times its rows.
const LARGEST_STRETCH: usize = 3;

impl Grid {
    /// The grid of `history`, and the step of each of its rows.
    pub(crate) fn of(history: &Frame<'_>) -> (Self, Vec<usize>) {
        let rows = history.rows();
        let even = || (Self { clock: None, steps: rows }, (0..rows).collect());
        let Some(step) = step_nanos(history) else { return even() };
        let first = history.times().map_or(0, |times| times[0].nanos());
        let clock = (first, step);
        let steps: Vec<usize> =
            history.times().into_iter().flatten().map(|time| place(clock, time.nanos())).collect();
        let last = steps.last().copied().unwrap_or(0);
        // Times that go back or stand still are no grid to rely on.
        let increasing = steps.windows(2).all(|pair| pair[0] < pair[1]);
        if !increasing || last >= rows.saturating_mul(LARGEST_STRETCH) {
            return even();
        }
        (Self { clock: Some(clock), steps: last + 1 }, steps)
    }

    /// The steps of `rows`, which follow the history.
    pub(crate) fn after(&self, rows: &Frame<'_>) -> Vec<usize> {
        match (self.clock, rows.times()) {
            (Some(clock), Some(times)) => {
                times.iter().map(|time| place(clock, time.nanos())).collect()
            }
            _ => (self.steps..self.steps + rows.rows()).collect(),
        }
    }
}

fn place((first, step): (i64, i64), time: i64) -> usize {
    let since = time.saturating_sub(first);
    usize::try_from(since.saturating_add(step / 2).div_euclid(step)).unwrap_or(0)
}

/// The usual time between rows, in nanoseconds.
pub(crate) fn step_nanos(history: &Frame<'_>) -> Option<i64> {
    let times = history.times()?;
    let mut steps: Vec<i64> =
        times.windows(2).map(|pair| pair[1].nanos().saturating_sub(pair[0].nanos())).collect();
    if steps.is_empty() {
        return None;
    }
    let middle = steps.len() / 2;
    let (_, step, _) = steps.select_nth_unstable(middle);
    (*step > 0).then_some(*step)
}

/// `values` at `steps` on a grid of `length`, with lines across the gaps.
pub(crate) fn fill(values: &[f64], steps: &[usize], length: usize) -> Vec<f64> {
    if values.len() == length {
        return values.to_vec();
    }
    let mut filled = vec![0.0; length];
    for (pair, value) in steps.windows(2).zip(values.windows(2)) {
        let gap = pair[1] - pair[0];
        for (at, slot) in filled[pair[0]..pair[1]].iter_mut().enumerate() {
            *slot = value[0] + (value[1] - value[0]) * (at as f64 / gap as f64);
        }
    }
    if let (Some(step), Some(value)) = (steps.last(), values.last()) {
        filled[*step] = *value;
    }
    filled
}

#[cfg(test)]
mod tests {
    use auscult_core::Timestamp;

    use super::*;

    #[test]
    fn gaps_are_closed_by_lines_and_rows_keep_their_place() {
        let times = [0, 60, 120, 301, 360].map(Timestamp::from_seconds);
        let readings = [0.0, 1.0, 2.0, 8.0, 9.0];
        let frame = Frame::of_column(&readings).and_then(|frame| frame.with_times(&times));
        let frame = frame.expect("one time per row");
        let (grid, steps) = Grid::of(&frame);
        assert_eq!((grid.steps, &steps[..]), (7, &[0, 1, 2, 5, 6][..]));
        assert_eq!(fill(&readings, &steps, grid.steps), [0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 9.0]);
        let later = [420, 600].map(Timestamp::from_seconds);
        let after = Frame::of_column(&readings[..2]).and_then(|frame| frame.with_times(&later));
        assert_eq!(grid.after(&after.expect("one time per row")), [7, 10]);
        assert_eq!(grid.after(&Frame::of_column(&readings[..2]).expect("finite")), [7, 8]);
    }

    #[test]
    fn times_that_are_no_grid_are_not_used() {
        let readings = [0.0; 4];
        for times in [[0, 1, 1, 2], [0, 2, 1, 3], [0, 1, 2, 1000]] {
            let times = times.map(Timestamp::from_seconds);
            let frame = Frame::of_column(&readings).and_then(|frame| frame.with_times(&times));
            let (grid, steps) = Grid::of(&frame.expect("one time per row"));
            assert_eq!((grid.steps, &steps[..]), (4, &[0, 1, 2, 3][..]));
        }
    }
}
