//! `auscult detect`, as a person calls it.

use std::path::PathBuf;

use serde_json::Value;

use crate::call::{self, Ended, scratch_text};

/// Calls auscult with nothing on standard input.
fn auscult(arguments: &[&str]) -> Ended {
    call::auscult(arguments, "")
}

/// A file of this text.
fn file(name: &str, text: impl AsRef<[u8]>) -> String {
    let path = scratch_text(name);
    std::fs::write(&path, text).expect("a scratch file can be written");
    path
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn findings(answer: &Ended) -> Vec<Value> {
    let document: Value = serde_json::from_str(&answer.out).expect("a JSON document");
    document["findings"].as_array().expect("a list of findings").clone()
}

#[test]
fn the_textbook_case_reports_exactly_the_rows_of_scipy() {
    let text = std::fs::read_to_string(golden("model_performance.json")).expect("golden values");
    let expected: Value = serde_json::from_str(&text).expect("golden JSON");
    let file = golden("model_performance.csv").display().to_string();
    for ddof in ["0", "1"] {
        let answer = auscult(&[
            "detect",
            &file,
            "--column",
            "performance",
            "--method",
            "zscore",
            "--threshold",
            "3",
            "--ddof",
            ddof,
            "--format",
            "json",
        ]);
        assert_eq!(answer.code, 0, "{}", answer.err);
        let expected = &expected[format!("ddof{ddof}")];
        let found = findings(&answer);
        let rows: Vec<&Value> = found.iter().map(|finding| &finding["row"]).collect();
        let expected_rows: Vec<&Value> =
            expected["rows"].as_array().expect("rows").iter().collect();
        assert_eq!(rows, expected_rows);
        for (finding, score) in found.iter().zip(expected["scores"].as_array().expect("scores")) {
            let (ours, scipy) = (finding["score"].as_f64(), score.as_f64());
            let (ours, scipy) = (ours.expect("a score"), scipy.expect("a score"));
            assert!((ours / scipy - 1.0).abs() < 1e-12, "{ours} and {scipy}");
        }
    }
}

/// The header and the lines of anomalies of a CSV of findings.
fn anomalies(findings: &str) -> Vec<&str> {
    let head = findings.lines().next().expect("a header");
    let anomaly = head.split(',').position(|field| field == "anomaly").expect("a column");
    findings.lines().filter(|line| line.split(',').nth(anomaly) != Some("0")).collect()
}

#[test]
fn held_in_memory_or_streamed_the_answer_is_the_same() {
    let file = golden("model_performance.csv").display().to_string();
    let call = |more: &[&str]| {
        let call = [&["detect", &file, "-m", "zscore", "--format", "csv"], more].concat();
        auscult(&call).out
    };
    // `--all-rows` needs the whole table; its anomalies are those of the stream.
    let whole = call(&["--all-rows"]);
    let anomalies = anomalies(&whole);
    let streamed = call(&[]);
    let keys = |lines: Vec<&str>| {
        let key = |line: &str| line.split(',').take(5).collect::<Vec<_>>().join(",");
        lines.into_iter().map(key).collect::<Vec<_>>()
    };
    assert_eq!(keys(anomalies), keys(streamed.lines().collect()));
}

/// Times and readings.
type Rows = Vec<(String, f64)>;

/// A long file of times, a second each, and what `level` adds to noise.
fn long(level: impl Fn(usize) -> f64) -> Rows {
    let mut state = 1_u64;
    let row = |row: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let noise = (state >> 40) as f64 / f64::from(1 << 24);
        let (hour, minute, second) = (row / 3600, row / 60 % 60, row % 60);
        (format!("2026-01-{:02}T{:02}:{minute:02}:{second:02}", 1 + hour / 24, hour % 24), {
            200.0 + noise + level(row)
        })
    };
    (0..60_000).map(row).collect()
}

fn lines(rows: &[(String, f64)]) -> String {
    let lines = rows.iter().map(|(time, value)| format!("{time},{value:.6}\n"));
    "time,value\n".to_owned() + &lines.collect::<String>()
}

#[test]
fn a_long_file_is_judged_alike_in_one_pass_in_two_and_in_memory() {
    let levels: [(&str, &dyn Fn(usize) -> f64); 3] = [
        ("long_spikes.csv", &|row| if row % 9001 == 5 { 50.0 } else { 0.0 }),
        ("long_wild_start.csv", &|row| if row < 100 { row as f64 } else { 0.0 }),
        ("long_ramp.csv", &|row| if row > 59_000 { row as f64 / 100.0 } else { 0.0 }),
    ];
    for (name, level) in levels {
        let file = file(name, lines(&long(level)));
        let call = |more: &[&str]| {
            let call = [&["detect", &file, "-m", "zscore", "--format", "csv"], more].concat();
            let answer = auscult(&call);
            assert_eq!(answer.code, 0, "{name}: {}", answer.err);
            // Row, time, column and reading; scores differ by rounding.
            let key = |line: &str| line.split(',').take(5).collect::<Vec<_>>().join(",");
            anomalies(&answer.out).into_iter().map(key).collect::<Vec<_>>()
        };
        let streamed = call(&[]);
        assert!(streamed.len() > 5, "{name}: {}", streamed.len());
        assert_eq!(streamed, call(&["--all-rows"]), "{name}");
    }
}

