//! What is read from CSV.

use auscult_telemetry::{Input, ReadOptions, Reader, TimeColumn, read_table};

use crate::scratch::{Scratch, read, read_with, shown};

#[test]
fn times_numbers_and_words_are_told_apart() {
    let table = read("time,watts,gpu\n2024-05-01 13:00,300.5,a\n2024-05-01 13:01,,b\n,1e3,a\n");
    let expected = "time:times watts:numbers gpu:words\n\
                    2024-05-01T13:00:00Z,300.5,a\n\
                    2024-05-01T13:01:00Z,,b\n\
                    ,1000,a\n";
    assert_eq!(shown(&table), expected);
}

#[test]
fn every_dialect_reads_alike() {
    let expected = shown(&read("a,b\n1,x\n2,y\n"));
    let dialects = [
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        "a|b\n1|x\n2|y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "\u{feff}a,b\n1,x\n2,y\n",
        "a,b\n1,x\n2,y",
        "\"a\",\"b\"\n\"1\",\"x\"\n\"2\",\"y\"\n",
        "a, b\n1, x\n 2 ,\"y\"\n",
        "\na,b\n\n1,x\r\n\n2,y\n\n",
    ];
    for dialect in dialects {
        assert_eq!(shown(&read(dialect)), expected, "{dialect:?}");
    }
}

#[test]
fn a_delimiter_that_is_given_makes_text_csv_even_if_it_begins_like_json() {
    let text = "{,x\n1,2\n3,4\n";
    let given = ReadOptions { delimiter: Some(b','), ..ReadOptions::default() };
    assert_eq!(shown(&read_with(text, &given).expect("CSV")), "{:numbers x:numbers\n1,2\n3,4\n");
}

#[test]
fn quotes_enclose_whatever_they_must() {
    let table = read("note,x\n\"a,b\nc \"\"d\"\"\",1\n\" e \",2\n5\" disk,3\n");
    let words = &table.words("note").expect("words").distinct;
    assert_eq!(words, &["a,b\nc \"d\"", " e ", "5\" disk"]);
    assert_eq!(table.numbers("x"), Some(&[1.0, 2.0, 3.0][..]));
}

#[test]
fn every_word_for_missing_is_missing_in_every_kind() {
    for missing in ["", "NA", "N/A", "NaN", "nan", "null", "None", "-", "\"\"", " NA "] {
        let text = format!("time,x,w\n2024-05-01,1,a\n{missing},{missing},{missing}\n");
        let table = read(&text);
        assert_eq!(table.times("time").expect("times")[1], None, "{missing}");
        assert!(table.numbers("x").expect("numbers")[1].is_nan(), "{missing}");
        assert_eq!(table.words("w").expect("words").get(1), None, "{missing}");
    }
}

#[test]
fn infinities_stay_infinite() {
    let table = read("x\n1\ninf\n-inf\nInfinity\n");
    let infinite = f64::INFINITY;
    assert_eq!(table.numbers("x"), Some(&[1.0, infinite, -infinite, infinite][..]));
}

#[test]
fn mixed_columns_are_words_and_asked_for_words_are_words() {
    let table = read("a,b\n1,1\nx,2\n");
    assert_eq!(shown(&table), "a:words b:numbers\n1,1\nx,2\n");
    let options = ReadOptions { words: vec!["b".to_owned()], ..ReadOptions::default() };
    let table = read_with("a,b\n1,007\nx,2\n", &options).expect("readable");
    assert_eq!(shown(&table), "a:words b:words\n1,007\nx,2\n");
}

#[test]
fn a_missing_header_is_noticed() {
    let table = read("0.5,1,x\n0.7,2,y\n");
    assert_eq!(shown(&table), "column1:numbers column2:numbers column3:words\n0.5,1,x\n0.7,2,y\n");
    let table = read("time,0,1\n2024-05-01,5,6\n");
    assert_eq!(shown(&table), "time:times 0:numbers 1:numbers\n2024-05-01T00:00:00Z,5,6\n");
    let options = ReadOptions { header: Some(false), ..ReadOptions::default() };
    let table = read_with("a,b\nc,d\n", &options).expect("readable");
    assert_eq!(shown(&table), "column1:words column2:words\na,b\nc,d\n");
    let options = ReadOptions { header: Some(true), ..ReadOptions::default() };
    let table = read_with("1,2\n3,4\n", &options).expect("readable");
    assert_eq!(shown(&table), "1:numbers 2:numbers\n3,4\n");
}

#[test]
fn names_are_made_unique_and_never_empty() {
    let table = read("x,x,,x\n1,2,3,4\n");
    let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["x", "x.2", "column3", "x.3"]);
}

#[test]
fn a_column_that_does_not_say_when_is_left_as_numbers() {
    let table = read("time,x\n0.25,1\n0.5,2\n");
    assert_eq!(shown(&table), "time:numbers x:numbers\n0.25,1\n0.5,2\n");
}

