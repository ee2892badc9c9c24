//! Blocks of objects to columns.

use std::collections::HashMap;

use super::scan::{Scanner, Value};
use crate::blocks::Block;
use crate::column::Builder;
use crate::error::Fault;
use crate::plan::{Batches, Decode, Decoded, Misfit, Plan};

/// Reads the wanted values of blocks of JSON Lines.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Paths in the order in which the first lines had them.
    paths: Vec<String>,
    /// For each path, the column it goes to.
    columns: Vec<Option<usize>>,
    known: HashMap<Vec<u8>, usize>,
    /// Whether a path that the first lines did not have is worth a word.
    report_late: bool,
}

/// A row in the making.
struct Row<'a, 'b> {
    decoder: &'a Decoder,
    batches: &'a mut Batches<'b>,
    /// For each column, whether this row has a cell.
    filled: &'a mut [bool],
    /// The path that comes next if the line is like others.
    next: usize,
    /// The column at fault.
    at: Option<usize>,
    late: &'a mut Vec<String>,
}

impl Decoder {
    /// `columns` says for each of `paths` which column it goes to.
    pub(crate) fn new(paths: Vec<String>, columns: Vec<Option<usize>>, report_late: bool) -> Self {
        let known = paths.iter().enumerate().map(|(at, path)| (path.clone().into_bytes(), at));
        Self { known: known.collect(), paths, columns, report_late }
    }
}

impl Decode for Decoder {
    fn decode(&self, block: &Block, lines: usize, plan: &Plan) -> Result<Decoded, Misfit> {
        let wanted: Vec<usize> = self.columns.iter().flatten().copied().collect();
        let mut batches = Batches::new(plan, &wanted, lines);
        let mut filled = vec![false; plan.columns.len()];
        let mut scanner = Scanner::default();
        let mut late = Vec::new();
        let mut at = 0;
        while let Some(length) = memchr::memchr(b'\n', &block.bytes[at..]) {
            let line = &block.bytes[at..at + length];
            if !line.trim_ascii().is_empty() {
                filled.fill(false);
                let mut row = Row {
                    decoder: self,
                    batches: &mut batches,
                    filled: &mut filled,
                    next: 0,
                    at: None,
                    late: &mut late,
                };
                scanner.scan(line, &mut |path, value| row.take(path, value)).map_err(
                    |(offset, fault)| Misfit { offset: at + offset, column: row.at, fault },
                )?;
                for &column in &wanted {
                    if !filled[column] {
                        batches.column(column).push_missing(1);
                    }
                }
                batches.end_rows(1);
            }
            at += length + 1;
        }
        Ok(Decoded { tables: batches.finish(), late })
    }
}

impl Row<'_, '_> {
    fn take(&mut self, path: &[u8], value: Value<'_>) -> Result<(), Fault> {
        let Some(at) = self.find(path) else {
            self.note_late(path, value);
            return Ok(());
        };
        self.next = at + 1;
        let Some(column) = self.decoder.columns[at] else { return Ok(()) };
        self.at = Some(column);
        if std::mem::replace(&mut self.filled[column], true) {
            return Err(Fault::Json { reason: "got two values for one key".to_owned() });
        }
        push(self.batches.column(column), value)?;
        self.at = None;
        Ok(())
    }

    fn find(&self, path: &[u8]) -> Option<usize> {
        match self.decoder.paths.get(self.next) {
            Some(expected) if expected.as_bytes() == path => Some(self.next),
            _ => self.decoder.known.get(path).copied(),
        }
    }

    fn note_late(&mut self, path: &[u8], value: Value<'_>) {
        const MOST: usize = 20;
        if !self.decoder.report_late || value == Value::Null || self.late.len() == MOST {
            return;
        }
        let path = String::from_utf8_lossy(path);
        if !self.late.iter().any(|known| *known == path) {
            self.late.push(path.into_owned());
        }
    }
}

fn push(builder: &mut Builder, value: Value<'_>) -> Result<(), Fault> {
    match value {
        Value::Null => {
            builder.push_missing(1);
            Ok(())
        }
        Value::Bool(value) => match builder {
            Builder::Words(_) => builder.push(if value { b"true" } else { b"false" }),
            _ => builder.push(if value { b"1" } else { b"0" }),
        },
        Value::Number(cell) => builder.push(cell),
        Value::Text(cell) => builder.push_quoted(cell),
        Value::List => Err(Fault::JsonList),
    }
}
