//! Counters in `auscult detect`: rates, resets, wraps, gaps, and counters not declared.

use serde_json::Value;

use crate::call::{self, Ended, scratch_text};

/// Seconds between two rows.
const STEP: u64 = 15;

fn detect(arguments: &[&str]) -> Ended {
    let answer = call::auscult(&[&["detect"], arguments].concat(), "");
    assert!(answer.code < 2, "{}", answer.err);
    answer
}

fn document(arguments: &[&str]) -> Value {
    let answer = detect(&[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&answer.out).expect("a JSON document")
}

fn findings(document: &Value) -> &Vec<Value> {
    document["findings"].as_array().expect("a list of findings")
}

fn notes(document: &Value) -> String {
    document["series"].to_string()
}

fn file(name: &str, text: &str) -> String {
    let path = scratch_text(name);
    std::fs::write(&path, text).expect("a scratch file can be written");
    path
}

/// Requests of each row: some 300, and ten times as many in row `burst`.
fn requests(rows: usize, burst: usize) -> Vec<u64> {
    let mut state = 7_u64;
    let row = |row: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let noise = (state >> 40) % 61;
        if row + 1 == burst { 3000 } else { 270 + noise }
    };
    (0..rows).map(row).collect()
}

/// Their running sum, which begins anew at 0 in the rows `resets`.
fn counter(requests: &[u64], resets: &[usize]) -> Vec<u64> {
    let mut sum = 1_000_000;
    let row = |(row, grown): (usize, &u64)| {
        sum = if resets.contains(&(row + 1)) { *grown } else { sum + grown };
        sum
    };
    requests.iter().enumerate().map(row).collect()
}

