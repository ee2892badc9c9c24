//! What an alarm on a row is worth.

use super::NabSeries;

/// A row, as the scorer sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub(super) score: f64,
    /// Which window of all files it lies in.
    pub(super) window: Option<usize>,
    /// Worth of an alarm here, before the weights of a profile; in `-1..=1`.
    pub(super) worth: f64,
}

/// The rows of `series` that count; windows are numbered from `first_window`.
pub(super) fn weighed(series: &NabSeries, first_window: usize) -> Vec<Weighed> {
    let mut rows = Vec::with_capacity(series.scores.len());
    let mut next = 0;
    for (row, score) in series.scores.iter().copied().enumerate() {
        while series.windows.get(next).is_some_and(|window| window.end < row) {
            next += 1;
        }
        if row < series.probation {
            continue;
        }
        let inside = series.windows.get(next).filter(|window| window.start <= row);
        let (window, worth) = if let Some(window) = inside {
            let place = -((window.end - row + 1) as f64) / window.len() as f64;
            (Some(first_window + next), sigmoid(place) / sigmoid(-1.0))
        } else {
            let before = next.checked_sub(1).map(|before| series.windows[before]);
            let worth = before.map_or(-1.0, |window| {
                // A window of one row has no length to measure by: infinitely far.
                let place = (row - window.end) as f64 / (window.len() - 1) as f64;
                if place > 3.0 { -1.0 } else { sigmoid(place) }
            });
            (None, worth)
        };
        rows.push(Weighed { score, window, worth });
    }
    rows
}

/// Falls from 1 to -1, through 0 at the end of the window.
fn sigmoid(place: f64) -> f64 {
    2.0 / (1.0 + (5.0 * place).exp()) - 1.0
}
