//! `auscult serve`: the live service.

use std::net::SocketAddr;

use auscult_server::{AlertmanagerSettings, Port, Server, ServerSettings};
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
    /// Send incidents to this Alertmanager, such as http://127.0.0.1:9093; may be given more than once.
    #[arg(long, value_name = "URL")]
    alertmanager: Vec<String>,
}

/// Serves until it is interrupted or terminated.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let settings = ServerSettings {
        listen: arguments.listen,
        otlp_http: arguments.otlp_http.unwrap_or(usual(4318)),
        otlp_grpc: arguments.otlp_grpc.unwrap_or(usual(4317)),
        alertmanagers: arguments.alertmanager.iter().map(AlertmanagerSettings::new).collect(),
        ..ServerSettings::default()
    };
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    runtime.block_on(async {
        let server = Server::bind(settings).await.map_err(CallError::input)?;
        let address = server.address();
        eprintln!("auscult listens on http://{address}");
        eprintln!("  remote write  http://{address}/api/v1/write");
        eprintln!("  OTLP, HTTP    http://{address}/v1/metrics");
        if let Some(address) = server.otlp_http_address() {
            eprintln!("                http://{address}/v1/metrics");
        }
        if let Some(address) = server.otlp_grpc_address() {
            eprintln!("  OTLP, gRPC    http://{address}");
        }
        eprintln!("  incidents     http://{address}/api/auscult/v1/incidents");
        eprintln!("  own metrics   http://{address}/metrics");
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
