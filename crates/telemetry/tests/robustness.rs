//! Nothing that a file holds makes the reader panic.

use auscult_telemetry::{
    Cells, Column, Format, Input, ReadOptions, Table, TableWriter, TimeColumn, Words, read_table,
};
use proptest::prelude::*;

use crate::compression::{gzip, zstd};
use crate::scratch::read_with;

/// Reads `bytes` in several ways; errors must be sentences, tables must be whole.
fn survive(bytes: &[u8]) {
    let wild = ReadOptions {
        time: TimeColumn::Named("1".to_owned()),
        words: vec!["2".to_owned()],
        batch_rows: 3,
        ..ReadOptions::default()
    };
    let csv = ReadOptions { format: Some(Format::Csv), header: Some(false), ..Default::default() };
    let json = ReadOptions { format: Some(Format::JsonLines), ..Default::default() };
    for options in [ReadOptions::default(), wild, csv, json] {
        let input = Input::Bytes { name: "data".to_owned(), bytes: bytes.into() };
        match read_table(&[input], &options) {
            Ok(table) => assert!(table.rows() > 0 && !table.columns().is_empty()),
            Err(error) => {
                let sentence = error.to_string();
                assert!(!sentence.contains('\n') && sentence.len() < 2000, "{sentence}");
            }
        }
    }
}

fn sample(format: Format) -> Vec<u8> {
    let words =
        Words { rows: vec![Some(0), None, Some(1)], distinct: vec!["a".into(), "b,\"".into()] };
    let times = (0..3).map(|s| Some(auscult_core::Timestamp::from_seconds(s))).collect();
    let column = |name: &str, cells| Column { name: name.to_owned(), cells };
    let table = Table::new(vec![
        column("time", Cells::Times(times)),
        column("x", Cells::Numbers(vec![1.5, f64::NAN, -3e30])),
        column("w", Cells::Words(words)),
    ]);
    let mut writer = TableWriter::new(Vec::new(), format);
    writer.write(&table).expect("memory takes everything");
    writer.finish().expect("memory takes everything")
}

/// Puts, drops and changes bytes at a few places.
fn mutated(mut bytes: Vec<u8>, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    for &(place, kind, byte) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = place % bytes.len();
        match kind % 4 {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&bytes);
    }

    #[test]
    fn text_like_csv(text in "[a-c0-9,;\t|\"\r\n .\\-é]{0,200}") {
        survive(text.as_bytes());
    }

    #[test]
    fn text_like_json(text in "([{}\\[\\]:,\"\\\\ue0-9a.\n -]|\"a\":|null|true){0,80}") {
        survive(text.as_bytes());
        survive(("{\"a\":1}\n".to_owned() + &text).as_bytes());
    }

    #[test]
    fn mutated_csv(changes in changes()) {
        survive(&mutated(sample(Format::Csv), &changes));
    }

    #[test]
    fn mutated_json_lines(changes in changes()) {
        survive(&mutated(sample(Format::JsonLines), &changes));
    }

    #[test]
    fn mutated_packed_text(changes in changes()) {
        survive(&mutated(gzip(&sample(Format::Csv)), &changes));
        survive(&mutated(zstd(&sample(Format::JsonLines)), &changes));
    }

    #[test]
    fn mutated_parquet(changes in changes()) {
        survive(&mutated(sample(Format::Parquet), &changes));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Blocks, threads and quotes make no difference to what is read.
    #[test]
    fn long_text_reads_as_short_text(quoted in prop::collection::vec(any::<bool>(), 1..20)) {
        let row = |at: usize| {
            let quote = if quoted[at % quoted.len()] { "\"" } else { "" };
            let line_end = if quote.is_empty() { "" } else { "\n" };
            format!("{at},{quote}w{line_end}{}{quote}\n", at % 5)
        };
        let text: String = "x,w\n".to_owned() + &(0..120_000).map(row).collect::<String>();
        let table = read_with(text, &ReadOptions::default()).expect("readable");
        prop_assert_eq!(table.rows(), 120_000);
        let numbers = table.numbers("x").expect("numbers");
        prop_assert!(numbers.iter().enumerate().all(|(at, &x)| x == at as f64));
        let words = table.words("w").expect("words");
        for at in (0..120_000).step_by(997) {
            let line_end = if quoted[at % quoted.len()] { "\n" } else { "" };
            let expected = format!("w{line_end}{}", at % 5);
            prop_assert_eq!(words.get(at), Some(expected.as_str()));
        }
    }
}
