//! What a query yields.

use auscult_core::Labels;

use crate::data::{Row, Sample, Series, Steps};

/// A series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Instant {
    /// What it is called.
    pub labels: Labels,
    /// Its value, and the moment that was asked for.
    pub sample: Sample,
}

/// What a query yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A number without labels, at one moment.
    Scalar(Sample),
    /// Text, at a moment in milliseconds.
    Text(i64, String),
    /// Series at one moment; in the order that `sort` or `topk` asked for, else by labels.
    Vector(Vec<Instant>),
    /// Samples as they are stored, of a range selector, or of a subquery.
    Matrix(Vec<Series>),
    /// Series over a range of steps, by labels; see [`Row::samples`].
    Range(Steps, Vec<Row>),
}
