//! A judged row.

use std::sync::Arc;

use auscult_core::{Explanation, Timestamp};

/// One row of a series, and what a method says of it.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Number of the row in the input, from 1, the header not counted.
    pub row: u64,
    /// When it was taken.
    pub time: Option<Timestamp>,
    /// The series it belongs to.
    pub series: Arc<SeriesName>,
    /// One reading per column of the series.
    pub readings: Vec<f64>,
    /// How strange; `None` while the method was still warming up.
    pub score: Option<f64>,
    /// Above which score it would be an anomaly.
    pub threshold: f64,
    /// What was expected instead.
    pub explanation: Option<Explanation>,
}

/// What tells a series from the others of one input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesName {
    /// Values of the columns that `--group-by` names.
    pub group: Vec<String>,
    /// The columns judged, jointly if there are several.
    pub columns: Vec<String>,
}

impl SeriesName {
    /// The group in one word; empty without groups.
    pub(crate) fn group(&self) -> String {
        self.group.join("/")
    }

    /// Group and columns, as a title.
    pub(crate) fn title(&self) -> String {
        let columns = match self.columns.as_slice() {
            [one, two, three, rest @ ..] if !rest.is_empty() => {
                format!("{one}, {two}, {three} and {} more", rest.len())
            }
            few => few.join(", "),
        };
        if self.group.is_empty() { columns } else { format!("{columns} of {}", self.group()) }
    }
}

/// On which side of the expected a reading lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Higher than expected.
    Above,
    /// Lower than expected.
    Below,
}

impl Direction {
    /// As a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

impl Finding {
    /// Whether the score passed the threshold.
    pub(crate) fn is_anomaly(&self) -> bool {
        self.score.is_some_and(|score| score > self.threshold)
    }

    /// The channel with the largest share of the score.
    pub(crate) fn lead(&self) -> usize {
        let shares = self.explanation.as_ref().map_or(&[][..], |why| &why.share);
        let mut lead = 0;
        for (channel, share) in shares.iter().enumerate() {
            if *share > shares[lead] {
                lead = channel;
            }
        }
        lead
    }

    /// On which side of the expected the leading channel lies.
    pub(crate) fn direction(&self) -> Option<Direction> {
        let lead = self.lead();
        let expected = *self.explanation.as_ref()?.expected.get(lead)?;
        match self.readings[lead].partial_cmp(&expected)? {
            std::cmp::Ordering::Greater => Some(Direction::Above),
            std::cmp::Ordering::Less => Some(Direction::Below),
            std::cmp::Ordering::Equal => None,
        }
    }
}
