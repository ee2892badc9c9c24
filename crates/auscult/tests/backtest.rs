//! What `auscult backtest` prints, and that it tells what the service told.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use auscult_core::{Labels, Timestamp};
use auscult_telemetry::metrics::{Point, remote_write};
use auscult_telemetry::{format_time, parse_time};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use crate::call::{auscult, scratch, scratch_text};
use crate::service::Service;

const START: i64 = 1_700_000_000;

/// Two targets for 25 hours, a record a minute: a fault of r1 at record 1,000 that lasts for
/// 20, and one of r0 at 1,300.
fn fleet() -> String {
    let mut random = Pcg64Mcg::seed_from_u64(5);
    let mut text = "time,instance,latency,queue,tokens\n".to_owned();
    let mut tokens = [0.0; 2];
    for row in 0..1500 {
        for (replica, tokens) in tokens.iter_mut().enumerate() {
            let is_faulty = (1000..1020).contains(&row) && replica == 1
                || (1300..1320).contains(&row) && replica == 0;
            let fault = if is_faulty { 50.0 } else { 0.0 };
            let mut reading = || 100.0 + 5.0 * random.random::<f64>() + fault;
            let (latency, queue) = (reading(), reading());
            *tokens += reading();
            let time = format_time(Timestamp::from_seconds(START + 60 * row));
            writeln!(text, "{time},r{replica},{latency},{queue},{tokens}").unwrap();
        }
    }
    text
}

fn minute(row: i64) -> String {
    format_time(Timestamp::from_seconds(START + 60 * row))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The records at which incidents were noticed; one late by a record or two counts for the tens.
fn noticed(document: &Value) -> Vec<i64> {
    let incidents = document["incidents"].as_array().unwrap().iter();
    let times = incidents.map(|one| parse_time(one["noticed"].as_str().unwrap()).unwrap());
    times.map(|time| (time.nanos() / 1_000_000_000 - START) / 60 / 10 * 10).collect()
}

#[test]
fn incidents_are_told_as_table_json_csv_and_parquet() {
    let text = fleet();
    let call = ["backtest", "-", "--label", "instance", "--counter", "tokens"];
    let table = auscult(&call, &text);
    assert_eq!((table.code, table.err.as_str()), (0, ""));
    assert!(
        table.out.contains("2 incidents in 9,000 samples of 6 series of 2 targets"),
        "{}",
        table.out
    );
    assert!(table.out.contains(&minute(1000)), "{}", table.out);
    assert!(table.out.contains("a target-week; the budget of 1/week bears 1 false one."));
    assert!(table.out.contains("why"), "{}", table.out);
    let failing = auscult(&[&call[..], &["--fail-on-anomaly", "--quiet"]].concat(), &text);
    assert_eq!(failing.code, 1);
    assert!(!failing.out.contains("target-week"), "{}", failing.out);
    let document = auscult(&[&call[..], &["--format", "json"]].concat(), &text);
    let document = json(&document.out);
    let incidents = document["incidents"].as_array().unwrap();
    assert_eq!(noticed(&document), [1000, 1300]);
    assert!(incidents[0]["recovered"].is_string(), "{document:#}");
    assert_eq!(incidents[0]["members"].as_array().unwrap().len(), 3, "with the rate of tokens");
    assert_eq!(document["summary"]["judged"], 9000);
    let again = auscult(&[&call[..], &["--format", "json"]].concat(), &text);
    assert_eq!(json(&again.out), document, "the same gives the same");
    let csv = auscult(&[&call[..], &["--format", "csv", "--members", "1"]].concat(), &text);
    assert_eq!(csv.out.lines().count(), 3, "{}", csv.out);
    let path = scratch_text("incidents.parquet");
    let parquet = [&call[..], &["--format", "parquet", "--output", &path]].concat();
    let parquet = auscult(&parquet, &text);
    assert!(parquet.err.contains("2 incidents"), "{}", parquet.err);
    assert!(fs::metadata(&path).unwrap().len() > 100);
}

#[test]
fn a_counter_that_is_not_declared_is_pointed_out_and_one_that_is_not_there_refused() {
    let text = fleet();
    let hint = auscult(&["backtest", "-", "--label", "instance"], &text);
    let sentence = "Tokens only grows, like a counter; --counter tokens judges its rate.";
    assert!(hint.out.contains(sentence), "{}", hint.out);
    let wrong = auscult(&["backtest", "-", "--label", "instance", "--counter", "token"], &text);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("no column of numbers `token` to be a counter"), "{}", wrong.err);
    let none = auscult(&["backtest", "--data", "nowhere", "--label", "rank"], "");
    assert_eq!(none.code, 2);
    assert!(none.err.contains("say what columns of a file are"), "{}", none.err);
}

