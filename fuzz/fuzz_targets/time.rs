//! No text is too odd to be tried as a time, and a time reads back as written.
#![no_main]

use auscult_telemetry::{format_time, parse_time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(time) = parse_time(text) {
        assert_eq!(parse_time(&format_time(time)), Some(time));
    }
});
