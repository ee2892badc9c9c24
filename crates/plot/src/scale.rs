//! Axes: ranges, round steps, labels.

use crate::number;

/// A range of numbers on a stretch of the picture.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// The least that is drawn.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// Where `low` is drawn.
    pub from: f64,
    /// Where `high` is drawn.
    pub to: f64,
}

impl Scale {
    /// Where `value` is drawn; held within the stretch.
    pub fn place(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round numbers within the range, about `wanted` of them.
    pub fn ticks(&self, wanted: usize) -> Vec<f64> {
        let step = round_step((self.high - self.low) / wanted as f64);
        multiples(self.low, self.high, step)
    }

    /// Moments within the range, on round steps of the clock, and their labels.
    pub fn time_ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        const STEPS: [f64; 19] = [
            1.0,
            5.0,
            15.0,
            30.0,
            60.0,
            120.0,
            300.0,
            600.0,
            900.0,
            1800.0,
            3600.0,
            10_800.0,
            21_600.0,
            43_200.0,
            86_400.0,
            172_800.0,
            604_800.0,
            2_592_000.0,
            31_536_000.0,
        ];
        let least = (self.high - self.low) / wanted as f64;
        let step = STEPS.into_iter().find(|step| *step >= least);
        let step = step.unwrap_or_else(|| round_step(least / 31_536_000.0) * 31_536_000.0);
        let label = |seconds: f64| {
            let text = jiff::Timestamp::from_second(seconds as i64)
                .map_or_else(|_| String::new(), |time| time.to_string());
            // RFC 3339: date in 0..10, clock from 11.
            let slice = |range: std::ops::Range<usize>| text.get(range).unwrap_or("").to_owned();
            match step {
                step if step < 60.0 => slice(11..19),
                step if step < 86_400.0 && seconds.rem_euclid(86_400.0) != 0.0 => slice(11..16),
                step if step < 2_592_000.0 => slice(5..10),
                _ => slice(0..7),
            }
        };
        multiples(self.low, self.high, step).into_iter().map(|at| (at, label(at))).collect()
    }
}

/// Labels of `ticks`.
pub fn labels(ticks: &[f64]) -> Vec<String> {
    ticks.iter().map(|tick| number(*tick)).collect()
}

/// The range to draw: that of `values`, but not so wide that a wild reading
/// flattens all others. Readings beyond it are drawn at its edge.
pub fn range(values: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if sorted.is_empty() {
        return (0.0, 1.0);
    }
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let (mut low, mut high) = (at(0.0), at(1.0));
    let usual = at(0.99) - at(0.01);
    if usual > 0.0 {
        low = low.max(at(0.01) - 50.0 * usual);
        high = high.min(at(0.99) + 50.0 * usual);
    }
    if low == high {
        let reach = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        return (low - reach, high + reach);
    }
    let margin = 0.05 * (high - low);
    (low - margin, high + margin)
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    let step = [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(|step| *step >= least);
    step.unwrap_or(10.0 * power)
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step).ceil();
    let last = (high / step).floor();
    if !(first.is_finite() && last.is_finite()) || last - first > 1000.0 {
        return Vec::new();
    }
    (0..=(last - first).max(0.0) as usize)
        .map(|at| (first + at as f64) * step)
        .filter(|tick| *tick >= low && *tick <= high)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let scale = Scale { low: 0.3, high: 9.7, from: 0.0, to: 100.0 };
        assert_eq!(scale.ticks(5), [2.0, 4.0, 6.0, 8.0]);
        let day = Scale { low: 0.0, high: 86_400.0, from: 0.0, to: 100.0 };
        let labels: Vec<String> = day.time_ticks(5).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["01-01", "06:00", "12:00", "18:00", "01-02"]);
    }

    #[test]
    fn a_wild_reading_does_not_flatten_the_rest() {
        let mut values: Vec<f64> = (0..1000).map(|value| f64::from(value % 10)).collect();
        values[500] = 1e300;
        let (low, high) = range(&values);
        assert!(low > -1000.0 && high < 1000.0, "{low} to {high}");
    }
}
