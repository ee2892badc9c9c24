//! The sentences that refuse what cannot be read.

use auscult_telemetry::{Input, ReadOptions, TimeColumn, read_table};

use crate::scratch::{Scratch, refusal, refusal_with};

#[test]
fn what_is_not_there_or_no_file_is_refused() {
    let error = read_table(&[Input::from_argument("/no/such.csv")], &ReadOptions::default());
    assert_eq!(error.expect_err("missing").to_string(), "/no/such.csv: no such file");
    let folder = std::env::temp_dir();
    let error = read_table(&[Input::Path(folder.clone())], &ReadOptions::default());
    let expected =
        format!("{}: is a directory, expected a file: name the files in it", folder.display());
    assert_eq!(error.expect_err("a directory").to_string(), expected);
    assert!(read_table(&[], &ReadOptions::default()).is_err());
}

#[test]
fn what_holds_nothing_is_refused() {
    assert_eq!(refusal(""), "data: is empty, expected at least one row of data");
    assert_eq!(refusal("\u{feff}\n\r\n"), "data: is empty, expected at least one row of data");
    assert_eq!(refusal("time,x\n"), "data: has a header but no rows under it");
    assert_eq!(refusal("time,x"), "data: has a header but no rows under it");
}

#[test]
fn what_is_no_table_is_refused() {
    let sentence = refusal(b"PK\x03\x04abc");
    assert!(sentence.contains("Zip archive or an Excel workbook"), "{sentence}");
    let sentence = refusal(b"\x7fELF\x02\x01\x01\0\0\0\0");
    assert!(sentence.starts_with("data: is not text (byte 0x00 at offset 7)"), "{sentence}");
    let sentence = refusal("a\r1\r2\r");
    assert!(sentence.contains("bare carriage return"), "{sentence}");
}

#[test]
fn a_ragged_row_is_named() {
    let expected = "data, line 4: expected 2 fields, got 3: mend the row, or quote fields that hold the delimiter `,`";
    assert_eq!(refusal("a,b\n1,2\n\n1,2,3\n1,2\n"), expected);
    assert_eq!(refusal("a,b\n\"1\",2\n\n1,2,3\n1,2\n"), expected);
    let mut long = "a,b\n".to_owned() + &"1,2\n".repeat(400_000);
    long += "7\n";
    long += &"1,2\n".repeat(400_000);
    assert!(refusal(long).starts_with("data, line 400002: expected 2 fields, got 1"));
}

#[test]
fn text_among_numbers_and_times_is_named() {
    let text = |odd: &str| "time,x\n".to_owned() + &"2024-05-01,1\n".repeat(1500) + odd + "\n";
    let expected = "data, line 1502, column `x`: expected a number, got `oops`: \
                    mend the cell, leave it empty, or have the column read as words";
    assert_eq!(refusal(text("2024-05-01,oops")), expected);
    assert_eq!(refusal(text("2024-05-01,\"oops\"")), expected);
    let sentence = refusal(text("soon,1"));
    assert!(
        sentence.starts_with("data, line 1502, column `time`: expected a time such as"),
        "{sentence}"
    );
    let sentence = refusal(text(&format!("2024-05-01,{}", "y".repeat(1000))));
    assert!(sentence.len() < 300, "{sentence}");
}

#[test]
fn a_column_that_is_not_there_is_named_with_the_one_meant() {
    let ask =
        |name: &str| ReadOptions { columns: Some(vec![name.to_owned()]), ..Default::default() };
    let text = "time,performance\n2024-05-01,1\n";
    let sentence = refusal_with(text, &ask("preformance"));
    assert_eq!(sentence, "data: no column `preformance`: did you mean `performance`");
    let sentence = refusal_with(text, &ask("zzz"));
    assert_eq!(sentence, "data: no column `zzz`: there are `time`, `performance`");
    let time = ReadOptions { time: TimeColumn::Named("tme".to_owned()), ..Default::default() };
    assert_eq!(refusal_with(text, &time), "data: no column `tme`: did you mean `time`");
    let words = ReadOptions { words: vec!["9".to_owned()], ..Default::default() };
    assert!(refusal_with(text, &words).starts_with("data: no column `9`"));
}

#[test]
fn text_that_is_not_utf8_is_named() {
    let sentence = refusal(b"a,temp \xb0C\n1,2\n");
    assert!(sentence.starts_with("data, line 1: is not UTF-8 near temp \u{fffd}C"), "{sentence}");
    let sentence = refusal(b"a,b\nx,1\nK\xf6ln,2\n");
    assert!(
        sentence.starts_with("data, line 3, column `a`: is not UTF-8 near K\u{fffd}ln"),
        "{sentence}"
    );
}

#[test]
fn quotes_that_do_not_fit_are_named() {
    assert_eq!(
        refusal("a,b\n1,2\n\"3,4\n"),
        "data, line 3: a quoted field is not closed before the end of the file"
    );
    let sentence = refusal("a,b\n1,2\n\"3\"x,4\n");
    assert!(
        sentence
            .starts_with("data, line 3: expected the delimiter `,` after the closing quote, got x"),
        "{sentence}"
    );
}

#[test]
fn an_endless_record_is_refused_without_reading_it_all() {
    let text = "a,b\n1,2\n".to_owned() + &"9".repeat(40 << 20);
    let sentence = refusal(text);
    assert!(sentence.starts_with("data, line 3: a record is longer than 16 MiB"), "{sentence}");
    let sentence = refusal("9".repeat(40 << 20));
    assert!(sentence.starts_with("data, line 1: a record is longer than 16 MiB"), "{sentence}");
}

#[test]
fn files_that_disagree_are_named() {
    let first = Scratch::new("a.csv", "x,status\n1,200\n");
    let second = Scratch::new("b.csv", "x,status\n1,bad\n");
    let error = read_table(&[first.input(), second.input()], &ReadOptions::default());
    let sentence = error.expect_err("they disagree").to_string();
    assert!(
        sentence.contains("b.csv, column `status`: holds words here but numbers in "),
        "{sentence}"
    );
    let third = Scratch::new("c.csv", "y\n1\n");
    let error = read_table(&[first.input(), third.input()], &ReadOptions::default());
    let sentence = error.expect_err("nothing shared").to_string();
    assert!(sentence.contains("c.csv: has no column in common with "), "{sentence}");
}
