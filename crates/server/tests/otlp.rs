//! OTLP over HTTP and gRPC, as its senders see it.

use std::net::SocketAddr;

use auscult_server::{Port, ServeError, Server, ServerSettings};
use auscult_telemetry::metrics::otlp::{Encoding, status};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// What OpenTelemetry's SDK for Python sends (`golden/otlp.py`).
const SDK: &[u8] = include_bytes!("../../telemetry/tests/golden/otlp/sdk.bin");
const EXPORT: &str = "opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

struct Service {
    main: SocketAddr,
    http: SocketAddr,
    grpc: SocketAddr,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<Result<(), ServeError>>,
}

async fn start(settings: ServerSettings) -> Service {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (otlp_http, otlp_grpc) = (Port::At(any), Port::IfFree(any));
    let settings = ServerSettings { listen: any, otlp_http, otlp_grpc, ..settings };
    let server = Server::bind(settings).await.unwrap();
    let (main, http) = (server.address(), server.otlp_http_address().unwrap());
    let grpc = server.otlp_grpc_address().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async move { drop(stopped.await) }));
    Service { main, http, grpc, stop, running }
}

async fn own_metrics(address: SocketAddr) -> String {
    reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap()
}

async fn post(address: SocketAddr, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Response {
    let mut request = reqwest::Client::new().post(format!("http://{address}/v1/metrics"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).send().await.unwrap()
}

fn gauge(points: &Value) -> String {
    let metric = json!({"name": "gpu.power", "unit": "W", "gauge": {"dataPoints": points}});
    json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).to_string()
}

/// A gRPC message in its frame.
fn framed(message: &[u8], is_compressed: bool) -> Vec<u8> {
    let mut frame = vec![u8::from(is_compressed)];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

async fn call(
    address: SocketAddr,
    method: &str,
    packing: Option<&str>,
    frame: Vec<u8>,
) -> Response {
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let request = client.post(format!("http://{address}/{method}"));
    let mut request = request.header("content-type", "application/grpc").header("te", "trailers");
    if let Some(packing) = packing {
        request = request.header("grpc-encoding", packing);
    }
    request.body(frame).send().await.unwrap()
}

/// The status of a call that failed, with its message.
fn failure(answer: &Response) -> (&str, &str) {
    let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
    (header("grpc-status"), header("grpc-message"))
}

/// Packed by Python's `gzip`: 10,000 zeros, much smaller.
const ZEROS: [u8; 45] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x01, 0x0d, 0x00, 0x00,
    0x00, 0xc2, 0xa0, 0xf7, 0x4f, 0x6d, 0x0e, 0x37, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xe0, 0xdf, 0x00, 0x2e, 0xca, 0x3b, 0x4d, 0x10, 0x27, 0x00, 0x00,
];

#[tokio::test]
async fn the_sdk_is_understood_on_every_port() {
    let service = start(ServerSettings::default()).await;
    for address in [service.main, service.http] {
        let answer = post(address, &[("content-type", PROTOBUF)], SDK).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &PROTOBUF.parse().unwrap())
        );
        assert_eq!(answer.bytes().await.unwrap(), b""[..]);
    }
    let answer = call(service.grpc, EXPORT, None, framed(SDK, false)).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    assert_eq!(answer.bytes().await.unwrap(), framed(b"", false));
    let url = format!("http://{}/api/auscult/v1/series?metric=kv_cache_usage_ratio", service.main);
    let series: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(series["series"][0]["reading"], 0.75);
    let labels = json!({"__name__": "kv_cache_usage_ratio", "host": "node-1", "instance": "chat-1", "job": "chat"});
    assert_eq!(series["series"][0]["labels"], labels);
    let own = own_metrics(service.main).await;
    for line in [
        r#"auscult_write_requests_total{protocol="otlp_http",ending="Taken"} 2"#,
        r#"auscult_write_requests_total{protocol="otlp_grpc",ending="Taken"} 1"#,
    ] {
        assert!(own.contains(line), "{line} in {own}");
    }
}

#[tokio::test]
async fn points_that_cannot_be_are_counted_to_their_sender() {
    let service = start(ServerSettings::default()).await;
    let body = gauge(
        &json!([{"timeUnixNano": "1700000000000000000", "asDouble": 310.0}, {"asDouble": 1}]),
    );
    let answer = post(service.http, &[("content-type", JSON)], body).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &JSON.parse().unwrap())
    );
    let partial = json!({"rejectedDataPoints": "1", "errorMessage": "a point without a time, metric `gpu.power`"});
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"partialSuccess": partial}));
    // A gauge `x` with an empty point.
    let message = b"\x0a\x0b\x12\x09\x12\x07\x0a\x01x\x2a\x02\x0a\x00";
    let answer = call(service.grpc, EXPORT, None, framed(message, false)).await;
    let body = answer.bytes().await.unwrap();
    let reason = "a point without a time, metric `x`";
    assert!(
        body.starts_with(&framed(&[], false)[..4]) && body[5..].starts_with(b"\x0a"),
        "{body:?}"
    );
    assert!(body.ends_with(reason.as_bytes()), "{body:?}");
    let own = own_metrics(service.main).await;
    let line = r#"auscult_write_requests_total{protocol="otlp_grpc",ending="Partly"} 1"#;
    assert!(own.contains(line), "{own}");
}

