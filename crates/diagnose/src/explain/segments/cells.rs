//! Rows added up by the values of their attributes.

use std::collections::HashMap;

/// What is measured of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Mean of a column over the rows.
    Mean,
    /// Sum of one column over the sum of another.
    Ratio,
    /// Sum of a column, per unit of time.
    Sum,
}

/// A column of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its distinct values.
    pub values: Vec<String>,
}

/// What a segment adds up to in one period.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Sum of the measured column.
    pub numerator: f64,
    /// Sum of the column it is set against; rows for a mean, time for a sum.
    pub denominator: f64,
    /// Sum of squares of the measured column.
    pub squares: f64,
    /// Rows.
    pub rows: f64,
}

impl Tally {
    /// Numerator over denominator; `None` without a denominator.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.denominator > 0.0).then(|| self.numerator / self.denominator)
    }

    fn add(&mut self, other: &Self) {
        self.numerator += other.numerator;
        self.denominator += other.denominator;
        self.squares += other.squares;
        self.rows += other.rows;
    }
}

/// Rows with the same value of every attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Index into the values of each attribute.
    pub values: Vec<u32>,
    /// What they add up to before.
    pub before: Tally,
    /// What they add up to after.
    pub after: Tally,
}

/// Cells of two periods, in order of first appearance.
///
/// ```
/// use auscult_diagnose::explain::segments::{Attribute, Cells, Measure};
/// let region = Attribute { name: "region".into(), values: vec!["eu".into(), "us".into()] };
/// let mut cells = Cells::new(Measure::Ratio, vec![region], (1.0, 1.0));
/// cells.add(&[0], false, 1.0, 100.0);
/// cells.add(&[1], false, 2.0, 100.0);
/// cells.add(&[1], true, 8.0, 100.0);
/// assert_eq!(cells.total(false).rate(), Some(0.015));
/// assert_eq!(cells.cells().len(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct Cells {
    measure: Measure,
    attributes: Vec<Attribute>,
    /// Time that the periods last; counts for sums only.
    lengths: (f64, f64),
    cells: Vec<Cell>,
    places: HashMap<Vec<u32>, usize>,
}

impl Cells {
    /// No cells yet. `lengths` of the two periods, above 0 and in any unit of
    /// time, make sums comparable.
    #[must_use]
    pub fn new(measure: Measure, attributes: Vec<Attribute>, lengths: (f64, f64)) -> Self {
        Self { measure, attributes, lengths, cells: Vec::new(), places: HashMap::new() }
    }

    /// Adds a row: the index of its value of each attribute, its period, and
    /// the measured number over what it is set against (ignored unless the
    /// measure is a ratio).
    ///
    /// # Panics
    ///
    /// Unless there is one value per attribute.
    pub fn add(&mut self, values: &[u32], after: bool, numerator: f64, denominator: f64) {
        assert_eq!(values.len(), self.attributes.len(), "one value per attribute");
        let tally = Tally {
            numerator,
            denominator: if self.measure == Measure::Ratio { denominator } else { 1.0 },
            squares: numerator * numerator,
            rows: 1.0,
        };
        let place = match self.places.get(values) {
            Some(place) => *place,
            None => {
                let (before, after) = (Tally::default(), Tally::default());
                self.cells.push(Cell { values: values.to_vec(), before, after });
                self.places.insert(values.to_vec(), self.cells.len() - 1);
                self.cells.len() - 1
            }
        };
        let cell = &mut self.cells[place];
        let side = if after { &mut cell.after } else { &mut cell.before };
        side.add(&tally);
    }

    /// What is measured.
    #[must_use]
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The cells.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// What all rows of a period add up to. The denominator of a sum is the
    /// length of the period.
    #[must_use]
    pub fn total(&self, after: bool) -> Tally {
        self.sum(self.cells.iter(), after)
    }

    /// What some cells add up to in a period.
    pub(super) fn sum<'a>(&self, cells: impl Iterator<Item = &'a Cell>, after: bool) -> Tally {
        let mut total = Tally::default();
        cells.for_each(|cell| total.add(if after { &cell.after } else { &cell.before }));
        self.timed(total, after)
    }

    /// For a sum, sets the length of the period as the denominator.
    pub(super) fn timed(&self, mut tally: Tally, after: bool) -> Tally {
        if self.measure == Measure::Sum {
            tally.denominator = if after { self.lengths.1 } else { self.lengths.0 };
        }
        tally
    }

    /// What each value of `attribute` adds up to, before and after.
    pub(super) fn by_value(&self, attribute: usize) -> Vec<(Tally, Tally)> {
        let count = self.attributes[attribute].values.len();
        let mut tallies = vec![(Tally::default(), Tally::default()); count];
        for cell in &self.cells {
            let (before, after) = &mut tallies[cell.values[attribute] as usize];
            before.add(&cell.before);
            after.add(&cell.after);
        }
        tallies
            .into_iter()
            .map(|(before, after)| (self.timed(before, false), self.timed(after, true)))
            .collect()
    }
}
