//! How much a series grows.

use super::OfWindow;
use crate::eval::Window;

pub(super) fn find(name: &str) -> Option<OfWindow> {
    Some(match name {
        "delta" => |window| extrapolated(window, false),
        "idelta" => |window| {
            let (before, last) = last_two(window)?;
            Some(last.value - before.value)
        },
        "increase" => |window| extrapolated(window, true),
        "irate" => |window| {
            let (before, last) = last_two(window)?;
            // A counter that fell began anew at 0.
            let grown =
                if last.value < before.value { last.value } else { last.value - before.value };
            let seconds = (last.time - before.time) as f64 / 1000.0;
            (seconds > 0.0).then(|| grown / seconds)
        },
        "rate" => |window| {
            let seconds = (window.to - window.from) as f64 / 1000.0;
            Some(extrapolated(window, true)? / seconds)
        },
        _ => return None,
    })
}

fn last_two(window: &Window<'_>) -> Option<(crate::data::Sample, crate::data::Sample)> {
    let (last, before) = window.samples.split_last()?;
    Some((*before.last()?, *last))
}

/// How much it grew over the whole window, had it gone on to its ends as between its samples.
///
/// As far as an end is no more than 1.1 mean intervals away from the nearest sample; beyond, half a
/// mean interval. A counter is not continued below 0.
fn extrapolated(window: &Window<'_>, is_counter: bool) -> Option<f64> {
    let (first, last) = (window.samples.first()?, window.samples.last()?);
    if window.samples.len() < 2 || last.time == first.time {
        return None;
    }
    let mut grown = last.value - first.value;
    if is_counter {
        let pairs = window.samples.windows(2);
        let lost = pairs.filter(|pair| pair[1].value < pair[0].value).map(|pair| pair[0].value);
        lost.for_each(|lost| grown += lost);
    }
    let seconds = |from: i64, to: i64| (to - from) as f64 / 1000.0;
    let sampled = seconds(first.time, last.time);
    let mean = sampled / (window.samples.len() - 1) as f64;
    let reach = |gap: f64| if gap >= 1.1 * mean { mean / 2.0 } else { gap };
    let mut before = reach(seconds(window.from, first.time));
    if is_counter && grown > 0.0 && first.value >= 0.0 {
        before = before.min(sampled * (first.value / grown));
    }
    let after = reach(seconds(last.time, window.to));
    Some(grown * ((sampled + before + after) / sampled))
}
