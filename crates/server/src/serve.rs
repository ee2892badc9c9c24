//! The service as a whole: what it starts, and in which order it stops.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auscult_engine::Engine;
use auscult_store::StoreError;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::delivery::Alertmanager;
use crate::own_metrics::OwnMetrics;
use crate::settings::ServerSettings;
use crate::storage::Storage;
use crate::{clock, http};

/// What requests and background tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    /// What outlives the process; `None` where everything is kept in memory.
    pub(crate) storage: Option<Storage>,
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
    /// The folder for data cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listening socket failed.
    #[error("the service had to stop: {0}")]
    Stopped(#[from] std::io::Error),
}

/// How often something is done, and what.
type Job = (Duration, fn(&Shared));
/// What is done with what is stored.
const STORAGE_JOBS: [Job; 2] =
    [(Duration::from_secs(1), Shared::sync), (Duration::from_secs(5), Shared::maintain)];

impl Server {
    /// Opens the port and goes on from what is stored.
    ///
    /// # Errors
    ///
    /// [`ServeError::Listen`] when the port cannot be had, [`ServeError::Store`] when another
    /// service has the folder, or a newer release wrote what is in it.
    pub async fn bind(settings: ServerSettings) -> Result<Self, ServeError> {
        let address = settings.listen;
        let refuse = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let (wanted, data) = (settings.engine.clone(), settings.data.clone());
        let tick = settings.tick;
        let open = move || match data {
            None => Ok((Engine::new(wanted), None)),
            Some(data) => {
                Storage::open(data, wanted, tick).map(|(storage, engine)| (engine, Some(storage)))
            }
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let (engine, storage) = opened.map_err(std::io::Error::other)??;
        let shared = Shared { engine, storage, settings, metrics: OwnMetrics::default() };
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
                        let tick = move || {
                            shared.engine.tick(clock::now());
                            shared.note();
                        };
                        // A panic in a tick is reported by the runtime and must not end the others.
                        drop(tokio::task::spawn_blocking(tick).await);
                    }
                    _ = ticks.changed() => break,
                }
            }
        });
        for (every, job) in STORAGE_JOBS {
            let (shared, mut ended) = (Arc::clone(&self.shared), stopped.clone());
            tasks.spawn(async move {
                let mut interval = tokio::time::interval(every);
                interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
                loop {
                    tokio::select! {
                        _ = interval.tick() => {
                            let shared = Arc::clone(&shared);
                            drop(tokio::task::spawn_blocking(move || job(&shared)).await);
                        }
                        _ = ended.changed() => break,
                    }
                }
            });
        }
        let shared = Arc::clone(&self.shared);
        let app = http::router(Arc::clone(&self.shared), stopped.clone());
        let served = axum::serve(self.listener, app)
            .with_graceful_shutdown(async move {
                stop.await;
                stopping.send_replace(true);
            })
            .await;
        while tasks.join_next().await.is_some() {}
        // A panic in it is reported by the runtime; the log has what it would have written.
        drop(tokio::task::spawn_blocking(move || shared.close()).await);
        Ok(served?)
    }
}