fn time(row: usize) -> String {
    let second = row as u64 * STEP;
    let (day, hour, minute) = (1 + second / 86_400, second / 3600 % 24, second / 60 % 60);
    format!("2026-03-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

/// A file of times and one counter.
fn timed(name: &str, counter: &[u64]) -> String {
    let lines = counter.iter().enumerate().map(|(row, sum)| format!("{},{sum}\n", time(row)));
    file(name, &("time,requests_total\n".to_owned() + &lines.collect::<String>()))
}

const COUNTER: [&str; 2] = ["--counter", "requests_total"];

#[test]
fn a_burst_is_found_in_the_rate_and_resets_are_not_alarmed_on() {
    let path = timed("counter_burst.csv", &counter(&requests(2000, 1500), &[701, 1800]));
    let found = document(&[&[&path, "-m", "zscore"], &COUNTER[..]].concat());
    let findings = findings(&found);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["row"], 1500);
    assert_eq!(findings[0]["column"], "requests_total per second");
    assert_eq!(findings[0]["value"], 3000.0 / STEP as f64);
    assert_eq!(found["series"][0]["judged"], 1997, "all but the first and the two resets");
    assert_eq!(found["series"][0]["missing"], 0);
    let notes = notes(&found);
    assert!(notes.contains("2 resets of requests_total;"), "{notes}");
    assert!(notes.contains("3 readings of requests_total give no rate"), "{notes}");
    // For people, the head of the column says what the value is.
    let table = detect(&[&[&path, "-m", "zscore"], &COUNTER[..]].concat()).out;
    assert!(table.contains("requests_total per second"), "{table}");
    // Without the flag, the burst drowns in the growth.
    let raw = document(&[&path, "-m", "zscore"]);
    assert!(raw["findings"].as_array().is_some_and(Vec::is_empty), "{raw}");
}

#[test]
fn held_in_memory_or_streamed_counters_have_the_same_rates() {
    // Many batches, two series that alternate, resets in each, a spell without readings.
    let (one, other) = (requests(60_000, 41_000), requests(60_000, 59_990));
    let (one, other) = (counter(&one, &[20_001]), counter(&other, &[300, 55_555]));
    let mut text = String::from("time,host,requests_total\n");
    for (row, (one, other)) in one.iter().zip(&other).enumerate() {
        let one = if (30_000..30_003).contains(&row) { String::new() } else { one.to_string() };
        let time = time(row);
        text += &format!("{time},a,{one}\n{time},b,{other}\n");
    }
    let path = file("counter_alike.csv", &text);
    let call = |more: &[&str]| {
        let call = [&[&path, "--group-by", "host"], &COUNTER[..], more].concat();
        let found = document(&call);
        let counts = found["series"].clone();
        let mut rows: Vec<(u64, String)> = findings(&found)
            .iter()
            .filter(|finding| finding["anomaly"] == true)
            .map(|one| (one["row"].as_u64().expect("a row"), one["value"].to_string()))
            .collect();
        rows.sort();
        (rows, counts)
    };
    let picture = scratch_text("counter_alike.svg");
    for how in [&["-m", "zscore"][..], &["-m", "ewma", "--online"], &["-m", "pot-ensemble"]] {
        // A plot needs the whole table.
        let whole = call(&[how, &["--plot", &picture]].concat());
        let streamed = call(how);
        assert_eq!(whole.0, streamed.0, "{how:?}");
        assert!(!whole.0.is_empty());
        for series in 0..2 {
            for field in ["rows", "judged", "missing", "infinite", "anomalies"] {
                assert_eq!(whole.1[series][field], streamed.1[series][field], "{how:?} {field}");
            }
        }
        for counts in [&whole.1, &streamed.1] {
            assert_eq!(counts[0]["missing"], 3);
            let (a, b) = (counts[0]["notes"].to_string(), counts[1]["notes"].to_string());
            assert!(a.contains("1 reset of requests_total"), "{a}");
            assert!(b.contains("2 resets of requests_total"), "{b}");
        }
    }
    let drawn = std::fs::read_to_string(&picture).expect("a picture");
    assert!(drawn.contains("requests_total per second"));
}

#[test]
fn several_files_are_one_counter() {
    let sums = counter(&requests(2000, 1200), &[]);
    let whole = timed("counter_one_file.csv", &sums);
    let text = std::fs::read_to_string(&whole).expect("the file");
    let lines: Vec<&str> = text.lines().collect();
    let part = |name: &str, lines: &[&str]| {
        file(name, &("time,requests_total\n".to_owned() + &lines.join("\n") + "\n"))
    };
    let first = part("counter_part_1.csv", &lines[1..900]);
    let second = part("counter_part_2.csv", &lines[900..]);
    let one = document(&[&[&whole, "-m", "zscore"], &COUNTER[..]].concat());
    let two = document(&[&[&first, &second, "-m", "zscore"], &COUNTER[..]].concat());
    // Batches end elsewhere, so scores differ in their last digits; rates do not.
    let rates = |document: &Value| -> Vec<(Value, Value)> {
        let findings = findings(document).iter();
        findings.map(|one| (one["row"].clone(), one["value"].clone())).collect()
    };
    assert_eq!(rates(&one), rates(&two));
    assert_eq!(rates(&one).len(), 1);
    assert_eq!(one["series"][0]["judged"], 1999);
    assert_eq!(two["series"][0]["judged"], 1999);
}

#[test]
fn rows_that_come_the_wrong_way_round_are_taken_in_order_of_time() {
    let path = timed("counter_forwards.csv", &counter(&requests(2000, 1200), &[600]));
    let text = std::fs::read_to_string(&path).expect("the file");
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let backwards: Vec<&str> = lines.iter().rev().copied().collect();
    let text = "time,requests_total\n".to_owned() + &backwards.join("\n") + "\n";
    let backwards = file("counter_backwards.csv", &text);
    let picture = scratch_text("counter_backwards.svg");
    for how in [&["-m", "zscore"][..], &["-m", "zscore", "--plot", &picture]] {
        let found = document(&[&[backwards.as_str()], how, &COUNTER[..]].concat());
        let findings = findings(&found);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0]["row"], 2001 - 1200);
        assert_eq!(findings[0]["value"], 200.0);
        assert!(notes(&found).contains("1 reset of requests_total;"), "{found}");
    }
}

#[test]
fn rates_of_today_are_judged_by_rates_of_yesterday() {
    let yesterday = timed("counter_yesterday.csv", &counter(&requests(2000, 0), &[50]));
    let today = timed("counter_today.csv", &counter(&requests(400, 300), &[10]));
    let call = [&[&today, "-m", "zscore", "--train", &yesterday], &COUNTER[..]].concat();
    let found = document(&call);
    let rows: Vec<&Value> = findings(&found).iter().map(|finding| &finding["row"]).collect();
    assert_eq!(rows, [300]);
}

