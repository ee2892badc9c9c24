//! Files of learnt state.

use std::fs;

use auscult_store::{StateReader, StateWriter, StoreError};

use super::files::{damage, folder};

#[test]
fn records_come_back_and_damaged_ones_are_passed_over() {
    let path = folder("state").join("checkpoint");
    assert!(StateReader::open(&path).unwrap().is_none());
    let mut writer = StateWriter::create(&path).unwrap();
    let records: Vec<Vec<u8>> = (1..100_usize).map(|length| vec![length as u8; length]).collect();
    records.iter().for_each(|record| writer.record(record).unwrap());
    let bytes = writer.commit().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), bytes);
    let read = || {
        let mut reader = StateReader::open(&path).unwrap().unwrap();
        let mut found = Vec::new();
        while let Some(record) = reader.record().unwrap() {
            found.push(record.to_vec());
        }
        (found, reader.damaged(), reader.is_complete())
    };
    assert_eq!(read(), (records, 0, true));
    damage(&path, 1000);
    damage(&path, 3000);
    let (found, damaged, complete) = read();
    assert_eq!((found.len(), damaged, complete), (97, 2, true));
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let (found, _, complete) = read();
    assert!(found.len() > 50 && !complete);
}

#[test]
fn a_file_that_is_none_or_of_a_newer_release_is_refused_and_one_begun_does_no_harm() {
    let path = folder("state-odd").join("checkpoint");
    StateWriter::create(&path).unwrap().commit().unwrap();
    // One that is never finished leaves the one before.
    StateWriter::create(&path).unwrap().record(b"x").unwrap();
    assert!(StateReader::open(&path).unwrap().unwrap().record().unwrap().is_none());
    damage(&path, 2);
    assert!(matches!(StateReader::open(&path), Err(StoreError::Damaged { .. })));
    damage(&path, 2);
    damage(&path, 9);
    assert!(matches!(StateReader::open(&path), Err(StoreError::Newer { .. })));
    let aside = StateReader::set_aside(&path).unwrap();
    assert!(aside.ends_with("checkpoint.damaged-1"), "{}", aside.display());
    assert!(!path.exists());
}
