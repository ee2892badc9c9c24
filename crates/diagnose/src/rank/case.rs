//! What is known when a cause is asked for: series, an onset, a topology, a symptom.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::topology::Topology;

/// How deep in its target a series lies. Of two series of one target that moved
/// together, the deeper one explains the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// What fills and stays: memory, space on a disk, open connections. Filling it
    /// takes work, so it explains work.
    Stock,
    /// What is spent: processor time, bytes sent, operations on a disk.
    Work,
    /// What the target delivers: its own latency, its own errors.
    Service,
    /// What others answered to this target: it speaks of them, not of the target.
    Dependencies,
    /// Nothing of the kind is known, or it is what is asked of the target: it neither
    /// explains nor is explained.
    Other,
}

/// One stream of readings.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseSeries {
    /// Its name, once in a case.
    pub name: String,
    /// The target that it was measured at.
    pub target: String,
    /// What was measured, the same for all targets: `cpu`, `memory`, `latency_p90`.
    pub kind: String,
    /// How deep it lies.
    pub layer: Layer,
    /// One reading a row; NaN where there is none.
    pub values: Vec<f64>,
}

/// Series over the same rows, the oldest row first.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    series: Vec<CaseSeries>,
    rows: usize,
    onset: Option<usize>,
    breaks: BTreeSet<usize>,
    topology: Topology,
    symptom: Option<usize>,
}

/// Why no cause can be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum RankError {
    /// Nothing to rank.
    #[error("a case needs at least one series")]
    Empty,
    /// Series of different lengths.
    #[error("series `{series}` has {got} rows, the first one has {expected}")]
    Rows { series: String, expected: usize, got: usize },
    /// A name stands twice.
    #[error("series `{0}` stands twice in the case")]
    Twice(String),
    /// A reading that no computation survives.
    #[error("series `{series}` is infinite in row {row}; a missing reading is NaN")]
    Infinite { series: String, row: usize },
    /// The onset leaves too little on a side.
    #[error("an onset in row {onset} of {rows}: need at least {normal} rows before and 1 after")]
    Onset { onset: usize, rows: usize, normal: usize },
    /// Rows without an onset, too few to find one.
    #[error("need at least {need} rows to find an onset, got {got}")]
    TooShort { need: usize, got: usize },
    /// The symptom is not there.
    #[error("the symptom `{0}` is none of the series")]
    NoSuchSymptom(String),
    /// The method needs what the case lacks.
    #[error("method `{method}` needs {what}, and the case has none")]
    Needs { method: &'static str, what: &'static str },
}

/// Fewest normal rows: quartiles of less say nothing.
pub const LEAST_NORMAL: usize = 4;

impl Case {
    /// A case of `series`; the first abnormal row is `onset`, if it is known.
    ///
    /// # Errors
    ///
    /// [`RankError`] without series, when they differ in length or share a name, with an
    /// infinite reading, or with fewer than four normal rows.
    pub fn new(series: Vec<CaseSeries>, onset: Option<usize>) -> Result<Self, RankError> {
        let rows = series.first().ok_or(RankError::Empty)?.values.len();
        let mut names = BTreeSet::new();
        for one in &series {
            if one.values.len() != rows {
                let (series, got) = (one.name.clone(), one.values.len());
                return Err(RankError::Rows { series, expected: rows, got });
            }
            if !names.insert(&one.name) {
                return Err(RankError::Twice(one.name.clone()));
            }
            if let Some(row) = one.values.iter().position(|value| value.is_infinite()) {
                return Err(RankError::Infinite { series: one.name.clone(), row });
            }
        }
        match onset {
            Some(onset) if onset < LEAST_NORMAL || onset >= rows => {
                return Err(RankError::Onset { onset, rows, normal: LEAST_NORMAL });
            }
            None if rows < 2 * LEAST_NORMAL => {
                return Err(RankError::TooShort { need: 2 * LEAST_NORMAL, got: rows });
            }
            _ => {}
        }
        let (breaks, topology) = (BTreeSet::new(), Topology::default());
        Ok(Self { series, rows, onset, breaks, topology, symptom: None })
    }

