//! Who holds connections, sends slowly, or sends what grows when unpacked.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use auscult_server::{
    AccessSettings, LimitSettings, Role, ServerSettings, UserSettings, hash_token,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Client, StatusCode};

use crate::certificates::{Authority, Folder};
use crate::support::{own_metrics, start, until};

const SHORT: Duration = Duration::from_millis(200);
/// How long an end that is due may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn limited(limits: LimitSettings) -> ServerSettings {
    let access = AccessSettings { limits, ..AccessSettings::default() };
    ServerSettings { access, ..ServerSettings::default() }
}

/// A connection on which `text` was sent.
fn connect(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// What comes until the other end closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let read = move || {
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection is still open: {error}"),
        }
        String::from_utf8(bytes).unwrap()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

async fn counted(address: SocketAddr, line: &str) {
    until(line, || async { own_metrics(address).await.contains(line).then_some(()) }).await;
}

#[tokio::test]
async fn connections_are_limited_and_come_free_again() {
    let limits = LimitSettings { connections_per_address: 3, ..LimitSettings::default() };
    let (address, _stop) = start(limited(limits)).await;
    let held: Vec<TcpStream> = (0..3).map(|_| connect(address, "")).collect();
    assert_eq!(rest(connect(address, "")).await, "");
    drop(held);
    let line = "auscult_refused_connections_total{reason=\"connections_per_address\"}";
    until("a connection to be free", || async {
        let own =
            reqwest::get(format!("http://{address}/metrics")).await.ok()?.text().await.ok()?;
        own.contains(line).then_some(())
    })
    .await;
    let limits = LimitSettings { connections: 1, ..LimitSettings::default() };
    let (address, _stop) = start(limited(limits)).await;
    let _held = connect(address, "");
    assert_eq!(rest(connect(address, "")).await, "");
}

#[tokio::test]
async fn a_head_that_trickles_in_and_a_silent_connection_are_closed() {
    let limits = LimitSettings {
        header_timeout: SHORT,
        idle_timeout: 2 * SHORT,
        ..LimitSettings::default()
    };
    let (address, _stop) = start(limited(limits)).await;
    assert_eq!(rest(connect(address, "GET /-/healthy HTTP/1.1\r\nhost: ")).await, "");
    counted(address, "auscult_refused_connections_total{reason=\"header_timeout\"} 1").await;
    // One after another on the same connection is what it is for.
    let request = "GET /-/healthy HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answers = rest(connect(address, &request.repeat(3))).await;
    assert_eq!(answers.matches("healthy").count(), 3, "{answers}");
    counted(address, "auscult_refused_connections_total{reason=\"idle_timeout\"}").await;
}

#[tokio::test]
async fn a_body_that_trickles_in_is_refused() {
    let limits = LimitSettings { body_timeout: SHORT, ..LimitSettings::default() };
    let (address, _stop) = start(limited(limits)).await;
    let head = "POST /api/v1/write HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n";
    let answer = rest(connect(address, &format!("{head}a"))).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("did not come within 200ms"), "{answer}");
    counted(address, "auscult_refused_requests_total{reason=\"body_timeout\"} 1").await;
}

#[tokio::test]
async fn who_does_not_shake_hands_keeps_nobody_out() {
    let (authority, folder) = (Authority::new("root"), Folder::new());
    let tls = folder.tls(&authority.sign("auscult", &["localhost"]));
    let limits = LimitSettings { handshake_timeout: SHORT, ..LimitSettings::default() };
    let access = AccessSettings { tls: Some(tls), limits, ..AccessSettings::default() };
    let (address, _stop) = start(ServerSettings { access, ..ServerSettings::default() }).await;
    let silent: Vec<TcpStream> = (0..20).map(|_| connect(address, "")).collect();
    let url = format!("https://localhost:{}/-/healthy", address.port());
    let answer = authority.client().get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    for stream in silent {
        assert_eq!(rest(stream).await, "");
    }
}

