//! `auscult select`, as a person calls it.

use std::fmt::Write;

use auscult_telemetry::{Input, ReadOptions, read_table};
use serde_json::Value;

use crate::call::{self, Ended, scratch_text};

fn auscult(arguments: &[&str]) -> Ended {
    call::auscult(arguments, "")
}

/// Power that follows load, and stretches where it does not.
fn file(name: &str) -> String {
    let mut text = "time,load,power,label\n".to_owned();
    let faults = [500..515, 620..640, 800..812, 1000..1030, 1100..1110];
    for row in 0..1200_i64 {
        let noise = |salt: i64| ((row * row * salt) % 101) as f64 / 101.0 - 0.5;
        let load =
            50.0 + 20.0 * (row as f64 / 96.0 * std::f64::consts::TAU).sin() + 3.0 * noise(37);
        let fault = faults.iter().any(|fault| fault.contains(&row));
        let power = 3.0 * load + 4.0 * noise(53) - if fault { 25.0 } else { 0.0 };
        let (day, hour, minute) = (1 + row / 96, row % 96 / 4, row % 4 * 15);
        let _ = writeln!(
            text,
            "2026-01-{day:02}T{hour:02}:{minute:02}:00Z,{load:.3},{power:.3},{}",
            u8::from(fault)
        );
    }
    let path = scratch_text(name);
    std::fs::write(&path, text).expect("a scratch file can be written");
    path
}

/// Candidates that take little time.
const FEW: &str = "mahalanobis,zscore,knn,ewma,mahalanobis-ew,random-forest";

/// A table without its last column, which holds times.
fn without_times(text: &str) -> String {
    let keep = |line: &str| match line.rfind("It takes ") {
        Some(at) => line[..at].trim_end().to_owned(),
        None if line.starts_with(' ') => {
            let line = line.trim_end();
            line[..line.rfind(' ').unwrap_or(line.len())].trim_end().to_owned()
        }
        None => line.to_owned(),
    };
    text.lines().map(keep).collect::<Vec<_>>().join("\n")
}

