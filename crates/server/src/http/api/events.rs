//! Events: changes that people and programs made to what is watched, as they tell of them.

use auscult_core::Timestamp;
use auscult_engine::incident::Incident;
use auscult_engine::{CHANGED_AFTER, CHANGED_BEFORE};
use auscult_store::{EventsWanted, StoredEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::problem::Problem;
use super::values::{Time, author, limit};
use crate::clock;
use crate::serve::Shared;
use crate::storage::word;

/// Most letters of what an event says.
const MOST_LETTERS: usize = 4000;
/// Most events that are listed with an incident.
const MOST_LISTED: usize = 100;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum EventKind {
    /// Another version of a program or a model was brought out, or the one before again.
    Deploy,
    /// A setting was changed.
    Config,
    /// There are more of it or fewer.
    Scale,
    /// It was started anew.
    Restart,
    /// People work on it.
    Maintenance,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// Only of this kind.
    kind: Option<EventKind>,
    /// Only those whose target holds this text, such as `chat-3`.
    target: Option<String>,
    /// Only changes made then or later.
    since: Option<Time>,
    /// Only changes made then or earlier.
    until: Option<Time>,
    /// Only those that were told before the one with this number: what `next` of a page said.
    before: Option<u64>,
    /// Most entries of the page, from 1 to 10,000; 100 unless set.
    limit: Option<usize>,
}

/// A change that was made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub(super) struct EventAnswer {
    /// From 1, in the order of telling.
    pub(super) id: u64,
    /// When it was made.
    time: Time,
    /// What it was.
    kind: String,
    /// What it was made to: a name, or labels; empty: everything, or nobody said.
    target: String,
    /// What was changed, for people.
    text: String,
    /// What told of it, such as a program for deployments.
    source: String,
    /// Who told of it; empty where nobody is named.
    author: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Events")]
pub(super) struct EventsPage {
    /// The last told first.
    events: Vec<EventAnswer>,
    /// What to give as `before` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// A change to tell of.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventBody {
    /// What it was.
    kind: EventKind,
    /// What it was made to: a name, such as `chat-3:8000`; labels of its series, such as
    /// `instance=chat-3:8000` or `training_job=a&rank=3`, or several of either with `|` between
    /// them; everything where it is left out.
    #[serde(default)]
    target: String,
    /// When it was made; now unless set.
    time: Option<Time>,
    /// What was changed, for people.
    #[serde(default)]
    text: String,
    /// What tells of it, such as a program for deployments.
    #[serde(default)]
    source: String,
    /// Who tells of it, where the service has no users; else it is the user.
    author: Option<String>,
}

impl From<StoredEvent> for EventAnswer {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent { number, time, kind, target, text, source, author } = event;
        Self { id: number, time: Time(time), kind, target, text, source, author }
    }
}

/// Says what is wrong with a target; one is names or labels.
fn check_target(target: &str) -> Result<(), Problem> {
    let parts = || target.split('|').flat_map(|set| set.split('&'));
    let wrong = |part: &&str| {
        part.trim().is_empty()
            || part
                .split_once('=')
                .is_some_and(|(label, value)| label.is_empty() || value.is_empty())
    };
    match parts().find(wrong) {
        Some(part) if !target.is_empty() => Err(Problem::wrong(format!(
            "`target` has `{part}`: expected a name such as chat-3:8000, or labels such as instance=chat-3:8000 or training_job=a&rank=3"
        ))),
        _ => Ok(()),
    }
}

pub(super) fn tell(shared: &Shared, ask: Ask<Nothing, EventBody>) -> Result<EventAnswer, Problem> {
    let EventBody { kind, target, time, text, source, author: named } = ask.body;
    let author = author(ask.user, named)?;
    check_target(&target)?;
    for (name, said) in [("target", &target), ("text", &text), ("source", &source)] {
        let letters = said.chars().count();
        if letters > MOST_LETTERS {
            let error = format!("`{name}` has {letters} letters: expected {MOST_LETTERS} at most");
            return Err(Problem::wrong(error));
        }
    }
    let time = time.map_or_else(clock::now, |time| time.0);
    if shared.events.oldest().is_some_and(|oldest| time < oldest) {
        let error = "`time` lies longer ago than anything is kept (`storage.retention`)";
        return Err(Problem::wrong(error));
    }
    let kind = word(&kind);
    let event = StoredEvent { number: 0, time, kind, target, text, source, author };
    shared.events.tell(event).map(EventAnswer::from).map_err(Problem::unstored)
}

pub(super) fn list(shared: &Shared, ask: Ask<EventsQuery, Nothing>) -> Result<EventsPage, Problem> {
    let query = ask.query;
    let limit = limit(query.limit)?;
    let kind = query.kind.map(|kind| word(&kind));
    let wanted = EventsWanted {
        kind: kind.as_deref(),
        target: query.target.as_deref(),
        since: query.since.map(|since| since.0),
        until: query.until.map(|until| until.0),
        before: query.before,
        limit: Some(limit + 1),
        ..Default::default()
    };
    let mut events = shared.events.find(&wanted).map_err(Problem::unread)?;
    let more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| more).map(|event| event.number);
    Ok(EventsPage { events: events.into_iter().map(EventAnswer::from).collect(), next })
}

pub(super) fn one(shared: &Shared, ask: Ask<Nothing, Nothing>) -> Result<EventAnswer, Problem> {
    let id = ask.ids[0];
    let wanted = EventsWanted {
        after: id.saturating_sub(1),
        before: Some(id.saturating_add(1)),
        ..Default::default()
    };
    let found = shared.events.find(&wanted).map_err(Problem::unread)?.pop();
    found.map(EventAnswer::from).ok_or_else(|| Problem::missing(format!("there is no event {id}")))
}

pub(super) fn take_back(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<EventAnswer, Problem> {
    let id = ask.ids[0];
    let event = one(shared, ask)?;
    match shared.events.take_back(id).map_err(Problem::unstored)? {
        true => Ok(event),
        false => Err(Problem::missing(format!("there is no event {id}"))),
    }
}

/// Events with numbers after `number`, the first told first.
pub(super) fn after(shared: &Shared, number: u64) -> Vec<EventAnswer> {
    let wanted = EventsWanted { after: number, ..Default::default() };
    let mut events = shared.events.find(&wanted).unwrap_or_default();
    events.reverse();
    events.into_iter().map(EventAnswer::from).collect()
}

/// Changes that may have brought an incident about, in the order of time.
pub(super) fn around(shared: &Shared, incident: &Incident) -> Result<Vec<EventAnswer>, Problem> {
    let off = |seconds: f64| {
        let nanos = incident.began.nanos().saturating_add((seconds * 1e9) as i64);
        Some(Timestamp::from_nanos(nanos))
    };
    let wanted = EventsWanted {
        since: off(-CHANGED_BEFORE),
        until: off(CHANGED_AFTER),
        limit: Some(MOST_LISTED),
        ..Default::default()
    };
    let mut events = shared.events.find(&wanted).map_err(Problem::unread)?;
    events.sort_by_key(|event| event.time);
    Ok(events.into_iter().map(EventAnswer::from).collect())
}
