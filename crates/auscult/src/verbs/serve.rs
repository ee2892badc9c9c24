//! `auscult serve`: the live service.

use std::net::SocketAddr;
use std::time::Duration;

use auscult_server::{
    AlertmanagerSettings, ScrapeSettings, Server, ServerSettings, parse_duration,
};
use clap::Args;

use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult serve`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9709")]
    listen: SocketAddr,
    /// Send incidents to this Alertmanager, such as http://127.0.0.1:9093; may be given more than once.
    #[arg(long, value_name = "URL")]
    alertmanager: Vec<String>,
    /// Scrape the metrics at this address, such as localhost:9100 or http://gpu1:9400/metrics; may be given more than once.
    #[arg(long, value_name = "URL")]
    scrape: Vec<String>,
    /// From one scrape to the next, such as 15s or 1m.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = parse_duration, requires = "scrape")]
    scrape_interval: Duration,
}

/// Serves until it is interrupted or terminated.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let mut scrapes = Vec::new();
    if !arguments.scrape.is_empty() {
        let job = ScrapeSettings::of_addresses(&arguments.scrape, arguments.scrape_interval);
        scrapes.push(job.map_err(CallError::input)?);
    }
    let settings = ServerSettings {
        listen: arguments.listen,
        scrapes,
        alertmanagers: arguments.alertmanager.iter().map(AlertmanagerSettings::new).collect(),
        ..ServerSettings::default()
    };
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    runtime.block_on(async {
        let server = Server::bind(settings).await.map_err(CallError::input)?;
        let address = server.address();
        eprintln!("auscult listens on http://{address}");
        eprintln!("  remote write  http://{address}/api/v1/write");
        eprintln!("  incidents     http://{address}/api/auscult/v1/incidents");
        eprintln!("  own metrics   http://{address}/metrics");
        let stop = interrupted().map_err(CallError::input)?;
        server.run(stop).await.map_err(CallError::input)
    })?;
    Ok(Outcome::Done)
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
