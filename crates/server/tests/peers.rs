//! Real peers: Prometheus, node-exporter and VictoriaMetrics, as Debian packages them. A test whose
//! programs are not there says so and passes.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_server::{PrometheusSettings, ScrapeSettings, ServerSettings};
use auscult_telemetry::metrics::{Point, remote_write};

use crate::support::{Peer, json, own_metrics, series, start, until};

impl Peer {
    pub(crate) async fn prometheus(configuration: &str) -> Option<Self> {
        Self::start("prometheus", "/-/ready", |address, folder| {
            let file = format!("{folder}/prometheus.yml");
            std::fs::write(&file, configuration).unwrap();
            vec![
                format!("--config.file={file}"),
                format!("--web.listen-address={address}"),
                format!("--storage.tsdb.path={folder}/data"),
                "--web.enable-remote-write-receiver".to_owned(),
            ]
        })
        .await
    }
}

/// Half an hour of three series, a sample in 15 s, up to a minute ago: its end in seconds.
async fn fill(address: SocketAddr) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let end = (i64::try_from(now).unwrap() - 60) / 15 * 15;
    let all: Vec<Labels> = ["0", "1", "2"]
        .map(|gpu| Labels::from_pairs([("__name__", "power_watts"), ("gpu", gpu)]).unwrap())
        .into();
    let points: Vec<Point> = (0..120)
        .map(|place| Point {
            time: Timestamp::from_seconds(end - 15 * (119 - place)),
            value: 300.0 + (place % 7) as f64,
        })
        .collect();
    let body = remote_write::write(all.iter().map(|labels| (labels.as_ref(), points.as_slice())));
    let request = reqwest::Client::new().post(format!("http://{address}/api/v1/write"));
    let request = request.header("content-encoding", "snappy");
    let request = request.header("content-type", "application/x-protobuf");
    let answer = request.body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    end
}

/// The past of the server at `address` is judged.
async fn past_is_judged(peer: SocketAddr) {
    let end = fill(peer).await;
    let query = format!("http://{peer}/api/v1/query?query=count(power_watts)&time={end}");
    until("samples to show up", || async {
        let answer = json(query.clone()).await;
        (answer["data"]["result"][0]["value"][1] == "3").then_some(())
    })
    .await;
    let queries = vec!["{__name__=\"power_watts\"}".to_owned()];
    let history = Duration::from_secs(1800 + 60);
    let settings = PrometheusSettings {
        history,
        ..PrometheusSettings::new(format!("http://{peer}"), queries)
    };
    let settings = ServerSettings { prometheuses: vec![settings], ..Default::default() };
    let (address, _stop) = start(settings).await;
    until("readiness", || async {
        let ready = reqwest::get(format!("http://{address}/-/ready")).await.unwrap();
        (ready.status() == 200).then_some(())
    })
    .await;
    let series = series(address, "metric=power_watts").await;
    assert_eq!(series.len(), 3, "{series:?}");
    let own = own_metrics(address).await;
    let line = own.lines().find(|line| line.contains("outcome=\"judged\"")).unwrap();
    let judged: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    // 120 samples each, but what the first moments miss, and repetitions at the end.
    assert!((350..=400).contains(&judged), "{own}");
}

#[tokio::test]
async fn the_past_of_prometheus_is_judged() {
    if let Some(peer) = Peer::prometheus("global: {scrape_interval: 15s}\n").await {
        past_is_judged(peer.address).await;
    }
}

#[tokio::test]
async fn the_past_of_victoria_metrics_is_judged() {
    let peer = Peer::start("victoria-metrics", "/health", |address, folder| {
        vec![
            format!("-httpListenAddr={address}"),
            format!("-storageDataPath={folder}"),
            "-retentionPeriod=1".to_owned(),
            "-search.latencyOffset=0s".to_owned(),
        ]
    });
    if let Some(peer) = peer.await {
        past_is_judged(peer.address).await;
    }
}

#[tokio::test]
async fn prometheus_and_we_find_the_same_series_in_the_same_pages() {
    let exporter = Peer::start("prometheus-node-exporter", "/metrics", |address, _| {
        let quiet = ["--collector.disable-defaults", "--collector.cpu", "--collector.meminfo"];
        let mut arguments = vec![format!("--web.listen-address={address}")];
        arguments.extend(quiet.map(str::to_owned));
        arguments
    });
    let Some(exporter) = exporter.await else { return };
    let job = format!(
        "{{job_name: node, scrape_interval: 1s, static_configs: [{{targets: ['{}'], labels: {{rack: '7'}}}}],
          metric_relabel_configs: [{{source_labels: [__name__], regex: 'go_.*', action: drop}}]}}",
        exporter.address
    );
    let Some(prometheus) = Peer::prometheus(&format!("scrape_configs: [{job}]\n")).await else {
        return;
    };
    let scrapes: Vec<ScrapeSettings> = vec![serde_saphyr::from_str(&job).unwrap()];
    let (address, _stop) = start(ServerSettings { scrapes, ..Default::default() }).await;
    let query = format!("http://{}/api/v1/query?query=%7Bjob%3D%22node%22%7D", prometheus.address);
    until("the same series", || async {
        let theirs = json(query.clone()).await;
        let mut theirs: Vec<String> = theirs["data"]["result"]
            .as_array()?
            .iter()
            .map(|one| serde_json::from_value::<Labels>(one["metric"].clone()).unwrap().to_string())
            // What is no measurement is not judged, and not shown.
            .filter(|labels| !labels.contains("_info{"))
            .collect();
        theirs.sort();
        let ours = series(address, "labels=job=node&limit=1000").await;
        let mut ours: Vec<String> =
            ours.iter().map(|one| one.rsplit_once(' ').unwrap().0.to_owned()).collect();
        ours.sort();
        (theirs.len() > 60 && theirs == ours).then_some(())
    })
    .await;
}
