//! No text is too odd for the CSV reader, and what it reads it can write and
//! read again.
#![no_main]

use auscult_telemetry::{Format, Input, ReadOptions, read_table, write_csv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let options = ReadOptions {
        format: Some(Format::Csv),
        batch_rows: 1 + data.len() % 7,
        ..ReadOptions::default()
    };
    let input = |bytes: &[u8]| [Input::Bytes { name: "data".to_owned(), bytes: bytes.into() }];
    let Ok(table) = read_table(&input(data), &options) else { return };
    let mut text = Vec::new();
    write_csv(&table, &mut text).expect("memory takes everything");
    // A table whose first name is `{` would otherwise be taken for JSON.
    let header = ReadOptions {
        format: Some(Format::Csv),
        header: Some(true),
        delimiter: Some(b','),
        ..ReadOptions::default()
    };
    let again = read_table(&input(&text), &header).expect("what we write, we read");
    assert_eq!(again.rows(), table.rows());
});
