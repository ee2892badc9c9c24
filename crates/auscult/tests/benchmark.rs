//! `auscult benchmark anomaly` and `budget`, on tiny data in the layout of the public sets.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::call::{self, Ended, scratch};

fn auscult(arguments: &[&str]) -> Ended {
    call::auscult(arguments, "")
}

/// A folder of this test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = scratch(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    folder
}

fn put(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
    std::fs::write(path, text).expect("a file can be written");
}

/// A reading between 0 and 1 that looks random and is not.
fn noise(row: usize, channel: usize) -> f64 {
    let mixed = (row as u64 * 31 + channel as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as f64 / (1_u64 << 24) as f64
}

/// Two files of the NAB, a server of the ASD and a series of the KPI, all tiny. The
/// names end in `.gz`, though nothing is packed: formats are told by their bytes.
fn tiny(name: &str) -> PathBuf {
    let data = folder(name);
    for (file, anomaly) in [("real/a.csv", 300..320), ("real/b.csv", 250..260)] {
        let mut text = "timestamp,value\n".to_owned();
        for row in 0..400 {
            let jump = if anomaly.contains(&row) { 6.0 } else { 0.0 };
            let (hour, minute) = (row / 60, row % 60);
            writeln!(text, "2024-05-01 {hour:02}:{minute:02}:00,{}", noise(row, 0) + jump)
                .expect("writing to a string cannot fail");
        }
        put(&data, &format!("nab/data/{file}.gz"), text);
    }
    put(
        &data,
        "nab/labels/combined_windows.json",
        r#"{"real/b.csv": [["2024-05-01 04:05:00.000000", "2024-05-01 04:25:00.000000"]],
            "real/a.csv": [["2024-05-01 04:55:00.000000", "2024-05-01 05:25:00.000000"]]}"#,
    );
    for (part, rows) in [("train", 300), ("test", 200)] {
        let mut text = String::new();
        for row in 0..rows {
            let wrong = part == "test" && (100..110).contains(&row);
            let reading = |channel| {
                let jump = if wrong && channel == 1 { 5.0 } else { 0.0 };
                (noise(row, channel) + jump).to_string()
            };
            writeln!(text, "{},{},{}", reading(0), reading(1), reading(2))
                .expect("writing to a string cannot fail");
        }
        put(&data, &format!("asd/one/{part}.csv.gz"), text);
    }
    let labels: String =
        (0..200).map(|row| if (100..110).contains(&row) { "1\n" } else { "0\n" }).collect();
    put(&data, "asd/one/test_label.csv.gz", labels);
    put(&data, "asd/one/interpretation_label.txt", "100-109:2\n");
    let mut text = "timestamp,value,label\n".to_owned();
    // One minute is missing.
    for row in (0..400).filter(|row| *row != 320) {
        let wrong = (300..310).contains(&row);
        let value = noise(row, 0) + if wrong { 4.0 } else { 0.0 };
        writeln!(text, "{},{value},{}", 1_500_000_000 + row * 60, u8::from(wrong))
            .expect("writing to a string cannot fail");
    }
    put(&data, "kpi/train/one.csv.gz", text);
    data
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The document without what differs from run to run: machine, commit, time, cost.
fn steady(document: &str) -> String {
    let mut cost = None;
    let mut steady = String::new();
    for line in document.lines().filter(|line| !line.starts_with("auscult ")) {
        let mut cells: Vec<&str> = line.split(" | ").collect();
        if line.contains("µs a row") {
            cost = cells.iter().position(|cell| cell.contains("µs a row"));
        }
        if let Some(cell) = cost.and_then(|cost| cells.get_mut(cost))
            && cell.trim_end_matches(" |").parse::<f64>().is_ok()
        {
            *cell = "…";
        }
        steady += &format!("{}\n", cells.join(" | "));
    }
    steady
}

#[test]
fn the_scorecard_of_tiny_data_is_as_ever() {
    let (data, results) = (tiny("benchmark-data"), folder("benchmark-results"));
    let picture = scratch("benchmark.svg");
    let document = scratch("benchmark.md");
    let call = |more: &[&str]| {
        let (data, results) = (text(&data), text(&results));
        let fixed = ["benchmark", "anomaly", "--data", &data, "--results", &results, "--quiet"];
        let methods = ["--method", "ewma,zscore,mahalanobis-ew,mahalanobis"];
        auscult(&[&fixed, methods.as_slice(), more].concat())
    };
    let answer = call(&["--output", &text(&document), "--plot", &text(&picture)]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    let first = std::fs::read_to_string(&document).expect("the document");
    insta::assert_snapshot!(steady(&first));
    let drawn = std::fs::read_to_string(&picture).expect("the picture");
    assert!(drawn.starts_with("<svg") && drawn.contains("mahalanobis-ew"));

    // What is done is not done again, and says the same.
    let written = |folder: &Path| {
        let mut times = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => times.push((path, entry.metadata().and_then(|m| m.modified()).ok())),
                }
            }
        }
        times.sort();
        times
    };
    let before = written(&results);
    assert!(before.len() > 20, "{before:?}");
    let again = call(&["--format", "json"]);
    assert_eq!(written(&results), before);
    let figures: Value = serde_json::from_str(&again.out).expect("JSON");
    let tables = figures["tables"].as_array().expect("tables");
    assert_eq!(tables.len(), 6);
    let server = tables.iter().find(|table| table["set"] == "asd").expect("the server");
    assert_eq!(server["lines"][0]["measures"]["hit_100"], 1.0, "the guilty metric was named");
}

