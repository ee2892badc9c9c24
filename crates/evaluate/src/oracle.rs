//! The best that any of many thresholds would have done.

use crate::{Flagged, Scored};

/// A threshold and what it reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Alarms are rows that score above it.
    pub threshold: f64,
    /// The largest value of the measure.
    pub value: f64,
}

/// The best value of `measure` over `count` thresholds, evenly spaced from the
/// least score to the largest: an oracle, for measures that have no quick sweep.
///
/// Thresholds at which `measure` is `None` are passed over; `None` when all are,
/// and for no rows. Of equal ones the least threshold is kept. Benchmarks use 100.
/// Time O(count) measurements.
///
/// ```
/// use auscult_evaluate::{Scored, best_of_even_thresholds, event_f1};
/// let scored = Scored::new(&[false, true, true], &[0.0, 1.0, 0.3])?;
/// let best = best_of_even_thresholds(&scored, 100, |flagged| Some(event_f1(flagged)?.f1));
/// assert_eq!(best.unwrap().value, 1.0);
/// # Ok::<(), auscult_evaluate::EvaluateError>(())
/// ```
#[must_use]
pub fn best_of_even_thresholds(
    scored: &Scored<'_>,
    count: usize,
    measure: impl Fn(&Flagged<'_>) -> Option<f64>,
) -> Option<Best> {
    let least = scored.scores().iter().copied().min_by(f64::total_cmp)?;
    let largest = scored.scores().iter().copied().max_by(f64::total_cmp)?;
    let step = (largest - least) / count.saturating_sub(1).max(1) as f64;
    let mut best: Option<Best> = None;
    for at in 0..count {
        let last = at + 1 == count && count > 1;
        let threshold = if last { largest } else { at as f64 * step + least };
        let alarms = scored.alarms_above(threshold);
        let flagged =
            Flagged::new(scored.labels(), &alarms).expect("there is one alarm for each label");
        let Some(value) = measure(&flagged) else { continue };
        if best.is_none_or(|best| value > best.value) {
            best = Some(Best { threshold, value });
        }
    }
    best
}
