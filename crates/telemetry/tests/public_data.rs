//! Real files, where they are at hand.

use std::path::{Path, PathBuf};

use auscult_telemetry::{Input, Kind, ReadOptions, Reader, read_table};

/// The folder of public data, named by `AUSCULT_SHARED_DATA` or beside the
/// repository.
fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let folder =
        std::env::var_os("AUSCULT_SHARED_DATA").map_or_else(|| beside.into(), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "skipped: no public data at {}; set AUSCULT_SHARED_DATA to its folder",
        folder.display()
    );
    None
}

fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, endings, found);
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
}

#[test]
fn every_public_table_reads() {
    let Some(folder) = shared() else { return };
    let mut found = Vec::new();
    files(&folder, &[".csv.gz", ".csv", ".parquet", ".jsonl"], &mut found);
    assert!(found.len() > 100, "{} files", found.len());
    let mut refused = Vec::new();
    for path in found {
        if let Err(error) = read_table(&[Input::Path(path)], &ReadOptions::default()) {
            refused.push(error.to_string());
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Rows, columns, the time column and the numbers of columns of each kind.
fn summary(path: PathBuf) -> String {
    let input = [Input::Path(path)];
    let reader = Reader::open(&input, &ReadOptions::default()).expect("readable");
    let count = |kind| reader.schema().iter().filter(|field| field.kind == kind).count();
    let kinds = (count(Kind::Numbers), count(Kind::Words), count(Kind::Times));
    let time = reader.time_column().unwrap_or("none").to_owned();
    let table = read_table(&input, &ReadOptions::default()).expect("readable");
    format!("{} rows, {kinds:?}, time {time}", table.rows())
}

#[test]
fn well_known_data_sets_read_as_what_they_are() {
    let Some(folder) = shared() else { return };
    let expected = [
        (
            "anomaly/nab/data/realTweets/Twitter_volume_CVS.csv.gz",
            "15853 rows, (1, 0, 1), time timestamp",
        ),
        (
            "anomaly/kpi/train/ab216663-dcc2-3a24-b1ee-2c3e550e06c9.csv.gz",
            "(2, 0, 1), time timestamp",
        ),
        ("anomaly/smd/machine-2-1/test.csv.gz", "23694 rows, (38, 0, 0), time none"),
        ("anomaly/ai4i/ai4i2020_public.csv.gz", "(12, 2, 0), time none"),
        (
            "anomaly/azure_llm_2023/AzureLLMInferenceTrace_code.csv.gz",
            "8819 rows, (2, 0, 1), time TIMESTAMP",
        ),
        ("diagnosis/sockshop1/cases/payment_cpu_3/anomalous.csv.gz", "time time"),
        ("diagnosis/nezha-ob/cases/20220823_1201/front.csv.gz", "(5, 1, 1), time TimeStamp"),
        ("diagnosis/attribution/longley.csv", "16 rows, (7, 0, 0), time none"),
    ];
    for (file, expected) in expected {
        let summary = summary(folder.join(file));
        assert!(summary.contains(expected), "{file}: {summary}");
    }
}
