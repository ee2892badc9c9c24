//! The service as a whole: what it starts, and in which order it stops.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_engine::{Engine, EngineSettings};
use auscult_store::StoreError;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::access::{self, Access};
use crate::clock::{self, Jumps};
use crate::diagnosis::Diagnoses;
use crate::handbook::{self, InUse};
use crate::otlp::OtlpListeners;
use crate::own_metrics::OwnMetrics;
use crate::query::Queries;
use crate::recovery::LookedAt;
use crate::reload::{Reloader, Request, SettingsSource};
use crate::settings::ServerSettings;
use crate::storage::{self, Decisions, Events, Storage};
use crate::supervisor::{Plan, Supervisor};
use crate::{http, sources};

/// What requests and background tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    /// What guards it.
    pub(crate) access: Arc<Access>,
    /// What outlives the process; `None` where everything is kept in memory.
    pub(crate) storage: Option<Storage>,
    pub(crate) settings: ServerSettings,
    pub(crate) metrics: OwnMetrics,
    pub(crate) queries: Queries,
    pub(crate) decisions: Decisions,
    pub(crate) events: Events,
    /// What incidents are diagnosed by.
    pub(crate) handbook: InUse,
    pub(crate) diagnoses: Diagnoses,
    pub(crate) looked_at: LookedAt,
    /// What the configuration says of the engine, without what people accepted besides.
    configured: Mutex<EngineSettings>,
    /// Why the configuration could not be applied when it was read last, if it could not.
    pub(crate) refused_configuration: Mutex<Option<String>>,
    pub(crate) started: Timestamp,
    /// Whether the past of all sources has been read.
    warm: AtomicBool,
    /// Of the clock, between ticks.
    jumps: Jumps,
    /// Whether the service as a whole ends, not only a part of it.
    pub(crate) is_stopping: AtomicBool,
}

impl Shared {
    /// Whether the past of all sources has been read. Until then nothing new may come in:
    /// the engine goes by the time of the past.
    pub(crate) fn is_warm(&self) -> bool {
        self.warm.load(Ordering::Acquire)
    }

    /// What the configuration says of the engine.
    pub(crate) fn configured(&self) -> MutexGuard<'_, EngineSettings> {
        self.configured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to the time of day.
    fn tick(&self) {
        let now = clock::now();
        if let Some(jump) = self.jumps.tick(now) {
            self.metrics.clock_jumps.inc();
            let seconds = jump / 1_000_000_000;
            tracing::warn!(
                "the time of day jumped by {seconds} s: the clock was set, or the service could not run; what is silent is found out anew"
            );
            self.engine.clock_jumped(now);
        }
        self.engine.tick(now);
        self.note();
    }
}

/// A service that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    otlp: OtlpListeners,
    shared: Arc<Shared>,
    source: Option<Box<dyn SettingsSource>>,
    reloader: Reloader,
    requests: mpsc::Receiver<Request>,
}

/// Why the service cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum ServeError {
    /// Another program has the port, or it is not ours to take.
    #[error("cannot listen on {address}: {source}; choose another with {option}")]
    Listen { address: SocketAddr, source: std::io::Error, option: &'static str },
    /// An address that is none.
    #[error(
        "`{url}` is no address of an Alertmanager: {reason}; expected one such as http://127.0.0.1:9093"
    )]
    Alertmanager { url: String, reason: String },
    /// Settings of a receiver that cannot be. Its address is not shown.
    #[error("receiver `{name}` cannot be told of incidents: {reason}")]
    Receiver { name: String, reason: String },
    /// Settings of a job to scrape that cannot be.
    #[error("job `{job}` cannot be scraped: {reason}")]
    Scrape { job: String, reason: String },
    /// Settings of a server to ask that cannot be.
    #[error("`{url}` cannot be asked: {reason}")]
    Prometheus { url: String, reason: String },
    /// Users, limits or files of TLS that cannot be.
    #[error("access: {0}")]
    Access(String),
    /// A folder of knowledge that is wrong.
    #[error("diagnosis: {0}")]
    Diagnosis(String),
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
const STORAGE_JOBS: [Job; 4] = [
    (Duration::from_secs(1), Shared::sync),
    (Duration::from_secs(5), Shared::maintain),
    (Duration::from_secs(10), Shared::look_for_causes),
    (Duration::from_secs(10), Shared::look_for_recoveries),
];

