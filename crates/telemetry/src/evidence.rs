//! What the cells of a column look like.

use crate::cell::is_missing;
use crate::column::Reading;
use crate::number::parse_number;
use crate::time::{IsoParser, is_plausible_epoch};

/// Rows that decide what a column holds.
pub(crate) const SAMPLE_CELLS: usize = 1000;

/// Counts of what cells could be read as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    numbers: usize,
    /// Numbers that could well be Unix times.
    epochs: usize,
    times: usize,
    others: usize,
}

impl Evidence {
    pub(crate) fn of(cell: &[u8]) -> Self {
        let mut evidence = Self::default();
        evidence.add(cell);
        evidence
    }

    /// Takes another trimmed cell into account.
    pub(crate) fn add(&mut self, cell: &[u8]) {
        if is_missing(cell) {
            return;
        }
        if parse_number(cell).is_some() {
            self.numbers += 1;
            self.epochs += usize::from(is_plausible_epoch(cell));
        } else if IsoParser::default().parse(cell).is_some() {
            self.times += 1;
        } else {
            self.others += 1;
        }
    }

    /// Both together.
    pub(crate) fn merge(&mut self, other: Self) {
        self.numbers += other.numbers;
        self.epochs += other.epochs;
        self.times += other.times;
        self.others += other.others;
    }

    /// Whether any cell was not missing.
    pub(crate) fn has_values(&self) -> bool {
        self.numbers + self.times + self.others > 0
    }

    /// Whether the cells are neither all numbers nor all times.
    pub(crate) fn is_words(&self) -> bool {
        self.reading() == Reading::Words
    }

    /// Whether the cells are all numbers.
    pub(crate) fn is_numbers(&self) -> bool {
        self.has_values() && self.reading() == Reading::Numbers
    }

    /// Whether the cells are all date-times.
    pub(crate) fn is_times(&self) -> bool {
        matches!(self.reading(), Reading::Times { .. })
    }

    /// Whether every cell is a Unix time of our days.
    pub(crate) fn is_epochs(&self) -> bool {
        self.epochs > 0 && self.epochs == self.numbers && self.times + self.others == 0
    }

    /// How to read the column; numbers when nothing is known.
    pub(crate) fn reading(&self) -> Reading {
        match (self.numbers, self.times, self.others) {
            (_, 0, 0) => Reading::Numbers,
            (0, _, 0) => Reading::Times { epoch: false },
            _ => Reading::Words,
        }
    }
}
