//! `auscult diagnose` from the command line.

use serde_json::Value;

use super::call::{auscult, scratch, scratch_text};

/// A card of eight gets hot for eight minutes.
const SCENARIO: &str = "
scenario: hot
seed: 5
duration: 24m
fleet:
  hosts:
    - {name: serve, gpu: H100}
  services:
    - {name: chat, hosts: serve, replicas: 6, load: 0.5}
faults:
  - {fault: G1, variant: one card, at: 14m, for: 8m, severity: 1, onset: sudden, place: serve-0/3}
";

fn recorded(name: &str) -> String {
    let scenario = scratch(&format!("{name}.yaml"));
    std::fs::write(&scenario, SCENARIO).unwrap();
    let folder = scratch_text(name);
    let scenario = scenario.display().to_string();
    let ended = auscult(&["simulate", "-s", &scenario, "-o", &folder, "-f", "csv", "-q"], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    folder
}

#[test]
fn a_recording_is_diagnosed_with_its_evidence() {
    let folder = recorded("diagnosed");
    let file = |name: &str| format!("{folder}/{name}");
    let (metrics, changes) = (file("metrics.csv"), file("changes.csv"));
    let log = file("kernel-serve-0.log");
    let call = [
        "diagnose",
        &metrics,
        "--at",
        "2026-03-02T08:14:00Z",
        "--until",
        "2026-03-02T08:22:00Z",
        "--changes",
        &changes,
        "--log",
        &log,
        "-q",
    ];
    let told = auscult(&call, "");
    assert_eq!(told.code, 0, "{}", told.err);
    let expected = "began 2026-03-02T08:14:00Z\nthermal throttle at gpu serve-0/3 (G1,";
    assert!(told.out.starts_with(expected), "{}", told.out);
    assert!(told.out.contains("+ gpu_temperature rises: "), "{}", told.out);
    assert!(told.out.contains("   now:    move work away"), "{}", told.out);

    let told = auscult(&[&call[..], &["--format", "json", "--fail-on-anomaly"]].concat(), "");
    assert_eq!(told.code, 1, "{}", told.err);
    let answers: Value = serde_json::from_str(&told.out).unwrap();
    let cause = &answers[0]["causes"][0];
    assert_eq!((&cause["fault"], &cause["place"]), (&"G1".into(), &"serve-0/3".into()));
    assert!(cause["probability"].as_f64().unwrap() > 0.8, "{cause}");
    assert!(cause["supports"].as_array().unwrap().len() > 2, "{cause}");
}

#[test]
fn wrong_calls_end_in_one_sentence() {
    let metrics = scratch("diagnose-few.csv");
    std::fs::write(&metrics, "time,up\n2026-03-02T08:00:00Z,1\n2026-03-02T08:00:15Z,1\n").unwrap();
    let metrics = metrics.display().to_string();
    let ended = auscult(&["diagnose", &metrics, "-q"], "");
    assert_eq!((ended.code, ended.out.as_str()), (0, "no incidents\n"), "{}", ended.err);
    let refused = |more: &[&str]| {
        let ended = auscult(&[&["diagnose", &metrics, "-q"], more].concat(), "");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
        ended.err
    };
    let error = refused(&["--at", "2026-03-02T08:00:00Z", "--until", "2026-03-02T07:00:00Z"]);
    assert!(error.contains("--until does not lie after --at"), "{error}");
    let error = refused(&["--at", "2026-03-03T08:00:00Z"]);
    assert!(error.contains("nothing was recorded after --at"), "{error}");
    let log = scratch("diagnose-strange.log");
    std::fs::write(&log, "hello\n").unwrap();
    let at = ["--at", "2026-03-02T08:00:00Z"];
    let error = refused(&[&at[..], &["--log", &log.display().to_string()]].concat());
    assert!(error.contains("no line begins with a time and the name of a host"), "{error}");
    let changes = scratch("diagnose-changes.csv");
    std::fs::write(&changes, "time,kind,target\nsoon,deploy,chat\n").unwrap();
    let error = refused(&[&at[..], &["--changes", &changes.display().to_string()]].concat());
    assert!(error.contains("row 1: `soon` is no time"), "{error}");
    let ended = auscult(&["diagnose", "--url", "http://127.0.0.1:9", "-q"], "");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("cannot ask http://127.0.0.1:9"), "{}", ended.err);
}
