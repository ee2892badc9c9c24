//! `auscult serve`: the live service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auscult_server::{
    AlertmanagerSettings, ConfigFile, Configuration, FollowSettings, Port, PrometheusSettings,
    Reloader, ScrapeSettings, Secret, Server, ServerSettings, SettingsSource, SlackSettings,
    WebhookSettings, parse_bytes, parse_duration,
};
use clap::Args;

use crate::arenas;
use crate::http::parse_address;
use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult serve`. What is given here goes before what the configuration says.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Read what to do from this file; `auscult check` says whether it is right. It is read again when it changes, and at SIGHUP.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:9709].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address)]
    listen: Option<SocketAddr>,
    /// Where to take OTLP over HTTP besides, or `none` [default: 127.0.0.1:4318 if it is free].
    #[arg(long, value_name = "ADDRESS:PORT")]
    otlp_http: Option<Port>,
    /// Where to take OTLP over gRPC, or `none` [default: 127.0.0.1:4317 if it is free].
    #[arg(long, value_name = "ADDRESS:PORT")]
    otlp_grpc: Option<Port>,
    /// Send incidents to this Alertmanager, such as http://127.0.0.1:9093; may be given more than once.
    #[arg(long, value_name = "URL")]
    alertmanager: Vec<String>,
    /// Send incidents to this address as JSON; may be given more than once. Other users of the machine see it: an address with a token belongs into the configuration.
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,
    /// Send incidents to the channel of Slack, Mattermost or Rocket.Chat whose incoming webhook stands in this file; may be given more than once.
    #[arg(long, value_name = "URL-FILE")]
    slack: Vec<PathBuf>,
    /// Where people reach this service, for links in messages [default: http:// and where it listens].
    #[arg(long, value_name = "URL")]
    external_url: Option<String>,
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
    /// Keep samples, incidents and what was learnt in this folder; `none` keeps all in memory [default: auscult-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Drop samples that are older, such as 12h, 30d or 8w [default: 30d].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    retention: Option<Duration>,
    /// Drop the oldest samples when all take more, such as 500MB or 10GB.
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    retention_bytes: Option<u64>,
    /// Write down what was learnt so often; a restart feeds the samples since again [default: 5m].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    checkpoint_every: Option<Duration>,
}

/// Puts `given`, if it was, in the place of what holds without it.
fn set<T: Clone>(place: &mut T, given: &Option<T>) {
    if let Some(given) = given {
        place.clone_from(given);
    }
}

impl Arguments {
    /// What the file and the arguments say together.
    fn settings(&self, mut file: Configuration) -> Result<ServerSettings, String> {
        set(&mut file.server.listen, &self.listen);
        set(&mut file.server.otlp_http, &self.otlp_http);
        set(&mut file.server.otlp_grpc, &self.otlp_grpc);
        set(&mut file.server.external_url, &self.external_url.clone().map(Some));
        set(&mut file.storage.folder, &self.data);
        set(&mut file.storage.retention, &self.retention);
        set(&mut file.storage.retention_size, &self.retention_bytes.map(Some));
        set(&mut file.storage.checkpoint_every, &self.checkpoint_every);
        if !self.scrape.is_empty() {
            file.scrape_configs
                .push(ScrapeSettings::of_addresses(&self.scrape, self.scrape_interval)?);
        }
        file.prometheus_sources.extend(self.prometheus.iter().map(|url| PrometheusSettings {
            history: self.history,
            step: self.step,
            lag: self.lag,
            ..PrometheusSettings::new(url, self.query.clone())
        }));
        file.followed_files.extend(self.follow.iter().map(|path| FollowSettings {
            labels: self.follow_label.clone(),
            time: self.follow_time.clone(),
            ..FollowSettings::new(path)
        }));
        let receivers = self.alertmanager.iter().map(AlertmanagerSettings::new);
        file.delivery.alertmanagers.extend(receivers);
        let webhooks = self.webhook.iter().map(|url| WebhookSettings::new(Secret::new(url)));
        file.delivery.webhooks.extend(webhooks);
        file.delivery.slack.extend(self.slack.iter().map(|file| SlackSettings {
            url_file: Some(file.clone()),
            ..SlackSettings::default()
        }));
        Ok(file.settings())
    }
}

/// A configuration file together with the arguments of the call.
#[derive(Debug)]
struct FileAndArguments {
    file: ConfigFile,
    arguments: Arguments,
}

impl SettingsSource for FileAndArguments {
    fn has_changed(&self) -> bool {
        self.file.has_changed()
    }

    fn read(&mut self) -> Result<ServerSettings, String> {
        let configuration = self.file.read().map_err(|error| error.to_string())?;
        self.arguments.settings(configuration)
    }
}

/// Serves until it is interrupted or terminated.
pub(crate) fn run(arguments: Arguments) -> Result<Outcome, CallError> {
    arenas::bound();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let (settings, source) = match arguments.config.clone() {
        None => (arguments.settings(Configuration::default()).map_err(CallError::input)?, None),
        Some(path) => {
            let mut source = FileAndArguments { file: ConfigFile::new(path), arguments };
            (source.read().map_err(CallError::input)?, Some(source))
        }
    };
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    runtime.block_on(async {
        let mut server = Server::bind(settings).await.map_err(CallError::input)?;
        if let Some(source) = source {
            server = server.reloading(source);
            hang_ups(server.reloader()).map_err(CallError::input)?;
        }
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
        eprintln!("  Grafana       {scheme}://{address} as a Prometheus data source");
        eprintln!("  incidents     {scheme}://{address}/api/auscult/v1/incidents");
        eprintln!("  own metrics   {scheme}://{address}/metrics");
        let stop = interrupted().map_err(CallError::input)?;
        server.run(stop).await.map_err(CallError::input)
    })?;
    Ok(Outcome::Done)
}

/// Reads the configuration again whenever the process is told to by SIGHUP.
fn hang_ups(reloader: Reloader) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            // What came of it is in the log and on /metrics.
            let _ = reloader.reload().await;
        }
    });
    Ok(())
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
