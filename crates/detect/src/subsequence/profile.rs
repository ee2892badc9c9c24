//! The distance of every window to the most similar other one.

use std::ops::Range;

use rayon::prelude::*;

use super::windows::Windows;

/// Diagonals that are walked side by side.
const LANES: usize = 8;
/// Rows after which a diagonal is started afresh, which keeps rounding from
/// adding up and the rows at hand in the cache.
const TILE: usize = 4096;
/// Diagonals that one thread takes at a time.
const CHUNK: usize = 32 * LANES;

/// Windows closer than this are the same event.
pub(super) fn exclusion(window: usize) -> usize {
    window.div_ceil(4)
}

/// The correlation of every window with its best match further than the
/// exclusion zone away; `-1` where there is none.
pub(super) fn self_join(windows: &Windows) -> Vec<f64> {
    let count = windows.len();
    let mut best = best_matches(windows, |diagonals, best| {
        walk_block(windows, diagonals, 0..count, best, true);
    });
    constants(windows, 0..count, 0..count, &mut best);
    best
}

/// The correlation of every window from `split` on with its best match before
/// `split`, further than the exclusion zone away; `-1` where there is none.
pub(super) fn join(windows: &Windows, split: usize) -> Vec<f64> {
    let count = windows.len();
    let mut best = best_matches(windows, |diagonals, best| {
        // Rows before the split whose partner may lie behind it.
        let rows = (split + 1).saturating_sub(diagonals.end)..split;
        walk_block(windows, diagonals, rows, best, false);
    });
    let mut best = best.split_off(split);
    constants(windows, split..count, 0..split, &mut best);
    best
}

/// The best correlation of every window over all diagonals beyond the
/// exclusion zone, each block of which `walk` goes through.
fn best_matches(windows: &Windows, walk: impl Fn(Range<usize>, &mut [f64]) + Sync) -> Vec<f64> {
    let count = windows.len();
    let first = exclusion(windows.window) + 1;
    let starts: Vec<usize> = (first..count).step_by(CHUNK).collect();
    starts
        .into_par_iter()
        .fold(
            || vec![-1.0; count],
            |mut best, start| {
                for diagonals in blocks(start..(start + CHUNK).min(count)) {
                    walk(diagonals, &mut best);
                }
                best
            },
        )
        .reduce(|| vec![-1.0; count], larger)
}

fn blocks(diagonals: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = diagonals.end;
    diagonals.step_by(LANES).map(move |start| start..(start + LANES).min(end))
}

/// The larger of each pair: the same whatever the order of the threads.
fn larger(mut one: Vec<f64>, other: Vec<f64>) -> Vec<f64> {
    one.iter_mut().zip(other).for_each(|(one, other)| *one = one.max(other));
    one
}

/// Walks the pairs `(row, row + diagonal)` and keeps the best correlation of
/// the later window and, if `both`, of the earlier one.
fn walk_block(
    windows: &Windows,
    diagonals: Range<usize>,
    rows: Range<usize>,
    best: &mut [f64],
    both: bool,
) {
    let count = windows.len();
    let mut start = rows.start;
    while start < rows.end.min(count - diagonals.start) {
        let tile = start..(start + TILE).min(rows.end);
        // Rows at which every diagonal of the block still has a partner.
        let shared = tile.end.min((count + 1).saturating_sub(diagonals.end));
        if diagonals.len() == LANES && shared > tile.start {
            let part = tile.start..shared;
            if both {
                walk_lanes::<true>(windows, diagonals.start, part, best);
            } else {
                walk_lanes::<false>(windows, diagonals.start, part, best);
            }
        }
        let rest = if diagonals.len() == LANES { shared.max(tile.start) } else { tile.start };
        for diagonal in diagonals.clone() {
            walk_one(windows, diagonal, rest..tile.end.min(count - diagonal), best, both);
        }
        start = tile.end;
    }
}

/// [`LANES`] diagonals from `first` on, over rows that all of them have.
fn walk_lanes<const BOTH: bool>(
    windows: &Windows,
    first: usize,
    rows: Range<usize>,
    best: &mut [f64],
) {
    let mut covariance: [f64; LANES] =
        std::array::from_fn(|lane| windows.covariance(rows.start, rows.start + first + lane));
    let length = rows.len();
    let later = rows.start + first..rows.start + first + length + LANES - 1;
    let half_gains = &windows.half_gains[later.clone()];
    let gain_sums = &windows.gain_sums[later.clone()];
    let inverse_norms = &windows.inverse_norms[later.clone()];
    for at in 0..length {
        let row = rows.start + at;
        if at > 0 {
            let (half_gain, gain_sum) = (windows.half_gains[row], windows.gain_sums[row]);
            let half_gains: &[f64; LANES] = lanes(half_gains, at);
            let gain_sums: &[f64; LANES] = lanes(gain_sums, at);
            for lane in 0..LANES {
                covariance[lane] += half_gain * gain_sums[lane] + half_gains[lane] * gain_sum;
            }
        }
        let inverse_norm = windows.inverse_norms[row];
        let inverse_norms: &[f64; LANES] = lanes(inverse_norms, at);
        let mut correlation = [0.0; LANES];
        for lane in 0..LANES {
            correlation[lane] = covariance[lane] * inverse_norm * inverse_norms[lane];
        }
        let slots = &mut best[row + first..row + first + LANES];
        for lane in 0..LANES {
            slots[lane] = greater(correlation[lane], slots[lane]);
        }
        if BOTH {
            let mut half = [0.0; LANES / 2];
            for lane in 0..LANES / 2 {
                half[lane] = greater(correlation[lane], correlation[lane + LANES / 2]);
            }
            let top = greater(greater(half[0], half[1]), greater(half[2], half[3]));
            best[row] = greater(top, best[row]);
        }
    }
}

