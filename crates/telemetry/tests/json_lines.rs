//! What is read from JSON Lines.

use auscult_telemetry::{Input, ReadOptions, Reader, TimeColumn, read_table};

use crate::scratch::{Scratch, read, read_with, refusal, shown};

#[test]
fn keys_may_vary_and_nested_ones_are_joined() {
    let text = r#"{"time":"2024-05-01T13:00:00Z","gpu":{"watts":300.5,"name":"a"},"ok":true}

{"gpu":{"name":"b","watts":null},"time":"2024-05-01T13:00:01Z","note":"x, \"y\""}
{"time":null,"gpu":null,"ok":false}
"#;
    let expected = "time:times gpu.watts:numbers gpu.name:words ok:numbers note:words\n\
                    2024-05-01T13:00:00Z,300.5,a,1,\n\
                    2024-05-01T13:00:01Z,,b,,\"x, \"\"y\"\"\"\n\
                    ,,,0,\n";
    assert_eq!(shown(&read(text)), expected);
}

#[test]
fn unix_times_numbers_in_strings_and_mixed_columns_follow_the_rules_of_cells() {
    let text = "{\"ts\":1714568400.5,\"v\":\"1.5\",\"m\":1}\n{\"ts\":1714568401,\"v\":\"NaN\",\"m\":\"x\"}";
    let expected = "ts:times v:numbers m:words\n\
                    2024-05-01T13:00:00.5Z,1.5,1\n\
                    2024-05-01T13:00:01Z,,x\n";
    assert_eq!(shown(&read(text)), expected);
}

#[test]
fn what_python_writes_for_numbers_is_read() {
    let table = read("{\"x\": 1}\n{\"x\": NaN}\n{\"x\": -Infinity}\n");
    let numbers = table.numbers("x").expect("numbers");
    assert!(numbers[1].is_nan());
    assert_eq!(numbers[2], f64::NEG_INFINITY);
}

#[test]
fn only_the_columns_asked_for_are_read_lists_elsewhere_do_no_harm() {
    let text = "{\"time\":\"2024-05-01\",\"x\":1,\"l\":[1,{\"a\":\"]\"}]}\n";
    let options = ReadOptions { columns: Some(vec!["x".to_owned()]), ..Default::default() };
    let table = read_with(text, &options).expect("readable");
    assert_eq!(shown(&table), "time:times x:numbers\n2024-05-01T00:00:00Z,1\n");
    let expected = "data, line 1, column `l`: holds a list, expected a number, a word or a nested object: \
                    spread it over columns or rows first, or leave the column out";
    assert_eq!(refusal(text), expected);
}

#[test]
fn what_is_no_object_is_refused_with_its_line() {
    let sentence = refusal("{\"a\":1}\n{\"a\":}\n");
    assert_eq!(
        sentence,
        "data, line 2: expected one JSON object per line, expected a value at byte 6 of the line, got `}`"
    );
    let sentence = refusal("[\n{\"a\":1}]\n");
    assert!(
        sentence.contains("got one list: write its objects on lines of their own"),
        "{sentence}"
    );
    let sentence = refusal("{\n  \"a\": 1\n}\n");
    assert!(sentence.starts_with("data, line 1: ") && sentence.contains("`jq -c .`"), "{sentence}");
    assert_eq!(refusal("{}\n{}\n"), "data: has no columns that can be read");
    let late = "{\"a\":1}\n".repeat(300_000) + "{\"a\":\"x\"}\n";
    let sentence = refusal(late);
    assert!(
        sentence.starts_with("data, line 300001, column `a`: expected a number, got `x`"),
        "{sentence}"
    );
    let twice = refusal("{\"a\":1,\"a\":2}\n");
    assert!(twice.contains("got two values for one key"), "{twice}");
}

#[test]
fn keys_that_turn_up_late_are_left_out_with_a_word() {
    let text = "{\"a\":1}\n".repeat(2000) + "{\"a\":1,\"error\":\"x\"}\n";
    let file = Scratch::new("late.jsonl", text);
    let mut reader = Reader::open(&[file.input()], &ReadOptions::default()).expect("readable");
    let mut rows = 0;
    while let Some(batch) = reader.next_batch().expect("readable") {
        rows += batch.rows();
    }
    assert_eq!(rows, 2001);
    assert_eq!(reader.warnings().len(), 1);
    assert!(reader.warnings()[0].contains("`error` is not in the first rows"));
}

#[test]
fn a_large_file_comes_in_order() {
    let lines: Vec<String> =
        (0..200_000).map(|row| format!("{{\"x\":{row},\"deep\":{{\"y\":{}}}}}", row * 2)).collect();
    let table = read(lines.join("\n"));
    let (x, y) = (table.numbers("x").expect("numbers"), table.numbers("deep.y").expect("numbers"));
    assert_eq!(x.len(), 200_000);
    assert!(x.iter().zip(y).enumerate().all(|(row, (x, y))| *x == row as f64 && *y == 2.0 * x));
}

#[test]
fn a_csv_and_json_lines_may_follow_one_another() {
    let csv = Scratch::new("a.csv", "time,x\n2024-05-01,1\n");
    let json = Scratch::new("b.jsonl", "{\"x\":2,\"time\":\"2024-05-02\"}\n");
    let inputs: [Input; 2] = [csv.input(), json.input()];
    let options = ReadOptions { time: TimeColumn::Named("time".to_owned()), ..Default::default() };
    let table = read_table(&inputs, &options).expect("readable");
    assert_eq!(
        shown(&table),
        "time:times x:numbers\n2024-05-01T00:00:00Z,1\n2024-05-02T00:00:00Z,2\n"
    );
}
