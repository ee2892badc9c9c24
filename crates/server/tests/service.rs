//! A fleet pushes its metrics; a fault becomes an incident and an alert.

use std::net::SocketAddr;
use std::time::Duration;

use auscult_core::{Labels, Timestamp};
use auscult_server::{Server, ServerSettings};
use auscult_telemetry::metrics::{Point, remote_write};
use tokio::sync::oneshot;

use crate::support::{json, start};

fn body(points: &[(&str, &[(i64, f64)])]) -> Vec<u8> {
    let series: Vec<(Labels, Vec<Point>)> = points
        .iter()
        .map(|(instance, points)| {
            let labels = [("__name__", "power_watts"), ("job", "llm"), ("instance", instance)];
            let point = |(second, value): &(i64, f64)| Point {
                time: Timestamp::from_seconds(*second),
                value: *value,
            };
            (Labels::from_pairs(labels).unwrap(), points.iter().map(point).collect())
        })
        .collect();
    remote_write::write(series.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice())))
}

pub(crate) async fn write(address: SocketAddr, body: Vec<u8>) -> reqwest::Response {
    let request = reqwest::Client::new().post(format!("http://{address}/api/v1/write"));
    let request = request.header("content-type", "application/x-protobuf");
    request.header("content-encoding", "snappy").body(body).send().await.unwrap()
}

#[tokio::test]
async fn what_is_written_is_seen_and_counted() {
    let (address, _stop) = start(ServerSettings::default()).await;
    let answer =
        write(address, body(&[("a", &[(1, 300.0), (16, 310.0)]), ("b", &[(1, 5.0)])])).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["x-prometheus-remote-write-samples-written"], "3");
    let url = format!("http://{address}/api/auscult/v1/series?labels=instance=a");
    let series = json(url).await;
    assert_eq!(series["series"][0]["reading"], 310.0);
    assert_eq!(series["series"][0]["labels"]["__name__"], "power_watts");
    let own =
        reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
    assert!(own.contains("auscult_samples_total{outcome=\"judged\"} 3\n"), "{own}");
    assert!(own.contains("auscult_series 2\n"), "{own}");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_words() {
    let (address, _stop) = start(ServerSettings::default()).await;
    let answer = write(address, b"not snappy".to_vec()).await;
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("expected a snappy block"), "{text}");
    let request = reqwest::Client::new().post(format!("http://{address}/api/v1/write"));
    let answer = request.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(answer.status(), 415);
}

#[tokio::test]
async fn the_service_stops_when_told_even_with_a_live_view_open() {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(ServerSettings { listen, ..Default::default() }).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async move { drop(stopped.await) }));
    let view = reqwest::get(format!("http://{address}/api/auscult/v1/changes")).await.unwrap();
    assert_eq!(view.status(), 200);
    drop(stop);
    let ended = tokio::time::timeout(Duration::from_secs(20), running).await;
    assert!(ended.expect("it ends").expect("without a panic").is_ok());
}
