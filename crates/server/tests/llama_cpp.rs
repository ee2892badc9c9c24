//! A real language-model server, llama.cpp's, under load and in trouble. It is the one that
//! `examples/llama-cpp/install.sh` makes; without it the test says so and passes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auscult_engine::{EngineSettings, Policy};
use auscult_knowledge::{Knowledge, Known};
use auscult_server::{ScrapeSettings, ServerSettings};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Peer, json, start, until};

/// Requests that the server works on at a time.
const SLOTS: usize = 2;
/// Requests that wait beyond which the policy of this test calls it an incident.
const MOST_WAITING: usize = 6;

/// The program and its model.
fn installed() -> Option<(PathBuf, PathBuf)> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let folder = std::env::var_os("AUSCULT_LLAMA_CPP")
        .map_or_else(|| cache.map(|cache| cache.join("auscult/llama-cpp")), |at| Some(at.into()))?;
    Some((folder.join("llama-server"), folder.join("tiny.gguf")))
}

/// The server, at `address` if one is told.
async fn llama(address: Option<SocketAddr>) -> Option<Peer> {
    let (program, model) = installed()?;
    let program = program.to_str()?;
    Peer::start_at(address, program, "/health", |address, _| {
        let mut arguments: Vec<String> =
            ["--metrics", "--offline", "-t", "1", "-c", "32768"].map(str::to_owned).into();
        let told = [
            ("--model", model.display().to_string()),
            ("--host", address.ip().to_string()),
            ("--port", address.port().to_string()),
            ("--parallel", SLOTS.to_string()),
            // With few, requests wait outside and are not counted, and pages of metrics wait behind them.
            ("--threads-http", "64".to_owned()),
        ];
        arguments.extend(told.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        arguments
    })
    .await
}

/// Clients that ask one after the other, each as soon as it was answered; all end when dropped.
struct Load {
    answered: Arc<AtomicUsize>,
    _clients: JoinSet<()>,
}

impl Load {
    fn start(address: SocketAddr, clients: usize, tokens: usize) -> Self {
        let answered = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for client in 0..clients {
            let answered = Arc::clone(&answered);
            tasks.spawn(async move {
                let http = reqwest::Client::new();
                let body = json!({
                    "prompt": format!("client {client} asks"),
                    "n_predict": tokens,
                    "ignore_eos": true,
                    "cache_prompt": false,
                });
                loop {
                    let request = http.post(format!("http://{address}/completion")).json(&body);
                    let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                    let is_answered = match answer {
                        Ok(answer) => answer.bytes().await.is_ok(),
                        Err(_) => false,
                    };
                    // Only what succeeds counts; a server that is gone is asked again.
                    if is_answered {
                        answered.fetch_add(1, Ordering::Relaxed);
                    } else {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            });
        }
        Self { answered, _clients: tasks }
    }

    /// Waits until `more` requests were answered.
    async fn answers(&self, more: usize) {
        let wanted = self.answered.load(Ordering::Relaxed) + more;
        until("answers", || async {
            (self.answered.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    }
}

/// Names of metrics on a page that the adapter does not know, and of those that it does.
fn names(page: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let knowledge = Knowledge::embedded();
    let lines = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let metrics = lines.filter_map(|line| line.split(['{', ' ']).next());
    metrics.partition(|metric| {
        let adapter = match knowledge.look_up(metric) {
            Some(Known::Signal { adapter, .. } | Known::Ignored { adapter, .. }) => adapter,
            None => return true,
        };
        adapter.adapter != "llama-cpp"
    })
}

/// The service under test, and what it says of the server at `peer`.
struct Watch {
    service: SocketAddr,
    peer: SocketAddr,
}

impl Watch {
    /// What a series reads now, if it is there and goes on.
    async fn reading(&self, metric: &str) -> Option<f64> {
        let url = format!("http://{}/api/auscult/v1/series?metric={metric}", self.service);
        let page = json(url).await;
        let series = page["series"].as_array()?.first()?.clone();
        (series["ended"] != Value::Bool(true)).then(|| series["reading"].as_f64()).flatten()
    }

    /// Waits until `metric` reads what `is_so` wants.
    async fn reads(&self, metric: &str, is_so: impl Fn(f64) -> bool) {
        until(metric, || async { self.reading(metric).await.filter(|now| is_so(*now)).map(drop) })
            .await;
    }

    async fn incidents(&self, state: &str) -> Vec<Value> {
        let url = format!("http://{}/api/auscult/v1/incidents?state={state}", self.service);
        json(url).await["incidents"].as_array().unwrap().clone()
    }

    /// Waits for an open incident with this metric among its members; it is of this server only.
    async fn told(&self, metric: &str) -> Value {
        let incident = until(&format!("an incident of {metric}"), || async {
            let open = self.incidents("open").await;
            open.into_iter().find(|incident| {
                let members = incident["members"].as_array().unwrap();
                members.iter().any(|member| member["series"]["__name__"] == metric)
            })
        })
        .await;
        let target = json!({"job": "llama", "instance": self.peer.to_string()});
        assert_eq!(incident["targets"], json!([target]), "{incident}");
        incident
    }

    /// Waits until nothing is an incident any more.
    async fn recovered(&self) {
        until("recovery", || async { self.incidents("open").await.is_empty().then_some(()) }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_llama_cpp_server_is_watched_through_load_and_faults() {
    let Some(server) = llama(None).await else { return };
    let peer = server.address;

    let page = reqwest::get(format!("http://{peer}/metrics")).await.unwrap().text().await.unwrap();
    let (unknown, known) = names(&page);
    assert!(unknown.is_empty(), "the adapter does not know {unknown:?}");
    assert!(known.len() >= 15, "{known:?}");

    let job = format!(
        "{{job_name: llama, scrape_interval: 1s, static_configs: [{{targets: ['{peer}']}}]}}"
    );
    let most = MOST_WAITING as f64;
    let policies: Vec<Policy> = serde_json::from_value(json!([
        {"match": "llamacpp:requests_deferred", "valid_range": {"high": most}}
    ]))
    .unwrap();
    let quiet_after = Duration::from_secs(2);
    let engine = EngineSettings { policies, quiet_after, ..EngineSettings::default() };
    let scrapes: Vec<ScrapeSettings> = vec![serde_saphyr::from_str(&job).unwrap()];
    let tick = Duration::from_millis(200);
    let settings = ServerSettings { engine, scrapes, tick, ..ServerSettings::default() };
    let (service, _stop) = start(settings).await;
    let watch = Watch { service, peer };

    // Light: fewer clients than slots. Work is seen, and nothing is wrong.
    let light = Load::start(peer, 1, 16);
    light.answers(3).await;
    watch.reads("llamacpp:tokens_predicted_total", |rate| rate > 0.0).await;
    watch.reads("up", |up| up == 1.0).await;
    assert_eq!(watch.incidents("open").await, Vec::<Value>::new());

    // Saturated: more clients than slots, so that some wait; still within the policy.
    let busy = Load::start(peer, SLOTS + 1, 64);
    watch.reads("llamacpp:requests_processing", |running| running == SLOTS as f64).await;
    watch.reads("llamacpp:requests_deferred", |waiting| waiting > 0.0).await;
    assert_eq!(watch.incidents("open").await, Vec::<Value>::new());
    drop(busy);

    // Slots exhausted: a queue longer than the policy bears.
    let flood = Load::start(peer, SLOTS + 2 * MOST_WAITING, 256);
    let incident = watch.told("llamacpp:requests_deferred").await;
    let members = incident["members"].as_array().unwrap();
    assert!(members.iter().all(|member| member["reading"].as_f64() > Some(most)), "{incident}");
    drop(flood);
    watch.reads("llamacpp:requests_deferred", |waiting| waiting <= most).await;
    watch.recovered().await;

    // Stopped, as when a process hangs: the port takes connections, and nothing is answered.
    server.signal("STOP");
    watch.told("up").await;
    server.signal("CONT");
    light.answers(1).await;
    watch.recovered().await;

    // Killed, and started again where it was.
    drop(server);
    watch.told("up").await;
    let server = llama(Some(peer)).await.unwrap();
    light.answers(1).await;
    watch.recovered().await;
    drop(server);
}
