//! Policies: what holds now, what holds for a series and why, and what held before. They are
//! changed in the configuration file.

use auscult_core::Labels;
use auscult_engine::{HeldField, Maintenance, MatchOp, Policy, Selector};
use auscult_store::DecisionsWanted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Nothing};
use super::problem::Problem;
use super::values::{Time, limit};
use crate::clock;
use crate::serve::Shared;
use crate::storage::Kind;

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
