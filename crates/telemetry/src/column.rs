//! Columns in the making.

use std::collections::HashMap;

use auscult_core::Timestamp;

use crate::cell::{is_missing, trimmed};
use crate::error::Fault;
use crate::number::{parse_number, plain_decimal};
use crate::table::{Cells, Words};
use crate::time::{IsoParser, parse_epoch};

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Numbers,
    Words,
    /// Date-times, and Unix times too where `epoch` says so.
    Times {
        epoch: bool,
    },
}

/// A column that grows cell by cell.
#[derive(Debug)]
pub(crate) enum Builder {
    Numbers(Vec<f64>),
    Words(WordsBuilder),
    Times { cells: Vec<Option<Timestamp>>, parser: IsoParser, epoch: bool },
}

impl Builder {
    /// An empty column with room for `room` cells.
    pub(crate) fn new(reading: Reading, room: usize) -> Self {
        match reading {
            Reading::Numbers => Self::Numbers(Vec::with_capacity(room)),
            Reading::Words => Self::Words(WordsBuilder::with_room(room)),
            Reading::Times { epoch } => {
                Self::Times { cells: Vec::with_capacity(room), parser: IsoParser::default(), epoch }
            }
        }
    }

    /// Takes the cell as it stands between two delimiters.
    #[inline]
    pub(crate) fn push(&mut self, cell: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Numbers(cells) => cells.push(number(cell)?),
            Self::Words(words) => words.push(trimmed(cell))?,
            Self::Times { cells, parser, epoch } => cells.push(time(cell, parser, *epoch)?),
        }
        Ok(())
    }

    /// Takes a cell whose spaces count, as quoted ones do.
    pub(crate) fn push_quoted(&mut self, cell: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Words(words) => words.push(cell),
            _ => self.push(cell),
        }
    }

    /// Takes `count` missing cells.
    pub(crate) fn push_missing(&mut self, count: usize) {
        match self {
            Self::Numbers(cells) => cells.resize(cells.len() + count, f64::NAN),
            Self::Words(words) => words.words.rows.resize(words.words.rows.len() + count, None),
            Self::Times { cells, .. } => cells.resize(cells.len() + count, None),
        }
    }

    /// Hands over the cells so far and starts anew.
    pub(crate) fn take(&mut self) -> Cells {
        match self {
            Self::Numbers(cells) => Cells::Numbers(std::mem::take(cells)),
            Self::Words(words) => Cells::Words(std::mem::take(words).words),
            Self::Times { cells, .. } => Cells::Times(std::mem::take(cells)),
        }
    }
}

#[inline]
pub(crate) fn number(cell: &[u8]) -> Result<f64, Fault> {
    match plain_decimal(cell) {
        Some(number) => Ok(number),
        None => odd_number(cell),
    }
}

#[cold]
#[inline(never)]
fn odd_number(cell: &[u8]) -> Result<f64, Fault> {
    let cell = trimmed(cell);
    if is_missing(cell) {
        return Ok(f64::NAN);
    }
    parse_number(cell).ok_or_else(|| Fault::NotNumber { cell: lossy(cell) })
}

#[inline]
pub(crate) fn time(
    cell: &[u8],
    parser: &mut IsoParser,
    epoch: bool,
) -> Result<Option<Timestamp>, Fault> {
    let cell = trimmed(cell);
    // Bare digits are never a date-time, so the order does not matter but for speed.
    if epoch && let Some(time) = parse_epoch(cell) {
        return Ok(Some(time));
    }
    if let Some(time) = parser.parse(cell) {
        return Ok(Some(time));
    }
    if is_missing(cell) {
        return Ok(None);
    }
    Err(Fault::NotTime { cell: lossy(cell) })
}

pub(crate) fn lossy(cell: &[u8]) -> String {
    String::from_utf8_lossy(&cell[..cell.len().min(400)]).into_owned()
}

/// Words in the making: each distinct one is stored once.
#[derive(Debug, Default)]
pub(crate) struct WordsBuilder {
    words: Words,
    known: HashMap<Box<[u8]>, u32>,
    /// The word of the row before: columns of labels seldom change.
    last: Option<u32>,
}

impl WordsBuilder {
    fn with_room(room: usize) -> Self {
        let words = Words { rows: Vec::with_capacity(room), distinct: Vec::new() };
        Self { words, ..Self::default() }
    }

    pub(crate) fn into_words(self) -> Words {
        self.words
    }

    /// Takes a trimmed cell.
    pub(crate) fn push(&mut self, cell: &[u8]) -> Result<(), Fault> {
        if let Some(last) = self.last
            && self.words.distinct[last as usize].as_bytes() == cell
        {
            self.words.rows.push(Some(last));
            return Ok(());
        }
        if is_missing(trimmed(cell)) {
            self.words.rows.push(None);
            return Ok(());
        }
        let word = match self.known.get(cell) {
            Some(&word) => word,
            None => self.learn(cell)?,
        };
        self.last = Some(word);
        self.words.rows.push(Some(word));
        Ok(())
    }

    /// Takes a word as it is; `None` is missing.
    pub(crate) fn push_word(&mut self, word: Option<&str>) {
        let Some(word) = word else {
            self.words.rows.push(None);
            return;
        };
        let index = match self.known.get(word.as_bytes()) {
            Some(&known) => known,
            None => self.learn(word.as_bytes()).expect("a string is UTF-8"),
        };
        self.words.rows.push(Some(index));
    }

    fn learn(&mut self, cell: &[u8]) -> Result<u32, Fault> {
        let text = std::str::from_utf8(cell).map_err(|_| Fault::NotUtf8 { text: lossy(cell) })?;
        let word = u32::try_from(self.words.distinct.len()).expect("a batch has fewer words");
        self.words.distinct.push(text.to_owned());
        self.known.insert(cell.into(), word);
        Ok(word)
    }

    /// Appends `more`, whose words may be known already.
    pub(crate) fn append(&mut self, more: &Words) {
        let map: Vec<u32> = more
            .distinct
            .iter()
            .map(|word| match self.known.get(word.as_bytes()) {
                Some(&known) => known,
                None => self.learn(word.as_bytes()).expect("a string is UTF-8"),
            })
            .collect();
        self.words.rows.extend(more.rows.iter().map(|row| row.map(|word| map[word as usize])));
    }
}

impl From<Words> for WordsBuilder {
    fn from(words: Words) -> Self {
        let known = words
            .distinct
            .iter()
            .enumerate()
            .map(|(word, text)| (text.as_bytes().into(), word as u32))
            .collect();
        Self { words, known, last: None }
    }
}
