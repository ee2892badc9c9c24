//! Lines with as many points as can be seen.

use serde::Serialize;

/// A reading.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Seconds since 1970, or a row.
    pub x: f64,
    /// The reading.
    pub y: f64,
}

/// At most about `most` points that look like `line`: the lowest and the highest of each stretch, so
/// that no spike is lost. Time: linear in the points.
///
/// ```
/// use auscult_plot::{Point, thinned};
/// let mut line: Vec<Point> = (0..1000).map(|x| Point { x: f64::from(x), y: 0.0 }).collect();
/// line[567].y = 9.0;
/// let thin = thinned(&line, 100);
/// assert!(thin.len() <= 102 && thin.contains(&line[567]));
/// ```
#[must_use]
pub fn thinned(line: &[Point], most: usize) -> Vec<Point> {
    if line.len() <= most {
        return line.to_vec();
    }
    let stretch = line.len().div_ceil((most / 2).max(1));
    let mut kept = Vec::with_capacity(most + 2);
    for points in line.chunks(stretch) {
        let by_height = |a: &&Point, b: &&Point| a.y.total_cmp(&b.y);
        let low = points.iter().min_by(by_height).copied();
        let high = points.iter().max_by(by_height).copied();
        match (low, high) {
            (Some(low), Some(high)) if low == high => kept.push(low),
            (Some(low), Some(high)) if low.x < high.x => kept.extend([low, high]),
            (Some(low), Some(high)) => kept.extend([high, low]),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_every_spike() {
        let mut line: Vec<Point> =
            (0..100_000).map(|x| Point { x: f64::from(x), y: f64::from(x % 7) }).collect();
        line[54_321].y = 1000.0;
        line[77_777].y = -1000.0;
        let thin = thinned(&line, 2000);
        assert!(thin.len() <= 2002, "{}", thin.len());
        assert!(thin.contains(&line[54_321]) && thin.contains(&line[77_777]));
        assert!(thin.is_sorted_by(|a, b| a.x <= b.x));
    }
}
