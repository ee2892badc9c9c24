//! The ports that senders of OTLP expect.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{grpc, http};
use crate::access;
use crate::serve::{ServeError, Shared};
use crate::settings::{Port, ServerSettings};

/// Ports that are open and not yet answered.
#[derive(Debug)]
pub(crate) struct OtlpListeners {
    http: Option<TcpListener>,
    grpc: Option<TcpListener>,
}

impl OtlpListeners {
    /// Opens the ports. One that need not be had is told of where it cannot.
    pub(crate) async fn bind(settings: &ServerSettings) -> Result<Self, ServeError> {
        Ok(Self {
            http: open(settings.otlp_http, "--otlp-http").await?,
            grpc: open(settings.otlp_grpc, "--otlp-grpc").await?,
        })
    }

    pub(crate) fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref()?.local_addr().ok()
    }

    pub(crate) fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc.as_ref()?.local_addr().ok()
    }

    /// Answers until `stopped` says so; requests under way are answered first.
    pub(crate) fn spawn(
        self,
        shared: &Arc<Shared>,
        stopped: &watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) {
        let http = self.http.map(|listener| (listener, http::routes(shared).guarded()));
        let grpc = self.grpc.map(|listener| (listener, grpc::routes(shared).guarded()));
        for (listener, router) in http.into_iter().chain(grpc) {
            let access = Arc::clone(&shared.access);
            tasks.spawn(access::serve(listener, router, access, stopped.clone()));
        }
    }
}

async fn open(port: Port, option: &'static str) -> Result<Option<TcpListener>, ServeError> {
    let (Port::IfFree(address) | Port::At(address)) = port else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(source) if matches!(port, Port::IfFree(_)) => {
            tracing::warn!("cannot listen on {address}: {source}; going on without {option}");
            Ok(None)
        }
        Err(source) => Err(ServeError::Listen { address, source, option }),
    }
}
