//! A real Alertmanager is told of an incident and of its end.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_engine::EngineSettings;
use auscult_server::{AlertmanagerSettings, ServerSettings};
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::Value;

use crate::service::{start, write};

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A port that nobody has, for the moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An Alertmanager on loopback; `None` where the Debian package is not installed.
async fn alertmanager(folder: &std::path::Path) -> Option<(Ended, String)> {
    let program = ["/usr/bin/prometheus-alertmanager", "/usr/bin/alertmanager"];
    let program = program.into_iter().find(|path| std::path::Path::new(path).exists())?;
    let configuration = folder.join("alertmanager.yml");
    std::fs::write(&configuration, "route: {receiver: none}\nreceivers: [{name: none}]\n").unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let child = Command::new(program)
        .arg(format!("--config.file={}", configuration.display()))
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--storage.path={}", folder.display()))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let (ended, url) = (Ended(child), format!("http://{address}"));
    let ready = until(|| async {
        let answer = reqwest::get(format!("{url}/-/ready")).await;
        answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
    });
    ready.await.expect("it gets ready");
    Some((ended, url))
}

/// What `look` finds, as soon as it finds something; `None` after half a minute.
async fn until<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> Option<T> {
    for _ in 0..300 {
        if let Some(found) = look().await {
            return Some(found);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}

async fn alerts(url: &str) -> Vec<Value> {
    let answer = reqwest::get(format!("{url}/api/v2/alerts")).await.unwrap();
    answer.json().await.unwrap()
}

/// `up` of a replica, `seconds` after `start`.
async fn send_up(address: SocketAddr, start: i64, seconds: i64, up: f64) {
    let labels = [("__name__", "up"), ("instance", "replica-3:8000"), ("job", "llm")];
    let labels = Labels::from_pairs(labels).unwrap();
    let point = [Point { time: Timestamp::from_seconds(start + seconds), value: up }];
    let body = remote_write::write([(labels.as_ref(), point.as_slice())]);
    assert_eq!(write(address, body).await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_fires_and_resolves_in_a_real_alertmanager() {
    let folder = std::env::temp_dir().join(format!("auscult-alertmanager-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let Some((_alertmanager, url)) = alertmanager(&folder).await else {
        eprintln!("skipped: the Debian package prometheus-alertmanager is not installed");
        return;
    };
    let engine = EngineSettings { quiet_after: Duration::from_millis(500), ..Default::default() };
    let settings = ServerSettings {
        engine,
        tick: Duration::from_millis(100),
        alertmanagers: vec![AlertmanagerSettings::new(&url)],
        ..Default::default()
    };
    let (address, _stop) = start(settings).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - 100;
    for (seconds, up) in [(0, 1.0), (15, 0.0), (30, 0.0), (45, 0.0)] {
        send_up(address, now, seconds, up).await;
    }
    let firing = until(|| async { alerts(&url).await.into_iter().next() }).await.expect("an alert");
    assert_eq!(firing["labels"]["alertname"], "AuscultIncident");
    assert_eq!(firing["labels"]["instance"], "replica-3:8000");
    assert_eq!(firing["status"]["state"], "active");
    let summary = firing["annotations"]["summary"].as_str().unwrap();
    assert!(summary.contains("the target does not answer"), "{summary}");

    send_up(address, now, 60, 1.0).await;
    let gone = until(|| async { alerts(&url).await.is_empty().then_some(()) }).await;
    assert!(gone.is_some(), "it is resolved, and no longer among the active ones");
    drop(std::fs::remove_dir_all(&folder));
}
