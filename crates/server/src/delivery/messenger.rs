//! Tells one receiver of the states of incidents, one message each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auscult_core::Timestamp;
use auscult_engine::Recovery;
use auscult_engine::incident::Change;
use reqwest::header::HeaderMap;
use tokio::sync::{Notify, watch};

use super::outbox::{Next, Outbox};
use super::post::Post;
use super::retry::Refused;
use super::settings::Event;
use crate::clock;
use crate::serve::Shared;

/// How long a message on its way may take once the service is to end: one that is cut off may
/// have come through, and would be sent again.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// What a message is to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// The same for each attempt, and for no other message.
    pub(super) key: &'a str,
    pub(super) event: Event,
    pub(super) change: &'a Change,
    pub(super) links: &'a Links,
    /// Whether it became better, where that was looked at.
    pub(super) recovery: Option<&'a Recovery>,
}

/// Where a message leads back to.
#[derive(Debug)]
pub(super) struct Links {
    /// The incident as it is now, as data.
    pub(super) incident: String,
    /// Its diagnosis as a page.
    pub(super) report: String,
    /// The page on which people say what it was.
    pub(super) verdict: String,
}

impl Links {
    pub(super) fn new(external: &str, incident: u64) -> Self {
        Self {
            incident: super::link(external, incident),
            report: super::report_link(external, incident),
            verdict: super::verdict_link(external, incident),
        }
    }
}

/// How messages of a kind are written.
pub(super) trait Form: std::fmt::Debug + Send + Sync {
    /// Headers and body; says in words why there can be none now.
    fn write(&self, told: &Told<'_>, now: Timestamp) -> Result<(HeaderMap, Vec<u8>), String>;
}

/// See the module.
#[derive(Debug)]
pub(super) struct Messenger {
    pub(super) name: String,
    pub(super) form: Box<dyn Form>,
    pub(super) post: Post,
    pub(super) mailbox: Arc<Mailbox>,
    /// Goes before the numbers in keys.
    pub(super) installation: Arc<str>,
    /// Where this service can be reached.
    pub(super) external: Arc<str>,
}

/// An outbox between those who fill it and the one who empties it.
#[derive(Debug)]
pub(super) struct Mailbox {
    outbox: Mutex<Outbox>,
    pub(super) news: Notify,
}

impl Mailbox {
    pub(super) fn new(outbox: Outbox) -> Arc<Self> {
        Arc::new(Self { outbox: Mutex::new(outbox), news: Notify::new() })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the steps that are not stored yet, and shows what waits. What cannot be stored
    /// is tried again with the next step.
    pub(super) fn save(&self, name: &str, shared: &Shared) {
        let mut outbox = self.lock();
        shared.note_outbox(&mut outbox.unsaved);
        let (waiting, oldest) = outbox.waiting();
        shared.metrics.delivery.count(name, |tally| {
            tally.waiting = waiting;
            tally.oldest = oldest;
        });
    }
}

impl Messenger {
    /// Tells what waits, until `stopped`.
    pub(super) async fn run(self, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
        loop {
            let next = self.mailbox.lock().next(clock::now(), Instant::now());
            match next {
                Next::Send(change, event) => {
                    let telling = self.tell(&change, event, &shared);
                    tokio::pin!(telling);
                    let told = tokio::select! {
                        told = &mut telling => Some(told),
                        _ = stopped.changed() => {
                            tokio::time::timeout(LAST_MOMENT, telling).await.ok()
                        }
                    };
                    // Without an answer it goes on waiting, and is told after a restart.
                    let Some(told) = told else { return };
                    self.settle(&change, told, &shared).await;
                    if *stopped.borrow() {
                        return;
                    }
                }
                Next::Wait(wait) => {
                    let wait = wait.unwrap_or(Duration::from_secs(3600));
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.mailbox.news.notified() => {}
                        _ = stopped.changed() => return,
                    }
                }
            }
        }
    }

    async fn tell(
        &self,
        change: &Arc<Change>,
        event: Event,
        shared: &Arc<Shared>,
    ) -> Result<(), Refused> {
        let incident = change.incident.id;
        let key = format!("{}-{incident}-{}", self.installation, change.number);
        let links = Links::new(&self.external, incident);
        let recovery = {
            let (shared, change) = (Arc::clone(shared), Arc::clone(change));
            let look = move || shared.recovery_as_of(&change.incident);
            // A panic is reported by the runtime; the message goes out without it.
            tokio::task::spawn_blocking(look).await.unwrap_or_default()
        };
        let recovery = recovery.as_ref();
        let told = Told { key: &key, event, change, links: &links, recovery };
        let (headers, body) = self.form.write(&told, clock::now()).map_err(Refused::passing)?;
        self.post.send(headers, body).await
    }

    /// Notes how it went, for good.
    async fn settle(&self, change: &Change, told: Result<(), Refused>, shared: &Arc<Shared>) {
        let (name, incident) = (&self.name, change.incident.id);
        let count = |count: fn(&mut super::metrics::Tally)| {
            shared.metrics.delivery.count(name, count);
        };
        let now = clock::now();
        match told {
            Ok(()) => {
                self.mailbox.lock().delivered(change, now);
                count(|tally| tally.sent += 1);
            }
            Err(refused) => {
                let given_up = self.mailbox.lock().failed(change, &refused, now, Instant::now());
                count(|tally| tally.failures += 1);
                let reason = &refused.reason;
                if given_up {
                    count(|tally| tally.given_up += 1);
                    tracing::error!(
                        "receiver `{name}` will not be told that incident {incident} {}: {reason}",
                        super::happened(change.happening)
                    );
                } else {
                    tracing::warn!(
                        "receiver `{name}` could not be told of incident {incident}: {reason}; it is tried again"
                    );
                }
            }
        }
        let (mailbox, name) = (Arc::clone(&self.mailbox), self.name.clone());
        let shared = Arc::clone(shared);
        // A panic is reported by the runtime and must not end the others.
        drop(tokio::task::spawn_blocking(move || mailbox.save(&name, &shared)).await);
    }
}
