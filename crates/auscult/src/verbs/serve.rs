//! `auscult serve`: the live service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auscult_server::{
    AccessSettings, AlertmanagerSettings, DataSettings, FollowSettings, Port, PrometheusSettings,
    ScrapeSettings, Server, ServerSettings, parse_bytes, parse_duration,
};
use clap::Args;

use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult serve`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9709")]
    listen: SocketAddr,
    /// Where to take OTLP over HTTP besides, or `none` [default: 127.0.0.1:4318 if it is free].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = port)]
    otlp_http: Option<Port>,
    /// Where to take OTLP over gRPC, or `none` [default: 127.0.0.1:4317 if it is free].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = port)]
    otlp_grpc: Option<Port>,
    /// Take TLS, users and limits from this YAML file; without it everybody who reaches a port may do everything.
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,
    /// Send incidents to this Alertmanager, such as http://127.0.0.1:9093; may be given more than once.
    #[arg(long, value_name = "URL")]
    alertmanager: Vec<String>,
    /// Scrape the metrics at this address, such as localhost:9100 or http://gpu1:9400/metrics; may be given more than once.
    #[arg(long, value_name = "URL")]
    scrape: Vec<String>,
    /// From one scrape to the next, such as 15s or 1m.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = parse_duration, requires = "scrape")]
    scrape_interval: Duration,
    /// Ask this server with Prometheus's HTTP API, such as http://127.0.0.1:9090, its past first.
    #[arg(long, value_name = "URL", requires = "query")]
    prometheus: Option<String>,
    /// What to ask it in PromQL, such as '{job="vllm"}'; may be given more than once.
    #[arg(long, value_name = "PROMQL", requires = "prometheus")]
    query: Vec<String>,
    /// How much of its past to read first.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = parse_duration, requires = "prometheus")]
    history: Duration,
    /// From one evaluation of the queries to the next; as the interval at which that server scrapes, or longer.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = parse_duration, requires = "prometheus")]
    step: Duration,
    /// How long after a moment to ask for it: 30s for VictoriaMetrics, which shows samples so late.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = parse_duration, requires = "prometheus")]
    lag: Duration,
    /// Read this CSV or JSON Lines file as it grows; may be given more than once.
    #[arg(long, value_name = "FILE")]
    follow: Vec<PathBuf>,
    /// Column of followed files whose cells are labels, such as rank; may be given more than once.
    #[arg(long, value_name = "COLUMN", requires = "follow")]
    follow_label: Vec<String>,
    /// Column of followed files that says when; found by name and cells where none is given.
    #[arg(long, value_name = "COLUMN", requires = "follow")]
    follow_time: Option<String>,
    /// Keep samples, incidents and what was learnt in this folder; `none` keeps all in memory.
    #[arg(long, value_name = "DIR", default_value = "auscult-data")]
    data: PathBuf,
    /// Drop samples that are older, such as 12h, 30d or 8w.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    retention: Duration,
    /// Drop the oldest samples when all take more, such as 500MB or 10GB.
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    retention_bytes: Option<u64>,
    /// Write down what was learnt so often; a restart feeds the samples since again.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    checkpoint_every: Duration,
}

impl Arguments {
    fn data(&self) -> Option<DataSettings> {
        (self.data.as_os_str() != "none").then(|| DataSettings {
            keep_for: Some(self.retention),
            most_bytes: self.retention_bytes,
            checkpoint_every: self.checkpoint_every,
            ..DataSettings::new(&self.data)
        })
    }

    fn settings(&self) -> Result<ServerSettings, String> {
        let mut scrapes = Vec::new();
        if !self.scrape.is_empty() {
            scrapes.push(ScrapeSettings::of_addresses(&self.scrape, self.scrape_interval)?);
        }
        let prometheuses = self.prometheus.iter().map(|url| PrometheusSettings {
            history: self.history,
            step: self.step,
            lag: self.lag,
            ..PrometheusSettings::new(url, self.query.clone())
        });
        let files = self.follow.iter().map(|path| FollowSettings {
            labels: self.follow_label.clone(),
            time: self.follow_time.clone(),
            ..FollowSettings::new(path)
        });
        let access = self.access.as_deref().map(AccessSettings::of_file).transpose()?;
        Ok(ServerSettings {
            access: access.unwrap_or_default(),
            listen: self.listen,
            otlp_http: self.otlp_http.unwrap_or(usual(4318)),
            otlp_grpc: self.otlp_grpc.unwrap_or(usual(4317)),
            data: self.data(),
            scrapes,
            prometheuses: prometheuses.collect(),
            files: files.collect(),
            alertmanagers: self.alertmanager.iter().map(AlertmanagerSettings::new).collect(),
            ..ServerSettings::default()
        })
    }
}

/// Serves until it is interrupted or terminated.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let settings = arguments.settings().map_err(CallError::input)?;
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    runtime.block_on(async {
        let server = Server::bind(settings).await.map_err(CallError::input)?;
        let (scheme, address) = (server.scheme(), server.address());
        eprintln!("auscult listens on {scheme}://{address}");
        eprintln!("  remote write  {scheme}://{address}/api/v1/write");
        eprintln!("  OTLP, HTTP    {scheme}://{address}/v1/metrics");
        if let Some(address) = server.otlp_http_address() {
            eprintln!("                {scheme}://{address}/v1/metrics");
        }
        if let Some(address) = server.otlp_grpc_address() {
            eprintln!("  OTLP, gRPC    {scheme}://{address}");
        }
        eprintln!("  incidents     {scheme}://{address}/api/auscult/v1/incidents");
        eprintln!("  own metrics   {scheme}://{address}/metrics");
        let stop = interrupted().map_err(CallError::input)?;
        server.run(stop).await.map_err(CallError::input)
    })?;
    Ok(Outcome::Done)
}

/// A port that was asked for must be had.
fn port(text: &str) -> Result<Port, String> {
    match text {
        "none" => Ok(Port::Off),
        _ => text
            .parse()
            .map(Port::At)
            .map_err(|_| "expected an address such as 127.0.0.1:4318, or none".to_owned()),
    }
}

/// Another program, such as a collector, may have the ports that OTLP goes to by default.
fn usual(port: u16) -> Port {
    Port::IfFree(SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Done once the process is asked to end.
fn interrupted() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
