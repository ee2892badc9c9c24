//! A signal before and after something began, in a few numbers.

use auscult_stats::quantile::{median, quantile_of_sorted};

use super::Window;

/// Share of the window at the end that says how things stand now.
pub(crate) const TAIL: f64 = 0.34;
/// Moments of the end under which nothing counts as gone.
const FEW_MOMENTS: usize = 4;
/// Readings that a side must have.
const FEWEST: usize = 3;
/// Times as many moments as these there have to be, for fewer readings after the onset to be too few.
const FEW_OF: usize = 4;

/// A signal before and after something began, in a few numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct BeforeAfter {
    /// Quantiles of the readings before: 5, 25, 50, 75, 95 per cent.
    pub before: [f64; 5],
    /// Those after.
    pub after: [f64; 5],
    /// Median at the end.
    pub tail: f64,
    /// Least and greatest reading at the end.
    pub tail_range: [f64; 2],
    /// Least and greatest reading before.
    pub before_range: [f64; 2],
    /// Least and greatest reading after.
    pub after_range: [f64; 2],
    /// Spread of a reading before, never 0 where the signal has a resolution.
    pub scale: f64,
    /// Readings there were before, as a share of what there could be since the first.
    pub there_before: f64,
    /// Readings there are at the end, as a share.
    pub there_at_end: f64,
    /// Readings that there could be after the onset.
    pub moments: usize,
    /// Readings after the onset, in time.
    pub readings: Vec<f64>,
    /// Readings before the onset, in time.
    pub past: Vec<f64>,
}

impl BeforeAfter {
    /// Of readings on the grid; `None` where there are too few to say anything before.
    pub fn of(readings: &[f64], window: Window) -> Option<Self> {
        let finite = |slice: &[f64]| -> Vec<f64> {
            slice.iter().copied().filter(|value| value.is_finite()).collect()
        };
        let end = window.end.min(readings.len());
        let onset = window.onset.min(end);
        let past = finite(&readings[window.from.min(onset)..onset]);
        let after_raw = &readings[onset..end];
        let after = finite(after_raw);
        if past.len() < FEWEST || after_raw.is_empty() {
            return None;
        }
        let tail_from = after_raw.len() - ((after_raw.len() as f64 * TAIL).ceil() as usize).max(1);
        let tail_raw = &after_raw[tail_from..];
        let mut tail = finite(tail_raw);
        // Of a few moments there may be none at which it is read: what was read last holds still.
        if tail.is_empty() && tail_raw.len() < FEW_MOMENTS {
            tail.extend(after.last());
        }
        let sorted = in_order(&past);
        let before_q = quantiles(&sorted);
        let resolution = resolution(&sorted);
        let after_q = if after.is_empty() { [f64::NAN; 5] } else { quantiles(&in_order(&after)) };
        // What was scraped for the first time a minute ago may be gone as well as the rest.
        let before = &readings[window.from.min(onset)..onset];
        let first = before.iter().position(|value| value.is_finite()).unwrap_or_default();
        let since_first = before.len() - first;
        let spread = (before_q[3] - before_q[1]) / 1.35;
        let wide = (before_q[4] - before_q[0]) / 3.3;
        let scale = spread.max(wide).max(0.01 * before_q[2].abs()).max(resolution);
        Some(Self {
            before: before_q,
            after: after_q,
            tail_range: range(&tail),
            before_range: range(&past),
            after_range: range(&after),
            scale,
            there_before: past.len() as f64 / since_first as f64,
            // Of a few moments it is too early to say that something is gone.
            there_at_end: match tail_raw.len() {
                0..FEW_MOMENTS => 1.0,
                moments => tail.len() as f64 / moments as f64,
            },
            tail: if tail.is_empty() { f64::NAN } else { median(&mut tail) },
            moments: after_raw.len(),
            readings: after,
            past,
        })
    }

    /// How far the upper readings rose, in spreads.
    pub fn rise(&self) -> f64 {
        self.moved(3)
    }

    /// How far the lower readings fell, in spreads.
    pub fn fall(&self) -> f64 {
        -self.moved(1)
    }

