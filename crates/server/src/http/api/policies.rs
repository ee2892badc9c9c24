//! Policies: what holds now, what holds for a series and why, and what held before. They are
//! changed in the configuration file; after false alarms, some are suggested, and hold once accepted.

use auscult_core::Labels;
use auscult_engine::{HeldField, Maintenance, MatchOp, Policy, Selector};
use auscult_store::{Decision, DecisionsWanted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::incidents;
use super::problem::Problem;
use super::values::{Time, author, limit};
use crate::accepted::{self, Accepted, Decided};
use crate::clock;
use crate::serve::Shared;
use crate::storage::Kind;
use crate::verdict::{Judgement, decisive};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Policies")]
pub(super) struct PoliciesAnswer {
    /// Laid over each other in this order; the first has the number 1.
    policies: Vec<Policy>,
}

pub(super) fn now(shared: &Shared, _: Ask<Nothing, Nothing>) -> Result<PoliciesAnswer, Problem> {
    Ok(PoliciesAnswer { policies: shared.engine.settings().policies.clone() })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldQuery {
    /// The series, with all its labels: `up{job="vllm", instance="gpu1:8000"}`.
    series: Selector,
}

/// What policies and silences say of a series.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct HeldPolicies {
    /// The series.
    series: Labels,
    /// Whether there is such a series, read and judged.
    is_watched: bool,
    /// Each field as it holds, and the policy that it comes from.
    fields: Vec<HeldField>,
    /// The policies that match it, counted from 1.
    matching: Vec<usize>,
    /// Whether it is in maintenance now.
    in_maintenance: bool,
    /// The silences that hold for it now, by number.
    silences: Vec<u64>,
}

pub(super) fn held(shared: &Shared, ask: Ask<HeldQuery, Nothing>) -> Result<HeldPolicies, Problem> {
    let selector = ask.query.series;
    let mut pairs = Vec::new();
    for matcher in selector.matchers() {
        if matcher.op() != MatchOp::Equal {
            let name = matcher.name();
            let error = format!("`series` has no single value for `{name}`: expected `=`");
            return Err(Problem::wrong(error));
        }
        pairs.push((matcher.name(), matcher.value()));
    }
    let refuse = |error| Problem::wrong(format!("`series`: {error}"));
    let series = Labels::from_pairs(pairs).map_err(refuse)?;
    let (fields, matching) = Policy::held(&shared.engine.settings().policies, series.as_ref());
    let now = clock::now();
    let maintenance = fields.iter().find(|field| field.field == "maintenance");
    let maintenance = maintenance.map(|field| field.value.clone()).unwrap_or_default();
    let maintenance: Vec<Maintenance> = serde_json::from_value(maintenance).unwrap_or_default();
    let silences = shared.engine.silences().into_iter();
    let silences = silences
        .filter(|silence| silence.holds(now) && silence.matchers.matches(series.as_ref()))
        .map(|silence| silence.id)
        .collect();
    let (found, _) = shared.engine.series_page(|labels| *labels == series, None, 1);
    Ok(HeldPolicies {
        is_watched: !found.is_empty(),
        in_maintenance: maintenance.iter().any(|window| window.holds(now)),
        series,
        fields,
        matching,
        silences,
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// Only those that were applied before the one with this number: what `next` of a page said.
    before: Option<u64>,
    /// Most entries of the page, from 1 to 10,000; 100 unless set.
    limit: Option<usize>,
}

/// Policies that held from a time on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AppliedPolicies {
    /// From 1, in order, over all that people decide.
    number: u64,
    /// Since when they held.
    time: Time,
    /// As they stood in the configuration.
    policies: Vec<Policy>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PoliciesHistory {
    /// Newest first.
    history: Vec<AppliedPolicies>,
    /// What to give as `before` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

pub(super) fn history(
    shared: &Shared,
    ask: Ask<HistoryQuery, Nothing>,
) -> Result<PoliciesHistory, Problem> {
    let limit = limit(ask.query.limit)?;
    let wanted = DecisionsWanted {
        kind: Some(Kind::Policies.as_str()),
        before: ask.query.before,
        limit: Some(limit + 1),
        ..Default::default()
    };
    let mut decisions = shared.decisions.find(&wanted).map_err(Problem::unread)?;
    decisions.reverse();
    let more = decisions.len() > limit;
    decisions.truncate(limit);
    let next = decisions.last().filter(|_| more).map(|decision| decision.number);
    let mut history = Vec::new();
    for decision in &decisions {
        let policies = serde_json::from_str(&decision.document).map_err(Problem::unread)?;
        let (number, time) = (decision.number, Time(decision.time));
        history.push(AppliedPolicies { number, time, policies });
    }
    Ok(PoliciesHistory { history, next })
}

/// A policy that would have kept a false alarm from being told.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Suggestion {
    /// The number of the incident that a person said was a false alarm.
    incident: u64,
    /// What would keep it from being told; it holds once somebody accepts it.
    policy: Policy,
    /// Why, in words.
    why: String,
    /// Incidents that were no false alarms by people's word, and of which it would keep a series from
    /// telling: think twice.
    would_hide: Vec<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Suggestions {
    /// By incident; those that hold already or were dismissed are left out.
    suggestions: Vec<Suggestion>,
}

pub(super) fn suggestions(
    shared: &Shared,
    _: Ask<Nothing, Nothing>,
) -> Result<Suggestions, Problem> {
    let verdicts = decisive(shared.verdicts(None).map_err(Problem::unread)?);
    let said = |judgement: Judgement| {
        let those = verdicts.values().filter(move |one| one.said.verdict == judgement);
        those.filter_map(|one| shared.find_incident(one.incident)).collect::<Vec<_>>()
    };
    let (wrong, right) = (said(Judgement::False), said(Judgement::True));
    let held = shared.engine.settings().policies.clone();
    let dismissed = shared.decided(Decided::Dismissed).map_err(Problem::unread)?;
    let is_dismissed = |policy: &Policy| {
        dismissed.iter().any(|(_, other)| accepted::covers(&other.policy, policy))
    };
    let mut suggestions = Vec::new();
    for incident in &wrong {
        for policy in accepted::suggested(incident) {
            if held.contains(&policy) || is_dismissed(&policy) {
                continue;
            }
            let hidden = right.iter().filter(|other| accepted::hides(&policy, other));
            let would_hide = hidden.map(|other| other.id).collect();
            let bar = match (policy.least_relative_change, policy.least_change) {
                (Some(share), _) => format!("{:.0} % of what is expected", 100.0 * share),
                (None, least) => format!("{}", least.unwrap_or_default()),
            };
            let why = format!(
                "incident {} was a false alarm; departures up to {bar} of {} would not be told",
                incident.id, policy.selector
            );
            suggestions.push(Suggestion { incident: incident.id, policy, why, would_hide });
        }
    }
    Ok(Suggestions { suggestions })
}

/// What somebody decides on a policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionBody {
    /// What is decided on: a suggestion, as it is or changed.
    policy: Policy,
    /// The number of the false alarm that it is for.
    incident: Option<u64>,
    /// Why, in their words.
    #[serde(default)]
    comment: String,
    /// Who says so, where the service has no users; else it is the user.
    author: Option<String>,
}

/// A policy that somebody decided on.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DecidedPolicy")]
pub(super) struct DecidedAnswer {
    /// Its number, by which it can be taken back.
    id: u64,
    #[serde(flatten)]
    accepted: Accepted,
    /// Who decided so; empty where nobody is named.
    author: String,
    /// Since when it counts.
    time: Time,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AcceptedPolicies")]
pub(super) struct AcceptedPage {
    /// Laid over the policies of the configuration in this order, oldest first.
    accepted: Vec<DecidedAnswer>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DismissedPolicies")]
pub(super) struct DismissedPage {
    /// Not suggested, nor a lower bar for the same series; oldest first.
    dismissed: Vec<DecidedAnswer>,
}

fn answer(decision: &Decision, accepted: Accepted) -> DecidedAnswer {
    let (id, author, time) = (decision.number, decision.author.clone(), Time(decision.time));
    DecidedAnswer { id, accepted, author, time }
}

fn all(shared: &Shared, decided: Decided) -> Result<Vec<DecidedAnswer>, Problem> {
    let all = shared.decided(decided).map_err(Problem::unread)?.into_iter();
    Ok(all.map(|(decision, accepted)| answer(&decision, accepted)).collect())
}

pub(super) fn accepted(shared: &Shared, _: Ask<Nothing, Nothing>) -> Result<AcceptedPage, Problem> {
    Ok(AcceptedPage { accepted: all(shared, Decided::Accepted)? })
}

pub(super) fn dismissed(
    shared: &Shared,
    _: Ask<Nothing, Nothing>,
) -> Result<DismissedPage, Problem> {
    Ok(DismissedPage { dismissed: all(shared, Decided::Dismissed)? })
}

pub(super) fn accept(
    shared: &Shared,
    ask: Ask<Nothing, DecisionBody>,
) -> Result<DecidedAnswer, Problem> {
    if ask.body.policy.selector.is_unbounded() {
        let error =
            "`policy`: `match` means every series: such a policy belongs into the configuration";
        return Err(Problem::wrong(error));
    }
    let answer = decide(shared, ask, Decided::Accepted)?;
    shared.note_policies();
    Ok(answer)
}

pub(super) fn dismiss(
    shared: &Shared,
    ask: Ask<Nothing, DecisionBody>,
) -> Result<DecidedAnswer, Problem> {
    decide(shared, ask, Decided::Dismissed)
}

fn decide(
    shared: &Shared,
    ask: Ask<Nothing, DecisionBody>,
    decided: Decided,
) -> Result<DecidedAnswer, Problem> {
    let DecisionBody { policy, incident, comment, author: named } = ask.body;
    let author = author(ask.user, named)?;
    if let Some(id) = incident {
        incidents::find(shared, id)?;
    }
    let about = incident.unwrap_or(0);
    let accepted = Accepted { policy, incident, comment };
    let _turn = shared.decisions.turn();
    let added = shared.decisions.add(Kind::Accepted, about, decided.word(), &author, &accepted);
    let added = added.map_err(Problem::unstored)?;
    if decided == Decided::Accepted {
        shared.apply_accepted().map_err(Problem::unread)?;
    }
    Ok(answer(&added, accepted))
}

pub(super) fn take_back(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<DecidedAnswer, Problem> {
    let answer = end(shared, ask, Decided::Accepted)?;
    shared.note_policies();
    Ok(answer)
}

pub(super) fn suggest_again(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
) -> Result<DecidedAnswer, Problem> {
    end(shared, ask, Decided::Dismissed)
}

fn end(
    shared: &Shared,
    ask: Ask<Nothing, Nothing>,
    decided: Decided,
) -> Result<DecidedAnswer, Problem> {
    let id = ask.ids[0];
    let author = author(ask.user, None)?;
    let _turn = shared.decisions.turn();
    let standing = shared.decided(decided).map_err(Problem::unread)?;
    let found = standing.into_iter().find(|(decision, _)| decision.number == id);
    let word = decided.word();
    let missing = || Problem::missing(format!("there is no {word} policy {id} that holds"));
    let (decision, accepted) = found.ok_or_else(missing)?;
    let added = shared.decisions.add(Kind::Accepted, decision.about, decided.end(), &author, &id);
    added.map_err(Problem::unstored)?;
    if decided == Decided::Accepted {
        shared.apply_accepted().map_err(Problem::unread)?;
    }
    Ok(answer(&decision, accepted))
}
