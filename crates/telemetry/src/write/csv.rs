//! CSV out.

use std::io::{self, Write};

use super::{Names, push_number};
use crate::table::{Cells, Table};
use crate::time::push_time;

/// Text gathered before it is written.
const BUFFER: usize = 1 << 16;

pub(super) struct Writer<W> {
    out: W,
    names: Names,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, names: Names::default() }
    }

    pub(super) fn write(&mut self, batch: &Table) -> io::Result<()> {
        let mut text = Vec::with_capacity(BUFFER);
        if self.names.check(batch)? {
            for (at, column) in batch.columns().iter().enumerate() {
                separate(&mut text, at);
                push_word(&mut text, &column.name);
            }
            end_line(&mut text, 0);
        }
        for row in 0..batch.rows() {
            let start = text.len();
            for (at, column) in batch.columns().iter().enumerate() {
                separate(&mut text, at);
                push_cell(&mut text, &column.cells, row);
            }
            end_line(&mut text, start);
            if text.len() >= BUFFER {
                self.out.write_all(&text)?;
                text.clear();
            }
        }
        self.out.write_all(&text)
    }

    pub(super) fn finish(self) -> W {
        self.out
    }
}

fn separate(text: &mut Vec<u8>, at: usize) {
    if at > 0 {
        text.push(b',');
    }
}

/// Ends the line that began at `start`; a blank one would be passed over.
fn end_line(text: &mut Vec<u8>, start: usize) {
    if text.len() == start {
        text.extend_from_slice(b"\"\"");
    }
    text.push(b'\n');
}

fn push_cell(text: &mut Vec<u8>, cells: &Cells, row: usize) {
    match cells {
        Cells::Numbers(numbers) => match numbers[row] {
            missing if missing.is_nan() => {}
            f64::INFINITY => text.extend_from_slice(b"inf"),
            f64::NEG_INFINITY => text.extend_from_slice(b"-inf"),
            number => push_number(text, number),
        },
        Cells::Words(words) => {
            if let Some(word) = words.get(row) {
                push_word(text, word);
            }
        }
        Cells::Times(times) => {
            if let Some(time) = times[row] {
                let mut spelled = String::new();
                push_time(&mut spelled, time);
                text.extend_from_slice(spelled.as_bytes());
            }
        }
    }
}

fn push_word(text: &mut Vec<u8>, word: &str) {
    let special = |byte: u8| matches!(byte, b',' | b'"' | b'\n' | b'\r' | b';' | b'\t' | b'|');
    let bare = !word.bytes().any(special) && word.trim_matches([' ', '\t']).len() == word.len();
    if bare {
        text.extend_from_slice(word.as_bytes());
        return;
    }
    text.push(b'"');
    text.extend_from_slice(word.replace('"', "\"\"").as_bytes());
    text.push(b'"');
}
