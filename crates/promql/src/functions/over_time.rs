//! Functions that sum a window up.

use super::OfWindow;
use crate::eval::Window;
use crate::sums;

pub(super) fn find(name: &str) -> Option<OfWindow> {
    Some(match name {
        "avg_over_time" => |window| Some(sums::mean(values(window))),
        "changes" => |window| {
            Some(count_pairs(window, |one, next| one != next && !(one.is_nan() && next.is_nan())))
        },
        "count_over_time" => |window| Some(window.samples.len() as f64),
        // NaN only where there is nothing else.
        "max_over_time" => |window| Some(values(window).fold(f64::NAN, f64::max)),
        "min_over_time" => |window| Some(values(window).fold(f64::NAN, f64::min)),
        "present_over_time" => |_| Some(1.0),
        "resets" => |window| Some(count_pairs(window, |one, next| next < one)),
        "stddev_over_time" => |window| Some(sums::variance(values(window)).sqrt()),
        "stdvar_over_time" => |window| Some(sums::variance(values(window))),
        "sum_over_time" => |window| Some(sums::sum(values(window))),
        _ => return None,
    })
}

pub(super) fn quantile(share: f64, window: &Window<'_>) -> f64 {
    let mut values: Vec<f64> = values(window).collect();
    sums::quantile(share, &mut values)
}

fn values(window: &Window<'_>) -> impl Iterator<Item = f64> + Clone {
    window.samples.iter().map(|sample| sample.value)
}

fn count_pairs(window: &Window<'_>, counts: fn(f64, f64) -> bool) -> f64 {
    let pairs = window.samples.windows(2);
    pairs.filter(|pair| counts(pair[0].value, pair[1].value)).count() as f64
}