#[test]
fn times_are_checked_on_rows_that_are_no_finding() {
    let rows = long(|row| if row == 7 { 50.0 } else { 0.0 });
    let changed = |name: &str, change: &dyn Fn(&mut Rows)| {
        let mut rows = rows.clone();
        change(&mut rows);
        let file = file(name, lines(&rows));
        auscult(&["detect", &file, "-m", "zscore", "--format", "json"])
    };
    let answer = changed("bad_time.csv", &|rows| rows[50_000].0 = "2026-01-32".to_owned());
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("bad_time.csv, line 50002, column `time`"), "{}", answer.err);

    let answer = changed("no_time.csv", &|rows| rows[50_000].0.clear());
    assert!(answer.out.contains("1 row has no time"), "{}", answer.out);

    let in_order = changed("in_order.csv", &|_| {});
    assert_eq!(findings(&in_order).len(), 1);
    let answer = changed("backwards.csv", &|rows| rows.swap(50_000, 50_001));
    assert!(answer.out.contains("the clock goes backwards 1 time"), "{}", answer.out);
    assert_eq!(findings(&answer)[0]["row"], findings(&in_order)[0]["row"]);
}

#[test]
fn people_get_a_table_and_a_paragraph() {
    let file = golden("model_performance.csv").display().to_string();
    let answer = auscult(&["detect", &file, "--method", "zscore", "--top", "2"]);
    insta::assert_snapshot!(answer.out);
}

#[test]
fn groups_are_series_of_their_own() {
    let mut text = String::from("host,load\n");
    for row in 0..60 {
        let odd = if row == 41 { 90.0 } else { 0.0 };
        text += &format!("a,{}\nb,{}\n", 10 + row % 5, 100.0 + f64::from(row % 7) + odd);
    }
    let file = file("load.csv", text);
    let answer =
        auscult(&["detect", &file, "--group-by", "host", "-m", "zscore", "--format", "json"]);
    let found = findings(&answer);
    assert_eq!(found.len(), 1, "{}", answer.out);
    assert_eq!((&found[0]["series"], &found[0]["row"]), (&Value::from("b"), &Value::from(84)));
}

#[test]
fn missing_and_infinite_cells_are_counted_and_never_reported() {
    let mut text = String::from("value\n");
    for row in 0..100 {
        text += match row {
            10 | 20 => "\"\"\n",
            30 => "NaN\n",
            40 => "inf\n",
            50 => "99\n",
            _ if row % 2 == 0 => "1\n",
            _ => "2\n",
        };
    }
    let file = file("holes.csv", text);
    for method in ["zscore", "seasonal-trend"] {
        let answer = auscult(&["detect", &file, "-m", method, "--format", "json"]);
        let document: Value = serde_json::from_str(&answer.out).expect("a JSON document");
        let series = &document["series"][0];
        assert_eq!((&series["missing"], &series["infinite"]), (&3.into(), &1.into()), "{method}");
        let rows: Vec<u64> = findings(&answer).iter().filter_map(|f| f["row"].as_u64()).collect();
        assert_eq!(rows, [51], "{method}");
    }
}

#[test]
fn an_empty_column_does_not_keep_the_others_from_being_judged() {
    let text = format!("empty,load\n{}", ",1\n,2\n".repeat(30) + ",99\n");
    let file = file("empty_column.csv", text);
    // Held in memory, and streamed in two passes.
    for method in ["seasonal-trend", "zscore"] {
        let answer = auscult(&["detect", &file, "-m", method, "--format", "json"]);
        assert_eq!(answer.code, 0, "{method}: {}", answer.err);
        let rows: Vec<u64> = findings(&answer).iter().filter_map(|f| f["row"].as_u64()).collect();
        assert_eq!(rows, [61], "{method}");
        assert!(answer.out.contains("every row has a missing cell"), "{method}: {}", answer.out);
    }
}

#[test]
fn standard_input_is_read_and_exit_codes_tell() {
    let text = std::fs::read_to_string(golden("model_performance.csv")).expect("golden data");
    let call = ["detect", "-", "-m", "zscore", "--fail-on-anomaly", "--quiet"];
    let answer = call::auscult(&call, &text);
    assert_eq!(answer.code, 1, "{}", answer.err);
    let none = [&call[..], &["--threshold", "1000"]].concat();
    assert_eq!(call::auscult(&none, &text).code, 0);
}