impl Server {
    /// Opens the ports and goes on from what is stored.
    ///
    /// # Errors
    ///
    /// [`ServeError::Listen`] when one cannot be had, [`ServeError::Store`] when another
    /// service has the folder, or a newer release wrote what is in it.
    pub async fn bind(mut settings: ServerSettings) -> Result<Self, ServeError> {
        let diagnosis = settings.diagnosis.clone();
        let handbook = tokio::task::spawn_blocking(move || diagnosis.open()).await;
        let handbook = handbook.map_err(std::io::Error::other)?.map_err(ServeError::Diagnosis)?;
        settings.engine = handbook::knowing(settings.engine, &handbook);
        let address = settings.listen;
        let refuse = |source| ServeError::Listen { address, source, option: "--listen" };
        let listener = TcpListener::bind(address).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let otlp = OtlpListeners::bind(&settings).await?;
        let (access, most) = (settings.access.clone(), settings.most_request_bytes);
        let access = Access::open(access, most, settings.most_unpacked_bytes);
        let access = Arc::new(access.map_err(ServeError::Access)?);
        let ports = [Some(address), otlp.http_address(), otlp.grpc_address()];
        access.warn(ports.into_iter().flatten());
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
        let book = storage::book(storage.as_ref())?;
        let warm = AtomicBool::new(settings.prometheuses.is_empty() && settings.files.is_empty());
        let (metrics, is_stopping) = (OwnMetrics::default(), AtomicBool::new(false));
        metrics.note_applied();
        let queries = Queries::new(&settings.query);
        let jumps = Jumps::new(tick);
        let shared = Arc::new(Shared {
            engine,
            access,
            decisions: Decisions::new(Arc::clone(&book))?,
            events: Events::new(book, storage.as_ref())?,
            handbook: InUse::new(handbook),
            diagnoses: Diagnoses::default(),
            looked_at: LookedAt::default(),
            configured: Mutex::new(settings.engine.clone()),
            storage,
            settings,
            metrics,
            queries,
            refused_configuration: Mutex::default(),
            started: clock::now(),
            warm,
            jumps,
            is_stopping,
        });
        let noting = Arc::clone(&shared);
        let noted = tokio::task::spawn_blocking(move || noting.note_policies()).await;
        noted.map_err(std::io::Error::other)?;
        let (reloader, requests) = mpsc::channel(1);
        let reloader = Reloader(reloader);
        Ok(Self { listener, address, otlp, shared, source: None, reloader, requests })
    }

    /// Reads its settings again from `source` when they change there, when `/-/reload` is
    /// posted, and when [`Server::reloader`] is told to.
    #[must_use]
    pub fn reloading(mut self, source: impl SettingsSource) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Has settings read again.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Where it listens; the port is known even if any was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https` if it speaks TLS, else `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.shared.access.scheme()
    }

    /// Where it takes OTLP over HTTP, besides [`Server::address`].
    #[must_use]
    pub fn otlp_http_address(&self) -> Option<SocketAddr> {
        self.otlp.http_address()
    }

    /// Where it takes OTLP over gRPC.
    #[must_use]
    pub fn otlp_grpc_address(&self) -> Option<SocketAddr> {
        self.otlp.grpc_address()
    }

    /// What its requests share.
    #[cfg(test)]
    pub(crate) fn into_shared(self) -> (Arc<Shared>, Reloader) {
        (self.shared, self.reloader)
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
        let external = format!("{}://{}", self.scheme(), self.address);
        let supervisor = Supervisor::new(Arc::clone(&self.shared), external);
        let plan = supervisor.plan(&self.shared.settings)?;
        let app = http::routes(&self.shared, self.reloader.clone(), stopped.clone()).guarded();
        let background = Background {
            shared: Arc::clone(&self.shared),
            otlp: self.otlp,
            supervisor,
            source: self.source,
            requests: self.requests,
        };
        let background = tokio::spawn(background.run(plan, stopped.clone()));
        let access = Arc::clone(&self.shared.access);
        let files = tokio::spawn(Arc::clone(&access).follow_files(stopped.clone()));
        let served = access::serve(self.listener, app, access, stopped);
        let stop = async move {
            stop.await;
            stopping.send_replace(true);
            // What is under way goes on.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = served => {}
            () = stop => {}
        }
        // A panic in it is reported by the runtime.
        drop(files.await);
        // A panic in it is reported by the runtime.
        drop(background.await);
        // A panic in it is reported by the runtime; the log has what it would have written.
        let shared = self.shared;
        drop(tokio::task::spawn_blocking(move || shared.close()).await);
        Ok(())
    }
}

/// Everything that goes on by itself.
struct Background {
    shared: Arc<Shared>,
    otlp: OtlpListeners,
    supervisor: Supervisor,
    source: Option<Box<dyn SettingsSource>>,
    requests: mpsc::Receiver<Request>,
}

impl Background {
    /// The past of all sources first, then all the rest at once, until `stopped`.
    async fn run(self, mut plan: Plan, mut stopped: watch::Receiver<bool>) {
        let Self { shared, otlp, mut supervisor, source, requests } = self;
        let mut tasks = JoinSet::new();
        for (every, job) in STORAGE_JOBS {
            tasks.spawn(repeat(every, job, Arc::clone(&shared), stopped.clone()));
        }
        if !sources::warm_up(&shared, plan.sources().collect(), &mut stopped).await {
            return;
        }
        shared.warm.store(true, Ordering::Release);
        otlp.spawn(&shared, &stopped, &mut tasks);
        supervisor.apply(plan, true).await;
        tasks.spawn(supervisor.run(source, requests, stopped.clone()));
        tasks.spawn(repeat(shared.settings.tick, Shared::tick, Arc::clone(&shared), stopped));
        while tasks.join_next().await.is_some() {}
    }
}

/// Does `job` again and again, `every` so often, until `stopped`.
async fn repeat(
    every: Duration,
    job: fn(&Shared),
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = interval.tick() => {
                let shared = Arc::clone(&shared);
                // A panic is reported by the runtime and must not end the others.
                drop(tokio::task::spawn_blocking(move || job(&shared)).await);
            }
            _ = stopped.changed() => return,
        }
    }
}
