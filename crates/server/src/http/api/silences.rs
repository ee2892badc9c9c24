//! Silences: what nobody is to be told of for a while.

use auscult_core::{Labels, Timestamp};
use auscult_engine::{MatchOp, Matcher, Selector, Silence};
use auscult_store::{Decision, DecisionsWanted};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::incidents;
use super::problem::Problem;
use super::values::{Span, Time, author};
use crate::clock;
use crate::serve::Shared;
use crate::storage::Kind;

/// Where a silence is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SilenceState {
    /// It has not begun.
    Pending,
    /// It holds.
    Active,
    /// It is over.
    Expired,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SilencesQuery {
    /// Only silences in this state.
    state: Option<SilenceState>,
}

/// A silence, and whether it holds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SilenceWithState")]
pub(super) struct SilenceAnswer {
    #[serde(flatten)]
    silence: Silence,
    /// Whether it holds now.
    state: SilenceState,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Silences")]
pub(super) struct SilencesPage {
    /// By number; those that are over for five days at most.
    silences: Vec<SilenceAnswer>,
}

/// What was done with a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SilenceHappening {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was ended before its time.
    Expired,
    /// It was taken back before it began.
    Removed,
}

/// A step in the history of a silence.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SilenceStep {
    /// From 1, in order, over all that people decide.
    pub(super) number: u64,
    /// What was done.
    happening: SilenceHappening,
    /// Who did it; empty where nobody is named.
    author: String,
    /// When.
    time: Time,
    /// The silence after it.
    silence: Silence,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SilenceHistory {
    /// Oldest first.
    history: Vec<SilenceStep>,
}

/// What is to be silenced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SilenceBody {
    /// The series that are silenced; it must ask for a label.
    matchers: Selector,
    /// Since when; now, or as before, unless set.
    starts: Option<Time>,
    /// Until when; either this or `duration` is needed.
    ends: Option<Time>,
    /// How long from `starts` on, or from now if that is over.
    duration: Option<Span>,
    /// Why.
    #[serde(default)]
    comment: String,
    /// Who says so, where the service has no users; else it is the user.
    author: Option<String>,
}

/// How long an incident is to be silenced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncidentSilenceBody {
    /// Until when; either this or `duration` is needed.
    ends: Option<Time>,
    /// How long from now on.
    duration: Option<Span>,
    /// Why.
    #[serde(default)]
    comment: String,
    /// Who says so, where the service has no users; else it is the user.
    author: Option<String>,
}

fn answer(silence: Silence, now: Timestamp) -> SilenceAnswer {
    let state = if silence.ends <= now {
        SilenceState::Expired
    } else if silence.starts > now {
        SilenceState::Pending
    } else {
        SilenceState::Active
    };
    SilenceAnswer { silence, state }
}

pub(super) fn list(
    shared: &Shared,
    ask: Ask<SilencesQuery, Nothing>,
) -> Result<SilencesPage, Problem> {
    let now = clock::now();
    let all = shared.engine.silences().into_iter().map(|silence| answer(silence, now));
    let silences = all.filter(|one| ask.query.state.is_none_or(|state| one.state == state));
    Ok(SilencesPage { silences: silences.collect() })
}

fn known(shared: &Shared, id: u64) -> Result<Silence, Problem> {
    let found = shared.engine.silences().into_iter().find(|silence| silence.id == id);
    found.ok_or_else(|| Problem::missing(format!("there is no silence {id}")))
}

pub(super) fn one(shared: &Shared, ask: Ask<Nothing, Nothing>) -> Result<SilenceAnswer, Problem> {
    Ok(answer(known(shared, ask.ids[0])?, clock::now()))
}