#[test]
fn wraps_are_rates_and_long_gaps_and_late_rows_give_none() {
    let mut text = String::from("time,requests_total\n");
    let start = (1_u64 << 32) - 100 * 300;
    let mut grown = start;
    for row in 0..400_usize {
        grown += 300;
        // A spell without rows, then one row twice.
        if (200..220).contains(&row) {
            continue;
        }
        let line = format!("{},{}\n", time(row), grown % (1 << 32));
        text += &line;
        if row == 250 {
            text += &line;
        }
    }
    let path = file("counter_wraps.csv", &text);
    let found = document(&[&[&path, "-m", "zscore", "--all-rows"], &COUNTER[..]].concat());
    for finding in findings(&found) {
        assert_eq!(finding["value"], 20.0, "{finding}");
    }
    assert_eq!(found["series"][0]["rows"], 381);
    assert_eq!(found["series"][0]["judged"], 378, "not the first, the one after the gap, the twin");
    let notes = notes(&found);
    let words = "1 wrap of requests_total; 3 readings of requests_total give no rate to judge \
                 (1 first, 1 after a long gap, 1 late)";
    assert!(notes.contains(words), "{notes}");
}

#[test]
fn without_times_the_rate_is_per_row() {
    let sums = counter(&requests(1500, 1200), &[]);
    let lines: String = sums.iter().map(|sum| format!("{sum},1\n")).collect();
    let path = file("counter_rows.csv", &("requests_total,other\n".to_owned() + &lines));
    let found = document(&[&[&path, "-m", "zscore", "-c", "other"], &COUNTER[..]].concat());
    let findings = findings(&found);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0]["column"], "requests_total per row");
    assert_eq!(findings[0]["value"], 3000.0);
    assert_eq!(found["series"].as_array().map(Vec::len), Some(2), "the other is judged as it is");
}

#[test]
fn methods_that_need_every_row_get_filled_rates_and_never_report_them() {
    let path = timed("counter_filled.csv", &counter(&requests(1500, 1200), &[601]));
    let call = [&[&path, "-m", "matrix-profile", "--all-rows"], &COUNTER[..]].concat();
    let found = document(&call);
    let rows: Vec<u64> = findings(&found).iter().filter_map(|one| one["row"].as_u64()).collect();
    assert!(!rows.contains(&1) && !rows.contains(&601), "the first and the reset");
    assert_eq!(rows.len(), 1498);
}

#[test]
fn a_counter_that_was_not_declared_is_pointed_out() {
    let path = timed("counter_undeclared.csv", &counter(&requests(900, 0), &[]));
    let hint = "only grows, like a counter; --counter requests_total judges its rate";
    for how in [&["-m", "zscore"][..], &["-m", "ewma", "--online"], &["-m", "mad"]] {
        let call = [&[path.as_str()], how].concat();
        let summary = detect(&call).out;
        assert!(
            summary.contains(&format!("requests_total {hint}").replacen('r', "R", 1)),
            "{summary}"
        );
        let declared = detect(&[&call[..], &COUNTER].concat()).out;
        assert!(!declared.contains("like a counter"), "{declared}");
    }
    let fell = timed("counter_undeclared_fell.csv", &counter(&requests(900, 0), &[400]));
    let summary = detect(&[&fell, "-m", "zscore"]).out;
    assert!(summary.contains("grows but for 1 fall to near 0"), "{summary}");
}

#[test]
fn wrong_counters_are_refused_in_words() {
    let text = "requests_total,host\n1,a\n2,b\n";
    let path = file("counter_wrong.csv", text);
    let refused = |column: &str| call::auscult(&["detect", &path, "--counter", column], "");
    let unknown = refused("request_total");
    assert_eq!(unknown.code, 2);
    let words = "no column `request_total`; did you mean `requests_total`?";
    assert!(unknown.err.contains(words), "{}", unknown.err);
    let words = refused("host");
    assert_eq!(words.code, 2);
    assert!(
        words.err.contains("column `host` holds words (such as `a`), need numbers"),
        "{}",
        words.err
    );
}
