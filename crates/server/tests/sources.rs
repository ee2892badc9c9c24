//! Sources with a past: it is judged before anything new is taken.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_server::{FollowSettings, PrometheusSettings, ServerSettings};
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;

use crate::support::{own_metrics, series, start, until};

/// What a server answers to `query_range`, by the number of the request and its parameters.
type Answers = dyn Fn(usize, &HashMap<String, String>) -> (u16, String) + Send + Sync;

/// A server with Prometheus's HTTP API, and the parameters of all that was asked of it.
async fn server(answers: Arc<Answers>) -> (SocketAddr, Arc<Mutex<Vec<HashMap<String, String>>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<HashMap<String, String>>>> = Arc::default();
    let (log, count) = (Arc::clone(&asked), Arc::new(AtomicUsize::new(0)));
    let range = move |Query(query): Query<HashMap<String, String>>| {
        let (status, body) = answers(count.fetch_add(1, Ordering::Relaxed), &query);
        log.lock().unwrap().push(query);
        async move { (StatusCode::from_u16(status).unwrap(), body) }
    };
    let metadata = r#"{"status":"success","data":{"tokens":[{"type":"counter"}]}}"#;
    let app = Router::new()
        .route("/api/v1/query_range", get(range))
        .route("/api/v1/metadata", get(move || async move { metadata }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, asked)
}

/// One series of metric `tokens`, which grows by 2 a second, over the range that is asked for.
fn growing(query: &HashMap<String, String>) -> String {
    let number = |name: &str| query[name].parse::<f64>().unwrap();
    let (start, end, step) = (number("start"), number("end"), number("step"));
    let count = ((end - start) / step) as usize + 1;
    let values: Vec<String> = (0..count)
        .map(|place| start + place as f64 * step)
        .map(|time| format!("[{time},\"{}\"]", 2.0 * time))
        .collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"__name__":"tokens","job":"llm"}},"values":[{}]}}]}}}}"#,
        values.join(",")
    )
}

fn asking(address: SocketAddr, history: u64) -> ServerSettings {
    let queries = vec!["tokens".to_owned()];
    let settings = PrometheusSettings {
        history: Duration::from_secs(history),
        step: Duration::from_secs(1),
        ..PrometheusSettings::new(format!("http://{address}/"), queries)
    };
    ServerSettings { prometheuses: vec![settings], ..Default::default() }
}

async fn warm(address: SocketAddr) {
    until("readiness", || async {
        let ready = reqwest::get(format!("http://{address}/-/ready")).await.unwrap();
        (ready.status() == 200).then_some(())
    })
    .await;
}

