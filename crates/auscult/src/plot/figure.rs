//! What a picture shows, before it is drawn.

use serde::Serialize;

/// Panels one above the other, over one axis of time or of rows.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// What it is about.
    pub title: String,
    /// One line under the title.
    pub subtitle: String,
    /// Whether `x` counts seconds since 1970, else rows.
    pub is_time: bool,
    /// One per column of a series.
    pub panels: Vec<Panel>,
}

/// A line, the expected band behind it, and marks on it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Panel {
    pub title: String,
    pub line: Vec<Point>,
    pub band: Vec<Expected>,
    pub marks: Vec<Mark>,
}

/// A reading.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Point {
    pub x: f64,
    pub y: f64,
}

/// What was expected at a place.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Expected {
    pub x: f64,
    pub middle: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// An anomaly.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Mark {
    pub x: f64,
    pub y: f64,
    /// Why, in words.
    pub text: String,
}

/// At most about `most` points that look like `line`: the lowest and the
/// highest of each stretch.
pub(crate) fn thinned(line: &[Point], most: usize) -> Vec<Point> {
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