#[test]
fn figures_of_a_part_are_not_taken_for_those_of_the_whole() {
    let (data, results) = (tiny("benchmark-part"), folder("benchmark-part-results"));
    let score = |more: &[&str]| {
        let (data, results) = (text(&data), text(&results));
        let fixed =
            ["benchmark", "anomaly", "--data", &data, "--results", &results, "--set", "nab"];
        let form = ["--method", "holt-winters", "--mode", "streaming", "--format", "json"];
        let answer = auscult(&[fixed.as_slice(), form.as_slice(), more].concat());
        let figures: Value = serde_json::from_str(&answer.out).expect("JSON");
        figures["tables"][0]["lines"][0]["measures"]["nab_standard"].as_f64().expect("a score")
    };
    let part = score(&["--series", "a.csv"]);
    let whole = score(&[]);
    assert_ne!(part, whole);
    assert_eq!(part, score(&["--series", "a.csv"]));
}

#[test]
fn what_is_told_the_range_of_the_file_stands_apart() {
    let (data, results) = (tiny("benchmark-told"), folder("benchmark-told-results"));
    let constant: String =
        (0..400).map(|row| format!("2024-05-01 {:02}:{:02}:00,7\n", row / 60, row % 60)).collect();
    put(&data, "nab/data/real/a.csv.gz", format!("timestamp,value\n{constant}"));
    let call = |more: &[&str]| {
        let (data, results) = (text(&data), text(&results));
        let fixed =
            ["benchmark", "anomaly", "--data", &data, "--results", &results, "--set", "nab"];
        auscult(&[fixed.as_slice(), more].concat())
    };
    let answer = call(&["--method", "ewma,pot-ensemble", "--format", "json"]);
    let figures: Value = serde_json::from_str(&answer.out).expect("JSON");
    let named = |mode: &str| -> Vec<&str> {
        let tables = figures["tables"].as_array().expect("tables");
        let table = tables.iter().find(|table| table["mode"] == mode).expect("a table");
        let lines = table["lines"].as_array().expect("lines");
        lines.iter().map(|line| line["method"].as_str().expect("a name")).collect()
    };
    assert_eq!(named("told"), ["pot-ensemble"], "a file without a range is judged too");
    let mut streamed = named("streaming");
    streamed.sort_unstable();
    assert_eq!(streamed, ["ewma", "pot-ensemble"]);
    let answer = call(&["--method", "ewma", "--mode", "told"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("go with mode `told`"), "{}", answer.err);
}

#[test]
fn a_unit_over_its_time_has_no_figures() {
    let (data, results) = (tiny("benchmark-late"), folder("benchmark-late-results"));
    let answer = auscult(&[
        "benchmark",
        "anomaly",
        "--data",
        &text(&data),
        "--results",
        &text(&results),
        "--set",
        "asd",
        "--method",
        "robust-random-cut-forest",
        "--time-limit",
        "0",
    ]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let late = "Without figures: robust-random-cut-forest (time was up after 0 of 1 series)";
    assert!(answer.out.contains(late), "{}", answer.out);
}

#[test]
fn data_that_are_not_there_are_named_with_their_source() {
    let empty = folder("benchmark-empty");
    std::fs::create_dir_all(&empty).expect("a folder");
    let call = |more: &[&str]| {
        let fixed = ["benchmark", "anomaly", "--data", &text(&empty)];
        let answer = auscult(&[fixed.as_slice(), more].concat());
        assert_eq!(answer.code, 2);
        answer.err.replace(&text(&empty), "FOLDER")
    };
    assert_eq!(
        call(&["--set", "nab"]),
        "auscult: FOLDER: no data set `nab`; it is public at github numenta/NAB and expected as \
         nab/data/CATEGORY/FILE.csv.gz and nab/labels/combined_windows.json\n"
    );
    assert!(
        call(&[])
            .starts_with("auscult: FOLDER: no series of a public data set; expected some of nab")
    );
    assert_eq!(
        call(&["--set", "nabb"]),
        "auscult: no data set `nabb`; there are nab, kpi, smd, asd, smap, tsb\n"
    );
    assert!(call(&["--method", "ewmaa"]).contains("did you mean `ewma`?"));
}

/// Two files of the real data, quick; skipped, in words, where they are not at hand.
#[test]
fn real_data_are_measured() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("AUSCULT_SHARED_DATA").map_or(beside, PathBuf::from);
    let data = data.join("anomaly");
    if !data.is_dir() {
        eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA to try it", data.display());
        return;
    }
    let results = folder("benchmark-real-results");
    let answer = auscult(&[
        "benchmark",
        "anomaly",
        "--data",
        &text(&data),
        "--results",
        &text(&results),
        "--set",
        "asd,tsb",
        "--series",
        "1",
        "--method",
        "mahalanobis-ew",
        "--mode",
        "streaming",
        "--format",
        "json",
    ]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    let figures: Value = serde_json::from_str(&answer.out).expect("JSON");
    for table in figures["tables"].as_array().expect("tables") {
        let volume = table["lines"][0]["measures"]["vus_pr"].as_f64().expect("a volume");
        assert!(volume > 0.05 && volume < 1.0, "{volume}");
    }
}

#[test]
fn budgets_are_measured_as_detect_keeps_them() {
    let data = tiny("benchmark-budget-data");
    let call = |more: &[&str]| {
        let data = text(&data);
        let fixed = ["benchmark", "budget", "--data", &data, "--quiet", "--method", "ewma"];
        auscult(&[&fixed, more].concat())
    };
    let answer = call(&["--set", "kpi", "--budget", "4/hour,1/month", "--format", "json"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    let figures: Value = serde_json::from_str(&answer.out).expect("JSON");
    let kept = &figures["methods"][0]["sets"][0]["all"]["kept"];
    let series = text(&data.join("kpi/train/one.csv.gz"));
    let mut compared = 0;
    for one in kept.as_array().expect("an entry for each budget and mode") {
        let (budget, mode) = (one["budget"].as_str().expect("text"), one["mode"].as_str());
        let detect = ["detect", &series, "--column", "value", "--method", "ewma", "--online"];
        let how = ["--budget", budget, "--budget-mode", mode.expect("text"), "--format", "json"];
        let told: &[&str] = if one["told"] == true { &["--label", "label"] } else { &[] };
        let answer = auscult(&[&detect[..], &how, told].concat());
        let alarms = answer.out.lines().filter(|line| line.contains("\"score\"")).count() as u64;
        assert_eq!(one["all_alarms"], alarms, "{budget} {mode:?}: {}", answer.out);
        compared += alarms;
    }
    assert_eq!(kept.as_array().map(Vec::len), Some(8));
    let table = auscult(&[
        "detect", &series, "--column", "value", "--method", "ewma", "--budget", "4/hour",
        "--label", "label",
    ]);
    assert!(table.out.contains(" of them confirmed"), "{}{}", table.out, table.err);
    let refused =
        auscult(&["detect", &series, "--method", "knn", "--budget", "4/hour", "--label", "label"]);
    assert!(
        refused.code == 2 && refused.err.contains("does not judge row by row"),
        "{}",
        refused.err
    );
    assert!(compared > 5, "{compared} alarms are too few to compare");
    // The onset is an alarm, but no false one.
    assert_eq!((&kept[0]["anomalies"], &kept[0]["found"]), (&1.into(), &1.into()));
    assert!(kept[0]["alarms"].as_u64() < kept[0]["all_alarms"].as_u64());
    let document = call(&["--set", "kpi,asd"]);
    assert!(document.out.contains("| asd | 1/week | "), "{}", document.out);
    assert!(document.out.contains("| anomalies confirmed | budget |"), "{}", document.out);
    let served = auscult(&[
        "benchmark",
        "budget",
        "--data",
        &text(&data),
        "--quiet",
        "--service",
        "--set",
        "kpi,asd",
    ]);
    assert!(served.out.contains("| asd | a machine | 1 | 1/week | "), "{}", served.out);
    assert!(served.out.contains("| kpi | a series | "), "{}", served.out);
    for (wrong, words) in [
        (["--set", "moon"], "there are health, smd"),
        (["--set", "smap"], "smap"),
        (["--method", "knn"], "does not judge row by row"),
    ] {
        let answer =
            auscult(&[&["benchmark", "budget", "--data", &text(&data)], &wrong[..]].concat());
        assert_eq!(answer.code, 2, "{}", answer.out);
        assert!(answer.err.contains(words), "{}", answer.err);
    }
}