#[tokio::test]
async fn what_cannot_be_taken_over_http_is_a_status() {
    let settings = ServerSettings {
        most_unpacked_bytes: 5000,
        most_request_bytes: 4000,
        ..Default::default()
    };
    let service = start(settings).await;
    let cases = [
        (vec![("content-type", JSON)], b"{".to_vec(), 400, 3),
        (vec![("content-type", JSON), ("content-encoding", "gzip")], b"{}".to_vec(), 400, 3),
        (vec![("content-type", JSON), ("content-encoding", "gzip")], ZEROS.to_vec(), 413, 8),
        (vec![("content-type", JSON)], vec![b' '; 4001], 413, 8),
        (vec![("content-type", JSON), ("content-encoding", "br")], b"{}".to_vec(), 415, 12),
        (vec![("content-type", "text/plain")], b"{}".to_vec(), 415, 12),
        (vec![], b"{}".to_vec(), 415, 12),
    ];
    let count = cases.len();
    for (headers, body, expected, code) in cases {
        let answer = post(service.http, &headers, body).await;
        assert_eq!(answer.status(), expected, "{headers:?}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["code"], code, "{headers:?}");
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{headers:?}");
    }
    let answer = post(service.main, &[("content-type", PROTOBUF)], b"\xff".to_vec()).await;
    assert_eq!(answer.status(), 400);
    let reason =
        "expected a protobuf ExportMetricsServiceRequest, which this is not, in the OTLP request";
    assert_eq!(answer.bytes().await.unwrap(), status(Encoding::Protobuf, 3, reason));
    let own = own_metrics(service.main).await;
    let line = format!(
        r#"auscult_write_requests_total{{protocol="otlp_http",ending="Refused"}} {}"#,
        count + 1
    );
    assert!(own.contains(&line), "{own}");
    let other = reqwest::Client::new().post(format!("http://{}/v1/traces", service.http));
    assert_eq!(other.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn what_cannot_be_taken_over_grpc_has_a_status() {
    let service = start(ServerSettings { most_unpacked_bytes: 5000, ..Default::default() }).await;
    let grpc = service.grpc;
    let answer = call(grpc, EXPORT, None, framed(b"\xff", false)).await;
    let (code, reason) = failure(&answer);
    assert_eq!(code, "3");
    assert!(reason.starts_with("expected%20a%20protobuf"), "{reason}");
    // Neither is worth a repetition, so neither may look like one that is.
    let answer = call(grpc, EXPORT, None, framed(&[0; 5001], false)).await;
    assert_eq!(failure(&answer).0, "8");
    let answer = call(grpc, EXPORT, Some("gzip"), framed(&ZEROS, true)).await;
    assert_eq!(failure(&answer).0, "8");
    let answer = call(grpc, EXPORT, Some("br"), framed(b"", true)).await;
    assert_eq!(failure(&answer).0, "12");
    let traces = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = call(grpc, traces, None, framed(b"", false)).await;
    assert_eq!(failure(&answer), ("12", "only%20metrics%20are%20taken%20here"));
    let own = own_metrics(service.main).await;
    let line = r#"auscult_write_requests_total{protocol="otlp_grpc",ending="Refused"} 4"#;
    assert!(own.contains(line), "{own}");
}

#[tokio::test]
async fn all_ports_close_when_the_service_stops() {
    let service = start(ServerSettings::default()).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/{EXPORT}", service.grpc);
    // The connection stays open.
    let answer =
        client.post(url).header("content-type", "application/grpc").body(framed(SDK, false));
    assert_eq!(answer.send().await.unwrap().status(), 200);
    drop(service.stop);
    let limit = std::time::Duration::from_secs(20);
    let ended = tokio::time::timeout(limit, service.running).await;
    assert!(ended.expect("it ends").expect("without a panic").is_ok());
    for address in [service.main, service.http, service.grpc] {
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "{address}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_gone_without_unless_it_was_asked_for() {
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = other.local_addr().unwrap();
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = ServerSettings { listen, ..Default::default() };
    let if_free = ServerSettings { otlp_grpc: Port::IfFree(taken), ..settings.clone() };
    assert_eq!(Server::bind(if_free).await.unwrap().otlp_grpc_address(), None);
    let at = ServerSettings { otlp_grpc: Port::At(taken), ..settings };
    let error = Server::bind(at).await.unwrap_err().to_string();
    assert!(error.ends_with("choose another with --otlp-grpc"), "{error}");
}
