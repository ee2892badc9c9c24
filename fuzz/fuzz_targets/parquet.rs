//! No file is too damaged for the Parquet reader.
#![no_main]

use auscult_telemetry::{Format, Input, ReadOptions, read_table};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    // The library that decodes panics on some damaged files; the reader turns
    // that into an error, so a panic that it catches must not end the run.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| {
        let options = ReadOptions { format: Some(Format::Parquet), ..ReadOptions::default() };
        let input = Input::Bytes { name: "data".to_owned(), bytes: data.into() };
        let read = std::panic::catch_unwind(|| drop(read_table(&[input], &options)));
        if read.is_err() {
            std::process::abort();
        }
    }
);