#[test]
fn pictures_are_what_their_names_say() {
    let file = golden("model_performance.csv").display().to_string();
    for (name, start) in
        [("plot.svg", &b"<svg "[..]), ("plot.png", b"\x89PNG"), ("plot.html", b"<!doctype html>")]
    {
        let plot = scratch_text(name);
        let answer = auscult(&["detect", &file, "--plot", &plot, "--quiet"]);
        assert_eq!(answer.code, 0, "{}", answer.err);
        let picture = std::fs::read(&plot).expect("a picture");
        assert!(picture.starts_with(start), "{name}");
        let text = String::from_utf8_lossy(&picture);
        assert!(!text.contains("http://") || name == "plot.svg", "{name} must need nothing else");
    }
}

#[test]
fn every_method_judges_a_file() {
    let mut text = String::from("time,a,b,c,d,e,label\n");
    for row in 0..400u32 {
        let noise = f64::from((row * 7919) % 101) / 50.0;
        let wave = 5.0 * (f64::from(row) * std::f64::consts::TAU / 24.0).sin();
        let odd = if row == 300 { 60.0 } else { 0.0 };
        text += &format!(
            "{},{},{},{},{},{},{}\n",
            1_767_225_600 + 60 * row,
            wave + noise + odd,
            2.0 * wave - noise,
            f64::from((row * 104_729) % 97) / 10.0,
            wave - noise,
            wave + 2.0 * noise,
            u32::from(odd > 0.0 || row == 100)
        );
    }
    let file = file("metrics.csv", text);
    let list = auscult(&["methods"]).out;
    for method in list.lines().filter_map(|line| line.split_whitespace().next()) {
        let columns = if method == "peers" { "a,b,c,d,e" } else { "a,b,c" };
        let mut call = vec!["detect", &file, "-c", columns, "-m", method, "--format", "json"];
        if method == "random-forest" {
            call.extend(["--label", "label"]);
        }
        let answer = auscult(&call);
        assert_eq!(answer.code, 0, "{method}: {}", answer.err);
        let found = findings(&answer);
        for finding in &found {
            assert!(!finding["reason"].as_str().unwrap_or_default().is_empty(), "{method}");
        }
    }
}

/// Calls that cannot work, and what each must say.
#[test]
fn a_wrong_call_gets_one_clear_sentence() {
    let good = golden("model_performance.csv").display().to_string();
    let empty = file("empty.csv", b"");
    let words = file("words.csv", b"name\nalice\nbob\n");
    let one = file("one.csv", b"value\n1\n");
    let ragged = file("ragged.csv", b"a,b\n1,2\n3\n4,5\n");
    let here = env!("CARGO_TARGET_TMPDIR");
    let cases: &[(&[&str], &[&str])] = &[
        (&["detect", "no-such-file.csv"], &["no-such-file.csv"]),
        (&["detect", here], &["is a directory"]),
        (&["detect", &empty], &["empty.csv", "empty"]),
        (&["detect", &words], &["no column of numbers", "name"]),
        (&["detect", &one, "-m", "zscore"], &["need at least 2 rows, got 1"]),
        (&["detect", &ragged], &["ragged.csv", "line 3", "expected 2 fields, got 1"]),
        (&["detect", &good, "-c", "performnce"], &["no column `performnce`", "`performance`"]),
        (&["detect", &good, "-m", "z-score"], &["no method `z-score`", "`zscore`"]),
        (&["detect", &good, "-m", "zscore", "--window", "5"], &["no setting --window", "--ddof"]),
        (&["detect", &good, "-m", "zscore", "--ddof", "7"], &["ddof", "0 or 1"]),
        (&["detect", &good, "--plot", "x.gif"], &["x.gif", ".svg"]),
        (&["detect", &good, "-m", "zscore", "--online", "--label", "x"], &["labels"]),
    ];
    for (call, expected) in cases {
        let answer = auscult(call);
        assert_eq!(answer.code, 2, "{call:?} ended with {}: {}", answer.code, answer.err);
        assert_eq!(answer.err.trim_end().lines().count(), 1, "{call:?}: {}", answer.err);
        for part in *expected {
            assert!(answer.err.contains(part), "{call:?} lacks {part:?}: {}", answer.err);
        }
        assert!(answer.out.is_empty(), "{call:?} printed {}", answer.out);
    }
}

/// A file of the examples that come with the program.
fn example(name: &str) -> String {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    examples.join(name).display().to_string()
}

