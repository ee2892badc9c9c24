//! What is read from Parquet.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Int64Array, ListArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt8Array,
};
use auscult_telemetry::{ReadOptions, Reader, TimeColumn};
use parquet::arrow::ArrowWriter;

use crate::scratch::{Scratch, read, read_with, refusal, refusal_with, shown};

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.expect("columns of equal length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a schema");
    writer.write(&batch).expect("memory takes everything");
    writer.close().expect("memory takes everything");
    bytes
}

#[test]
fn every_type_finds_its_kind() {
    let decimals = Decimal128Array::from(vec![Some(1234), None]).with_precision_and_scale(9, 2);
    let words: DictionaryArray<Int32Type> = [Some("a"), None].into_iter().collect();
    let bytes = parquet(vec![
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1_714_568_400_500), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(19_844), None]))),
        ("i", Arc::new(Int64Array::from(vec![Some(-5), None]))),
        ("u", Arc::new(UInt8Array::from(vec![Some(7), None]))),
        ("f", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
        ("d", Arc::new(decimals.expect("a decimal"))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false)]))),
        ("w", Arc::new(words)),
        ("s", Arc::new(StringArray::from(vec![Some("NA"), None]))),
        ("iso", Arc::new(StringArray::from(vec![Some("2024-05-01"), None]))),
    ]);
    let expected = "at:times day:times i:numbers u:numbers f:numbers d:numbers b:numbers w:words s:words iso:times\n\
                    2024-05-01T13:00:00.5Z,2024-05-01T00:00:00Z,-5,7,0.5,12.34,1,a,NA,2024-05-01T00:00:00Z\n\
                    ,,,,,,0,,,\n";
    assert_eq!(shown(&read(bytes)), expected);
}

#[test]
fn whole_numbers_named_as_time_are_unix_times() {
    let bytes = parquet(vec![
        ("time", Arc::new(Int64Array::from(vec![1_714_568_400]))),
        ("n", Arc::new(Int64Array::from(vec![1_714_568_400]))),
    ]);
    assert_eq!(shown(&read(&bytes)), "time:times n:numbers\n2024-05-01T13:00:00Z,1714568400\n");
    let options = ReadOptions { time: TimeColumn::Named("n".to_owned()), ..Default::default() };
    let table = read_with(&bytes, &options).expect("readable");
    assert_eq!(shown(&table), "time:numbers n:times\n1714568400,2024-05-01T13:00:00Z\n");
}

#[test]
fn only_the_columns_asked_for_are_read_and_words_on_request() {
    let bytes = parquet(vec![
        ("a", Arc::new(Int64Array::from(vec![1, 2]))),
        ("b", Arc::new(Int64Array::from(vec![3, 4]))),
    ]);
    let options = ReadOptions {
        columns: Some(vec!["b".to_owned()]),
        words: vec!["b".to_owned()],
        ..Default::default()
    };
    assert_eq!(shown(&read_with(&bytes, &options).expect("readable")), "b:words\n3\n4\n");
}

#[test]
fn types_without_a_place_are_left_out_with_a_word() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let file =
        Scratch::new("l.parquet", parquet(vec![("l", Arc::new(list.clone())), ("x", number)]));
    let reader = Reader::open(&[file.input()], &ReadOptions::default()).expect("readable");
    assert_eq!(reader.schema().len(), 1);
    assert!(reader.warnings()[0].contains("column `l` of type List"), "{:?}", reader.warnings());
    let sentence = refusal(parquet(vec![("l", Arc::new(list))]));
    assert!(sentence.contains("has the type List"), "{sentence}");
}

#[test]
fn batches_are_bounded_and_progress_ends_at_the_end() {
    let numbers = Int64Array::from_iter_values(0..10_000);
    let file = Scratch::new("x.parquet", parquet(vec![("x", Arc::new(numbers))]));
    let options = ReadOptions { batch_rows: 999, ..Default::default() };
    let mut reader = Reader::open(&[file.input()], &options).expect("readable");
    let mut next = 0.0;
    while let Some(batch) = reader.next_batch().expect("readable") {
        assert!((1..=999).contains(&batch.rows()));
        for &x in batch.numbers("x").expect("numbers") {
            assert_eq!(x, next);
            next += 1.0;
        }
    }
    assert_eq!(next, 10_000.0);
    assert!(reader.progress().read >= reader.progress().total.expect("a file"));
}

#[test]
fn what_is_damaged_is_refused() {
    let bytes = parquet(vec![("x", Arc::new(Int64Array::from_iter_values(0..1000)))]);
    let sentence = refusal(&bytes[..bytes.len() / 2]);
    assert!(sentence.contains("is damaged or not Parquet"), "{sentence}");
    assert!(refusal(b"PAR1").contains("is damaged or not Parquet"));
    let missing = ReadOptions { columns: Some(vec!["y1".to_owned()]), ..Default::default() };
    assert_eq!(refusal_with(&bytes, &missing), "data: no column `y1`: there are `x`");
    let empty = parquet(vec![("x", Arc::new(Int64Array::from(Vec::<i64>::new())))]);
    assert_eq!(refusal(empty), "data: has a header but no rows under it");
    let packed = crate::compression::gzip(&bytes);
    assert!(refusal(packed).contains("Parquet inside another compression"));
}
