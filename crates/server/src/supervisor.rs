//! Everything that runs by itself and may change with the settings: scrapes, sources, receivers.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::delivery::Delivery;
use crate::delivery::settings::DeliverySettings;
use crate::handbook;
use crate::reload::{self, Request, SettingsSource};
use crate::scrape::{self, Job, ScrapeSettings};
use crate::serve::{ServeError, Shared};
use crate::settings::ServerSettings;
use crate::sources::{self, FollowSettings, PrometheusSettings, Source};

/// The settings of something that runs.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Scrape(Box<ScrapeSettings>),
    Prometheus(Box<PrometheusSettings>),
    File(Box<FollowSettings>),
}

/// Something that is ready to run.
enum Ready {
    Scrape(Box<Job>),
    Source(Source),
}

/// Something that runs, and how it is told to end.
struct Running {
    part: Part,
    end: watch::Sender<bool>,
}

/// Keeps running what the settings ask for.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    /// Where the service can be reached unless the settings say otherwise.
    address: String,
    running: Vec<Running>,
    tasks: JoinSet<()>,
    telling: Option<Telling>,
}

/// All who are told. They share names and what is remembered, so they change together.
struct Telling {
    who: Who,
    end: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Who is told, and the address that messages lead back to.
type Who = (DeliverySettings, String);

/// What the settings ask for, checked as a whole.
pub(crate) struct Plan {
    wanted: Vec<(Part, Option<Ready>)>,
    who: Who,
}

impl Plan {
    /// The sources whose past is to be read before they run.
    pub(crate) fn sources(&mut self) -> impl Iterator<Item = &mut Source> {
        self.wanted.iter_mut().filter_map(|(_, ready)| match ready {
            Some(Ready::Source(source)) => Some(source),
            _ => None,
        })
    }
}

impl Part {
    /// Checks it and makes it ready to run.
    fn prepare(&self) -> Result<Ready, ServeError> {
        Ok(match self {
            Self::Scrape(settings) => Ready::Scrape(Box::new(Job::of(settings)?)),
            Self::Prometheus(settings) => Ready::Source(Source::prometheus(settings)?),
            Self::File(settings) => Ready::Source(Source::file(settings)),
        })
    }
}

impl Supervisor {
    pub(crate) fn new(shared: Arc<Shared>, address: String) -> Self {
        Self { shared, address, running: Vec::new(), tasks: JoinSet::new(), telling: None }
    }

    /// Checks everything that `settings` ask for; what runs already goes on as it is.
    pub(crate) fn plan(&self, settings: &ServerSettings) -> Result<Plan, ServeError> {
        scrape::check_names(&settings.scrapes)?;
        let mut left: Vec<&Part> = self.running.iter().map(|running| &running.part).collect();
        let mut wanted = Vec::new();
        for part in parts(settings) {
            let known = left.iter().position(|running| **running == part);
            let ready = match known {
                Some(place) => {
                    left.swap_remove(place);
                    None
                }
                None => Some(part.prepare()?),
            };
            wanted.push((part, ready));
        }
        Delivery::check(&settings.delivery)?;
        let external = settings.external_url.clone().unwrap_or_else(|| self.address.clone());
        Ok(Plan { wanted, who: (settings.delivery.clone(), external) })
    }

    /// Ends what is no longer asked for, and starts what is new.
    /// The past of new sources is read first, beside everything else, unless it `is_read`.
    pub(crate) async fn apply(&mut self, plan: Plan, is_read: bool) {
        let mut kept = Vec::new();
        for (part, ready) in plan.wanted {
            match ready {
                Some(ready) => kept.push(self.start(part, ready, is_read)),
                None => {
                    let place = self.running.iter().position(|running| running.part == part);
                    kept.extend(place.map(|place| self.running.swap_remove(place)));
                }
            }
        }
        for gone in std::mem::replace(&mut self.running, kept) {
            gone.end.send_replace(true);
        }
        while self.tasks.try_join_next().is_some() {}
        if self.telling.as_ref().is_none_or(|telling| telling.who != plan.who) {
            self.tell(plan.who).await;
        }
    }

    /// Has others told, once those before have been told what they were being told.
    async fn tell(&mut self, who: Who) {
        self.stop_telling().await;
        let (shared, wanted) = (Arc::clone(&self.shared), who.clone());
        let open = move || Delivery::open(&shared, &wanted.0, &wanted.1);
        let opened = tokio::task::spawn_blocking(open).await;
        let delivery = match opened {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(error)) => return tracing::error!("nobody is told of incidents: {error}"),
            Err(error) => return tracing::error!("nobody is told of incidents: {error}"),
        };
        let (end, ended) = watch::channel(false);
        let mut tasks = JoinSet::new();
        delivery.spawn(&self.shared, &ended, &mut tasks);
        self.telling = Some(Telling { who, end, tasks });
    }

    async fn stop_telling(&mut self) {
        if let Some(mut telling) = self.telling.take() {
            telling.end.send_replace(true);
            while telling.tasks.join_next().await.is_some() {}
        }
    }

    fn start(&mut self, part: Part, ready: Ready, is_read: bool) -> Running {
        let (end, mut ended) = watch::channel(false);
        let shared = Arc::clone(&self.shared);
        match ready {
            Ready::Scrape(job) => self.tasks.spawn(job.run(shared, ended)),
            Ready::Source(mut source) => self.tasks.spawn(async move {
                if is_read || sources::catch_up(&shared, &mut source, &mut ended).await {
                    source.run(shared, ended).await;
                }
            }),
        };
        Running { part, end }
    }

