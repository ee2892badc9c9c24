//! How well budgets of false alarms are kept where nothing is wrong.
//!
//! A *stretch* is one series, and which of its samples are known to be healthy. The
//! detector and the bars of `auscult detect --budget` go over all of it; alarms and
//! time count where it is healthy.

mod count;
mod health;
mod report;
mod stretches;

use auscult_core::Timestamp;

pub(crate) use count::{Asked, measure};
pub(crate) use report::{OfMethod, OfSet, Report};
pub(crate) use stretches::{SETS, find};

/// One series, and where it is known to be healthy.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// When each sample was taken.
    pub times: Vec<Timestamp>,
    /// Oldest first.
    pub readings: Vec<f64>,
    /// What is known of each sample.
    pub known: Vec<Known>,
}

/// What is known of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing is wrong: an alarm is a false one.
    Healthy,
    /// Labelled an anomaly.
    Anomaly,
    /// Soon after an anomaly: an alarm may still be about it.
    After,
}

impl Stretch {
    /// Whether all readings are equal.
    fn is_constant(&self) -> bool {
        self.readings.windows(2).all(|pair| pair[0] == pair[1])
    }
}