async fn judged(address: SocketAddr) -> u64 {
    let own = own_metrics(address).await;
    let line = own.lines().find(|line| line.contains("outcome=\"judged\"")).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_past_is_read_oldest_first_and_goes_on_without_a_gap() {
    let (server, asked) = server(Arc::new(|_, query| (200, growing(query)))).await;
    let (address, _stop) = start(asking(server, 1000)).await;
    warm(address).await;
    assert!(judged(address).await >= 1000);
    let reading = series(address, "metric=tokens").await;
    assert_eq!(reading, ["tokens{job=\"llm\"} 2.0"], "the metadata says that it is a counter");
    let then = judged(address).await;
    until("what is new", || async { (judged(address).await > then).then_some(()) }).await;
    let asked = asked.lock().unwrap().clone();
    let time = |query: &HashMap<String, String>, name: &str| query[name].parse::<f64>().unwrap();
    assert!(asked.len() > 5, "in pieces");
    for (before, after) in asked.iter().zip(asked.iter().skip(1)) {
        assert_eq!(time(before, "end") + 1.0, time(after, "start"));
    }
    let own = own_metrics(address).await;
    assert!(own.contains("auscult_samples_total{outcome=\"duplicate\"} 0\n"), "{own}");
    assert!(own.contains("auscult_samples_total{outcome=\"late\"} 0\n"), "{own}");
}

#[tokio::test]
async fn nothing_new_is_taken_before_the_past_is_read() {
    let gate = Arc::new(AtomicUsize::new(0));
    let open = Arc::clone(&gate);
    let (server, _) = server(Arc::new(move |_, query| {
        if open.load(Ordering::Relaxed) == 0 {
            return (503, "starting".to_owned());
        }
        (200, growing(query))
    }))
    .await;
    let (address, _stop) = start(asking(server, 10)).await;
    let ready = reqwest::get(format!("http://{address}/-/ready")).await.unwrap();
    assert_eq!(ready.status(), 503);
    let write = reqwest::Client::new().post(format!("http://{address}/api/v1/write"));
    let answer = write.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"] == "5"), (503, true));
    gate.store(1, Ordering::Relaxed);
    warm(address).await;
    assert!(judged(address).await >= 10, "the attempt was repeated");
}

#[tokio::test]
async fn a_query_that_cannot_be_ends_the_past_and_is_counted() {
    let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    let (server, _) = server(Arc::new(move |_, _| (400, error.to_owned()))).await;
    let (address, _stop) = start(asking(server, 1000)).await;
    warm(address).await;
    let line =
        format!("auscult_source_reads_total{{source=\"http://{server}/\",outcome=\"status\"}}");
    assert!(own_metrics(address).await.contains(&line));
}

#[tokio::test]
async fn pieces_that_are_too_large_are_asked_for_in_halves() {
    let (server, asked) = server(Arc::new(|_, query| {
        let number = |name: &str| query[name].parse::<f64>().unwrap();
        if number("end") - number("start") > 50.0 {
            return (422, r#"{"error":"query processing would load too many samples"}"#.to_owned());
        }
        (200, growing(query))
    }))
    .await;
    let (address, _stop) = start(asking(server, 500)).await;
    warm(address).await;
    assert!(judged(address).await >= 500);
    assert!(asked.lock().unwrap().len() > 10);
}

#[tokio::test]
async fn sources_that_cannot_be_are_refused_before_the_service_runs() {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let refused = |settings: PrometheusSettings| async move {
        let prometheuses = vec![settings];
        let settings = ServerSettings { listen, prometheuses, ..Default::default() };
        let server = auscult_server::Server::bind(settings).await.unwrap();
        server.run(std::future::pending()).await.unwrap_err().to_string()
    };
    let none = refused(PrometheusSettings::new("http://a:1", vec![])).await;
    assert!(none.starts_with("`http://a:1` cannot be asked: it has no queries"), "{none}");
    let scheme = refused(PrometheusSettings::new("ftp://a:1", vec!["up".to_owned()])).await;
    assert!(scheme.ends_with("scheme `ftp` is not spoken: expected http or https"), "{scheme}");
}

#[tokio::test]
async fn a_file_is_read_from_its_start_and_followed() {
    let path = std::env::temp_dir().join(format!("auscult-follow-{}.csv", std::process::id()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut text = "time,rank,loss\n".to_owned();
    for second in 0..600 {
        for rank in 0..2 {
            text.push_str(&format!("{},{rank},{}\n", now - 600 + second, 3.0 + f64::from(rank)));
        }
    }
    std::fs::write(&path, &text).unwrap();
    let labels = vec!["rank".to_owned()];
    let file = FollowSettings { labels, ..FollowSettings::new(&path) };
    let (address, _stop) = start(ServerSettings { files: vec![file], ..Default::default() }).await;
    warm(address).await;
    assert_eq!(judged(address).await, 1200);
    std::fs::write(&path, format!("{text}{now},0,9.5\n")).unwrap();
    let instance = path.display();
    let expected = [
        format!("loss{{instance=\"{instance}\",job=\"file\",rank=\"0\"}} 9.5"),
        format!("loss{{instance=\"{instance}\",job=\"file\",rank=\"1\"}} 4.0"),
    ];
    until("the new line", || async {
        (series(address, "metric=loss").await == expected).then_some(())
    })
    .await;
    std::fs::remove_file(&path).unwrap();
}

#[derive(Debug)]
struct Given(Arc<Mutex<ServerSettings>>);

impl auscult_server::SettingsSource for Given {
    fn has_changed(&self) -> bool {
        false
    }

    fn read(&mut self) -> Result<ServerSettings, String> {
        Ok(self.0.lock().unwrap().clone())
    }
}

#[tokio::test]
async fn a_source_that_a_reload_adds_gets_its_past_while_the_others_go_on() {
    let (server, asked) = server(Arc::new(|_, query| (200, growing(query)))).await;
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let before = ServerSettings { listen, ..ServerSettings::default() };
    let given = Arc::new(Mutex::new(before.clone()));
    let service = auscult_server::Server::bind(before).await.unwrap();
    let service = service.reloading(Given(Arc::clone(&given)));
    let (address, reloader) = (service.address(), service.reloader());
    let (_stop, stopped) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(service.run(async move { drop(stopped.await) }));
    warm(address).await;
    let prometheuses = asking(server, 1000).prometheuses;
    *given.lock().unwrap() = ServerSettings { listen, prometheuses, ..ServerSettings::default() };
    assert_eq!(reloader.reload().await, Ok(()));
    until("the past", || async {
        (!series(address, "metric=tokens").await.is_empty()).then_some(())
    })
    .await;
    // It was learnt, past its warm-up, and none of it again as something late.
    let page = reqwest::get(format!("http://{address}/api/auscult/v1/series?metric=tokens"));
    let page: serde_json::Value = page.await.unwrap().json().await.unwrap();
    assert!(page["series"][0]["expected"].is_number(), "{page}");
    let first = asked.lock().unwrap()[0]["start"].parse::<f64>().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(now - first >= 999.0, "{first}");
    until("what is new", || async { (judged(address).await > 2).then_some(()) }).await;
    let own = own_metrics(address).await;
    for outcome in ["late", "duplicate"] {
        assert!(
            own.contains(&format!("auscult_samples_total{{outcome=\"{outcome}\"}} 0\n")),
            "{own}"
        );
    }
}