    /// Reads settings again when they change or somebody asks, until `stopped`; then ends everything.
    pub(crate) async fn run(
        mut self,
        mut source: Option<Box<dyn SettingsSource>>,
        mut requests: mpsc::Receiver<Request>,
        mut stopped: watch::Receiver<bool>,
    ) {
        loop {
            let request = tokio::select! {
                request = requests.recv() => request,
                () = tokio::time::sleep(reload::LOOK), if source.is_some() => None,
                _ = stopped.changed() => break,
            };
            let is_asked = request.is_some();
            let (back, read) = read(source, is_asked).await;
            source = back;
            let Some(settings) = read else { continue };
            let outcome = match settings {
                Ok(settings) => self.reload(&settings).await,
                Err(reason) => Err(reason),
            };
            self.note(&outcome);
            if let Some(request) = request {
                // Who asked may have gone.
                let _ = request.send(outcome);
            }
        }
        self.shared.is_stopping.store(true, Ordering::Release);
        for running in &self.running {
            running.end.send_replace(true);
        }
        self.stop_telling().await;
        while self.tasks.join_next().await.is_some() {}
    }

    /// Applies `settings` as a whole or not at all.
    async fn reload(&mut self, settings: &ServerSettings) -> Result<(), String> {
        if let Some(key) = fixed_change(&self.shared.settings, settings) {
            return Err(fixed(key));
        }
        let plan = self.plan(settings).map_err(|error| error.to_string())?;
        let access = &self.shared.access;
        let users =
            access.prepare(&settings.access.users).map_err(|error| format!("access: {error}"))?;
        let diagnosis = settings.diagnosis.clone();
        let handbook = tokio::task::spawn_blocking(move || diagnosis.open()).await;
        let handbook = handbook.map_err(|error| error.to_string())?;
        let handbook = handbook.map_err(|error| format!("diagnosis: {error}"))?;
        let engine = handbook::knowing(settings.engine.clone(), &handbook);
        let engine = self.shared.reconfigure(engine);
        engine.map_err(|key| fixed(&format!("detection.{key}")))?;
        self.shared.use_handbook(handbook);
        self.shared.access.replace(users);
        self.apply(plan, false).await;
        let shared = Arc::clone(&self.shared);
        // A panic is reported by the runtime.
        drop(tokio::task::spawn_blocking(move || shared.note_policies()).await);
        Ok(())
    }

    fn note(&self, outcome: &Result<(), String>) {
        let metrics = &self.shared.metrics;
        let refused = &self.shared.refused_configuration;
        let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone_from(&outcome.as_ref().err().cloned());
        match outcome {
            Ok(()) => {
                metrics.note_applied();
                tracing::info!("the configuration was read again and holds now");
            }
            Err(reason) => {
                metrics.last_reload_ok.set(0);
                tracing::error!("the configuration cannot be applied, nothing changed: {reason}");
            }
        }
    }
}

type Settings = Option<Box<dyn SettingsSource>>;

/// Reads the settings, if they have changed or somebody asked.
async fn read(
    source: Settings,
    is_asked: bool,
) -> (Settings, Option<Result<ServerSettings, String>>) {
    let Some(mut source) = source else {
        let reason = "the service was started without a configuration file".to_owned();
        return (None, is_asked.then_some(Err(reason)));
    };
    let read = tokio::task::spawn_blocking(move || {
        let read = (is_asked || source.has_changed()).then(|| source.read());
        (source, read)
    });
    match read.await {
        Ok((source, read)) => (Some(source), read),
        // A panic is reported by the runtime; there is nothing left to read from.
        Err(error) => (None, is_asked.then_some(Err(error.to_string()))),
    }
}

fn fixed(key: &str) -> String {
    format!("`{key}` cannot change while the service runs: restart it")
}

/// A key that differs and must not.
fn fixed_change(before: &ServerSettings, after: &ServerSettings) -> Option<&'static str> {
    let same = [
        ("server.listen", before.listen == after.listen),
        ("server.otlp_http", before.otlp_http == after.otlp_http),
        ("server.otlp_grpc", before.otlp_grpc == after.otlp_grpc),
        ("server.tick", before.tick == after.tick),
        ("server.request_size_limit", before.most_request_bytes == after.most_request_bytes),
        ("server.unpacked_size_limit", before.most_unpacked_bytes == after.most_unpacked_bytes),
        ("access.tls", before.access.tls == after.access.tls),
        ("access.limits", before.access.limits == after.access.limits),
        ("access.cors_origins", before.access.cors_origins == after.access.cors_origins),
        ("access.allowed_hosts", before.access.allowed_hosts == after.access.allowed_hosts),
        ("storage", before.data == after.data),
        ("query", before.query == after.query),
    ];
    same.into_iter().find(|(_, is_same)| !is_same).map(|(key, _)| key)
}

/// Everything that runs by `settings`.
fn parts(settings: &ServerSettings) -> Vec<Part> {
    let scrapes = settings.scrapes.iter().cloned().map(|job| Part::Scrape(Box::new(job)));
    let servers = settings.prometheuses.iter().cloned().map(Box::new).map(Part::Prometheus);
    let files = settings.files.iter().cloned().map(Box::new).map(Part::File);
    scrapes.chain(servers).chain(files).collect()
}
