//! Receivers on loopback, which fail in their ways, are told of an incident and of its end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auscult_engine::EngineSettings;
use auscult_server::{
    AuthorizationSettings, DataSettings, DeliverySettings, Event, HttpClientSettings, Secret,
    Server, ServerSettings, SlackSettings, WebhookSettings,
};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::alertmanager::send_up;
use crate::support::{own_metrics, start, until};

/// A request as it came, and what it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    at: Instant,
    headers: HeaderMap,
    body: Vec<u8>,
    pub(crate) status: u16,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn key(&self) -> &str {
        self.headers["idempotency-key"].to_str().unwrap()
    }

    fn event(&self) -> String {
        self.json()["event"].as_str().unwrap().to_owned()
    }
}

/// A receiver, which answers its n-th request as told.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    pub(crate) async fn start(
        answer: impl Fn(usize) -> (u16, &'static str) + Clone + Send + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::listen(listener, answer)
    }

    /// On a port that is there already.
    pub(crate) fn listen(
        listener: tokio::net::TcpListener,
        answer: impl Fn(usize) -> (u16, &'static str) + Clone + Send + 'static,
    ) -> Self {
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let answer = Arc::new(Mutex::new(answer));
        let kept = Arc::clone(&got);
        let take = move |headers: HeaderMap, body: Bytes| {
            let (got, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            async move {
                let mut got = got.lock().unwrap();
                let (status, retry_after) = answer.lock().unwrap()(got.len());
                got.push(Got { at: Instant::now(), headers, body: body.to_vec(), status });
                let mut answer = StatusCode::from_u16(status).unwrap().into_response();
                if !retry_after.is_empty() {
                    answer.headers_mut().insert("retry-after", retry_after.parse().unwrap());
                }
                answer
            }
        };
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, got }
    }

    pub(crate) fn url(&self) -> Secret {
        Secret::new(format!("http://{}/hush", self.address))
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The events that were taken.
    fn taken(&self) -> Vec<String> {
        self.got().iter().filter(|got| got.status == 200).map(Got::event).collect()
    }
}

/// A webhook that is told of everything at once and tried again soon.
pub(crate) fn webhook(name: &str, url: Secret) -> WebhookSettings {
    WebhookSettings {
        name: Some(name.to_owned()),
        min_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(20),
        ..WebhookSettings::new(url)
    }
}

pub(crate) fn settings(webhooks: Vec<WebhookSettings>) -> ServerSettings {
    ServerSettings {
        engine: EngineSettings {
            quiet_after: Duration::from_millis(500),
            ..EngineSettings::default()
        },
        tick: Duration::from_millis(100),
        delivery: DeliverySettings { webhooks, ..Default::default() },
        ..ServerSettings::default()
    }
}

pub(crate) fn hundred_seconds_ago() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - 100
}

/// A replica that stops answering.
pub(crate) async fn fall(address: SocketAddr, begin: i64) {
    for (seconds, up) in [(0, 1.0), (15, 0.0), (30, 0.0), (45, 0.0)] {
        send_up(address, begin, seconds, up).await;
    }
}

pub(crate) async fn until_taken(receiver: &Receiver, expected: &[&str]) {
    until("messages", || async {
        let taken = receiver.taken();
        assert!(taken.len() <= expected.len(), "{taken:?}");
        (taken == expected).then_some(())
    })
    .await;
}