    /// Says which target depends on which.
    #[must_use]
    pub fn with_topology(mut self, topology: Topology) -> Self {
        self.topology = topology;
        self
    }

    /// Says in which rows a new stretch of time begins: the row before is not the
    /// moment before.
    #[must_use]
    pub fn with_breaks(mut self, rows: impl IntoIterator<Item = usize>) -> Self {
        self.breaks = rows.into_iter().collect();
        self
    }

    /// Says which series showed that something is wrong.
    ///
    /// # Errors
    ///
    /// [`RankError::NoSuchSymptom`] when no series has this name.
    pub fn with_symptom(mut self, name: &str) -> Result<Self, RankError> {
        let place = self.series.iter().position(|series| series.name == name);
        self.symptom = Some(place.ok_or_else(|| RankError::NoSuchSymptom(name.to_owned()))?);
        Ok(self)
    }

    /// The series.
    #[must_use]
    pub fn series(&self) -> &[CaseSeries] {
        &self.series
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The first abnormal row, when it was given.
    #[must_use]
    pub fn onset(&self) -> Option<usize> {
        self.onset
    }

    /// Which target depends on which.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The series that showed that something is wrong.
    #[must_use]
    pub fn symptom(&self) -> Option<usize> {
        self.symptom
    }

    /// Whether rows `start..end` are one stretch of time.
    pub(super) fn is_one_stretch(&self, start: usize, end: usize) -> bool {
        self.breaks.range(start + 1..end).next().is_none()
    }

    /// `rows` and as many rows before, as far as time is one stretch.
    pub(super) fn around(&self, rows: &Range<usize>) -> Range<usize> {
        let earliest = rows.start.saturating_sub(rows.len());
        let in_stretch = |start: &usize| self.is_one_stretch(*start, rows.end);
        (earliest..rows.start).find(in_stretch).unwrap_or(rows.start)..rows.end
    }

    /// The targets in order of name, each with its series.
    pub(super) fn targets(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut targets: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, series) in self.series.iter().enumerate() {
            targets.entry(&series.target).or_default().push(at);
        }
        targets
    }

    /// The series of each kind.
    pub(super) fn kinds(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, series) in self.series.iter().enumerate() {
            kinds.entry(&series.kind).or_default().push(at);
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, values: &[f64]) -> CaseSeries {
        CaseSeries {
            name: name.to_owned(),
            target: "t".to_owned(),
            kind: "k".to_owned(),
            layer: Layer::Other,
            values: values.to_vec(),
        }
    }

    #[test]
    fn what_cannot_be_ranked_is_refused_in_words() {
        let say = |series, onset| Case::new(series, onset).expect_err("refused").to_string();
        assert_eq!(say(vec![], None), "a case needs at least one series");
        let two = vec![series("a", &[1.0; 9]), series("b", &[1.0; 8])];
        assert_eq!(say(two, Some(5)), "series `b` has 8 rows, the first one has 9");
        let twice = vec![series("a", &[1.0; 9]), series("a", &[1.0; 9])];
        assert_eq!(say(twice, Some(5)), "series `a` stands twice in the case");
        let wild = vec![series("a", &[1.0, f64::INFINITY])];
        assert_eq!(say(wild, None), "series `a` is infinite in row 1; a missing reading is NaN");
        assert_eq!(
            say(vec![series("a", &[1.0; 9])], Some(2)),
            "an onset in row 2 of 9: need at least 4 rows before and 1 after"
        );
        let case = Case::new(vec![series("a", &[1.0; 9])], Some(5)).expect("a case");
        let error = case.with_symptom("b").expect_err("not there");
        assert_eq!(error.to_string(), "the symptom `b` is none of the series");
    }

    #[test]
    fn a_stretch_ends_where_time_jumps() {
        let case = Case::new(vec![series("a", &[1.0; 9])], Some(5)).expect("a case");
        let case = case.with_breaks([3]);
        assert!(case.is_one_stretch(0, 3) && case.is_one_stretch(3, 9));
        assert!(!case.is_one_stretch(2, 4));
    }
}
