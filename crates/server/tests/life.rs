//! The life of an incident after its diagnosis: changes that are told, verdicts, remedies.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use auscult_core::{Labels, Timestamp};
use auscult_engine::{EngineSettings, Policy};
use auscult_server::{DataSettings, ServerSettings};
use auscult_telemetry::format_time;
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::api::{ask, hot, pages, write};
use crate::support::{now, start};

/// When the GPU of these tests gets hot, in seconds since 1970: ten minutes ago, since a diagnosis
/// looks at what came up to now.
static ONSET: LazyLock<i64> = LazyLock::new(|| now().nanos() / 1_000_000_000 / STEP * STEP - 600);
const STEP: i64 = 15;

/// The time `seconds` after the onset, as the API writes it.
fn at(seconds: i64) -> String {
    format_time(Timestamp::from_seconds(*ONSET + seconds))
}

/// A folder that other tests do not touch.
fn folder(name: &str) -> PathBuf {
    let name = format!("auscult-life-{name}-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    drop(std::fs::remove_dir_all(&folder));
    folder
}

/// A service that stores in `folder` and for which 85 °C of a GPU are an incident.
async fn watching(folder: &PathBuf) -> (SocketAddr, oneshot::Sender<()>) {
    let policies: Vec<Policy> = serde_json::from_value(json!([
        {"match": "DCGM_FI_DEV_GPU_TEMP", "valid_range": {"high": 85}},
    ]))
    .unwrap();
    let data = Some(DataSettings { keep_for: None, ..DataSettings::new(folder) });
    let engine = EngineSettings { policies, ..EngineSettings::default() };
    start(ServerSettings { engine, data, ..ServerSettings::default() }).await
}

/// Readings of the four GPUs of a host in steps from `from` to `to`, counted from the onset;
/// GPU 3 is hot and slow where `is_ill` says so of the step.
async fn gpus(address: SocketAddr, from: i64, to: i64, is_ill: impl Fn(i64) -> bool) {
    let mut series: Vec<(Labels, Vec<Point>)> = Vec::new();
    for gpu in 0..4 {
        for (metric, usual, ill) in [
            ("DCGM_FI_DEV_GPU_TEMP", 60.0, 92.0),
            ("DCGM_FI_DEV_MEMORY_TEMP", 66.0, 95.0),
            ("DCGM_FI_DEV_SM_CLOCK", 1980.0, 1400.0),
            ("DCGM_FI_DEV_POWER_USAGE", 500.0, 500.0),
            ("DCGM_FI_DEV_GPU_UTIL", 95.0, 95.0),
        ] {
            let number = gpu.to_string();
            let pairs =
                [("__name__", metric), ("Hostname", "h"), ("gpu", &number), ("instance", "h:9400")];
            let value = |step: i64| {
                let wave = ((step * 7 + gpu) % 11) as f64 / 11.0 - 0.5;
                let level = if gpu == 3 && is_ill(step) { ill } else { usual };
                level + 0.01 * usual * wave
            };
            let point = |step: i64| Point {
                time: Timestamp::from_seconds(*ONSET + step * STEP),
                value: value(step),
            };
            series.push((Labels::from_pairs(pairs).unwrap(), (from..to).map(point).collect()));
        }
    }
    let series = series.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice()));
    let answer = crate::service::write(address, remote_write::write(series)).await;
    assert_eq!(answer.status(), 204);
}

/// The host's GPU 3 is hot for ten minutes.
async fn hot_gpu(address: SocketAddr) {
    for piece in (-180..40).step_by(20) {
        gpus(address, piece, piece + 20, |step| step >= 0).await;
    }
}