    /// Whether three of four readings lie above all but a twentieth of those before: where a signal
    /// moves a lot by itself, that is seen, and spreads are too wide for it.
    pub fn lies_above(&self) -> bool {
        self.after[1] > self.before[4]
    }

    /// The same below.
    pub fn lies_below(&self) -> bool {
        self.after[3] < self.before[0]
    }

    fn moved(&self, quantile: usize) -> f64 {
        let by = self.after[quantile] - self.before[quantile];
        if by == 0.0 { 0.0 } else { by / self.scale.max(f64::MIN_POSITIVE) }
    }

    /// Whether it never read anything but 0.
    pub fn is_nothing(&self) -> bool {
        self.before_range == [0.0; 2] && self.after_range == [0.0; 2]
    }

    /// Whether it was 0 all the while before, and is not below that now: it cannot have fallen.
    pub fn was_nothing(&self) -> bool {
        self.before_range == [0.0; 2] && self.after_range[0] >= 0.0
    }

    /// Whether there are too few readings after the onset to say what became of it.
    pub fn is_thin(&self) -> bool {
        self.readings.len() < FEWEST && self.moments >= FEW_OF * FEWEST
    }

    /// Whether two readings in a row lie below all that were before. One alone may be a scrape that
    /// got lost; and of a state that lasts, how long it does says nothing.
    pub fn went_below(&self) -> bool {
        let least = self.before_range[0];
        self.readings.windows(2).any(|pair| pair.iter().all(|value| *value < least))
    }

    /// Whether two readings in a row lie above all that were before, further than those ever lay above
    /// their middle, and by four spreads: of what passes within a minute, quantiles of a quarter of an
    /// hour see nothing.
    pub fn spiked(&self) -> bool {
        let most = self.before_range[1];
        let bar = most + (most - self.before[2]).max(4.0 * self.scale);
        self.readings.windows(2).any(|pair| pair.iter().all(|value| *value > bar))
    }

    /// The change of the quantile as a share of what there was.
    pub fn ratio(&self, quantile: usize) -> f64 {
        let (before, after) = (self.before[quantile], self.after[quantile]);
        if before.abs() > 0.0 {
            (after - before) / before.abs()
        } else if after == before {
            0.0
        } else {
            (after - before).signum() * f64::INFINITY
        }
    }

    /// How far the mean moved, in standard errors (Welch's t), and as a share of the mean before.
    /// What happens seldom reads 0 most of the time: quantiles do not see it, the mean does.
    pub fn mean_moved(&self) -> (f64, f64) {
        let (before, after) = (moments(&self.past), moments(&self.readings));
        let by = after.0 - before.0;
        if by == 0.0 {
            return (0.0, 0.0);
        }
        // Readings follow one another: a third of them counts.
        let error =
            3.0 * (before.1 / self.past.len() as f64 + after.1 / self.readings.len() as f64);
        let share = if before.0 == 0.0 { by.signum() * f64::INFINITY } else { by / before.0.abs() };
        (by / error.sqrt().max(f64::MIN_POSITIVE), share)
    }

    /// Whether what never happened in all the time before has happened since, more often than chance
    /// would have it one time in twenty: of so many moments with it, all came after the onset
    /// (the exact comparison of two rates of Poisson, Przyborowski and Wilenski, 1940).
    pub fn begins_to_happen(&self) -> bool {
        if self.before_range != [0.0, 0.0] {
            return false;
        }
        let (before, after) = (self.past.len() as f64, self.readings.len() as f64);
        let moments = self.readings.iter().filter(|value| **value > 0.0).count();
        moments > 0 && (after / (before + after)).powf(moments as f64) <= 0.05
    }

    /// Mean of the readings before and after.
    pub fn means(&self) -> (f64, f64) {
        (moments(&self.past).0, moments(&self.readings).0)
    }

    /// Whether more than half of the readings before or after are the same.
    pub fn is_rare(&self) -> bool {
        self.before[1] == self.before[3] || self.after[1] == self.after[3]
    }

