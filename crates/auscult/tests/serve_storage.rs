//! What `auscult serve` stores outlives it, however it ends.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::service::Service;
use auscult_core::{Labels, Timestamp};
use auscult_store::{Folder, History, HistorySettings, Log, LogSettings, Selection};
use auscult_telemetry::metrics::{Point, remote_write};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const SERIES: usize = 12;
/// Seconds between samples.
const STEP: i64 = 15;
const START: i64 = 1_700_000_000;

/// An empty folder that other tests do not touch.
fn folder(name: &str) -> PathBuf {
    let path = super::call::scratch(&format!("serve-{name}"));
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    path
}

/// The service on `data`, which writes down what it learnt every second.
fn start(data: &Path) -> Service {
    let data = data.display().to_string();
    // The samples of these tests bear times long ago.
    let keep = ["--checkpoint-every", "1s", "--retention", "9999d", "--data", &data];
    Service::start(&keep)
}

/// Writes some steps; whether they were acknowledged.
fn write(service: &Service, steps: std::ops::Range<i64>, fault: f64) -> bool {
    let body = body(steps, fault);
    service.ask("POST", "/api/v1/write", &body).is_some_and(|(status, _)| status == 204)
}

fn labels(series: usize) -> Labels {
    let name = format!("metric_{series}");
    let pairs = [("__name__", name.as_str()), ("instance", "replica-0:8000"), ("job", "llm")];
    Labels::from_pairs(pairs).unwrap()
}

fn value(series: usize, step: i64) -> f64 {
    let mut random = Pcg64Mcg::seed_from_u64((series as u64) << 40 | step as u64);
    100.0 + 10.0 * random.random::<f64>()
}

fn body(steps: std::ops::Range<i64>, fault: f64) -> Vec<u8> {
    let series: Vec<(Labels, Vec<Point>)> = (0..SERIES)
        .map(|series| {
            let point = |step: i64| Point {
                time: Timestamp::from_seconds(START + step * STEP),
                value: value(series, step) + if series < 4 { fault } else { 0.0 },
            };
            (labels(series), steps.clone().map(point).collect())
        })
        .collect();
    remote_write::write(series.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice())))
}

/// Every sample that is stored, by series: times in steps, and values.
fn stored(data: &Path) -> HashMap<Labels, HashMap<i64, f64>> {
    let folder = Folder::open(data).expect("nobody has it");
    let log = Log::open(folder.join("log"), LogSettings::default()).unwrap();
    let (history, _) = History::open(folder.join("history"), HistorySettings::default()).unwrap();
    let (from, to) = (Timestamp::from_nanos(0), Timestamp::from_nanos(i64::MAX));
    let found = history.scan(&log, &Selection::all(), from, to, usize::MAX).unwrap();
    let step = |time: Timestamp| (time.nanos() / 1_000_000_000 - START) / STEP;
    found
        .into_iter()
        .map(|one| {
            let samples = one.samples.iter().map(|(time, value)| (step(*time), *value));
            (one.labels, samples.collect())
        })
        .collect()
}

#[test]
fn nothing_acknowledged_is_lost_and_no_detector_starts_over_when_killed_again_and_again() {
    let data = folder("killed");
    let mut random = Pcg64Mcg::seed_from_u64(3);
    let mut acknowledged: HashSet<i64> = HashSet::new();
    let mut next = 0;
    for round in 0..10 {
        let service = start(&data);
        let pid = service.child.id().to_string();
        let after = Duration::from_millis(random.random_range(0..600));
        // Killed from outside, whatever it does just then.
        let killer = thread::spawn(move || {
            thread::sleep(after);
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        });
        loop {
            let steps = next..next + 2;
            if !write(&service, steps.clone(), 0.0) {
                break;
            }
            acknowledged.extend(steps.clone());
            next = steps.end;
            assert!(next < 1_000_000, "it was never killed in round {round}");
        }
        killer.join().unwrap();
        // The request that was not acknowledged is sent again, as Prometheus does.
    }
    assert!(acknowledged.len() > 600, "{} steps in ten rounds", acknowledged.len());
    let service = start(&data);
    let views = service.json("/api/auscult/v1/series");
    let views = views["series"].as_array().unwrap();
    assert_eq!(views.len(), SERIES);
    let is_warm = |view: &serde_json::Value| view["deviation"].is_number();
    assert!(views.iter().all(is_warm), "a detector started over: {views:#?}");
    service.stop();
    let stored = stored(&data);
    for series in 0..SERIES {
        let own = &stored[&labels(series)];
        for step in &acknowledged {
            assert_eq!(own.get(step), Some(&value(series, *step)), "series {series}, step {step}");
        }
    }
}