pub(super) fn history(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<SilenceHistory, Problem> {
    let id = ask.ids[0];
    let kind = Some(Kind::Silence.as_str());
    let wanted = DecisionsWanted { kind, about: Some((id, id)), ..Default::default() };
    let decisions = shared.decisions.find(&wanted).map_err(Problem::unread)?;
    let history: Vec<SilenceStep> = decisions.iter().filter_map(step).collect();
    if history.is_empty() {
        return Err(Problem::missing(format!("there is no silence {id}")));
    }
    Ok(SilenceHistory { history })
}

/// The step that a decision is; `None` for one of a later release.
pub(super) fn step(decision: &Decision) -> Option<SilenceStep> {
    Some(SilenceStep {
        number: decision.number,
        happening: serde_json::from_value(decision.happening.as_str().into()).ok()?,
        author: decision.author.clone(),
        time: Time(decision.time),
        silence: serde_json::from_str(&decision.document).ok()?,
    })
}

pub(super) fn create(
    shared: &Shared,
    ask: Ask<Nothing, SilenceBody>,
) -> Result<SilenceAnswer, Problem> {
    let author = author(ask.user, ask.body.author.clone())?;
    let _turn = shared.decisions.turn();
    put(shared, 0, None, ask.body, author)
}

pub(super) fn update(
    shared: &Shared,
    ask: Ask<Nothing, SilenceBody>,
) -> Result<SilenceAnswer, Problem> {
    let author = author(ask.user, ask.body.author.clone())?;
    let _turn = shared.decisions.turn();
    let before = known(shared, ask.ids[0])?;
    put(shared, before.id, Some(before.starts), ask.body, author)
}

pub(super) fn silence_incident(
    shared: &Shared,
    ask: Ask<Nothing, IncidentSilenceBody>,
) -> Result<SilenceAnswer, Problem> {
    let IncidentSilenceBody { ends, duration, comment, author: named } = ask.body;
    let author = author(ask.user, named)?;
    let incident = incidents::find(shared, ask.ids[0])?;
    let series = incident.members.iter().map(|member| &member.series);
    let Some(matchers) = shared_labels(series) else {
        let error = "its series share no label: silence them by `/silences`";
        return Err(Problem::wrong(error));
    };
    let comment = if comment.is_empty() { format!("incident {}", incident.id) } else { comment };
    let body = SilenceBody { matchers, starts: None, ends, duration, comment, author: None };
    let _turn = shared.decisions.turn();
    put(shared, 0, None, body, author)
}

/// What asks for the labels that all of `series` have; `None` where there are none.
fn shared_labels<'a>(mut series: impl Iterator<Item = &'a Labels>) -> Option<Selector> {
    let first = series.next()?;
    let mut pairs: Vec<(&str, &str)> = first.iter().collect();
    series.for_each(|other| pairs.retain(|(name, value)| other.get(name) == Some(*value)));
    let matcher = |(name, value)| Matcher::new(name, MatchOp::Equal, value).ok();
    let matchers: Vec<Matcher> = pairs.into_iter().filter_map(matcher).collect();
    (!matchers.is_empty()).then(|| Selector::new(matchers))
}

/// Has a silence hold, and stores it; neither if it cannot be stored. Held by who has the turn.
fn put(
    shared: &Shared,
    id: u64,
    started: Option<Timestamp>,
    body: SilenceBody,
    author: String,
) -> Result<SilenceAnswer, Problem> {
    let now = clock::now();
    let starts = body.starts.map(|starts| starts.0).or(started).unwrap_or(now);
    let ends = match (body.ends, body.duration) {
        (Some(ends), None) => ends.0,
        (None, Some(Span(duration))) => {
            let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
            Timestamp::from_nanos(starts.max(now).nanos().saturating_add(nanos))
        }
        _ => return Err(Problem::wrong("expected either `ends` or `duration`")),
    };
    let matchers = body.matchers;
    let mut silence = Silence { id, matchers, starts, ends, author, comment: body.comment };
    let before = shared.engine.silences();
    let set = shared.engine.set_silence(silence.clone(), now);
    silence.id = set.map_err(|error| Problem::wrong(error.to_string()))?;
    let happening = if id == 0 { "created" } else { "updated" };
    let (kind, about) = (Kind::Silence, silence.id);
    let stored = shared.decisions.add(kind, about, happening, &silence.author, &silence);
    if let Err(error) = stored {
        shared.engine.restore_silences(before, 0);
        return Err(Problem::unstored(error));
    }
    shared.note();
    Ok(answer(silence, now))
}

pub(super) fn expire(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<SilenceAnswer, Problem> {
    let (id, author) = (ask.ids[0], author(ask.user, None)?);
    let now = clock::now();
    let _turn = shared.decisions.turn();
    let before = shared.engine.silences();
    let mut silence = known(shared, id)?;
    if !shared.engine.expire_silence(id, now) {
        let error = format!("silence {id} is over already");
        return Err(Problem::new(StatusCode::CONFLICT, error));
    }
    let happening = if silence.starts >= now { "removed" } else { "expired" };
    silence.ends = now;
    let stored = shared.decisions.add(Kind::Silence, id, happening, &author, &silence);
    if let Err(error) = stored {
        shared.engine.restore_silences(before, 0);
        return Err(Problem::unstored(error));
    }
    shared.note();
    Ok(answer(silence, now))
}