#[test]
fn events_are_found_or_missed_and_what_lies_outside_is_counted() {
    let path = scratch("events.csv");
    let mut events = "from,to,target\n".to_owned();
    for (from, to, target) in [(1000, 1020, "r1"), (1300, 1320, "r1"), (400, 420, "")] {
        writeln!(events, "{},{},{target}", minute(from), minute(to)).unwrap();
    }
    fs::write(&path, events).unwrap();
    let path = path.display().to_string();
    let call = ["backtest", "-", "--label", "instance", "--counter", "tokens", "--events", &path];
    let told = auscult(&call, &fleet());
    let sentence = "1 of 3 events found (33 %), half of those within";
    assert!(told.out.contains(sentence), "{} {}", told.out, told.err);
    let document = json(&auscult(&[&call[..], &["--format", "json"]].concat(), &fleet()).out);
    let events = &document["events"];
    assert_eq!((&events["alarms_inside"], &events["alarms_outside"]), (&1.into(), &1.into()));
    assert_eq!(events["precision"], 0.5);
    assert!(events["list"][0]["delay_seconds"].as_f64().unwrap() <= 120.0, "{events:#}");
    assert!(events["list"][1]["incident"].is_null(), "it was another target: {events:#}");
    let broken = scratch("broken-events.csv");
    fs::write(&broken, "from,to\n2024-05-01,soon\n").unwrap();
    let broken = broken.display().to_string();
    let call = ["backtest", "-", "--label", "instance", "--events", &broken];
    let refused = auscult(&call, &fleet());
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("`soon` in column `to` of event 1 is no time"), "{}", refused.err);
}

#[test]
fn a_configuration_says_how_to_judge_and_flags_go_before_it() {
    let path = scratch("backtest.yml");
    let policies = "detection:\n  budget: 1/month\npolicies:\n  - match: '{instance=\"r1\"}'\n    watch: false\n";
    fs::write(&path, policies).unwrap();
    let path = path.display().to_string();
    let call = ["backtest", "-", "--label", "instance", "--counter", "tokens", "--config", &path];
    let document = |more: &[&str]| {
        let ended = auscult(&[&call[..], &["--format", "json"], more].concat(), &fleet());
        assert_eq!(ended.code, 0, "{}", ended.err);
        json(&ended.out)
    };
    let as_said = document(&[]);
    assert_eq!(as_said["summary"]["budget"], "1/month");
    assert_eq!(as_said["summary"]["targets"], 1, "r1 is not watched");
    let flagged = document(&["--budget", "1/week"]);
    assert_eq!(flagged["summary"]["budget"], "1/week");
    assert_eq!(noticed(&flagged), [1300]);
}

/// What is to be the same live and replayed: targets, onset, and members with theirs.
fn facts(incident: &Value) -> (Vec<String>, String, BTreeSet<String>) {
    let text = |value: &Value| value.to_string();
    let targets = incident["targets"].as_array().unwrap().iter().map(text).collect();
    let members = incident["members"].as_array().unwrap().iter();
    let members = members.map(|one| format!("{} {}", one["series"], one["onset"])).collect();
    (targets, text(&incident["began"]), members)
}