    /// Kendall's rank correlation of the readings after the onset with time, after the last
    /// reading before.
    pub fn trend(&self) -> f64 {
        let values = thin(&self.readings, 60);
        let mut score = 0.0;
        let mut pairs = 0.0;
        for (place, value) in values.iter().enumerate() {
            for later in &values[place + 1..] {
                pairs += 1.0;
                score += match later.partial_cmp(value) {
                    Some(std::cmp::Ordering::Greater) => 1.0,
                    Some(std::cmp::Ordering::Less) => -1.0,
                    _ => 0.0,
                };
            }
        }
        if pairs > 0.0 { score / pairs } else { 0.0 }
    }
}

/// At most `most` of the values, evenly spread.
fn thin(values: &[f64], most: usize) -> Vec<f64> {
    let step = values.len().div_ceil(most).max(1);
    values.iter().copied().step_by(step).collect()
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / count)
}

fn range(values: &[f64]) -> [f64; 2] {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [least, most]
}

fn in_order(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

fn quantiles(sorted: &[f64]) -> [f64; 5] {
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| quantile_of_sorted(sorted, share))
}

/// The smallest step between two of the values, which are in order, if there are few enough of them to tell.
fn resolution(sorted: &[f64]) -> f64 {
    let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0);
    let (count, least) =
        steps.fold((1, f64::INFINITY), |(count, least), step| (count + 1, least.min(step)));
    // Many different values: it is a matter of noise, not of resolution.
    if count > 1 && count * 4 <= sorted.len() { least } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &[f64], after: &[f64]) -> BeforeAfter {
        let readings: Vec<f64> = before.iter().chain(after).copied().collect();
        let (onset, end) = (before.len(), readings.len());
        BeforeAfter::of(&readings, Window { from: 0, onset, end }).unwrap()
    }

    #[test]
    fn what_never_happened_begins_to_once_chance_is_unlikely_to_do_it() {
        let once = [0.0, 0.0, 1.0, 0.0, 0.0];
        assert!(!of(&[0.0; 20], &once).begins_to_happen(), "one in five by chance");
        assert!(of(&[0.0; 120], &once).begins_to_happen());
        assert!(of(&[0.0; 20], &[0.0, 1.0, 0.0, 2.0, 0.0]).begins_to_happen());
        let mut before = [0.0; 120];
        before[3] = 1.0;
        assert!(!of(&before, &once).begins_to_happen(), "it happened before");
        assert!(!of(&[0.0; 120], &[0.0; 5]).begins_to_happen());
    }

    /// A spike of the loss is over within a minute; a quarter of an hour is looked at.
    #[test]
    fn what_jumped_and_is_over_spiked() {
        let before: Vec<f64> = (0..160).map(|at| 0.28 + 0.01 * f64::from(at * 7 % 10)).collect();
        let mut after = before[..60].to_vec();
        assert!(!of(&before, &after).spiked());
        after[1] = 620.0;
        assert!(!of(&before, &after).spiked(), "one reading alone may be anything");
        after[2] = 120.0;
        let spiked = of(&before, &after);
        assert!(spiked.spiked() && spiked.rise() < 2.5, "the upper quarter knows nothing of it");
        let mut wild = before.clone();
        wild[80] = 100.0;
        assert!(!of(&wild, &after).spiked(), "it was as far away before");
    }

    #[test]
    fn what_moves_a_lot_by_itself_lies_elsewhere_when_most_of_it_does() {
        let wild: Vec<f64> = (0..40).map(|moment| 3.0 + f64::from(moment * 7 % 10)).collect();
        let (low, calm) = ([1.0, 2.0, 1.5, 1.0], [3.0, 12.0, 5.0, 8.0]);
        assert!(of(&wild, &low).fall() < 2.5, "within its spread");
        assert!(of(&wild, &low).lies_below() && !of(&wild, &low).lies_above());
        assert!(!of(&wild, &calm).lies_below() && !of(&wild, &calm).lies_above());
        assert!(of(&low, &calm).lies_above());
    }
}
