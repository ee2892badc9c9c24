//! Exporters are scraped; what they say becomes series, and so does how it went.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auscult_server::{ScrapeSettings, ServerSettings};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{own_metrics, series, start, until};

/// What an exporter answers.
#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    content_type: &'static str,
    gzip: bool,
    body: Vec<u8>,
    /// How long it thinks.
    after: Duration,
}

impl Answer {
    fn text(body: &str) -> Self {
        let (status, content_type) = (200, "text/plain; version=0.0.4");
        let after = Duration::ZERO;
        Self { status, content_type, gzip: false, body: body.into(), after }
    }
}

/// An exporter whose answer can be changed.
#[derive(Debug, Clone)]
struct Exporter {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    /// `Accept` of the last request.
    accept: Arc<Mutex<String>>,
}

impl Exporter {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let exporter =
            Self { address, answer: Arc::new(Mutex::new(answer)), accept: Arc::default() };
        let serving = exporter.clone();
        let page = move |headers: HeaderMap| {
            let answer = serving.answer.lock().unwrap().clone();
            let accept = headers["accept"].to_str().unwrap().to_owned();
            *serving.accept.lock().unwrap() = accept;
            async move {
                tokio::time::sleep(answer.after).await;
                let mut headers = HeaderMap::new();
                headers.insert("content-type", answer.content_type.parse().unwrap());
                if answer.gzip {
                    headers.insert("content-encoding", "gzip".parse().unwrap());
                }
                (StatusCode::from_u16(answer.status).unwrap(), headers, answer.body)
            }
        };
        let app = Router::new().route("/metrics", get(page));
        tokio::spawn(async move { axum::serve(listener, app).await });
        exporter
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// A job that scrapes it, with more `settings` in YAML.
    fn job(&self, settings: &str) -> ScrapeSettings {
        let yaml = format!(
            "{{job_name: llm, scrape_interval: 50ms, scrape_timeout: 40ms, static_configs: [{{targets: ['{}']}}], {settings}}}",
            self.address
        );
        serde_saphyr::from_str(&yaml).unwrap()
    }
}

fn scraping(job: ScrapeSettings) -> ServerSettings {
    ServerSettings { scrapes: vec![job], ..Default::default() }
}

/// Waits until the own metrics have `line`, with a count above 0.
async fn counted(address: SocketAddr, line: &str) {
    until(line, || async {
        let own = own_metrics(address).await;
        own.lines().any(|other| other.starts_with(line) && !other.ends_with(" 0")).then_some(())
    })
    .await;
}

