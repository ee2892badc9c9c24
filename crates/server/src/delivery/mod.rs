//! Telling others of incidents.
//!
//! ```text
//! engine ─► collect ─► outbox ─► messenger ─► webhook, Slack      each state once
//!    │        (all)     one for each receiver, remembered in the database
//!    ├─► alertmanager ─► Alertmanager     what is true now, again and again
//!    └─► scores ─► write_back ─► remote write     numbers, every so often
//! ```
//!
//! Each receiver has a task and an outbox of its own, so that none waits for another.

mod alertmanager;
mod messenger;
mod metrics;
mod outbox;
mod post;
mod retry;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod scores;
pub(crate) mod settings;
mod slack;
mod webhook;
mod words;
mod write_back;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use auscult_engine::incident::{Change, Happening};
use auscult_yaml::Path;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) use self::metrics::DeliveryMetrics;

use self::alertmanager::Alertmanager;
use self::messenger::{Form, Mailbox, Messenger};
use self::outbox::{Outbox, Rules};
use self::post::Post;
use self::retry::{Backoff, random};
use self::settings::{DeliverySettings, SlackSettings, WebhookSettings};
use self::slack::Slack;
use self::webhook::Webhook;
use self::write_back::WriteBack;
use crate::clock;
use crate::serve::{ServeError, Shared};

/// How often incidents are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Everyone who is told.
#[derive(Debug)]
pub(crate) struct Delivery {
    alertmanagers: Vec<Alertmanager>,
    messengers: Vec<Messenger>,
    write_backs: Vec<WriteBack>,
}

/// Where an incident can be looked at.
fn link(external: &str, incident: u64) -> String {
    format!("{external}/api/auscult/v1/incidents/{incident}")
}

/// Where people say what an incident was, in a browser.
fn verdict_link(external: &str, incident: u64) -> String {
    format!("{external}/incidents/{incident}/verdict")
}

/// The diagnosis of an incident as a page, in a browser.
fn report_link(external: &str, incident: u64) -> String {
    format!("{external}/incidents/{incident}/report")
}

/// The rest of a sentence about an incident.
fn happened(happening: Happening) -> &'static str {
    match happening {
        Happening::Opened => "was opened",
        Happening::Grew => "grew",
        Happening::Recovered => "recovered",
        Happening::Reopened => "was opened again",
    }
}

/// Gives every receiver a name of its own.
#[derive(Debug, Default)]
struct Names(HashSet<String>);

impl Names {
    fn give(&mut self, chosen: Option<&str>, usual: &str) -> Result<String, ServeError> {
        if let Some(name) = chosen {
            if !self.0.insert(name.to_owned()) {
                let reason = "another receiver has its name; give each another `name`".to_owned();
                return Err(ServeError::Receiver { name: name.to_owned(), reason });
            }
            return Ok(name.to_owned());
        }
        let mut number = 1;
        loop {
            let name = if number == 1 { usual.to_owned() } else { format!("{usual}-{number}") };
            if self.0.insert(name.clone()) {
                return Ok(name);
            }
            number += 1;
        }
    }
}

impl Delivery {
    /// Takes up what is still to be told. Messages lead back to `external`.
    pub(crate) fn open(
        shared: &Shared,
        settings: &DeliverySettings,
        external: &str,
    ) -> Result<Self, ServeError> {
        let external: Arc<str> = external.trim_end_matches('/').into();
        let installation: Arc<str> = shared.installation(&format!("{:016x}", random())).into();
        let mut names = Names::default();
        // Names that were chosen go first: those that follow from the host make way.
        let chosen = settings.alertmanagers.iter().map(|one| &one.name);
        let chosen = chosen.chain(settings.webhooks.iter().map(|one| &one.name));
        let chosen = chosen.chain(settings.slack.iter().map(|one| &one.name));
        let chosen = chosen.chain(settings.remote_write.iter().map(|one| &one.name));
        for name in chosen.flatten() {
            names.give(Some(name), "")?;
        }
        let mut name = |kind: &str, chosen: &Option<String>, host: String| match chosen {
            Some(name) => Ok(name.clone()),
            None => names.give(None, &format!("{kind}-{host}")),
        };
        let mut alertmanagers = Vec::new();
        for one in &settings.alertmanagers {
            let post = Alertmanager::post(one)
                .map_err(|reason| ServeError::Alertmanager { url: one.url.clone(), reason })?;
            let name = name("alertmanager", &one.name, post.host())?;
            alertmanagers.push(Alertmanager::new(name, one.clone(), post, Arc::clone(&external)));
        }
        let mut messengers = Vec::new();
        let mut add = |name: String, form: Box<dyn Form>, post, rules| {
            let outbox = Outbox::new(&name, rules, shared.outgoing(&name));
            let (installation, external) = (Arc::clone(&installation), Arc::clone(&external));
            let mailbox = Mailbox::new(outbox);
            messengers.push(Messenger { name, form, post, mailbox, installation, external });
        };
        for one in &settings.webhooks {
            let (form, post) = webhook(one).map_err(refuse("webhook", &one.name))?;
            let name = name("webhook", &one.name, post.host())?;
            let rules = Rules {
                events: one.events.clone(),
                update_every: one.update_every,
                give_up_after: one.give_up_after,
                most_waiting: one.most_waiting,
                backoff: Backoff { first: one.min_backoff, longest: one.max_backoff },
            };
            add(name, Box::new(form), post, rules);
        }
        for one in &settings.slack {
            let (form, post) = slack(one).map_err(refuse("slack", &one.name))?;
            let name = name("slack", &one.name, post.host())?;
            let rules = Rules {
                events: one.events.clone(),
                update_every: one.update_every,
                give_up_after: one.give_up_after,
                most_waiting: one.most_waiting,
                backoff: Backoff { first: one.min_backoff, longest: one.max_backoff },
            };
            add(name, Box::new(form), post, rules);
        }
        let mut write_backs = Vec::new();
        for one in &settings.remote_write {
            let (post, wanted) =
                WriteBack::check(one).map_err(refuse("remote-write", &one.name))?;
            let name = name("remote-write", &one.name, post.host())?;
            write_backs.push(WriteBack::new(name, one.clone(), post, wanted));
        }
        let told = alertmanagers.iter().map(|one: &Alertmanager| one.name());
        let told = told.chain(messengers.iter().map(|one: &Messenger| one.name.as_str()));
        shared.keep_receivers(&told.collect::<Vec<_>>());
        Ok(Self { alertmanagers, messengers, write_backs })
    }

