//! `auscult serve`: the live service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auscult_server::{AlertmanagerSettings, DataSettings, Server, ServerSettings};
use clap::Args;

use super::amounts;
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
    /// Keep samples, incidents and what was learnt in this folder; `none` keeps all in memory.
    #[arg(long, value_name = "DIR", default_value = "auscult-data")]
    data: PathBuf,
    /// Drop samples that are older, such as 12h, 30d or 8w.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = amounts::duration)]
    retention: Duration,
    /// Drop the oldest samples when all take more, such as 500MB or 10GB.
    #[arg(long, value_name = "BYTES", value_parser = amounts::bytes)]
    retention_bytes: Option<u64>,
    /// Write down what was learnt so often; a restart feeds the samples since again.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = amounts::duration)]
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
}

/// Serves until it is interrupted or terminated.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let settings = ServerSettings {
        listen: arguments.listen,
        data: arguments.data(),
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