#[test]
fn a_budget_stands_in_for_a_threshold_and_finds_the_days_that_a_city_remembers() {
    let taxi = example("nab/nyc_taxi.csv.gz");
    let call =
        ["detect", &taxi, "--method", "pot-ensemble", "--budget", "1/month", "--format", "json"];
    let answer = auscult(&call);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let found = findings(&answer);
    let days: Vec<&str> =
        found.iter().map(|finding| &finding["time"].as_str().expect("a time")[..10]).collect();
    // Marathon and the end of summer time, Thanksgiving, Christmas, New Year, a blizzard.
    for day in ["2014-11-02", "2014-11-27", "2014-12-25", "2015-01-01", "2015-01-26"] {
        assert!(days.contains(&day), "{day} is missing from {days:?}");
    }
    assert!(found.len() <= 14, "seven months were promised about seven alarms: {days:?}");
    let thanksgiving = days.iter().position(|day| *day == "2014-11-27").expect("just found");
    let reason = found[thanksgiving]["reason"].as_str().expect("a reason");
    assert!(reason.contains("the weekly pattern"), "{reason}");
    // The same in a single pass and from a whole table.
    let plot = scratch_text("budget.svg");
    let whole = auscult(&[&call[..], &["--plot", &plot]].concat());
    assert_eq!(findings(&whole), found);
}

#[test]
fn a_budget_of_more_alarms_than_samples_allow_is_said_to_be_one() {
    let taxi = example("nab/nyc_taxi.csv.gz");
    let answer = auscult(&["detect", &taxi, "--budget", "1/hour", "--top", "3"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let sentence = "The budget is more than samples allow; it is taken for one alarm in 6 hours, twelve samples.";
    assert!(answer.out.contains(sentence), "{}", answer.out);
    let fine = auscult(&["detect", &taxi, "--budget", "1/day", "--top", "3"]);
    assert!(!fine.out.contains("than samples allow"), "{}", fine.out);
}

#[test]
fn a_hard_budget_is_kept_by_any_online_method() {
    let taxi = example("nab/nyc_taxi.csv.gz");
    let count = |mode: &str| {
        let answer = auscult(&[
            "detect",
            &taxi,
            "--method",
            "ewma",
            "--online",
            "--budget",
            "1/week",
            "--budget-mode",
            mode,
            "--format",
            "json",
        ]);
        assert_eq!(answer.code, 0, "{}", answer.err);
        findings(&answer).len()
    };
    // The data spans 30.7 weeks.
    assert!((24..=38).contains(&count("hard")), "{}", count("hard"));
    assert!(count("soft") >= 10);
}

#[test]
fn a_budget_that_cannot_be_kept_is_refused_in_a_sentence() {
    let taxi = example("nab/nyc_taxi.csv.gz");
    let refused = |arguments: &[&str], words: &str| {
        let answer = auscult(&[&["detect", taxi.as_str()][..], arguments].concat());
        assert_eq!(answer.code, 2, "{}", answer.out);
        assert!(answer.err.contains(words), "{}", answer.err);
    };
    refused(&["--method", "zscore", "--budget", "1/week"], "add --online");
    refused(&["--method", "knn", "--budget", "1/week"], "row by row; method `knn` does not");
    refused(&["--method", "ewma", "--online", "--budget", "1/fortnight"], "is no budget");
    refused(&["--budget", "1/week", "--threshold", "3"], "cannot be used with");
    refused(&["--method", "ewma", "--online", "--budget-mode", "hard"], "--budget");
}

#[test]
fn without_a_method_the_length_of_the_input_and_its_labels_choose_one() {
    let lines = |rows: usize| {
        let mut text = String::from("value,fault\n");
        for row in 0..rows {
            text += &format!("{},{}\n", (row * 37 % 101) as f64 / 10.0, u8::from(row % 50 == 7));
        }
        text
    };
    let (short, long) = (file("short.csv", lines(300)), file("long.csv", lines(1500)));
    let method = |call: &[&str]| {
        let answer = auscult(&[&["detect", "-c", "value", "--format", "json"], call].concat());
        assert_eq!(answer.code, 0, "{}", answer.err);
        let document: Value = serde_json::from_str(&answer.out).expect("JSON");
        document["method"].as_str().expect("a name").to_owned()
    };
    assert_eq!(method(&[&short]), "seasonal-trend");
    assert_eq!(method(&[&long]), "pot-ensemble");
    assert_eq!(method(&[&short, "--online"]), "pot-ensemble");
    assert_eq!(method(&[&long, "--budget", "1/week"]), "pot-ensemble");
    assert_eq!(method(&[&long, "--label", "fault"]), "random-forest");
}

#[test]
fn a_stream_too_short_for_the_default_method_is_told_what_judges_it() {
    let file = file("few.csv", "value\n".to_owned() + &"1\n2\n".repeat(20));
    let answer = auscult(&["detect", &file, "--online"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    assert!(answer.out.contains("`--method seasonal-trend` judges short series"), "{}", answer.out);
}