#[test]
fn with_labels_the_past_judges_the_future() {
    let file = file("select_labelled.csv");
    let answer = auscult(&["select", &file, "--label", "label", "--method", FEW]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    insta::assert_snapshot!(without_times(&answer.out));
}

#[test]
fn without_labels_anomalies_are_injected_and_trust_is_stated() {
    let file = file("select_unlabelled.csv");
    let answer = auscult(&["select", &file, "--column", "load,power", "--method", FEW, "--online"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    assert!(answer.out.contains("No labels: what is measured is how well injected"));
    insta::assert_snapshot!(without_times(&answer.out));
}

#[test]
fn the_choice_is_ready_for_detect() {
    let file = file("select_choice.csv");
    let (choice, plot) = (scratch_text("choice.json"), scratch_text("choice.svg"));
    let answer = auscult(&[
        "select", &file, "--label", "label", "--method", FEW, "--format", "json", "--choice",
        &choice, "--plot", &plot,
    ]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let document: Value = serde_json::from_str(&answer.out).expect("a JSON document");
    let written = std::fs::read_to_string(&choice).expect("the choice was written");
    let written: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(document["choice"], written);
    assert_eq!(document["ranking"][0]["method"], written["method"]);
    let picture = std::fs::read_to_string(&plot).expect("a picture");
    assert_eq!(picture.matches("score of ").count(), 3);

    // The columns come from the configuration too: the one of labels is not judged.
    let found = auscult(&["detect", &file, "--config", &choice, "--format", "json"]);
    assert_eq!(found.code, 0, "{}", found.err);
    let named =
        auscult(&["detect", &file, "-c", "load,power", "--config", &choice, "--format", "json"]);
    assert_eq!(found.out, named.out);
    let found: Value = serde_json::from_str(&found.out).expect("a JSON document");
    assert_eq!(found["method"], written["method"]);
    let rows = found["findings"].as_array().expect("findings");
    assert!(!rows.is_empty());
    assert_eq!(rows[0]["threshold"], written["threshold"]);
}

#[test]
fn fusions_of_the_best_are_tried_and_detect_runs_one() {
    let file = file("select_fusion.csv");
    let answer = auscult(&[
        "select",
        &file,
        "--column",
        "load,power",
        "--online",
        "--format",
        "json",
        "--method",
        "zscore,mahalanobis-ew,score-fusion",
    ]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let document: Value = serde_json::from_str(&answer.out).expect("a JSON document");
    let ranking = document["ranking"].as_array().expect("a ranking");
    let fused = ranking.iter().find(|one| !one["settings"]["members"].is_null());
    let members = fused.expect("a fusion")["settings"]["members"].to_string();
    assert!(members.contains("zscore") && members.contains("mahalanobis-ew"), "{members}");

    let choice = scratch_text("fusion_choice.json");
    let members = r#"[{"method": "zscore", "settings": {"warmup": 60}},
        {"method": "mahalanobis-ew", "weight": 2.0}]"#;
    let text = format!(
        r#"{{"method": "score-fusion", "settings": {{"members": {members}}},
            "learning": "online", "columns": ["load", "power"]}}"#
    );
    std::fs::write(&choice, text).expect("a scratch file");
    let found =
        auscult(&["detect", &file, "--config", &choice, "--threshold", "1", "--format", "json"]);
    assert_eq!(found.code, 0, "{}", found.err);
    let found: Value = serde_json::from_str(&found.out).expect("a JSON document");
    assert_eq!(found["method"], "score-fusion");
    assert!(!found["findings"].as_array().expect("findings").is_empty());
    let refused = auscult(&["detect", &file, "-m", "score-fusion", "--members", "zscore,lof"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("methods that can watch a stream"), "{}", refused.err);
}

#[test]
fn for_a_file_the_two_way_fusion_stays_and_what_finds_more_is_named() {
    let file = file("select_file.csv");
    let call = ["select", &file, "--column", "load,power", "--format", "json", "--method"];
    let choose = |methods: &str, more: &[&str]| {
        let answer = auscult(&[&call[..], &[methods], more].concat());
        assert_eq!(answer.code, 0, "{}", answer.err);
        let document: Value = serde_json::from_str(&answer.out).expect("a JSON document");
        document["choice"].clone()
    };
    let methods = "ewma,mahalanobis-ew,two-way-fusion";
    let chosen = choose(methods, &[]);
    assert_eq!(
        (&chosen["method"], &chosen["learning"]),
        (&"two-way-fusion".into(), &"batch".into())
    );
    let live = choose(methods, &["--online"]);
    assert_ne!(live["method"], "two-way-fusion");
}

#[test]
fn csv_and_parquet_hold_the_same_ranking() {
    let file = file("select_records.csv");
    let ranking = |form: &str| {
        let path = scratch_text(&format!("ranking.{form}"));
        let answer = auscult(&[
            "select",
            &file,
            "--column",
            "load,power",
            "--online",
            "--method",
            "zscore,mahalanobis-ew,score-fusion",
            "--format",
            form,
            "--output",
            &path,
        ]);
        assert_eq!((answer.code, answer.out.as_str()), (0, ""), "{}", answer.err);
        read_table(&[Input::Path(path.into())], &ReadOptions::default()).expect("a table")
    };
    let (csv, parquet) = (ranking("csv"), ranking("parquet"));
    assert!(csv.rows() > 5 && csv.columns().len() == 14, "{csv:?}");
    for (one, other) in csv.columns().iter().zip(parquet.columns()) {
        assert_eq!(one.name, other.name);
        // What was not measured is empty in a CSV, of which nobody can tell the kind; time
        // differs from run to run.
        if !["threshold", "micros_per_row"].contains(&one.name.as_str()) {
            assert_eq!(one.cells, other.cells, "{}", one.name);
        }
    }
}

#[test]
fn counters_are_judged_by_their_rates_and_stay_counters_in_the_choice() {
    let (mut sum, mut text) = (0_u64, "seconds,requests,load\n".to_owned());
    for row in 0..600_u64 {
        sum += 100 + row * row % 37;
        text += &format!("{},{sum},{}\n", 15 * row, row * 31 % 40);
    }
    let file = scratch_text("select_counter.csv");
    std::fs::write(&file, text).expect("a scratch file");
    let choice = scratch_text("counter_choice.json");
    let answer = auscult(&[
        "select",
        &file,
        "--time",
        "seconds",
        "--column",
        "load",
        "--counter",
        "requests",
        "--online",
        "--method",
        "zscore,ewma",
        "--choice",
        &choice,
    ]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let written = std::fs::read_to_string(&choice).expect("the choice was written");
    let written: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(written["columns"], serde_json::json!(["load", "requests"]));
    assert_eq!(written["counters"], serde_json::json!(["requests"]));
    let given = auscult(&[
        "detect",
        &file,
        "--time",
        "seconds",
        "--config",
        &choice,
        "--counter",
        "requests",
        "-f",
        "json",
    ]);
    let taken = auscult(&["detect", &file, "--time", "seconds", "--config", &choice, "-f", "json"]);
    assert_eq!(taken.code, 0, "{}", taken.err);
    assert_eq!(taken.out, given.out);
}

#[test]
fn calls_that_cannot_work_end_in_one_sentence() {
    let file = file("select_refused.csv");
    let say = |more: &[&str]| {
        let answer = auscult(&[&["select", &file], more].concat());
        assert_eq!(answer.code, 2, "{}", answer.out);
        answer.err
    };
    assert!(say(&["--label", "lable"]).contains("did you mean `label`?"));
    assert!(say(&["--method", "zscor"]).contains("did you mean `zscore`?"));
    assert!(say(&["--rows", "50"]).contains("too few to inject anomalies"));
    assert!(say(&["--label", "label", "--rows", "80"]).contains("is labelled an anomaly"));
    let broken = scratch_text("broken_choice.json");
    std::fs::write(&broken, r#"{"methd": "zscore"}"#).expect("a scratch file");
    let answer = auscult(&["detect", &file, "--config", &broken]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("expected a configuration of `auscult select`"), "{}", answer.err);
}

#[test]
fn the_policy_is_a_configuration_that_the_service_takes() {
    let file = file("select_policy.csv");
    let policy = scratch_text("policy.yml");
    let few = "mahalanobis-ew,ewma,zscore,score-fusion";
    let answer = auscult(&[
        "select",
        &file,
        "--column",
        "load,power",
        "--label",
        "label",
        "--method",
        few,
        "--online",
        "--policy",
        &policy,
    ]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let written = std::fs::read_to_string(&policy).expect("the policy was written");
    assert!(written.contains(r#"- match: '{__name__=~"load|power"}'"#), "{written}");
    let checked = auscult(&["check", &policy]);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{written}");
    // The engine of the service takes it, and its method judges.
    let played = auscult(&[
        "backtest", &file, "--config", &policy, "--budget", "20/day", "--format", "json",
    ]);
    assert_eq!(played.code, 0, "{}", played.err);
    let refused = auscult(&["select", &file, "--policy", &policy]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--online"), "{}", refused.err);
}
