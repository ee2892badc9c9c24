//! Packed and recoded text, told by its first bytes.

use std::io::Write;

use auscult_telemetry::ReadOptions;

use crate::scratch::{read, refusal, refusal_with, shown};

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory takes everything")
}

const CSV: &str = "time,x,w\n2024-05-01,1,é😀\n2024-05-02,2,b\n";
const JSON: &str = "{\"time\":\"2024-05-01\",\"x\":1,\"w\":\"é😀\"}\n{\"time\":\"2024-05-02\",\"x\":2,\"w\":\"b\"}\n";

#[test]
fn packed_text_reads_as_the_text() {
    let expected = shown(&read(CSV));
    for text in [CSV, JSON] {
        assert_eq!(shown(&read(gzip(text.as_bytes()))), expected);
        assert_eq!(shown(&read(zstd(text.as_bytes()))), expected);
    }
}

#[test]
fn several_packed_pieces_read_as_one() {
    let (first, second) = CSV.as_bytes().split_at(20);
    let expected = shown(&read(CSV));
    assert_eq!(shown(&read([gzip(first), gzip(second)].concat())), expected);
    assert_eq!(shown(&read([zstd(first), zstd(second)].concat())), expected);
}

#[test]
fn utf_16_reads_as_utf_8() {
    let expected = shown(&read(CSV));
    let units: Vec<u16> = "\u{feff}".encode_utf16().chain(CSV.encode_utf16()).collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    assert_eq!(shown(&read(&little)), expected);
    assert_eq!(shown(&read(&big)), expected);
    assert_eq!(shown(&read(gzip(&big))), expected);
    let sentence = refusal(&little[..little.len() - 1]);
    assert!(sentence.contains("is UTF-16 but breaks off"), "{sentence}");
}

#[test]
fn packed_text_that_breaks_off_is_refused() {
    let text = "x\n".to_owned() + &"1.25\n2.5\n".repeat(50_000);
    for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        for length in [packed.len() / 2, packed.len() - 1, 12] {
            let sentence = refusal(&packed[..length]);
            assert!(
                sentence.contains("compression is damaged or breaks off"),
                "{length}: {sentence}"
            );
        }
    }
}

#[test]
fn a_damaged_packing_is_refused() {
    let mut random = String::from("x\n");
    for number in 0_u64..20_000 {
        random += &format!("{}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    let mut packed = gzip(random.as_bytes());
    let middle = packed.len() / 2;
    packed[middle] ^= 0xff;
    let sentence = refusal(packed);
    assert!(
        sentence.contains("gzip compression is damaged") || sentence.contains("expected"),
        "{sentence}"
    );
}

#[test]
fn a_decompression_bomb_needs_no_memory() {
    // 256 MiB in a quarter of a megabyte.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"x\n1\n").expect("memory takes everything");
    let zeros = vec![b'0'; 1 << 20];
    for _ in 0..256 {
        encoder.write_all(&zeros).expect("memory takes everything");
    }
    let bomb = encoder.finish().expect("memory takes everything");
    let sentence = refusal_with(bomb, &ReadOptions::default());
    assert!(sentence.starts_with("data, line 3: a record is longer than 16 MiB"), "{sentence}");
}
