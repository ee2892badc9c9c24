//! Simulated fleets from the command line: recorded, shown, sent, watched.

use std::collections::BTreeMap;
use std::process::Command;

use auscult_telemetry::metrics::exposition::{Format, Times};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};
use serde_json::Value;

use super::call::{auscult, scratch, scratch_text};
use super::fleet::hot_card;
use super::service::Service;

fn scenario(name: &str) -> String {
    let path = scratch(name);
    std::fs::write(&path, hot_card("small", 12, 4, 6)).unwrap();
    path.display().to_string()
}

fn read(folder: &str, name: &str) -> String {
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

#[test]
fn a_recorded_fleet_is_the_same_each_time_and_its_truth_names_what_was_touched() {
    let scenario = scenario("recorded.yaml");
    let folders = ["recorded-1", "recorded-2"].map(|name| {
        let folder = scratch_text(name);
        let ended = auscult(&["simulate", "-s", &scenario, "-o", &folder, "-f", "csv"], "");
        assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{}", ended.err);
        folder
    });
    let [metrics, again] = folders.each_ref().map(|folder| read(folder, "metrics.csv"));
    assert!(metrics == again, "the same seed gives the same bytes");
    let events = read(&folders[0], "events.csv");
    let expected = "from,to,target,fault,name,place\n\
        2026-03-02T08:04:00Z,2026-03-02T08:10:00Z,\
        UUID=GPU-55e50f3a-9e6a-01e5-c0dd-c575ff268044|instance=chat-3:8000|worker=chat-3:8000|\
        replica=chat-3:8000|pod=chat-3,G1,thermal throttle,serve-0/3\n";
    assert_eq!(events, expected);
    let truth: Value = serde_json::from_str(&read(&folders[0], "truth.json")).unwrap();
    let touched = truth["faults"][0]["touched"].as_array().unwrap();
    let card: Vec<&Value> = touched
        .iter()
        .filter(|one| one["metric"] == "DCGM_FI_DEV_GPU_TEMP" && one["labels"]["gpu"] == "3")
        .collect();
    assert!(card.len() == 1 && card[0]["effect"].as_f64().unwrap() > 1.0, "{truth:#}");

    assert_eq!(truth["faults"][0]["places"][0]["labels"][0]["UUID"], card[0]["labels"]["UUID"]);

    // The truth is judged as the live service would be, and matches by the labels of series.
    let header = metrics.lines().next().unwrap();
    let labels: Vec<&str> =
        header.split(',').filter(|name| !["time", "value"].contains(name)).collect();
    let (metrics, events) =
        (format!("{}/metrics.csv", folders[0]), format!("{}/events.csv", folders[0]));
    let told = |events: &str| -> Value {
        let labels = labels.join(",");
        let call = ["backtest", &metrics, "--label", &labels, "--events", events];
        let ended = auscult(&[&call[..], &["--format", "json"]].concat(), "");
        assert_eq!(ended.code, 0, "{}", ended.err);
        serde_json::from_str(&ended.out).unwrap()
    };
    let right = told(&events);
    assert_eq!(right["events"]["list"].as_array().unwrap().len(), 1);
    assert!(right["events"]["list"][0]["incident"].is_u64(), "{right:#}");
    let elsewhere = scratch_text("elsewhere.csv");
    let moved = expected.replace("chat-3", "chat-4").replace("GPU-55e50f3a", "GPU-00000000");
    std::fs::write(&elsewhere, moved).unwrap();
    let wrong = told(&elsewhere);
    assert!(wrong["events"]["list"][0]["incident"].is_null(), "it was another card: {wrong:#}");
}

/// A card of a training job falls off the bus.
const TRAINING: &str = "
scenario: training
seed: 5
duration: 10m
fleet:
  hosts:
    - {name: train, count: 2, gpu: H100}
  jobs:
    - {name: pretrain, model: llama-3.1-8b, hosts: train, tensor_parallel: 1, pipeline_parallel: 1}
faults:
  - {fault: G7, at: 4m, for: 4m, severity: 1, place: train-1/3}
";

#[test]
fn logs_are_recorded_and_the_truth_names_the_lines_that_a_fault_wrote() {
    let path = scratch_text("training.yaml");
    std::fs::write(&path, TRAINING).unwrap();
    let folder = scratch_text("recorded-logs");
    let ended = auscult(&["simulate", "-s", &path, "-o", &folder, "-f", "csv", "-q"], "");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(read(&folder, "kernel-train-0.log"), "");
    let kernel = read(&folder, "kernel-train-1.log");
    let first = kernel.lines().next().unwrap();
    assert!(first.starts_with("2026-03-02T08:04:"), "{kernel}");
    assert!(first.contains("+00:00 train-1 kernel: NVRM: Xid (PCI:0000:61:00): 79, "), "{kernel}");
    let job = read(&folder, "training-pretrain.log");
    assert!(job.lines().filter(|line| line.contains("| lm loss: ")).count() > 10, "{job}");
    let truth: Value = serde_json::from_str(&read(&folder, "truth.json")).unwrap();
    let lines = truth["faults"][0]["log_lines"].as_array().unwrap();
    let of = |file: &str| lines.iter().filter(|line| line["file"] == file).count();
    assert!(of("kernel-train-1.log") > 0 && of("training-pretrain.log") > 0, "{lines:#?}");
    assert!(lines.iter().any(|line| line["line"] == *first));
    assert_eq!(truth["logs"].as_array().unwrap().len(), 3);
}

#[test]
fn a_training_log_can_be_followed_while_the_fleet_is_shown() {
    let path = scratch_text("training-listen.yaml");
    std::fs::write(&path, TRAINING.replace("10m", "10d")).unwrap();
    let folder = scratch_text("live-logs");
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command.args(["simulate", "-s", &path, "--listen", "127.0.0.1:0", "--speed", "600"]);
    command.args(["--logs", &folder]);
    let fleet = Service::spawn_saying(command, "pages at http://");
    let mut lines = 0;
    while lines < 20 {
        // Asking takes its time; a fleet that stopped does not answer.
        let (status, _) = fleet.ask("GET", "/targets", b"").expect("an answer");
        assert_eq!(status, 200);
        let log = read(&folder, "training-pretrain.log");
        lines = log.lines().filter(|line| line.contains("| lm loss: ")).count();
    }
}

#[test]
fn a_fault_log_teaches_to_tell_causes_apart() {
    let log = scratch_text("faults.csv");
    let call = ["simulate", "--fault-log", &log, "--count", "5", "--window", "10m", "--quiet"];
    let ended = auscult(&[&call[..], &["--scenario", "G7,D2,M7,L3"]].concat(), "");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let text = std::fs::read_to_string(&log).unwrap();
    let causes: Vec<&str> = text.lines().skip(1).map(|line| &line[line.len() - 2..]).collect();
    assert_eq!(causes.join(" "), ["G7 D2 M7 hy"; 5].join(" "));
    let ended = auscult(&["learn", &log, "--label", "fault", "--format", "json"], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let lesson: Value = serde_json::from_str(&ended.out).unwrap();
    let accuracy = lesson["training"]["validation"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.6, "{lesson:#}");
    let refused = auscult(&[&call[..], &["--scenario", "G77"]].concat(), "");
    assert_eq!(refused.err, "auscult: there is no fault `G77`; did you mean G7?\n");
    let refused = auscult(&["simulate", "--fault-log", "faults.txt"], "");
    assert!(
        refused.code == 2 && refused.err.contains("ends in .csv or .parquet"),
        "{}",
        refused.err
    );
}

#[test]
fn parquet_holds_what_csv_does() {
    let scenario = scenario("parquet.yaml");
    let folder = scratch_text("recorded-parquet");
    for form in ["csv", "parquet"] {
        let ended = auscult(&["simulate", "-s", &scenario, "-o", &folder, "-f", form, "-q"], "");
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    }
    let inputs = [auscult_telemetry::Input::Path(format!("{folder}/metrics.parquet").into())];
    let table = auscult_telemetry::read_table(&inputs, &Default::default()).unwrap();
    let csv = read(&folder, "metrics.csv");
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let columns: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!((table.rows(), columns), (csv.lines().count() - 1, header));
}

#[test]
fn every_page_can_be_scraped_and_is_as_its_targets_say() {
    let scenario = scenario("listen.yaml");
    let file = scratch_text("targets.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command.args(["simulate", "-s", &scenario, "--listen", "127.0.0.1:0", "--targets", &file]);
    let fleet = Service::spawn_saying(command, "pages at http://");
    let targets = fleet.json("/targets");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(targets, written);
    let mut pages = BTreeMap::new();
    for target in targets.as_array().unwrap() {
        let path = target["labels"]["__metrics_path__"].as_str().unwrap();
        let (status, page) = fleet.ask("GET", path, b"").expect("an answer");
        assert_eq!(status, 200, "{path}");
        let mut batch = MetricBatch::default();
        let times = Times { asked: auscult_core::Timestamp::from_seconds(0), honor: true };
        Format::Text.read(page.as_bytes(), times, &mut batch).unwrap();
        assert!(batch.len() > 5, "{path}");
        // node_exporter does not say what counters of the kernel's virtual memory are.
        let unknown = batch.series().filter(|series| series.kind == MetricKind::Unknown);
        let names: Vec<&str> = unknown.map(|series| series.labels.metric()).collect();
        assert!(names.iter().all(|name| name.starts_with("node_vmstat_")), "{names:?}");
        *pages.entry(target["labels"]["job"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!((pages["vllm"], pages["dcgm-exporter"], pages["node-exporter"]), (6, 1, 1));
    let (status, page) = fleet.ask("GET", "/metrics", b"").expect("an answer");
    assert!(status == 404 && page.contains("there are /targets and\n/dcgm-exporter/"), "{page}");
}

#[test]
fn what_is_sent_reaches_the_service() {
    let service = Service::start(&["--data", "none"]);
    let url = format!("http://{}/api/v1/write", service.address());
    let ended =
        auscult(&["simulate", "-s", "healthy/1", "--remote-write", &url, "--speed", "0", "-q"], "");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let series = service.json("/api/auscult/v1/series?match[]=up");
    let series = series["series"].as_array().unwrap();
    assert!(series.len() > 5 && series.iter().all(|one| one["reading"] == 1.0), "{series:#?}");
    let refused = auscult(
        &["simulate", "-s", "healthy/1", "--remote-write", "http://127.0.0.1:1/", "-q"],
        "",
    );
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("cannot send to http://127.0.0.1:1/"), "{}", refused.err);
}

#[test]
fn scenarios_of_the_library_are_shown_and_a_shown_one_can_be_played() {
    let shown = auscult(&["simulate", "-s", "G1/3", "--show"], "");
    assert!(shown.code == 0 && shown.out.starts_with("scenario: G1/3\n"), "{}", shown.out);
    let path = scratch_text("shown.yaml");
    std::fs::write(&path, &shown.out).unwrap();
    assert_eq!(auscult(&["simulate", "-s", &path, "--show"], "").out, shown.out);
    let listed = auscult(&["simulate", "--list"], "");
    let faults = listed.out.lines().take_while(|line| !line.is_empty()).skip(1);
    assert_eq!((listed.code, faults.count()), (0, 72));
}

#[test]
fn wrong_calls_end_in_one_sentence() {
    let said = |arguments: &[&str]| {
        let ended = auscult(&[&["simulate"], arguments].concat(), "");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
        ended.err
    };
    assert_eq!(
        said(&["-s", "G1/x", "--show"]),
        "auscult: there is no file and no scenario of the library `G1/x`; did you mean G1/1?\n"
    );
    assert_eq!(
        said(&["-s", "somewhere.yaml", "--show"]),
        "auscult: there is no file and no scenario of the library `somewhere.yaml`; `auscult simulate --list` shows the faults\n"
    );
    assert_eq!(
        said(&["-s", "G1/1"]),
        "auscult: say what to do with it: --output DIR, --listen ADDRESS:PORT, --remote-write URL, --fault-log FILE or --show\n"
    );
    let path = scratch_text("wrong.yaml");
    std::fs::write(
        &path,
        hot_card("small", 12, 4, 6)
            .replace("gpu: H100", "gpu: H10")
            .replace("load: 0.5", "laod: 0.5"),
    )
    .unwrap();
    let err = said(&["-s", &path, "-o", &scratch_text("wrong")]);
    assert!(
        err.contains(
            "wrong.yaml:9:47: there is no key `laod` in `fleet.services[0]`; did you mean `load`?"
        ),
        "{err}"
    );
    assert!(said(&["-s", "G1/1", "-o", "/dev/null/x"]).contains("cannot make /dev/null/x: "));
    assert!(
        said(&["-s", "G1/1", "--remote-write", "ftp://x/"])
            .contains("expected one such as http://127.0.0.1:9709/api/v1/write")
    );
}

#[test]
fn the_demo_shows_the_past_and_ends_when_it_is_over() {
    let call = ["demo", "--past", "3m", "--duration", "9s", "--listen", "127.0.0.1:0", "--quiet"];
    let ended = auscult(&call, "");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert!(ended.out.starts_with("A simulated fleet: eight replicas"), "{}", ended.out);
    assert!(ended.out.contains("The service that watches it: http://127.0.0.1:"), "{}", ended.out);
}
