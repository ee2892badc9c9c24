//! A labelled series, and the ways in which a method may look at it.

use auscult_core::{Frame, Timestamp};
use auscult_detect::Method;
use auscult_evaluate::Segment;
use serde::{Deserialize, Serialize};

/// What a method may have seen when it judges a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// The rows before it, no more.
    Streaming,
    /// The rows before it, and the smallest and largest reading of the whole series.
    Told,
    /// The training part, which lies wholly before every judged row.
    Trained,
    /// The whole series, the judged row and later ones included.
    Whole,
}

impl Mode {
    /// Its name in caches and documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Told => "told",
            Self::Trained => "trained",
            Self::Whole => "whole",
        }
    }

    /// The heading of its table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Streaming => "Streaming (each row judged by the rows before it only)",
            Self::Told => {
                "Streaming, told the smallest and largest reading of the whole series beforehand (looks ahead)"
            }
            Self::Trained => "Batch (fitted on the training part, then fixed)",
            Self::Whole => "Batch (fitted on the whole series that it judges; looks ahead)",
        }
    }

    /// Whether rows are judged one after another.
    pub(crate) fn streams(self) -> bool {
        matches!(self, Self::Streaming | Self::Told)
    }

    /// Whether `method` can look at data in this way.
    pub(crate) fn suits(self, method: &Method) -> bool {
        let takes = |key| method.parameters.iter().any(|parameter| parameter.name == key);
        match self {
            Self::Streaming => method.online.is_some(),
            Self::Told => method.online.is_some() && takes(RANGE_LOW) && takes(RANGE_HIGH),
            Self::Trained | Self::Whole => method.batch.is_some(),
        }
    }
}

/// Settings of methods that can be told what readings there can be.
pub(super) const RANGE_LOW: &str = "range_low";
pub(super) const RANGE_HIGH: &str = "range_high";

/// A labelled series.
#[derive(Debug)]
pub(crate) struct Series {
    /// Its name in the data set.
    pub name: String,
    /// Readings in a row.
    pub channels: usize,
    /// Row by row, every one finite.
    pub readings: Vec<f64>,
    /// When each row was taken.
    pub times: Vec<Timestamp>,
    /// Seconds from row to row, as a rule.
    pub step_seconds: i64,
    /// The truth, one entry a row.
    pub labels: Vec<bool>,
    /// Rows of the training part; no label of theirs is used.
    pub train: usize,
    /// First row that counts.
    pub scored_from: usize,
    /// Anomalies of which the guilty channels are known.
    pub guilty: Vec<Guilty>,
}

/// An anomaly, and the channels it shows in.
#[derive(Debug)]
pub(crate) struct Guilty {
    /// Rows of the series.
    pub rows: Segment,
    /// Channels, from 0.
    pub channels: Vec<usize>,
}

impl Series {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Row `row`, one reading per channel.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.readings[row * self.channels..(row + 1) * self.channels]
    }

    /// The readings of `channel`, oldest first.
    pub(crate) fn channel(&self, channel: usize) -> Vec<f64> {
        self.readings.iter().skip(channel).step_by(self.channels).copied().collect()
    }

    /// Rows `from..` as a frame of `readings`, which hold `channels` a row.
    pub(crate) fn frame<'a>(
        &'a self,
        readings: &'a [f64],
        channels: usize,
        rows: std::ops::Range<usize>,
    ) -> Frame<'a> {
        let part = &readings[rows.start * channels..rows.end * channels];
        Frame::new(part, channels)
            .and_then(|frame| frame.with_times(&self.times[rows]))
            .expect("readings are finite and there is a time for each row")
    }
}

/// Times of `rows` rows, `step_seconds` apart, for data that have no clock.
pub(crate) fn clock(rows: usize, step_seconds: i64) -> Vec<Timestamp> {
    (0..rows as i64).map(|row| Timestamp::from_seconds(row * step_seconds)).collect()
}