#[test]
fn unix_times_are_read_in_every_unit() {
    for epoch in ["1714568400", "1714568400000", "1714568400000000", "1714568400000000000"] {
        let table = read(format!("x,timestamp\n1,{epoch}\n"));
        assert_eq!(shown(&table), "x:numbers timestamp:times\n1,2024-05-01T13:00:00Z\n");
    }
    let options = ReadOptions { time: TimeColumn::Named("2".to_owned()), ..Default::default() };
    let table = read_with("x,at\n1,60\n", &options).expect("readable");
    assert_eq!(shown(&table), "x:numbers at:times\n1,1970-01-01T00:01:00Z\n");
}

#[test]
fn only_the_columns_asked_for_are_read_and_the_time() {
    let text = "a,time,b,c\n1,2024-05-01,2,x\n3,2024-05-02,4,y\n";
    let columns = Some(vec!["3".to_owned()]);
    let options = ReadOptions { columns: columns.clone(), ..ReadOptions::default() };
    let table = read_with(text, &options).expect("readable");
    assert_eq!(
        shown(&table),
        "time:times b:numbers\n2024-05-01T00:00:00Z,2\n2024-05-02T00:00:00Z,4\n"
    );
    let options = ReadOptions { columns, time: TimeColumn::Without, ..ReadOptions::default() };
    let table = read_with(text, &options).expect("readable");
    assert_eq!(shown(&table), "b:numbers\n2\n4\n");
}

#[test]
fn several_files_follow_one_another() {
    let first = Scratch::new("a.csv", "time,x,gpu\n2024-05-01,1,a\n");
    let second = Scratch::new("b.csv", "gpu;x;extra\nb;2;7\n");
    let table = read_table(&[first.input(), second.input()], &ReadOptions::default());
    let expected = "time:times x:numbers gpu:words extra:numbers\n\
                    2024-05-01T00:00:00Z,1,a,\n\
                    ,2,b,7\n";
    assert_eq!(shown(&table.expect("readable")), expected);
}

#[test]
fn a_large_file_comes_in_order_in_bounded_batches_twice() {
    const ROWS: usize = 300_000;
    let mut text = String::from("time,x,w\n");
    for row in 0..ROWS {
        let (minute, second) = (row / 60 % 60, row % 60);
        let quote = if row % 1000 == 0 { "\"" } else { "" };
        let word = row % 7;
        text += &format!("2024-05-01 13:{minute:02}:{second:02},{row},{quote}w{word}{quote}\n");
    }
    let file = Scratch::new("large.csv", text);
    for _ in 0..2 {
        let options = ReadOptions { batch_rows: 1000, ..ReadOptions::default() };
        let mut reader = Reader::open(&[file.input()], &options).expect("readable");
        let mut rows = 0;
        while let Some(batch) = reader.next_batch().expect("readable") {
            assert!((1..=1000).contains(&batch.rows()));
            for (at, &x) in batch.numbers("x").expect("numbers").iter().enumerate() {
                assert_eq!(x, (rows + at) as f64);
                let word = format!("w{}", (rows + at) % 7);
                assert_eq!(batch.words("w").expect("words").get(at), Some(word.as_str()));
            }
            rows += batch.rows();
        }
        assert_eq!(rows, ROWS);
        let progress = reader.progress();
        assert_eq!(Some(progress.read), progress.total);
    }
}

#[test]
fn a_hundred_thousand_columns_are_read() {
    let line = |cell: fn(usize) -> String| (0..100_000).map(cell).collect::<Vec<_>>().join(",");
    let text = format!(
        "{}\n{}\n{}\n",
        line(|at| format!("c{at}")),
        line(|at| at.to_string()),
        line(|_| String::new())
    );
    let table = read(text);
    assert_eq!((table.rows(), table.columns().len()), (2, 100_000));
    assert!(
        matches!(&table.columns()[99_999].cells, auscult_telemetry::Cells::Numbers(cells) if cells[0] == 99_999.0)
    );
}

#[test]
fn one_row_and_a_column_without_values_are_fine() {
    let table = read("a,b\n1,\n");
    assert_eq!(shown(&table), "a:numbers b:numbers\n1,\n");
}

#[test]
fn a_reader_that_is_dropped_midway_stops() {
    let file = Scratch::new("large.csv", "x\n".to_owned() + &"1.5\n".repeat(3_000_000));
    let mut reader = Reader::open(&[file.input()], &ReadOptions::default()).expect("readable");
    assert!(reader.next_batch().expect("readable").is_some());
    drop(reader);
}

#[test]
fn a_path_can_be_read_again_but_standard_input_cannot() {
    let file = Scratch::new("a.csv", "x\n1\n");
    assert!(file.input().is_repeatable());
    assert!(!Input::Stdin.is_repeatable());
    assert_eq!(Input::from_argument("-"), Input::Stdin);
}
