//! Compressed and in UTF-16, whole or damaged, any bytes are read as they are
//! plain, or refused; the format is found out.
#![no_main]

use std::io::Write;

use auscult_telemetry::{Input, ReadOptions, read_table, write_csv};
use libfuzzer_sys::fuzz_target;

/// What was read, as CSV; `None` when it was refused.
fn read(bytes: &[u8]) -> Option<Vec<u8>> {
    let input = [Input::Bytes { name: "data".to_owned(), bytes: bytes.into() }];
    let table = read_table(&input, &ReadOptions::default()).ok()?;
    let mut text = Vec::new();
    write_csv(&table, &mut text).expect("memory takes everything");
    Some(text)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fuzz_target!(
    // See the target `parquet`.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| {
        let done = std::panic::catch_unwind(|| {
            let Some((&[how, damage], data)) = data.split_first_chunk::<2>() else { return };
            let mut wrapped = match how % 6 {
                0 => data.to_vec(),
                1 => gzip(data),
                2 => zstd::encode_all(data, 1).expect("memory takes everything"),
                // Compressed and in UTF-16.
                3 => gzip(&utf16(&String::from_utf8_lossy(data), false)),
                way => utf16(&String::from_utf8_lossy(data), way == 4),
            };
            let is_text = std::str::from_utf8(data).is_ok_and(|text| !text.starts_with('\u{feff}'));
            let is_plain = !data.starts_with(&[0x1f, 0x8b]) && !data.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
            if damage < 128 && is_text && is_plain {
                assert_eq!(read(&wrapped), read(data), "wrapped as plain");
            } else if !wrapped.is_empty() {
                let at = usize::from(how) * 251 % wrapped.len();
                wrapped[at] ^= damage;
                read(&wrapped);
                wrapped.truncate(at);
                read(&wrapped);
            }
        });
        if done.is_err() {
            std::process::abort();
        }
    }
);
