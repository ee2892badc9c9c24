//! What a picture shows, before it is drawn.

use auscult_plot::Point;
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
