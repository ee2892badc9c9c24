//! A real Alertmanager is told of an incident and of its end.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_engine::EngineSettings;
use auscult_server::{AlertmanagerSettings, DeliverySettings, ServerSettings};
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::Value;

use crate::service::write;
use crate::support::{Peer, start, until};

/// An Alertmanager on loopback; `None` where it is not installed.
async fn alertmanager() -> Option<Peer> {
    Peer::start("prometheus-alertmanager", "/-/ready", |address, folder| {
        let file = format!("{folder}/alertmanager.yml");
        std::fs::write(&file, "route: {receiver: none}\nreceivers: [{name: none}]\n").unwrap();
        vec![
            format!("--config.file={file}"),
            format!("--web.listen-address={address}"),
            format!("--storage.path={folder}"),
            "--cluster.listen-address=".to_owned(),
        ]
    })
    .await
}

async fn alerts(url: &str) -> Vec<Value> {
    let answer = reqwest::get(format!("{url}/api/v2/alerts")).await.unwrap();
    answer.json().await.unwrap()
}

/// `up` of a replica, `seconds` after `start`.
pub(crate) async fn send_up(address: SocketAddr, start: i64, seconds: i64, up: f64) {
    let labels = [("__name__", "up"), ("instance", "replica-3:8000"), ("job", "llm")];
    let labels = Labels::from_pairs(labels).unwrap();
    let point = [Point { time: Timestamp::from_seconds(start + seconds), value: up }];
    let body = remote_write::write([(labels.as_ref(), point.as_slice())]);
    assert_eq!(write(address, body).await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_fires_and_resolves_in_a_real_alertmanager() {
    let Some(peer) = alertmanager().await else { return };
    let url = format!("http://{}", peer.address);
    let engine = EngineSettings { quiet_after: Duration::from_millis(500), ..Default::default() };
    let settings = ServerSettings {
        engine,
        tick: Duration::from_millis(100),
        delivery: DeliverySettings {
            alertmanagers: vec![AlertmanagerSettings::new(&url)],
            ..Default::default()
        },
        ..Default::default()
    };
    let (address, _stop) = start(settings).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - 100;
    for (seconds, up) in [(0, 1.0), (15, 0.0), (30, 0.0), (45, 0.0)] {
        send_up(address, now, seconds, up).await;
    }
    let firing = until("an alert", || async { alerts(&url).await.into_iter().next() }).await;
    assert_eq!(firing["labels"]["alertname"], "AuscultIncident");
    assert_eq!(firing["labels"]["instance"], "replica-3:8000");
    assert_eq!(firing["status"]["state"], "active");
    let summary = firing["annotations"]["summary"].as_str().unwrap();
    assert!(summary.contains("the target does not answer"), "{summary}");

    send_up(address, now, 60, 1.0).await;
    // It is resolved, and no longer among the active ones.
    until("the end of the alert", || async { alerts(&url).await.is_empty().then_some(()) }).await;
}
