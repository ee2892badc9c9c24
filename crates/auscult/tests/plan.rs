//! Calls of `auscult plan`, and the plan held against what the service takes.

use std::path::PathBuf;

use auscult_core::{Labels, Timestamp};
use auscult_server::ServerSettings;
use auscult_server::plan::{COSTS, Counted, SourceKind, SourcePlan, estimate};
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::Value;

use crate::call::{auscult, scratch};
use crate::service::Service;

/// A configuration of this test.
fn config(name: &str, text: &str) -> String {
    let path = scratch(&format!("plan-{name}.yml"));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn json(arguments: &[&str]) -> Value {
    let said = auscult(&[&["plan", "--format", "json"], arguments].concat(), "");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn a_wrong_configuration_is_refused_as_by_check() {
    let path = config("wrong", "server: {listen: 9709}\n");
    let (planned, checked) = (auscult(&["plan", &path], ""), auscult(&["check", &path], ""));
    assert_eq!((planned.code, planned.out.as_str()), (2, ""));
    assert_eq!(planned.err, checked.err);
    assert!(planned.err.contains(":1:"), "{}", planned.err);
}

#[test]
fn what_is_pushed_is_reckoned_with_nothing_to_look_at() {
    let text = "
detection: {most_series: 1000}
storage: {folder: none}
delivery:
  remote_write: [{name: back, url: 'http://127.0.0.1:1/', select: ['{job=\"llm\"}'], band: true}]
";
    let path = config("pushed", text);
    let few = json(&[&path, "--pushed-series", "300", "--pushed-interval", "10s"]);
    let estimate = &few["estimate"];
    assert_eq!(estimate["samples_per_second"], 30.0);
    assert_eq!(estimate["not_watched"], 0);
    assert_eq!(estimate["disk"], Value::Null);
    assert_eq!(estimate["written_back"][0]["series"]["value"], 1200.0);
    let many = json(&[&path, "--pushed-series", "3000", "--no-look"]);
    assert_eq!(many["estimate"]["not_watched"], 2000);
    let said = auscult(&["plan", &path, "--pushed-series", "3000"], "");
    assert!(said.out.contains("2000 of 3000 series would not be watched"), "{}", said.out);
    assert!(said.out.contains("detection.most_series"), "{}", said.out);
    let wrong = auscult(&["plan", &path, "--pushed-series", "3", "--pushed-interval", "0"], "");
    assert_eq!(wrong.code, 2);
}

#[test]
fn targets_are_looked_at_and_those_that_cannot_be_reached_are_named() {
    let service = Service::start(&["--data", "none", "--otlp-http", "none", "--otlp-grpc", "none"]);
    let text = format!(
        "
scrape_configs:
  - job_name: own
    scrape_interval: 5s
    static_configs: [{{targets: ['{}', '127.0.0.1:1']}}]
    metric_relabel_configs:
      - {{source_labels: [__name__], regex: 'auscult_(series|targets)', action: keep}}
storage: {{folder: none}}
",
        service.address()
    );
    let path = config("looked", &text);
    let plan = json(&[&path]);
    let own = &plan["sources"][0];
    // Two gauges, and the five series that tell how scraping went.
    assert_eq!(own["counted"]["samples"], 7.0, "{own}");
    assert_eq!(own["counted"]["series"], 7, "{own}");
    assert_eq!(own["counted"]["is_seen"], true);
    assert_eq!(plan["estimate"]["samples_per_second"], 7.0 / 5.0);
    assert_eq!(plan["estimate"]["requests_per_second"]["value"], 0.4);
    let left_out = plan["estimate"]["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1);
    let left_out = left_out[0].as_str().unwrap();
    assert!(left_out.starts_with("own 127.0.0.1:1: it cannot be reached"), "{left_out}");
    let said = auscult(&["plan", &path], "");
    assert!(said.out.contains("1 of 2") && said.out.contains("Not in the sums"), "{}", said.out);
    let blind = json(&[&path, "--no-look"]);
    assert_eq!(blind["estimate"]["left_out"].as_array().unwrap().len(), 2);
    assert_eq!(blind["estimate"]["samples_per_second"], 0.0);
}

#[test]
fn servers_are_asked_how_many_series_their_queries_have_and_files_are_read() {
    let service =
        Service::start(&["--data", &folder("asked"), "--otlp-http", "none", "--otlp-grpc", "none"]);
    push(&service, &labels(40), 0..3);
    let file = scratch("plan-followed.csv");
    std::fs::write(&file, "time,loss,rate\n1714521600,1,2\n1714521602,1,2\n").unwrap();
    let text = format!(
        "
prometheus_sources:
  - {{url: 'http://{}', queries: ['{{job=\"llm\"}}', 'absent_metric'], step: 20s}}
followed_files: [{{path: '{}'}}]
storage: {{folder: none}}
",
        service.address(),
        file.display()
    );
    let plan = json(&[&config("asked", &text)]);
    let (server, file) = (&plan["sources"][0], &plan["sources"][1]);
    assert_eq!((&server["counted"]["series"], &server["problem"]), (&40.into(), &Value::Null));
    assert_eq!(server["counted"]["is_seen"], false);
    assert_eq!((&file["counted"]["series"], &file["interval_seconds"]), (&2.into(), &2.0.into()));
    assert_eq!(plan["estimate"]["samples_per_second"], 40.0 / 20.0 + 2.0 / 2.0);
}

/// Samples of an experiment. Both have as many, so that what a conversion to history takes does not count for series.
const SAMPLES: usize = 1_600_000;

fn folder(name: &str) -> String {
    let path: PathBuf = scratch(&format!("plan-{name}"));
    drop(std::fs::remove_dir_all(&path));
    path.display().to_string()
}

fn labels(count: usize) -> Vec<Labels> {
    let one = |number: usize| {
        let (metric, instance) =
            (format!("made_up_{}", number % 500), format!("10.0.0.{}:8000", number / 500));
        let pairs = [
            ("__name__", metric.as_str()),
            ("instance", &instance),
            ("job", "llm"),
            ("model_name", "meta-llama/Llama-3.1-70B-Instruct"),
        ];
        Labels::from_pairs(pairs).unwrap()
    };
    (0..count).map(one).collect()
}

/// Nanoseconds that a sample comes late: whole milliseconds, a quarter of a second at most.
fn jitter(number: usize, step: i64) -> i64 {
    let bits = ((number as u64) << 32 | step as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (bits >> 56) as i64 * 1_000_000
}

/// A third of the series is noise, a third small whole numbers, a third mostly constant.
fn reading(number: usize, step: i64) -> f64 {
    let bits = ((number as u64) << 32 | step as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let noise = (bits >> 40) as f64 / f64::from(1 << 24);
    match number % 3 {
        0 => 100.0 + 10.0 * noise,
        1 => (20.0 * noise).floor(),
        _ => f64::from(u8::from(noise > 0.98)),
    }
}

/// Pushes samples every 15 seconds, the last of them now.
fn push(service: &Service, series: &[Labels], steps: std::ops::Range<i64>) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let start = now.as_secs() as i64 - 15 * (steps.end - 1);
    for step in steps {
        let time = Timestamp::from_seconds(start + 15 * step);
        for (place, some) in series.chunks(5000).enumerate() {
            let value = |at| reading(place * 5000 + at, step);
            let late = |at| Timestamp::from_nanos(time.nanos() + jitter(place * 5000 + at, step));
            let points: Vec<[Point; 1]> =
                (0..some.len()).map(|at| [Point { time: late(at), value: value(at) }]).collect();
            let body = some.iter().zip(&points).map(|(one, point)| (one.as_ref(), &point[..]));
            let answer = service.ask("POST", "/api/v1/write", &remote_write::write(body));
            assert_eq!(answer.map(|(status, _)| status), Some(204));
        }
    }
}

/// The most memory that it has had, in bytes; `None` where there is no `/proc`.
fn memory(service: &Service) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}

/// What the plan says of `series` that are pushed every 15 seconds.
fn planned(series: &[Labels]) -> f64 {
    let count = series.len() as u64;
    let label_bytes: usize = series.iter().map(|one| one.as_ref().bytes().len()).sum();
    let counted = Counted {
        samples: count as f64,
        series: count,
        judged: count,
        label_bytes: label_bytes as f64,
        is_seen: true,
        selected: Vec::new(),
        methods: Vec::new(),
    };
    let source = SourcePlan {
        kind: SourceKind::Pushed,
        name: "pushed".to_owned(),
        instance: None,
        interval_seconds: Some(15.0),
        requests_per_second: 0.0,
        counted: Some(counted),
        received_bytes_per_second: 0.0,
        problem: None,
    };
    estimate(&ServerSettings::default(), &[source], &COSTS).memory_bytes.value
}

#[test]
fn memory_and_stored_bytes_are_as_planned_within_a_factor_of_two() {
    let figure = |service: &Service, name: &str| {
        let page = service.get("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.and_then(|value| value.parse::<f64>().ok()).unwrap()
    };
    let measure = |name: &str, series: &[Labels]| {
        let data = folder(name);
        let arguments = ["--data", &data, "--otlp-http", "none", "--otlp-grpc", "none"];
        let service = Service::start(&arguments);
        push(&service, series, 0..(SAMPLES / series.len()) as i64);
        // A full segment becomes history, which takes memory for a while: in both, or the more of it
        // would not be that of the series.
        let start = std::time::Instant::now();
        while figure(&service, "auscult_history_samples") == 0.0 {
            assert!(start.elapsed().as_secs() < 60, "no segment became history");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let memory = memory(&service);
        (memory, service, data)
    };
    let (few, many) = (labels(2_000), labels(20_000));
    let (memory_of_few, ..) = measure("few", &few);
    let (memory_of_many, service, data) = measure("many", &many);
    let within = |what: &str, seen: f64, planned: f64| {
        let ratio = seen / planned;
        assert!((0.5..=2.0).contains(&ratio), "{what}: {seen:.1} were seen, {planned:.1} planned");
    };
    match memory_of_few.zip(memory_of_many) {
        None => eprintln!("there is no /proc: memory is not compared with the plan"),
        Some((seen_few, seen_many)) => {
            let more = (many.len() - few.len()) as f64;
            let grown = (planned(&many) - planned(&few)) / more;
            within("bytes of memory a series", (seen_many - seen_few) / more, grown);
        }
    }
    let per_sample =
        figure(&service, "auscult_history_bytes") / figure(&service, "auscult_history_samples");
    within("bytes a stored sample", per_sample, COSTS.history_bytes_per_sample);
    // At an orderly end the checkpoint is written.
    service.stop();
    let written = std::fs::metadata(format!("{data}/state/checkpoint")).unwrap().len() as f64;
    let label_bytes: usize = many.iter().map(|one| one.as_ref().bytes().len()).sum();
    let of_detectors = many.len() as f64 * COSTS.checkpoint_bytes_per_detector;
    within("bytes of the checkpoint", written, of_detectors + label_bytes as f64);
    std::fs::remove_dir_all(&data).unwrap();
}
