//! What happens, as it happens: incidents, verdicts, silences, changes to what is watched, as server-sent events.
//!
//! Source: WHATWG HTML, "Server-sent events".

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use auscult_store::DecisionsWanted;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{events, remedies, silences, verdicts};
use crate::serve::Shared;

/// How often a live view looks for what is new.
const LOOK: Duration = Duration::from_millis(500);
/// Decisions that are read at once.
const PIECE: usize = 1000;

/// How far a view has seen: the number of a change to incidents, of a decision, of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    change: u64,
    decision: u64,
    event: u64,
}

impl Seen {
    /// What an id says; one of an older release says nothing of events, of which then the
    /// `newest` counts as seen.
    fn read(id: &str, newest: u64) -> Option<Self> {
        let mut numbers = id.split('-').map(str::parse);
        let (change, decision) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let event = numbers.next().unwrap_or(Ok(newest)).ok()?;
        numbers.next().is_none().then_some(Self { change, decision, event })
    }

    fn id(self) -> String {
        format!("{}-{}-{}", self.change, self.decision, self.event)
    }
}

/// A client that comes back says in `Last-Event-ID` what it has seen last; a new one gets the
/// changes that are still known, and the verdicts, silences and events from now on.
pub(super) async fn changes(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    stopped: watch::Receiver<bool>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let newest = shared.events.newest();
    let id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let known = id.and_then(|id| Seen::read(id, newest));
    let new = Seen { change: 0, decision: shared.decisions.newest(), event: newest };
    let seen = known.unwrap_or(new);
    let state = (shared, seen, VecDeque::new(), stopped);
    let events = stream::unfold(state, |(shared, mut seen, mut ready, mut stopped)| async move {
        loop {
            if let Some(event) = ready.pop_front() {
                return Some((Ok(event), (shared, seen, ready, stopped)));
            }
            let looking = Arc::clone(&shared);
            let looked = tokio::task::spawn_blocking(move || look(&looking, seen)).await;
            // A panic is reported by the runtime; the view goes on from where it was.
            if let Ok(looked) = looked {
                (seen, ready) = looked;
            }
            if ready.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    _ = stopped.changed() => return None,
                }
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// What is new since `seen`.
fn look(shared: &Shared, mut seen: Seen) -> (Seen, VecDeque<Event>) {
    let mut told = VecDeque::new();
    for change in shared.engine.changes_after(seen.change) {
        seen.change = change.number;
        told.extend(event(seen, "incident", &change));
    }
    if shared.decisions.newest() > seen.decision {
        let after = seen.decision;
        let before = Some(after.saturating_add(PIECE as u64 + 1));
        let wanted = DecisionsWanted { after, before, ..Default::default() };
        for decision in shared.decisions.find(&wanted).unwrap_or_default() {
            seen.decision = decision.number;
            match decision.kind.as_str() {
                "verdict" => told.extend(
                    verdicts::step(&decision).and_then(|step| event(seen, "verdict", &step)),
                ),
                "silence" => told.extend(
                    silences::step(&decision).and_then(|step| event(seen, "silence", &step)),
                ),
                "remedy" => told.extend(
                    remedies::applied(&decision).and_then(|one| event(seen, "remedy", &one)),
                ),
                "recovery" => told.extend(
                    remedies::checked(&decision).and_then(|one| event(seen, "recovery", &one)),
                ),
                _ => {}
            }
        }
    }
    if shared.events.newest() > seen.event {
        for one in events::after(shared, seen.event) {
            seen.event = one.id;
            told.extend(event(seen, "event", &one));
        }
    }
    (seen, told)
}

fn event(seen: Seen, kind: &str, data: &impl serde::Serialize) -> Option<Event> {
    Event::default().id(seen.id()).event(kind).json_data(data).ok()
}