    /// Refuses receivers that cannot be told.
    pub(crate) fn check(settings: &DeliverySettings) -> Result<(), ServeError> {
        let mut problems = check(settings, &Path::default());
        problems.reverse();
        match problems.pop() {
            Some((path, reason)) => Err(ServeError::Receiver { name: path.to_string(), reason }),
            None => Ok(()),
        }
    }

    /// Tells everyone, until `stopped`.
    pub(crate) fn spawn(
        self,
        shared: &Arc<Shared>,
        stopped: &watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) {
        for one in self.alertmanagers {
            tasks.spawn(one.run(Arc::clone(shared), stopped.clone()));
        }
        for one in self.write_backs {
            one.spawn(shared, stopped, tasks);
        }
        if self.messengers.is_empty() {
            return;
        }
        let mailboxes: Vec<_> = self
            .messengers
            .iter()
            .map(|messenger| (messenger.name.clone(), Arc::clone(&messenger.mailbox)))
            .collect();
        tasks.spawn(collect(Arc::clone(shared), mailboxes.into(), stopped.clone()));
        for messenger in self.messengers {
            tasks.spawn(messenger.run(Arc::clone(shared), stopped.clone()));
        }
    }
}

/// What is wrong with receivers whose settings stand at `path`.
pub(crate) fn check(settings: &DeliverySettings, path: &Path) -> Vec<(Path, String)> {
    let mut problems = Vec::new();
    let mut names = Names::default();
    let mut look = |key: &str, place: usize, name: &Option<String>, result: Result<(), String>| {
        let path = path.key(key).place(place);
        if let Err(reason) = result {
            problems.push((path.clone(), reason));
        }
        if let Some(name) = name.as_ref().filter(|name| names.give(Some(name), "").is_err()) {
            let reason = format!("another receiver is called `{name}`; give each another `name`");
            problems.push((path.key("name"), reason));
        }
    };
    for (place, one) in settings.alertmanagers.iter().enumerate() {
        look("alertmanagers", place, &one.name, Alertmanager::post(one).map(drop));
    }
    for (place, one) in settings.webhooks.iter().enumerate() {
        look("webhooks", place, &one.name, webhook(one).map(drop));
    }
    for (place, one) in settings.slack.iter().enumerate() {
        look("slack", place, &one.name, slack(one).map(drop));
    }
    for (place, one) in settings.remote_write.iter().enumerate() {
        look("remote_write", place, &one.name, WriteBack::check(one).map(drop));
    }
    problems
}

fn refuse(kind: &str, name: &Option<String>) -> impl FnOnce(String) -> ServeError {
    let name = name.clone().unwrap_or_else(|| kind.to_owned());
    move |reason| ServeError::Receiver { name, reason }
}

fn webhook(settings: &WebhookSettings) -> Result<(Webhook, Post), String> {
    let url = post::address(&settings.url, settings.url_file.as_deref())?;
    let post = Post::new(&url, settings.timeout, &settings.headers, settings.http.clone())?;
    let form = Webhook::new(settings.secret.clone(), settings.secret_file.clone())?;
    Ok((form, post))
}

fn slack(settings: &SlackSettings) -> Result<(Slack, Post), String> {
    let url = post::address(&settings.url, settings.url_file.as_deref())?;
    let post = Post::new(&url, settings.timeout, &Default::default(), settings.http.clone())?;
    Ok((Slack { channel: settings.channel.clone() }, post))
}

/// Puts what happens to incidents into all outboxes, until `stopped`.
async fn collect(
    shared: Arc<Shared>,
    mailboxes: Arc<[(String, Arc<Mailbox>)]>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut interval = tokio::time::interval(LOOK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            _ = stopped.changed() => return,
        }
        let (shared, mailboxes) = (Arc::clone(&shared), Arc::clone(&mailboxes));
        let look = move || distribute(&shared, &mailboxes);
        // A panic is reported by the runtime and must not end the others.
        drop(tokio::task::spawn_blocking(look).await);
    }
}

fn distribute(shared: &Shared, mailboxes: &[(String, Arc<Mailbox>)]) {
    let seen = mailboxes.iter().map(|(_, mailbox)| mailbox.lock().seen()).min().unwrap_or(0);
    let changes: Vec<Arc<Change>> =
        shared.settled_changes_after(seen).into_iter().map(Arc::new).collect();
    let now = clock::now();
    for (name, mailbox) in mailboxes {
        let dropped = mailbox.lock().take(&changes, now);
        if dropped.full > 0 {
            let full = dropped.full;
            tracing::error!(
                "receiver `{name}` will not be told of {full} states of incidents: too many wait"
            );
        }
        shared.metrics.delivery.count(name, |tally| {
            tally.dropped += dropped.superseded + dropped.full;
        });
        if !mailbox.lock().unsaved.is_empty() || !changes.is_empty() {
            mailbox.save(name, shared);
        }
        if !changes.is_empty() {
            mailbox.news.notify_one();
        }
    }
}
