//! Straight lines through windows.

use super::OfWindow;
use crate::eval::Window;
use crate::sums::Sum;

pub(super) fn find(name: &str) -> Option<OfWindow> {
    (name == "deriv").then_some(|window| {
        let first = window.samples.first()?.time;
        line(window, first).map(|(slope, _)| slope)
    })
}

/// What the line reads `ahead` seconds after `now`.
pub(super) fn predicted(window: &Window<'_>, now: i64, ahead: f64) -> Option<f64> {
    line(window, now).map(|(slope, level)| level + slope * ahead)
}

/// Slope per second, and level at `origin`, of the line of least squares; `None` for one sample.
fn line(window: &Window<'_>, origin: i64) -> Option<(f64, f64)> {
    let samples = window.samples;
    if samples.len() < 2 {
        return None;
    }
    let first = samples[0].value;
    if samples.iter().all(|sample| sample.value == first) {
        // Exactly flat, whatever rounding would make of it.
        return Some(if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) });
    }
    let count = samples.len() as f64;
    let (mut x, mut y, mut xy, mut xx) =
        (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for sample in samples {
        let seconds = (sample.time - origin) as f64 / 1000.0;
        x.add(seconds);
        y.add(sample.value);
        xy.add(seconds * sample.value);
        xx.add(seconds * seconds);
    }
    let (x, y) = (x.value(), y.value());
    let covariance = xy.value() - x * y / count;
    let variance = xx.value() - x * x / count;
    let slope = covariance / variance;
    Some((slope, y / count - slope * x / count))
}