#[tokio::test]
async fn a_change_that_is_told_is_evidence_and_stands_with_the_incident() {
    let folder = folder("events");
    let (address, stop) = watching(&folder).await;
    hot_gpu(address).await;
    let diagnose = || ask(address, "GET", "/incidents/1/diagnosis", Value::Null);
    let (status, silent) = diagnose().await;
    assert_eq!((status, &silent["changes"]), (200, &json!([])), "{silent}");
    let says = |diagnosis: &Value| diagnosis.to_string().contains("event maintenance happens");
    assert!(!says(&silent), "of changes that nobody tells, nothing is known: {silent}");
    let time = at(-90);
    let body = json!({"kind": "maintenance", "target": "Hostname=h", "time": time, "text": "fans",
        "source": "rota", "author": "ann"});
    let (status, event) = ask(address, "POST", "/events", body).await;
    assert_eq!((status, &event["id"], &event["time"]), (201, &json!(1), &json!(time)), "{event}");
    let (_, told) = diagnose().await;
    assert_eq!(told["changes"][0]["kind"], "maintenance", "{told}");
    assert!(says(&told), "{told}");
    let (_, incident) = ask(address, "GET", "/incidents/1", Value::Null).await;
    assert_eq!(incident["events"], json!([event]), "{incident}");
    // It is there after a restart, and gone once it is taken back.
    drop(stop);
    let (address, _stop) = restarted(&folder).await;
    assert_eq!(ask(address, "GET", "/events/1", Value::Null).await, (200, event.clone()));
    assert_eq!(ask(address, "DELETE", "/events/1", Value::Null).await, (200, event));
    assert_eq!(ask(address, "DELETE", "/events/1", Value::Null).await.0, 404);
    assert_eq!(ask(address, "GET", "/events/1", Value::Null).await.0, 404);
}

/// The same service again, once the one before has let go of the folder.
async fn restarted(folder: &PathBuf) -> (SocketAddr, oneshot::Sender<()>) {
    crate::support::until("the folder", || async {
        auscult_store::Folder::open(folder).is_ok().then_some(())
    })
    .await;
    watching(folder).await
}

#[tokio::test]
async fn events_are_found_page_by_page_and_wrong_ones_refused_in_words() {
    let (address, _stop) = hot(100).await;
    for number in 0..5 {
        let kind = if number % 2 == 0 { "deploy" } else { "scale" };
        let target = format!("instance=chat-{number}:8000");
        let body = json!({"kind": kind, "target": target});
        assert_eq!(ask(address, "POST", "/events", body).await.0, 201);
    }
    let all = pages(address, "/events?limit=2", "before", "events").await;
    let ids: Vec<&Value> = all.iter().flatten().map(|event| &event["id"]).collect();
    assert_eq!(ids, [5, 4, 3, 2, 1]);
    let count = |query: &'static str| async move {
        let (_, page) = ask(address, "GET", &format!("/events?{query}"), Value::Null).await;
        page["events"].as_array().unwrap().len()
    };
    assert_eq!(count("kind=deploy").await, 3);
    assert_eq!(count("target=chat-3").await, 1);
    assert_eq!(count("since=2099-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=2099-01-01T00:00:00Z").await, 5);
    for (body, expected) in [
        (json!({}), "missing field `kind`"),
        (json!({"kind": "deployment"}), "unknown variant `deployment`, expected one of `deploy`"),
        (json!({"kind": "deploy", "target": "instance="}), "`target` has `instance=`: expected"),
        (json!({"kind": "deploy", "target": "a&&b"}), "`target` has ``: expected a name"),
        (json!({"kind": "deploy", "time": "noon"}), "`noon` is no time"),
        (json!({"kind": "deploy", "text": "x".repeat(4001)}), "`text` has 4001 letters"),
        (json!({"kind": "deploy", "tex": "x"}), "did you mean `text`?"),
    ] {
        let (status, problem) = ask(address, "POST", "/events", body.clone()).await;
        let error = problem["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(expected), "{body}: {status} {error}");
    }
    // The live view tells of them as of the rest.
    write(address, &["a"], 90.0).await;
    let url = format!("http://{address}/api/auscult/v1/changes");
    let mut view = reqwest::get(url).await.unwrap();
    ask(address, "POST", "/events", json!({"kind": "restart", "target": "serve-0"})).await;
    let mut seen = String::new();
    while !seen.contains("event: event") {
        let piece = tokio::time::timeout(std::time::Duration::from_secs(60), view.chunk()).await;
        seen.push_str(std::str::from_utf8(&piece.unwrap().unwrap().unwrap()).unwrap());
    }
    assert!(seen.contains("-6\nevent: event") && !seen.contains("chat-4"), "{seen}");
}