/// Waits until the series that `query` selects are `expected`, without their `instance`.
async fn seen(address: SocketAddr, exporter: &Exporter, query: &str, expected: &[&str]) {
    let instance = format!("instance=\"{}\",", exporter.address);
    until(&format!("{expected:?}"), || async {
        let series = series(address, query).await;
        let series: Vec<String> = series.iter().map(|one| one.replace(&instance, "")).collect();
        (series == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_page_becomes_series_and_so_does_how_it_went() {
    let exporter =
        Exporter::start(Answer::text("# TYPE power gauge\npower{gpu=\"0\"} 310\ngone 1\n")).await;
    let (address, _stop) = start(scraping(exporter.job("honor_labels: false"))).await;
    seen(address, &exporter, "metric=power", &["power{gpu=\"0\",job=\"llm\"} 310.0"]).await;
    seen(address, &exporter, "metric=up", &["up{job=\"llm\"} 1.0"]).await;
    let scraped = "scrape_samples_scraped";
    seen(
        address,
        &exporter,
        &format!("metric={scraped}"),
        &[&format!("{scraped}{{job=\"llm\"}} 2.0")],
    )
    .await;
    exporter.answers(Answer::text("power{gpu=\"0\"} 300\n"));
    seen(address, &exporter, "metric=gone", &["gone{job=\"llm\"} ended"]).await;
    assert!(exporter.accept.lock().unwrap().starts_with("application/openmetrics-text"));
    counted(address, "auscult_scrapes_total{job=\"llm\",outcome=\"ok\"}").await;
    counted(address, "auscult_scrape_targets{job=\"llm\"} 1").await;
}

#[tokio::test]
async fn every_way_to_fail_is_counted_and_the_target_is_down() {
    let good = Answer::text("power 310\n");
    let exporter = Exporter::start(good.clone()).await;
    let job = exporter.job("body_size_limit: 1KB, sample_limit: 2");
    let (address, _stop) = start(scraping(job)).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all("# much of the same\n".repeat(1000).as_bytes()).unwrap();
    let bomb = Answer { gzip: true, body: gzip.finish().unwrap(), ..good.clone() };
    let failures = [
        ("status", Answer { status: 503, ..good.clone() }),
        ("malformed", Answer::text("power 310\n<html>\n")),
        ("body_size_limit", Answer::text(&"# long\n".repeat(200))),
        ("body_size_limit", bomb),
        ("sample_limit", Answer::text("a 1\nb 2\nc 3\n")),
        ("timeout", Answer { after: Duration::from_secs(30), ..good.clone() }),
        ("malformed", Answer { content_type: "application/openmetrics-text", ..good.clone() }),
    ];
    for (outcome, answer) in failures {
        exporter.answers(good.clone());
        seen(address, &exporter, "metric=power", &["power{job=\"llm\"} 310.0"]).await;
        seen(address, &exporter, "metric=up", &["up{job=\"llm\"} 1.0"]).await;
        exporter.answers(answer);
        counted(address, &format!("auscult_scrapes_total{{job=\"llm\",outcome=\"{outcome}\"}}"))
            .await;
        seen(address, &exporter, "metric=up", &["up{job=\"llm\"} 0.0"]).await;
        seen(address, &exporter, "metric=power", &["power{job=\"llm\"} ended"]).await;
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_a_target_that_is_down() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let job = ScrapeSettings::of_addresses(&[free.to_string()], Duration::from_millis(50)).unwrap();
    let (address, _stop) = start(scraping(job)).await;
    counted(address, "auscult_scrapes_total{job=\"scrape\",outcome=\"unreachable\"}").await;
    until("up", || async {
        let up = series(address, "metric=up").await;
        (up == [format!("up{{instance=\"{free}\",job=\"scrape\"}} 0.0")]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn compressed_open_metrics_are_read_and_the_service_can_watch_itself() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"# TYPE tokens counter\ntokens_total 5\n# EOF\n").unwrap();
    let answer = Answer {
        content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
        gzip: true,
        body: gzip.finish().unwrap(),
        ..Answer::text("")
    };
    let exporter = Exporter::start(answer).await;
    let (address, _stop) = start(scraping(exporter.job("honor_timestamps: false"))).await;
    // A counter that stands still has the rate 0.
    seen(address, &exporter, "metric=tokens_total", &["tokens_total{job=\"llm\"} 0.0"]).await;
    let itself = ScrapeSettings::of_addresses(&[address.to_string()], Duration::from_millis(50));
    let (watcher, _stop) = start(scraping(itself.unwrap())).await;
    until("series of another service", || async {
        let series = series(watcher, "metric=auscult_series").await;
        (series.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn targets_of_files_come_and_go() {
    let exporter = Exporter::start(Answer::text("power 310\n")).await;
    let folder = std::env::temp_dir().join(format!("auscult-scrape-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("targets.json");
    let yaml = format!(
        "{{job_name: llm, scrape_interval: 50ms, file_sd_configs: [{{files: ['{}']}}]}}",
        file.display()
    );
    let target =
        format!("[{{\"targets\": [\"{}\"], \"labels\": {{\"rack\": \"7\"}}}}]", exporter.address);
    std::fs::write(&file, target).unwrap();
    let (address, _stop) = start(scraping(serde_saphyr::from_str(&yaml).unwrap())).await;
    seen(address, &exporter, "metric=power", &["power{job=\"llm\",rack=\"7\"} 310.0"]).await;
    std::fs::write(&file, "[]").unwrap();
    seen(address, &exporter, "metric=power", &["power{job=\"llm\",rack=\"7\"} ended"]).await;
    seen(address, &exporter, "metric=up", &["up{job=\"llm\",rack=\"7\"} ended"]).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn jobs_that_cannot_be_are_refused_before_the_service_runs() {
    let refused = |yaml: &str| {
        let job: ScrapeSettings = serde_saphyr::from_str(yaml).unwrap();
        async move {
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            let settings = ServerSettings { listen, ..scraping(job) };
            let server = auscult_server::Server::bind(settings).await.unwrap();
            server.run(std::future::pending()).await.unwrap_err().to_string()
        }
    };
    assert_eq!(refused("{}").await, "job `` cannot be scraped: it has no job_name");
    let rule = "{job_name: a, relabel_configs: [{action: hashmod, target_label: b}]}";
    assert_eq!(
        refused(rule).await,
        "job `a` cannot be scraped: action HashMod needs a modulus above 0"
    );
    let target = "{job_name: a, static_configs: [{targets: ['http://b']}]}";
    assert_eq!(
        refused(target).await,
        "job `a` cannot be scraped: target `http://b`: `http://b` is no address: expected host:port"
    );
}