#[tokio::test]
async fn writes_beyond_the_limit_are_to_be_sent_again() {
    let limits = LimitSettings { writes: 1, ..LimitSettings::default() };
    let (address, _stop) = start(limited(limits)).await;
    let head = "POST /api/v1/write HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n";
    let slow = connect(address, head);
    let write = || async {
        let request = Client::new().post(format!("http://{address}/v1/metrics"));
        let request = request.header("content-type", "application/json").body("{}");
        request.send().await.unwrap()
    };
    let answer = until("a refusal", || async {
        let answer = write().await;
        (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    })
    .await;
    assert_eq!(answer.headers()["retry-after"], "1");
    assert!(answer.text().await.unwrap().contains("\"code\":14"));
    counted(address, "auscult_refused_requests_total{reason=\"writes\"}").await;
    // Who reads is not kept out, and room comes free.
    drop(slow);
    until("room", || async { (write().await.status() == StatusCode::OK).then_some(()) }).await;
}

#[tokio::test]
async fn memory_for_requests_is_limited() {
    let mut settings = limited(LimitSettings { write_bytes: 512 << 10, ..Default::default() });
    settings.most_request_bytes = 64 << 10;
    settings.most_unpacked_bytes = 256 << 10;
    let (address, _stop) = start(settings).await;
    let part = "a".repeat(60 << 10);
    let head = "POST /v1/metrics HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 65000\r\n\r\n";
    // What is packed by gzip is counted as what it may become: 60 + 256 KiB.
    let slow = connect(address, &format!("{head}{part}"));
    let write = || async {
        let request = Client::new().post(format!("http://{address}/v1/metrics"));
        let request = request.header("content-type", "application/json");
        request.header("content-encoding", "gzip").body(part.clone()).send().await.unwrap()
    };
    let answer = until("a refusal", || async {
        let answer = write().await;
        (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    })
    .await;
    assert_eq!(answer.headers()["retry-after"], "1");
    counted(address, "auscult_refused_requests_total{reason=\"write_bytes\"}").await;
    drop(slow);
    until("memory", || async {
        // It is no gzip.
        (write().await.status() == StatusCode::BAD_REQUEST).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_grows_when_unpacked_is_refused_by_every_decoder() {
    let (address, _stop) = start(ServerSettings::default()).await;
    // A block of snappy says first how long it will be: 4 GiB.
    let snappy = vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    let request = Client::new().post(format!("http://{address}/api/v1/write"));
    let answer = request.body(snappy).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let reason = answer.text().await.unwrap();
    assert!(reason.contains("4294967295 bytes unpacked, of which 65536 are allowed"), "{reason}");
    // 30 MB are below the limit for all, but nothing that is metrics is a thousandth when packed.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..30 {
        gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 60_000);
    let request = Client::new().post(format!("http://{address}/v1/metrics"));
    let request = request.header("content-type", "application/json");
    let answer = request.header("content-encoding", "gzip").body(bomb).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn who_pushes_more_samples_than_allowed_waits() {
    let user = |name: &str, samples_per_second| UserSettings {
        name: name.to_owned(),
        roles: vec![Role::Writer],
        token_hashes: vec![hash_token(&format!("the long token of {name}")).unwrap()],
        samples_per_second,
        ..UserSettings::default()
    };
    let users = vec![user("small", 1), user("large", 0)];
    let access = AccessSettings { users, ..AccessSettings::default() };
    let (address, _stop) = start(ServerSettings { access, ..ServerSettings::default() }).await;
    let write = |name: &str, first: u64| {
        let points: Vec<String> = (first..first + 100)
            .map(|second| format!("{{\"timeUnixNano\":\"{second}000000000\",\"asInt\":\"1\"}}"))
            .collect();
        let points = points.join(",");
        let body = format!(
            "{{\"resourceMetrics\":[{{\"scopeMetrics\":[{{\"metrics\":[{{\"name\":\"a\",\"gauge\":{{\"dataPoints\":[{points}]}}}}]}}]}}]}}"
        );
        let request = Client::new().post(format!("http://{address}/v1/metrics"));
        let request = request.bearer_auth(format!("the long token of {name}"));
        request.header("content-type", "application/json").body(body).send()
    };
    assert_eq!(write("small", 1).await.unwrap().status(), StatusCode::OK);
    let answer = write("small", 101).await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((30..=91).contains(&wait), "{wait}");
    for first in [101, 201] {
        assert_eq!(write("large", first).await.unwrap().status(), StatusCode::OK);
    }
}