pub(crate) async fn until_shown(address: SocketAddr, line: &str) {
    until(line, || async {
        own_metrics(address).await.lines().any(|other| other == line).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_state_is_taken_once_and_in_order_after_failures() {
    let receiver = Receiver::start(|number| if number < 5 { (503, "") } else { (200, "") }).await;
    let (address, _stop) = start(settings(vec![webhook("pager", receiver.url())])).await;
    let begin = hundred_seconds_ago();
    fall(address, begin).await;
    until("a first attempt", || async { (!receiver.got().is_empty()).then_some(()) }).await;
    send_up(address, begin, 60, 1.0).await;
    until_taken(&receiver, &["opened", "recovered"]).await;
    until_shown(address, r#"auscult_notifications_sent_total{receiver="pager"} 2"#).await;
    until_shown(address, r#"auscult_notification_failures_total{receiver="pager"} 5"#).await;
    until_shown(address, r#"auscult_notifications_waiting{receiver="pager"} 0"#).await;
    let got = receiver.got();
    assert_eq!(got.len(), 7);
    let opened = got.iter().find(|got| got.status == 200).unwrap();
    // The key is the same for all attempts at one state, and another for the next.
    for other in &got {
        assert_eq!(other.key() == opened.key(), other.event() == "opened");
        assert_eq!(other.headers["webhook-id"], other.headers["idempotency-key"]);
    }
    let body = opened.json();
    assert_eq!(body["version"], 1);
    assert_eq!(body["incident"]["labels"]["instance"], "replica-3:8000");
    assert_eq!(body["incident"]["members"][0]["series"]["__name__"], "up");
    let url = body["incident"]["url"].as_str().unwrap();
    assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_holds_up_nobody() {
    // It takes connections and never answers.
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = Secret::new(format!("http://{}/hush", dead.local_addr().unwrap()));
    let alive = Receiver::start(|_| (200, "")).await;
    let webhooks = vec![webhook("dead", dead), webhook("alive", alive.url())];
    let (address, _stop) = start(settings(webhooks)).await;
    let begin = hundred_seconds_ago();
    fall(address, begin).await;
    until_taken(&alive, &["opened"]).await;
    send_up(address, begin, 60, 1.0).await;
    until_taken(&alive, &["opened", "recovered"]).await;
    until_shown(address, r#"auscult_notifications_waiting{receiver="dead"} 2"#).await;
    let own = own_metrics(address).await;
    let oldest = r#"auscult_notifications_oldest_waiting_seconds{receiver="dead"} "#;
    let line = own.lines().find_map(|line| line.strip_prefix(oldest)).unwrap();
    assert!(line.parse::<f64>().unwrap() > 0.0, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_get_better_is_given_up_and_counted() {
    let receiver = Receiver::start(|_| (400, "")).await;
    let other = Receiver::start(|_| (200, "")).await;
    let webhooks = vec![webhook("strict", receiver.url()), webhook("other", other.url())];
    let (address, _stop) = start(settings(webhooks)).await;
    let begin = hundred_seconds_ago();
    fall(address, begin).await;
    until_shown(address, r#"auscult_notifications_given_up_total{receiver="strict"} 1"#).await;
    send_up(address, begin, 60, 1.0).await;
    until_taken(&other, &["opened", "recovered"]).await;
    // It was not asked again, and of an incident that it does not know, the end is no news.
    assert_eq!(receiver.got().len(), 1);
    until_shown(address, r#"auscult_notifications_waiting{receiver="strict"} 0"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_time_gets_it() {
    let receiver = Receiver::start(|number| if number == 0 { (429, "1") } else { (200, "") }).await;
    let (address, _stop) = start(settings(vec![webhook("busy", receiver.url())])).await;
    fall(address, hundred_seconds_ago()).await;
    until_taken(&receiver, &["opened"]).await;
    let got = receiver.got();
    assert!(got[1].at - got[0].at >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_signed_and_carries_what_was_asked_for() {
    let receiver = Receiver::start(|_| (200, "")).await;
    let folder = folder("signed");
    std::fs::write(folder.join("token"), "t0ken\n").unwrap();
    let key = b"0123456789abcdef0123456789abcdef";
    let webhook = WebhookSettings {
        secret: Some(Secret::new(format!("whsec_{}", BASE64_STANDARD.encode(key)))),
        http: HttpClientSettings {
            authorization: Some(AuthorizationSettings {
                credentials_file: Some(folder.join("token")),
                ..AuthorizationSettings::default()
            }),
            ..HttpClientSettings::default()
        },
        headers: BTreeMap::from([("X-Team".to_owned(), Secret::new("gpu"))]),
        events: vec![Event::Opened],
        ..webhook("signed", receiver.url())
    };
    let (address, _stop) = start(settings(vec![webhook])).await;
    fall(address, hundred_seconds_ago()).await;
    until_taken(&receiver, &["opened"]).await;
    let got = receiver.got().remove(0);
    let header = |name: &str| got.headers[name].to_str().unwrap();
    assert_eq!((header("authorization"), header("x-team")), ("Bearer t0ken", "gpu"));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&got.body);
    let signature = header("webhook-signature").strip_prefix("v1,").unwrap();
    mac.verify_slice(&BASE64_STANDARD.decode(signature).unwrap()).unwrap();
    let sent: i64 = header("webhook-timestamp").parse().unwrap();
    assert!((sent - hundred_seconds_ago() - 100).abs() < 60, "{sent}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_told_for_people_and_its_address_is_shown_nowhere() {
    let receiver = Receiver::start(|_| (200, "")).await;
    let folder = folder("slack");
    std::fs::write(folder.join("url"), format!("{}\n", receiver.url().reveal())).unwrap();
    let slack = SlackSettings { url_file: Some(folder.join("url")), ..SlackSettings::default() };
    let settings = ServerSettings {
        delivery: DeliverySettings { slack: vec![slack], ..Default::default() },
        ..settings(Vec::new())
    };
    let (address, _stop) = start(settings).await;
    fall(address, hundred_seconds_ago()).await;
    let got = until("a message", || async { receiver.got().into_iter().next() }).await;
    let text = got.json()["text"].as_str().unwrap().to_owned();
    let expected = ":red_circle: replica-3:8000 (job llm): up: the target does not answer";
    assert_eq!(text, expected);
    let sent =
        format!("auscult_notifications_sent_total{{receiver=\"slack-{}\"}} 1", receiver.address);
    until_shown(address, &sent).await;
    assert!(!own_metrics(address).await.contains("hush"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn two_receivers_of_one_name_and_an_address_that_is_none_are_refused() {
    let run = |webhooks| async {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = ServerSettings { listen, ..settings(webhooks) };
        let server = Server::bind(settings).await.unwrap();
        server.run(std::future::ready(())).await.unwrap_err().to_string()
    };
    let one = || webhook("pager", Secret::new("http://localhost/hush"));
    let error = run(vec![one(), one()]).await;
    assert!(error.contains("`webhooks[1].name`") && error.contains("is called `pager`"), "{error}");
    let error = run(vec![webhook("pager", Secret::new("hush"))]).await;
    assert!(error.contains("`webhooks[0]`") && !error.contains("hush"), "{error}");
}

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("auscult-delivery-{name}-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&path));
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A service in a runtime of its own, which can be ended without a chance to close anything.
struct Doomed {
    runtime: tokio::runtime::Runtime,
    address: SocketAddr,
}

impl Doomed {
    fn start(settings: ServerSettings) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = ServerSettings { listen, ..settings };
        let server = runtime.block_on(Server::bind(settings)).unwrap();
        let address = server.address();
        runtime.spawn(server.run(std::future::pending()));
        Self { runtime, address }
    }

    /// Drops all tasks where they are.
    fn end(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(20));
    }
}

#[test]
fn what_was_told_is_not_told_again_after_a_restart_and_what_waited_is() {
    let folder = folder("restart");
    let receivers = tokio::runtime::Runtime::new().unwrap();
    let well = receivers.block_on(Receiver::start(|_| (200, "")));
    let is_up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_really_up = Arc::clone(&is_up);
    let ill = receivers.block_on(Receiver::start(move |_| {
        let is_up = is_really_up.load(std::sync::atomic::Ordering::SeqCst);
        (if is_up { 200 } else { 503 }, "")
    }));
    let settings = || ServerSettings {
        data: Some(DataSettings::new(&folder)),
        ..settings(vec![webhook("well", well.url()), webhook("ill", ill.url())])
    };
    let begin = hundred_seconds_ago();

    let first = Doomed::start(settings());
    receivers.block_on(async {
        fall(first.address, begin).await;
        until_taken(&well, &["opened"]).await;
        until_shown(first.address, r#"auscult_notifications_sent_total{receiver="well"} 1"#).await;
        until("an attempt", || async { (!ill.got().is_empty()).then_some(()) }).await;
    });
    first.end();
    let key = ill.got()[0].key().to_owned();

    is_up.store(true, std::sync::atomic::Ordering::SeqCst);
    let second = Doomed::start(settings());
    receivers.block_on(async {
        until_taken(&ill, &["opened"]).await;
        send_up(second.address, begin, 60, 1.0).await;
        until_taken(&ill, &["opened", "recovered"]).await;
        until_taken(&well, &["opened", "recovered"]).await;
        for name in ["well", "ill"] {
            let line = format!("auscult_notifications_waiting{{receiver=\"{name}\"}} 0");
            until_shown(second.address, &line).await;
        }
    });
    assert!(ill.got().iter().all(|got| (got.key() == key) == (got.event() == "opened")));
    second.end();

    // Nothing is left to tell; another incident is told with another key.
    let third = Doomed::start(settings());
    receivers.block_on(async {
        for seconds in [65, 70, 75, 80] {
            let up = f64::from(u8::from(seconds == 65));
            send_up(third.address, begin, seconds, up).await;
        }
        let all = ["opened", "recovered", "reopened"];
        until_taken(&well, &all).await;
        until_taken(&ill, &all).await;
    });
    third.end();
    let mut keys: Vec<String> = well.got().iter().map(|got| got.key().to_owned()).collect();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    std::fs::remove_dir_all(folder).unwrap();
}