#[test]
fn the_folder_of_a_service_tells_again_what_the_service_told() {
    const STEP: i64 = 15;
    let data = scratch("backtest-data");
    drop(fs::remove_dir_all(&data));
    let data = data.display().to_string();
    let service = Service::start(&["--retention", "9999d", "--data", &data]);
    let mut random = Pcg64Mcg::seed_from_u64(8);
    for request in 0..62 {
        let steps = 40 * request..40 * (request + 1);
        let series: Vec<(Labels, Vec<Point>)> = (0..12)
            .map(|series| {
                let name = format!("metric_{series}");
                let instance = if series % 2 == 0 { "replica-0" } else { "replica-1" };
                let pairs =
                    [("__name__", name.as_str()), ("instance", instance), ("job", instance)];
                let points = steps.clone().map(|step| Point {
                    time: Timestamp::from_seconds(START + step * STEP),
                    value: 100.0
                        + 10.0 * random.random::<f64>()
                        + if step >= 2420 && series < 8 && series % 2 == 0 { 80.0 } else { 0.0 },
                });
                (Labels::from_pairs(pairs).unwrap(), points.collect())
            })
            .collect();
        let body = remote_write::write(
            series.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice())),
        );
        let (status, answer) = service.ask("POST", "/api/v1/write", &body).expect("an answer");
        assert_eq!(status, 204, "{answer}");
    }
    let live = service.json("/api/auscult/v1/incidents")["incidents"].as_array().unwrap().clone();
    service.stop();
    let replayed = auscult(&["backtest", "--data", &data, "--format", "json"], "");
    assert_eq!(replayed.code, 0, "{}", replayed.err);
    let replayed = json(&replayed.out);
    assert_eq!(replayed["summary"]["judged"], 62 * 40 * 12);
    assert_eq!(replayed["summary"]["tick_seconds"], 15.0);
    let mut then: Vec<_> = live.iter().map(facts).collect();
    let mut now: Vec<_> = replayed["incidents"].as_array().unwrap().iter().map(facts).collect();
    then.sort();
    now.sort();
    assert!(!then.is_empty(), "the fault was told");
    assert_eq!(then, now);
}

/// Seven weeks of one series, a record each five minutes, with a day's rhythm; six faults of an
/// hour in the last three weeks.
fn weeks() -> (String, Vec<i64>) {
    let mut random = Pcg64Mcg::seed_from_u64(21);
    let faults: Vec<i64> = (0..6).map(|fault| 288 * (30 + 3 * fault) + 40 * fault + 7).collect();
    let mut text = "timestamp,value\n".to_owned();
    for row in 0..288 * 49 {
        let day = (row as f64 / 288.0 * std::f64::consts::TAU).sin();
        let noise: f64 = (0..4).map(|_| random.random::<f64>() - 0.5).sum();
        let is_fault = faults.iter().any(|fault| (*fault..fault + 12).contains(&row));
        let reading = 50.0 + 10.0 * day + 2.0 * noise + if is_fault { 40.0 } else { 0.0 };
        let time = format_time(Timestamp::from_seconds(START + 300 * row));
        writeln!(text, "{time},{reading:.4}").unwrap();
    }
    (text, faults)
}

/// `detect` and the engine judge one series by the same detector and the same budget; only what
/// makes an alarm of its scores differs: a bar over the series' own scores here, the surprise
/// of the target there.
#[test]
fn detect_and_the_engine_agree_on_one_series_about_what_is_clear() {
    let (text, faults) = weeks();
    let rows = |times: Vec<String>| -> Vec<i64> {
        let row = |time: &String| (parse_time(time).unwrap().nanos() / 1_000_000_000 - START) / 300;
        times.iter().map(row).collect()
    };
    let detect = ["detect", "-", "--method", "pot-ensemble", "--tier", "1", "--online"];
    let detect =
        [&detect[..], &["--budget", "1/week", "--format", "json", "--top", "all"]].concat();
    let detect = auscult(&detect, &text);
    let found = json(&detect.out);
    let found = found["findings"].as_array().unwrap().iter();
    let found = rows(found.map(|one| one["time"].as_str().unwrap().to_owned()).collect());
    let engine = auscult(&["backtest", "-", "--budget", "1/week", "--format", "json"], &text);
    let told = json(&engine.out);
    let told = told["incidents"].as_array().unwrap().iter();
    let told = rows(told.map(|one| one["noticed"].as_str().unwrap().to_owned()).collect());
    for fault in &faults {
        let first =
            |alarms: &[i64]| alarms.iter().copied().find(|row| (*fault..fault + 12).contains(row));
        let (detect, engine) = (first(&found), first(&told));
        let (Some(detect), Some(engine)) = (detect, engine) else {
            panic!(
                "fault at {fault}: detect {detect:?} of {found:?}, engine {engine:?} of {told:?}"
            );
        };
        assert!((detect - engine).abs() <= 1, "fault at {fault}: {detect} and {engine}");
    }
    // Seven weeks bear seven false alarms; what follows a fault within the hour is no other.
    let outside = |alarms: &[i64]| {
        let is_fault = |row: &&i64| faults.iter().any(|fault| (*fault..fault + 24).contains(*row));
        alarms.iter().filter(|row| !is_fault(row)).count()
    };
    assert!(outside(&found) <= 7, "{found:?}");
    assert!(outside(&told) <= 7, "{told:?}");
}

