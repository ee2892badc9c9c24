//! The service as a whole: what it starts, and in which order it stops.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use auscult_engine::Engine;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::delivery::Alertmanager;
use crate::own_metrics::OwnMetrics;
use crate::settings::ServerSettings;
use crate::{clock, http, scrape};

/// What requests and background tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) settings: ServerSettings,
    pub(crate) metrics: OwnMetrics,
}

/// A service that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Why the service cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum ServeError {
    /// Another program has the port, or it is not ours to take.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen { address: SocketAddr, source: std::io::Error },
    /// An address that is none.
    #[error(
        "`{url}` is no address of an Alertmanager: {reason}; expected one such as http://127.0.0.1:9093"
    )]
    Alertmanager { url: String, reason: String },
    /// Settings of a job to scrape that cannot be.
    #[error("job `{job}` cannot be scraped: {reason}")]
    Scrape { job: String, reason: String },
    /// The listening socket failed.
    #[error("the service had to stop: {0}")]
    Stopped(#[from] std::io::Error),
}

impl Server {
    /// Opens the port.
    ///
    /// # Errors
    ///
    /// [`ServeError::Listen`] when it cannot be had.
    pub async fn bind(settings: ServerSettings) -> Result<Self, ServeError> {
        let address = settings.listen;
        let refuse = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let engine = Engine::new(settings.engine.clone());
        let shared = Shared { engine, settings, metrics: OwnMetrics::default() };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// Where it listens; the port is known even if any was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done. Requests under way are answered first.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when a receiver's address is none or the socket fails.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let (stopping, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for job in scrape::jobs(&self.shared.settings.scrapes)? {
            tasks.spawn(job.run(Arc::clone(&self.shared), stopped.clone()));
        }
        for receiver in self.shared.settings.alertmanagers.clone() {
            let external = format!("http://{}", self.address);
            let alertmanager = Alertmanager::new(receiver, &external)?;
            let (shared, stopped) = (Arc::clone(&self.shared), stopped.clone());
            tasks.spawn(async move { alertmanager.run(&shared, stopped).await });
        }
        let (shared, mut ticks) = (Arc::clone(&self.shared), stopped.clone());
        tasks.spawn(async move {
            let mut interval = tokio::time::interval(shared.settings.tick);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                tokio::select! {
                    _ = interval.tick() => {
                        let shared = Arc::clone(&shared);
                        let tick = move || shared.engine.tick(clock::now());
                        // A panic in a tick is reported by the runtime and must not end the others.
                        drop(tokio::task::spawn_blocking(tick).await);
                    }
                    _ = ticks.changed() => break,
                }
            }
        });
        let app = http::router(Arc::clone(&self.shared), stopped.clone());
        let served = axum::serve(self.listener, app)
            .with_graceful_shutdown(async move {
                stop.await;
                stopping.send_replace(true);
            })
            .await;
        while tasks.join_next().await.is_some() {}
        Ok(served?)
    }
}