fn lanes(values: &[f64], at: usize) -> &[f64; LANES] {
    values[at..at + LANES].try_into().expect("as long as it says")
}

/// The greater of two numbers that are not NaN; `f64::max` costs more.
fn greater(one: f64, other: f64) -> f64 {
    if one > other { one } else { other }
}

/// One diagonal.
fn walk_one(windows: &Windows, diagonal: usize, rows: Range<usize>, best: &mut [f64], both: bool) {
    let mut covariance = 0.0;
    for row in rows.clone() {
        let later = row + diagonal;
        if row == rows.start {
            covariance = windows.covariance(row, later);
        } else {
            covariance += windows.half_gains[row] * windows.gain_sums[later]
                + windows.half_gains[later] * windows.gain_sums[row];
        }
        let correlation = covariance * windows.inverse_norms[row] * windows.inverse_norms[later];
        best[later] = greater(correlation, best[later]);
        if both {
            best[row] = greater(correlation, best[row]);
        }
    }
}

/// Sets the correlation of constant windows, which have none by the formula:
/// 1 with each other, 1/2 with any other window, as stumpy does.
fn constants(windows: &Windows, judged: Range<usize>, matches: Range<usize>, best: &mut [f64]) {
    let reach = exclusion(windows.window);
    let constant: Vec<usize> = matches.clone().filter(|at| windows.is_constant(*at)).collect();
    for (at, best) in judged.zip(best) {
        let far = |other: Option<&usize>| other.is_some_and(|other| other.abs_diff(at) > reach);
        // The furthest ones are at either end.
        let has_constant = far(constant.first()) || far(constant.last());
        let has_any = far(Some(&matches.start)) || far(Some(&(matches.end - 1)));
        let is_constant = windows.is_constant(at);
        if is_constant && has_constant {
            *best = 1.0;
        } else if has_constant || (is_constant && has_any) {
            *best = best.max(0.5);
        }
    }
}

/// The z-normalised Euclidean distance of two windows that correlate so.
pub(super) fn distance(correlation: f64, window: usize) -> f64 {
    (2.0 * window as f64 * (1.0 - correlation.clamp(-1.0, 1.0))).sqrt()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::windows::Range as Reach;
    use super::*;

    fn numbers(value: &Value) -> Vec<f64> {
        let list = value.as_array().expect("a list");
        list.iter().map(|number| number.as_f64().expect("a number")).collect()
    }

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/subsequence.json")).expect("JSON")
    }

    /// Distances of `golden/subsequence.py`; tolerance 1e-6.
    fn agree(correlations: &[f64], window: usize, expected: &Value, what: &str) {
        let expected = numbers(expected);
        assert_eq!(correlations.len(), expected.len(), "{what}");
        for (at, (ours, expected)) in correlations.iter().zip(expected).enumerate() {
            let ours = distance(*ours, window);
            assert!((ours - expected).abs() < 1e-6, "{what} {at}: {ours} and {expected}");
        }
    }

    fn windows_of(values: &[f64], window: usize) -> Windows {
        Windows::new(Reach::of(values).apply(values), window)
    }

    #[test]
    fn self_joins_equal_stumpy() {
        for (number, case) in golden()["self_joins"].as_array().expect("cases").iter().enumerate() {
            let window = case["window"].as_u64().expect("whole") as usize;
            let best = self_join(&windows_of(&numbers(&case["values"]), window));
            agree(&best, window, &case["profile"], &format!("case {number}, window"));
        }
    }

    #[test]
    fn joins_equal_stumpy() {
        for (number, case) in golden()["joins"].as_array().expect("cases").iter().enumerate() {
            let window = case["window"].as_u64().expect("whole") as usize;
            // Far apart, so that no window spans both and none is excluded.
            let mut values = numbers(&case["history"]);
            let split = values.len() - window + 1;
            let pause = 2 * window;
            values.extend((0..pause).map(|row| row as f64));
            let later = values.len();
            values.extend(numbers(&case["values"]));
            let best = join(&windows_of(&values, window), split);
            agree(
                &best[later - split..],
                window,
                &case["profile"],
                &format!("join {number}, window"),
            );
        }
    }

    #[test]
    fn tiles_and_lanes_agree_with_the_definition() {
        let values: Vec<f64> = (0..TILE + 300)
            .map(|row| ((row as f64 * 12.9898).sin() * 43758.5453).fract())
            .collect();
        let windows = windows_of(&values, 9);
        let best = self_join(&windows);
        for at in [0, 1, 77, TILE - 1, TILE, TILE + 1, TILE + 291] {
            let correlation = |other: usize| {
                let norms = windows.inverse_norms[at] * windows.inverse_norms[other];
                windows.covariance(at, other) * norms
            };
            let others = (0..windows.len()).filter(|other| other.abs_diff(at) > exclusion(9));
            let expected = others.map(correlation).fold(-1.0, f64::max);
            assert!((best[at] - expected).abs() < 1e-10, "{at}: {} and {expected}", best[at]);
        }
    }
}
