//! JSON Lines out.

use std::io::{self, Write};

use super::{Names, push_number};
use crate::table::{Cells, Table};
use crate::time::push_time;

/// Text gathered before it is written.
const BUFFER: usize = 1 << 16;

pub(super) struct Writer<W> {
    out: W,
    names: Names,
    /// The names as JSON strings, with colon.
    keys: Vec<Vec<u8>>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, names: Names::default(), keys: Vec::new() }
    }

    pub(super) fn write(&mut self, batch: &Table) -> io::Result<()> {
        if self.names.check(batch)? {
            self.keys = batch.columns().iter().map(|column| key(&column.name)).collect();
        }
        let mut text = Vec::with_capacity(BUFFER);
        for row in 0..batch.rows() {
            text.push(b'{');
            for (at, (column, key)) in batch.columns().iter().zip(&self.keys).enumerate() {
                if at > 0 {
                    text.push(b',');
                }
                text.extend_from_slice(key);
                push_cell(&mut text, &column.cells, row);
            }
            text.extend_from_slice(b"}\n");
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

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    push_string(&mut key, name);
    key.push(b':');
    key
}

fn push_cell(text: &mut Vec<u8>, cells: &Cells, row: usize) {
    match cells {
        Cells::Numbers(numbers) => match numbers[row] {
            missing if missing.is_nan() => text.extend_from_slice(b"null"),
            f64::INFINITY => text.extend_from_slice(b"\"Infinity\""),
            f64::NEG_INFINITY => text.extend_from_slice(b"\"-Infinity\""),
            number => push_number(text, number),
        },
        Cells::Words(words) => match words.get(row) {
            Some(word) => push_string(text, word),
            None => text.extend_from_slice(b"null"),
        },
        Cells::Times(times) => match times[row] {
            Some(time) => {
                let mut spelled = String::with_capacity(32);
                spelled.push('"');
                push_time(&mut spelled, time);
                spelled.push('"');
                text.extend_from_slice(spelled.as_bytes());
            }
            None => text.extend_from_slice(b"null"),
        },
    }
}

fn push_string(text: &mut Vec<u8>, string: &str) {
    serde_json::to_writer(text, string).expect("memory takes every string");
}
