//! Runs of anomalous rows.

/// Rows `start..=end` of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// First row.
    pub start: usize,
    /// Last row, which belongs to the run.
    pub end: usize,
}

impl Segment {
    /// How many rows it has, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a segment is never empty")]
    pub fn len(&self) -> usize {
        self.end - self.start + 1
    }

    /// Whether both have a row in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// The runs of `true` in `rows`, in order.
///
/// ```
/// use auscult_evaluate::{Segment, segments};
/// let runs = segments(&[true, true, false, true]);
/// assert_eq!(runs, [Segment { start: 0, end: 1 }, Segment { start: 3, end: 3 }]);
/// ```
#[must_use]
pub fn segments(rows: &[bool]) -> Vec<Segment> {
    let mut runs = Vec::new();
    let mut start = None;
    for (row, inside) in rows.iter().enumerate() {
        match (inside, start) {
            (true, None) => start = Some(row),
            (false, Some(first)) => {
                runs.push(Segment { start: first, end: row - 1 });
                start = None;
            }
            _ => {}
        }
    }
    if let Some(first) = start {
        runs.push(Segment { start: first, end: rows.len() - 1 });
    }
    runs
}
