//! How well causes are named, on public incidents whose cause is known.
//!
//! A [`Set`] is one public collection with its protocol. It measures what it measures
//! and gives [`Table`]s, so that a set of another kind needs nothing but a file in
//! `sets`. Sets in which causes are *ranked* share `ranked`.

mod aim;
mod learnt;
mod ranked;
mod report;
mod sets;
mod sheet;

use std::path::{Path, PathBuf};

use serde::Serialize;

use aim::Aim;
pub(crate) use report::{OfSet, Report};
pub(crate) use sets::{SETS, find};

use crate::outcome::CallError;

/// A public collection of incidents.
#[derive(Debug)]
pub(crate) struct Set {
    /// Name on the command line, and of its folder.
    pub name: &'static str,
    /// Full name.
    pub title: &'static str,
    /// Where the public can have it.
    pub source: &'static str,
    /// The file that is looked for in its folder.
    pub mark: &'static str,
    /// Its protocol, in a few sentences.
    pub protocol: &'static str,
    /// Every method that it can measure.
    pub methods: fn() -> Vec<&'static str>,
    /// Measures the methods called by these names on the data in a folder.
    pub measure: fn(&Path, &[&'static str]) -> Result<Vec<Table>, CallError>,
}

/// Where a data folder may keep a set.
const PLACES: [&str; 4] = ["", "diagnosis", "anomaly", "../anomaly"];

impl Set {
    /// The folder of the set, somewhere in `data`.
    pub(crate) fn folder(&self, data: &Path) -> Option<PathBuf> {
        let places = PLACES.iter().map(|place| data.join(place).join(self.name));
        places.into_iter().find(|folder| folder.join(self.mark).exists())
    }

    /// One sentence for a person who has not got it.
    pub(crate) fn absent(&self, data: &Path) -> String {
        format!(
            "{}: no data set `{}`; it is public at {} and expected as {}/{}",
            data.display(),
            self.name,
            self.source,
            self.name,
            self.mark
        )
    }
}

/// Figures that belong together: one difficulty, one part of a set.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    /// What it is about; empty for the only one of its set.
    pub title: String,
    /// How many cases there are, and in words what each of them is.
    pub cases: String,
    /// What the columns hold.
    pub columns: &'static [Column],
    /// In which order the lines are shown.
    pub order: Order,
    /// Measured here.
    pub lines: Vec<Line>,
    /// What others say of themselves or of others.
    pub published: &'static [Published],
    /// What is wanted of our own methods.
    #[serde(skip)]
    pub aims: Vec<Aim>,
}

/// In which order the lines of a table are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// By the figure of the first column, the highest first.
    HighestFirst,
    /// By the figure of the first column, the lowest first.
    LowestFirst,
}

/// A measure in a table.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Column {
    /// Name in machine formats.
    pub key: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Decimals.
    pub decimals: usize,
}

/// What one method reached.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// Its name.
    pub method: &'static str,
    /// One figure for each column; `None` where there is none.
    pub figures: Vec<Option<f64>>,
    /// Seconds a case.
    pub seconds: f64,
    /// Series, or columns, or events a case, on average.
    pub series: f64,
    /// Why there are no figures, where there are none.
    pub refused: Option<String>,
}

/// Figures from elsewhere.
#[derive(Debug, Serialize)]
pub(crate) struct Published {
    /// Whose.
    pub who: &'static str,
    /// By the keys of columns.
    pub figures: &'static [(&'static str, f64)],
    /// On what, and where it is printed.
    pub note: &'static str,
}

const fn column(key: &'static str, title: &'static str, decimals: usize) -> Column {
    Column { key, title, decimals }
}