#[test]
fn an_open_incident_survives_kill_9_with_its_number_and_is_not_opened_twice() {
    let data = folder("incident");
    let service = start(&data);
    for steps in 0..60 {
        assert!(write(&service, 40 * steps..40 * (steps + 1), 0.0));
    }
    assert!(write(&service, 2400..2440, 150.0));
    let before = service.json("/api/auscult/v1/incidents?state=open");
    let before = before["incidents"].as_array().unwrap().clone();
    assert_eq!(before.len(), 1, "{before:#?}");
    drop(service);
    let service = start(&data);
    let after = service.json("/api/auscult/v1/incidents");
    let after = after["incidents"].as_array().unwrap();
    let open = after.iter().filter(|incident| incident["state"] == "open");
    let open: Vec<_> = open.collect();
    assert_eq!(open.len(), 1, "{after:#?}");
    for key in ["id", "began", "noticed"] {
        assert_eq!(open[0][key], before[0][key]);
    }
    let number = before[0]["id"].as_u64().unwrap();
    assert_eq!(service.json(&format!("/api/auscult/v1/incidents/{number}"))["id"], number);
}

#[test]
fn verdicts_and_silences_survive_kill_9_once_they_were_answered() {
    let data = folder("decisions");
    let service = start(&data);
    for steps in 0..60 {
        assert!(write(&service, 40 * steps..40 * (steps + 1), 0.0));
    }
    assert!(write(&service, 2400..2440, 150.0));
    let post = |service: &Service, path: &str, body: &str| {
        let path = format!("/api/auscult/v1{path}");
        let (status, answer) = service.ask("POST", &path, body.as_bytes()).expect("an answer");
        assert_eq!(status, 201, "{answer}");
    };
    let silence = r#"{"matchers": "{job=\"llm\"}", "duration": "1h", "author": "ann"}"#;
    post(&service, "/silences", silence);
    post(&service, "/incidents/1/verdicts", r#"{"verdict": "unsure", "author": "ann"}"#);
    post(&service, "/incidents/1/verdicts", r#"{"verdict": "true", "author": "ann"}"#);
    let look = |service: &Service| {
        let paths = ["/incidents/1/verdicts", "/silences", "/silences/1/history"];
        paths.map(|path| service.json(&format!("/api/auscult/v1{path}")))
    };
    let before = look(&service);
    drop(service);
    let service = start(&data);
    assert_eq!(look(&service), before);
    assert_eq!(before[0]["history"].as_array().unwrap().len(), 2);
    let incident = service.json("/api/auscult/v1/incidents/1");
    assert_eq!(incident["verdicts"][0]["verdict"], "true");
    assert_eq!(incident["silenced"], true);
    // Numbers go on.
    post(&service, "/silences", r#"{"matchers": "up", "duration": "1h"}"#);
    assert_eq!(service.json("/api/auscult/v1/silences")["silences"][1]["id"], 2);
    // The history of policies does not repeat what did not change.
    let history = service.json("/api/auscult/v1/policies/history");
    assert_eq!(history["history"].as_array().unwrap().len(), 1);
}

#[test]
fn damaged_files_are_set_aside_in_words_and_the_rest_goes_on() {
    let data = folder("damaged");
    let service = start(&data);
    for steps in 0..10 {
        assert!(write(&service, 40 * steps..40 * (steps + 1), 0.0));
    }
    // Ending it in order writes everything down.
    service.stop();
    let damage = |path: PathBuf, at: usize| {
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len().min(at + 64);
        bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(path, bytes).unwrap();
    };
    damage(data.join("state/checkpoint"), 3000);
    damage(data.join("auscult.sqlite"), 0);
    // In the third of ten requests.
    damage(data.join("log/00000001.log"), 13_000);
    let service = start(&data);
    let series = service.json("/api/auscult/v1/series?limit=100");
    let warm = series["series"].as_array().unwrap();
    let warm = warm.iter().filter(|view| view["deviation"].is_number()).count();
    assert!((SERIES - 3..SERIES).contains(&warm), "{warm} of {SERIES} series go on");
    let own = service.get("/metrics");
    assert!(!own.contains("auscult_files_set_aside_total 0"), "{own}");
    assert!(write(&service, 400..440, 0.0));
    assert_eq!(service.get("/-/ready"), "ready\n");
    service.stop();
    for aside in ["state/checkpoint.damaged-1", "auscult.sqlite.damaged-1"] {
        assert!(data.join(aside).exists(), "{aside}");
    }
    let own = &stored(&data)[&labels(7)];
    assert!(own.contains_key(&0) && own.contains_key(&439), "what is sound is there");
}

#[test]
fn a_full_disk_is_told_while_samples_are_judged_and_what_was_stored_stays() {
    let data = folder("full");
    // No file may grow beyond 400 blocks of 512 bytes.
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap '' XFSZ; ulimit -f 400; exec "$0" "$@""#]);
    command.arg(env!("CARGO_BIN_EXE_auscult"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--retention", "9999d", "--data"]).arg(&data);
    let service = Service::spawn(command);
    let mut step = 0;
    while service.get("/-/ready") == "ready\n" {
        assert!(step < 40_000, "the disk is never full");
        assert!(write(&service, step..step + 100, 0.0), "samples are taken all the same");
        step += 100;
    }
    let ready = service.get("/-/ready");
    assert!(ready.starts_with("ready, but not everything is stored: samples: "), "{ready}");
    assert!(write(&service, step..step + 100, 0.0));
    let own = service.get("/metrics");
    assert!(own.contains("auscult_storage_up 0\n"), "{own}");
    let judged =
        format!("auscult_samples_total{{outcome=\"judged\"}} {}\n", (step + 100) * SERIES as i64);
    assert!(own.contains(&judged), "{judged} in {own}");
    service.line("samples cannot be stored: ");
    drop(service);
    let service = start(&data);
    assert!(write(&service, step + 100..step + 200, 0.0));
    assert_eq!(service.get("/-/ready"), "ready\n");
    service.stop();
    let own = &stored(&data)[&labels(0)];
    assert!((0..step - 100).all(|step| own.contains_key(&step)), "what was stored stays");
    assert!(own.contains_key(&(step + 199)));
}

#[test]
fn a_folder_in_use_and_one_of_a_newer_release_are_refused_in_words() {
    let data = folder("refused");
    let service = start(&data);
    let path = data.display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &path];
    let ended = super::call::auscult(&serve, "");
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("is in use by another auscult"), "{}", ended.err);
    service.stop();
    let checkpoint = data.join("state/checkpoint");
    let mut bytes = fs::read(&checkpoint).unwrap();
    bytes[8] = 9;
    fs::write(&checkpoint, bytes).unwrap();
    let ended = super::call::auscult(&serve, "");
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("newer release (version 9"), "{}", ended.err);
}

#[test]
fn changes_that_are_told_survive_kill_9_once_they_were_answered() {
    let data = folder("events");
    let service = start(&data);
    let url = format!("http://{}", service.address());
    let tell = ["event", "deploy", "--target", "instance=chat-3:8000", "--text", "v1.2", "--url"];
    let told = super::call::auscult(&[&tell[..], &[&url]].concat(), "");
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("deploy  instance=chat-3:8000  v1.2"), "{}", told.out);
    let before = service.json("/api/auscult/v1/events");
    assert_eq!(before["events"].as_array().unwrap().len(), 1);
    drop(service);
    let service = start(&data);
    assert_eq!(service.json("/api/auscult/v1/events"), before);
    let url = format!("http://{}", service.address());
    let listed = super::call::auscult(&["event", "--url", &url, "--format", "json"], "");
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed, before["events"]);
    let refused = super::call::auscult(&["event", "deploy", "--target", "a&", "--url", &url], "");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("says: `target` has ``: expected a name"), "{}", refused.err);
}
