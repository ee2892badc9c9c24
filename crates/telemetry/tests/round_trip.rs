//! What is written reads back as it was.

use auscult_core::Timestamp;
use auscult_telemetry::{
    Cells, Column, Format, ReadOptions, Table, TableWriter, TimeColumn, Words, read_table,
};
use proptest::prelude::*;

use crate::scratch::Scratch;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("NaN is missing", |number| !number.is_nan()),
        (-1e6..1e6_f64).prop_map(|number| (number * 1e6).round() / 1e6),
        (-1000_i32..1000).prop_map(f64::from),
        Just(f64::INFINITY),
        Just(-0.0),
        Just(f64::NAN),
        Just(f64::MIN_POSITIVE / 8.0),
    ]
}

fn word() -> impl Strategy<Value = Option<String>> {
    // A letter in front, lest it be taken for a number, a time or a gap.
    prop::option::weighted(0.9, "w[a-z ,;\"'\r\n\t|{}\\\\é😀]{0,12}")
}

fn table() -> impl Strategy<Value = Table> {
    let time = prop::option::weighted(0.9, any::<i64>());
    prop::collection::vec((time, number(), word(), number()), 1..60).prop_map(|rows| {
        let mut words = Words::default();
        for (_, _, word, _) in &rows {
            words.rows.push(word.as_ref().map(|word| {
                let known = words.distinct.iter().position(|known| known == word);
                known.unwrap_or_else(|| {
                    words.distinct.push(word.clone());
                    words.distinct.len() - 1
                }) as u32
            }));
        }
        let times = rows.iter().map(|row| row.0.map(Timestamp::from_nanos)).collect();
        let column = |name: &str, cells| Column { name: name.to_owned(), cells };
        Table::new(vec![
            column("time", Cells::Times(times)),
            column("x, \"y\"", Cells::Numbers(rows.iter().map(|row| row.1).collect())),
            column("word", Cells::Words(words)),
            column("z", Cells::Numbers(rows.iter().map(|row| row.3).collect())),
        ])
    })
}

fn bits(table: &Table) -> Vec<String> {
    let cells = |cells: &Cells| match cells {
        Cells::Numbers(numbers) => {
            let one =
                |n: &f64| if n.is_nan() { "missing".to_owned() } else { n.to_bits().to_string() };
            numbers.iter().map(one).collect::<Vec<_>>()
        }
        Cells::Words(words) => {
            (0..words.rows.len()).map(|row| format!("{:?}", words.get(row))).collect()
        }
        Cells::Times(times) => times.iter().map(|time| format!("{time:?}")).collect(),
    };
    let column = |column: &Column| format!("{}: {:?}", column.name, cells(&column.cells));
    table.columns().iter().map(column).collect()
}

fn written(table: &Table, format: Format) -> Vec<u8> {
    let mut writer = TableWriter::new(Vec::new(), format);
    writer.write(table).expect("memory takes everything");
    writer.finish().expect("memory takes everything")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_table_reads_back_from_every_format(table in table()) {
        for format in [Format::Csv, Format::JsonLines, Format::Parquet] {
            let file = Scratch::new("table", written(&table, format));
            let options = ReadOptions {
                time: TimeColumn::Named("time".to_owned()),
                words: vec!["word".to_owned()],
                header: Some(true),
                ..ReadOptions::default()
            };
            let read = read_table(&[file.input()], &options).expect("what we write, we read");
            prop_assert_eq!(bits(&read), bits(&table), "{:?}", format);
        }
    }
}

#[test]
fn batches_are_written_as_one_table() {
    let batch = |numbers: &[f64]| {
        Table::new(vec![Column { name: "x".to_owned(), cells: Cells::Numbers(numbers.to_vec()) }])
    };
    for format in [Format::Csv, Format::JsonLines, Format::Parquet] {
        let mut writer = TableWriter::new(Vec::new(), format);
        writer.write(&batch(&[1.0, f64::NAN])).expect("memory");
        writer.write(&batch(&[0.1])).expect("memory");
        let other =
            Table::new(vec![Column { name: "y".to_owned(), cells: Cells::Numbers(vec![1.0]) }]);
        assert!(writer.write(&other).is_err());
        let file = Scratch::new("table", writer.finish().expect("memory"));
        let table = read_table(&[file.input()], &ReadOptions::default()).expect("readable");
        let numbers = table.numbers("x").expect("numbers");
        assert!(numbers.len() == 3 && numbers[1].is_nan() && numbers[2] == 0.1, "{numbers:?}");
    }
}

#[test]
fn the_text_of_each_format_is_what_the_documentation_says() {
    let words = Words { rows: vec![Some(0), None], distinct: vec!["a \"b\", c".to_owned()] };
    let time = Some(Timestamp::from_seconds(1_714_568_400));
    let column = |name: &str, cells| Column { name: name.to_owned(), cells };
    let table = Table::new(vec![
        column("at", Cells::Times(vec![time, None])),
        column("x", Cells::Numbers(vec![f64::NEG_INFINITY, 1e300])),
        column("w", Cells::Words(words)),
    ]);
    let text = |format| String::from_utf8(written(&table, format)).expect("UTF-8");
    let csv = "at,x,w\n2024-05-01T13:00:00Z,-inf,\"a \"\"b\"\", c\"\n,1e300,\n";
    assert_eq!(text(Format::Csv), csv);
    let json = "{\"at\":\"2024-05-01T13:00:00Z\",\"x\":\"-Infinity\",\"w\":\"a \\\"b\\\", c\"}\n\
                {\"at\":null,\"x\":1e300,\"w\":null}\n";
    assert_eq!(text(Format::JsonLines), json);
    assert_eq!(&written(&table, Format::Parquet)[..4], b"PAR1");
}
