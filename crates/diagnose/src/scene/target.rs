//! What is watched, and its signals.

use std::collections::{BTreeMap, BTreeSet};

use auscult_core::Labels;

/// A thing that is watched: a replica, a GPU, a host, a job, ….
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is.
    pub kind: String,
    /// What it is called, once among its kind.
    pub name: String,
    /// What it has to do with others: `host`, `pod`, `service`, `job`, … and their names.
    pub attributes: BTreeMap<&'static str, BTreeSet<String>>,
    /// Its series.
    pub tracks: Vec<Track>,
    /// Whether what is asked about was noticed here.
    pub noticed: bool,
}

/// A series on the grid of a scene.
#[derive(Debug, Clone)]
pub struct Track {
    /// The signal that it tells.
    pub signal: String,
    /// Place of its metric among those by which the adapter tells the signal.
    pub rank: usize,
    /// Its labels.
    pub labels: Labels,
    /// Readings in the signal's unit; `NaN` where there is none.
    pub values: Vec<f64>,
    /// For means of what was observed: how much was, a second.
    pub weights: Option<Vec<f64>>,
    /// What was wrong with its samples.
    pub strange: Strange,
}

/// What was wrong with the samples of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strange {
    /// Places on the grid whose reading there cannot be: no number, negative, or out of any range. It
    /// is left out.
    pub impossible: Vec<usize>,
    /// How often what only grows went back.
    pub falls: usize,
}

impl Target {
    /// The value of an attribute, if it has exactly one.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let values = self.attributes.get(name)?;
        let mut values = values.iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }
}