/// Two weeks of one series each, in which the Numenta Anomaly Benchmark labels one time and three.
#[test]
fn anomalies_of_a_short_history_are_told_at_one_a_week() {
    let windows = [
        ("ec2_cpu_utilization_ac20cd.csv", vec![("2014-04-14T07:49", "2014-04-15T17:34")], 1),
        (
            "ec2_request_latency_system_failure.csv",
            vec![
                ("2014-03-14T03:31", "2014-03-14T14:41"),
                ("2014-03-18T17:06", "2014-03-19T04:16"),
                ("2014-03-20T21:26", "2014-03-21T03:41"),
            ],
            2,
        ),
    ];
    for (file, windows, least) in windows {
        let path = format!("examples/data/nab/{file}");
        let told = auscult(&["backtest", &path, "--budget", "1/week", "--format", "json"], "");
        let told = json(&told.out);
        let times = told["incidents"].as_array().unwrap().iter();
        let times: Vec<&str> = times.map(|one| one["noticed"].as_str().unwrap()).collect();
        let within = |time: &str, (from, to): &(&str, &str)| (*from..=*to).contains(&time);
        let is_found = |window: &&(&str, &str)| times.iter().any(|time| within(time, window));
        assert!(windows.iter().filter(is_found).count() >= least, "{file}: {times:?}");
        // Two weeks bear two; a gap is told besides.
        let is_outside = |time: &&&str| !windows.iter().any(|window| within(time, window));
        assert!(times.iter().filter(is_outside).count() <= 3, "{file}: {times:?}");
    }
}

#[test]
fn the_session_in_the_manual_is_what_is_printed() {
    let manual = include_str!("../../../docs/backtest.md");
    let session = manual.split("```text\n$ auscult ").nth(1).expect("a session");
    let (call, rest) = session.split_once('\n').unwrap();
    let (printed, _) = rest.split_once("```").unwrap();
    let arguments: Vec<&str> = call.split(' ').collect();
    assert_eq!(auscult(&arguments, "").out, printed);
}

#[test]
fn faults_of_a_real_server_are_told_within_seconds_and_nothing_else_is() {
    let call = "backtest examples/data/llama_cpp/metrics.csv.gz --config examples/data/llama_cpp/backtest.yml \
        --label instance --counter llamacpp:prompt_tokens_total,llamacpp:tokens_predicted_total,llamacpp:n_decode_total,\
        llamacpp:prompt_seconds_total,llamacpp:tokens_predicted_seconds_total \
        --events examples/data/llama_cpp/truth.csv --grace 5s --format json";
    let call: Vec<&str> = call.split_whitespace().collect();
    let ended = auscult(&call, "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let events = &json(&ended.out)["events"];
    let delays: Vec<Option<f64>> = events["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["delay_seconds"].as_f64())
        .collect();
    // As `truth.csv` has them: saturation, exhausted slots, long prompts, stopped, CPU limit, killed.
    for told in [0, 3, 5] {
        assert!(delays[told].is_some_and(|delay| delay < 5.0), "{events}");
    }
    assert_eq!((delays.len(), &events["alarms_outside"]), (6, &Value::from(0)), "{events}");
}
