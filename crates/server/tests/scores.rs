//! Scores as a page, and written to real servers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_server::{DeliverySettings, RemoteWriteSettings, Secret, ServerSettings};
use auscult_telemetry::metrics::{Point, remote_write};
use axum::http::StatusCode;

use crate::alertmanager::send_up;
use crate::service::write;
use crate::support::{Peer, json, own_metrics, start, until};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// Two hours of a series, a sample in 15 s, up to now.
async fn fill(address: SocketAddr) {
    let labels = [("__name__", "power_watts"), ("gpu", "3"), ("instance", "replica-3:8000")];
    let labels = Labels::from_pairs(labels).unwrap();
    let point = |place: i64| Point {
        time: Timestamp::from_seconds(now() - 15 * (479 - place)),
        value: 300.0 + (place % 7) as f64,
    };
    let points: Vec<Point> = (0..480).map(point).collect();
    let body = remote_write::write([(labels.as_ref(), points.as_slice())]);
    assert_eq!(write(address, body).await.status(), 204);
}

async fn fall(address: SocketAddr) {
    for (seconds, up) in [(0, 1.0), (15, 0.0), (30, 0.0), (45, 0.0)] {
        send_up(address, now() - 60, seconds, up).await;
    }
}

/// The page of scores.
async fn page(address: SocketAddr, query: &str) -> (u16, String) {
    let url = format!("http://{address}/api/auscult/v1/scores/metrics?{query}");
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_what_is_odd_and_what_is_selected() {
    let (address, _stop) = start(ServerSettings::default()).await;
    fill(address).await;
    let names = |page: &str| -> Vec<String> {
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    assert!(names(&page(address, "").await.1).is_empty());
    fall(address).await;
    let labels = r#"{auscult_metric="up",instance="replica-3:8000",job="llm"}"#;
    let odd = page(address, "").await.1;
    assert!(odd.contains(&format!("auscult_alarm{labels} 1\n")), "{odd}");
    let incident = r#"auscult_incident_open{incident="1",instance="replica-3:8000",job="llm",severity="warning"} 1"#;
    assert!(odd.contains(incident), "{odd}");
    assert!(!odd.contains("power_watts"), "{odd}");
    let query = "match%5B%5D=%7Bgpu%3D%223%22%7D&with=expected&with=band";
    let all = page(address, query).await.1;
    let labels = r#"{auscult_metric="power_watts",gpu="3",instance="replica-3:8000"}"#;
    assert!(all.contains(&format!("auscult_alarm{labels} 0\n")), "{all}");
    for name in ["deviation", "expected", "band_low", "band_high"] {
        assert!(names(&all).contains(&format!("auscult_{name}{labels}")), "{name}: {all}");
    }
    assert_eq!(page(address, "match[]=%7B").await.0, 400);
    assert_eq!(page(address, "with=everything").await.0, 400);
}

/// Scores are written to `peer`, which is then asked for them.
async fn scores_arrive(peer: SocketAddr) {
    let settings = RemoteWriteSettings {
        name: Some("peer".to_owned()),
        interval: Duration::from_millis(200),
        select: vec!["power_watts".parse().unwrap()],
        expected: true,
        band: true,
        ..RemoteWriteSettings::new(Secret::new(format!("http://{peer}/api/v1/write")))
    };
    let settings = ServerSettings {
        delivery: DeliverySettings { remote_write: vec![settings], ..Default::default() },
        ..Default::default()
    };
    let (address, _stop) = start(settings).await;
    fill(address).await;
    fall(address).await;
    for (query, expected) in [
        ("auscult_alarm{auscult_metric=\"up\",instance=\"replica-3:8000\"}", Some("1")),
        ("auscult_alarm{auscult_metric=\"power_watts\",gpu=\"3\"}", Some("0")),
        ("auscult_incident_open{incident=\"1\",job=\"llm\"}", Some("1")),
        ("auscult_deviation{auscult_metric=\"power_watts\"}", None),
        ("auscult_expected{auscult_metric=\"power_watts\"}", None),
        ("auscult_band_low < auscult_band_high", None),
    ] {
        let url = reqwest::Url::parse_with_params(
            &format!("http://{peer}/api/v1/query"),
            [("query", query)],
        );
        let url = url.unwrap().to_string();
        until(query, || async {
            let answer = json(url.clone()).await;
            let value = answer["data"]["result"][0]["value"][1].as_str()?.to_owned();
            expected.is_none_or(|expected| expected == value).then_some(())
        })
        .await;
    }
    let own = own_metrics(address).await;
    assert!(own.contains("auscult_notification_failures_total{receiver=\"peer\"} 0\n"), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_arrive_in_a_real_prometheus() {
    if let Some(peer) = Peer::prometheus("global: {scrape_interval: 15s}\n").await {
        scores_arrive(peer.address).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_arrive_in_a_real_victoria_metrics() {
    let peer = Peer::start("victoria-metrics", "/health", |address, folder| {
        vec![
            format!("-httpListenAddr={address}"),
            format!("-storageDataPath={folder}"),
            "-search.latencyOffset=0s".to_owned(),
        ]
    });
    if let Some(peer) = peer.await {
        scores_arrive(peer.address).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_is_repeated_or_given_up_by_its_status() {
    let statuses = Arc::new(Mutex::new(vec![200, 400, 429, 503]));
    let left = Arc::clone(&statuses);
    let take = move || {
        let status = left.lock().unwrap().pop().unwrap_or(204);
        async move { StatusCode::from_u16(status).unwrap() }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hush", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(take);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let settings = RemoteWriteSettings {
        name: Some("peer".to_owned()),
        interval: Duration::from_millis(50),
        min_backoff: Duration::from_millis(5),
        select: vec!["power_watts".parse().unwrap()],
        ..RemoteWriteSettings::new(Secret::new(url))
    };
    let settings = ServerSettings {
        delivery: DeliverySettings { remote_write: vec![settings], ..Default::default() },
        ..Default::default()
    };
    let (address, _stop) = start(settings).await;
    fill(address).await;
    until("all of them", || async {
        let own = own_metrics(address).await;
        let has = |line: &str| own.lines().any(|other| other == line);
        let failures = has("auscult_notification_failures_total{receiver=\"peer\"} 3");
        let given_up = has("auscult_notifications_given_up_total{receiver=\"peer\"} 1");
        (failures && given_up && statuses.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    assert!(!own_metrics(address).await.contains("hush"));
}
