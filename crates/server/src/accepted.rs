//! Policies that people decided on after false alarms: accepted, they are laid over those of the configuration;
//! dismissed, they are not suggested again. Either is taken back one by one.

use auscult_engine::incident::{Incident, Member};
use auscult_engine::{EngineSettings, MatchOp, Matcher, Policy, Selector};
use auscult_store::{Book, Decision, DecisionsWanted, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::serve::Shared;
use crate::storage::Kind;

/// By how much a bar lies above what was a false alarm.
const BEYOND: f64 = 1.1;

/// What somebody decided on a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decided {
    /// It is to hold.
    Accepted,
    /// It is not to be suggested.
    Dismissed,
}

impl Decided {
    /// How the history calls the decision.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Dismissed => "dismissed",
        }
    }

    /// How it calls its end.
    pub(crate) const fn end(self) -> &'static str {
        match self {
            Self::Accepted => "taken back",
            Self::Dismissed => "suggested again",
        }
    }
}

/// A policy that somebody decided on, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Accepted {
    /// What holds, or is not suggested.
    pub(crate) policy: Policy,
    /// The number of the false alarm that it is for; `null` where it is for none.
    pub(crate) incident: Option<u64>,
    /// Why, in their words.
    pub(crate) comment: String,
}

/// Policies that were `decided` on so and not taken back, oldest first.
pub(crate) fn standing(decisions: &[Decision], decided: Decided) -> Vec<(Decision, Accepted)> {
    let mut standing: Vec<(Decision, Accepted)> = Vec::new();
    for decision in decisions {
        let happening = decision.happening.as_str();
        if happening == decided.word() {
            match serde_json::from_str(&decision.document) {
                Ok(policy) => standing.push((decision.clone(), policy)),
                Err(error) => tracing::warn!(
                    "{happening} policy {} cannot be read and does not count: {error}",
                    decision.number
                ),
            }
        } else if happening == decided.end() {
            let number: u64 = serde_json::from_str(&decision.document).unwrap_or_default();
            standing.retain(|(known, _)| known.number != number);
        }
    }
    standing
}

/// Decisions on policies.
pub(crate) fn wanted() -> DecisionsWanted<'static> {
    DecisionsWanted { kind: Some(Kind::Accepted.as_str()), ..Default::default() }
}

/// Settings with the accepted policies behind those of the configuration.
pub(crate) fn laid_over(
    mut settings: EngineSettings,
    book: &Book,
) -> Result<EngineSettings, StoreError> {
    let accepted = standing(&book.decisions(&wanted())?, Decided::Accepted);
    settings.policies.extend(accepted.into_iter().map(|(_, accepted)| accepted.policy));
    Ok(settings)
}

impl Shared {
    /// Policies that are `decided` on so.
    pub(crate) fn decided(
        &self,
        decided: Decided,
    ) -> Result<Vec<(Decision, Accepted)>, StoreError> {
        Ok(standing(&self.decisions.find(&wanted())?, decided))
    }

    /// Has the policies of the configuration hold, and those that were accepted over them.
    pub(crate) fn reconfigure(&self, configured: EngineSettings) -> Result<(), String> {
        let accepted = self.decided(Decided::Accepted).map_err(|error| error.to_string())?;
        let mut settings = configured.clone();
        settings.policies.extend(accepted.into_iter().map(|(_, accepted)| accepted.policy));
        self.engine.reconfigure(settings).map_err(str::to_owned)?;
        *self.configured() = configured;
        Ok(())
    }

    /// Has what was accepted and taken back hold from now on. Held by who has the turn.
    pub(crate) fn apply_accepted(&self) -> Result<(), String> {
        let configured = self.configured().clone();
        self.reconfigure(configured)
    }
}

/// The policies with which none of the series of a false alarm would have told of it: for each metric, the labels
/// that those series share, and a bar above their departures. None for series outside a valid range, or
/// whose reading was what is expected: no bar keeps those from telling.
pub(crate) fn suggested(incident: &Incident) -> Vec<Policy> {
    let mut policies: Vec<Policy> = Vec::new();
    let mut metrics: Vec<&str> = Vec::new();
    for member in &incident.members {
        let metric = member.series.as_ref().metric();
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    for metric in metrics {
        let members = || incident.members.iter().filter(|m| m.series.as_ref().metric() == metric);
        let far = |member: &Member| (member.reading - member.expected).abs();
        if members().any(|member| member.band.is_none() || far(member) == 0.0) {
            continue;
        }
        let Some(selector) = shared_labels(members()) else { continue };
        let share = |member: &Member| far(member) / member.expected.abs();
        let most = |of: &dyn Fn(&Member) -> f64| members().map(of).fold(0.0, f64::max);
        let mut policy = Policy { selector, ..Policy::default() };
        let relative = most(&share);
        if relative.is_finite() && relative <= 1.0 {
            policy.least_relative_change = Some(rounded(BEYOND * relative));
        } else {
            policy.least_change = Some(rounded(BEYOND * most(&far)));
        }
        policies.push(policy);
    }
    policies
}

/// Whether `dismissed` is `suggested`, or a higher bar for the same series.
pub(crate) fn covers(dismissed: &Policy, suggested: &Policy) -> bool {
    let bars = |policy: &Policy| {
        [policy.least_relative_change, policy.least_change].map(|bar| bar.unwrap_or(0.0))
    };
    let (dismissed_bars, bars) = (bars(dismissed), bars(suggested));
    dismissed.selector == suggested.selector
        && dismissed_bars.iter().zip(bars).all(|(dismissed, bar)| *dismissed >= bar)
}

/// Whether a bar of a policy would keep a series of an incident from telling.
pub(crate) fn hides(policy: &Policy, incident: &Incident) -> bool {
    incident.members.iter().any(|member| {
        let far = (member.reading - member.expected).abs();
        let least = policy.least_change.unwrap_or(0.0);
        let least = least.max(policy.least_relative_change.unwrap_or(0.0) * member.expected.abs());
        member.band.is_some() && policy.selector.matches(member.series.as_ref()) && far < least
    })
}

/// What asks for the labels that all series of a metric share.
fn shared_labels<'m>(mut members: impl Iterator<Item = &'m Member>) -> Option<Selector> {
    let first = &members.next()?.series;
    let mut pairs: Vec<(&str, &str)> = first.iter().collect();
    members.for_each(|other| pairs.retain(|(name, value)| other.series.get(name) == Some(*value)));
    let matcher = |(name, value)| Matcher::new(name, MatchOp::Equal, value).ok();
    Some(Selector::new(pairs.into_iter().filter_map(matcher).collect()))
}

/// Two digits that count, not below `value`.
fn rounded(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let places = 1 - value.log10().floor() as i32;
    // Through text, so that it reads as people would write it.
    let unit = 10_f64.powi(-places);
    let up = (value / unit).ceil();
    let digits = places.max(0) as usize;
    format!("{:.digits$}", up * unit).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::samples::incident;
    use auscult_engine::incident::State;

    #[test]
    fn a_suggested_policy_would_have_kept_a_false_alarm_from_being_told() {
        let mut false_alarm = incident(1, State::Open);
        // 812 where 305 are expected: more than the whole of it.
        let policies = suggested(&false_alarm);
        assert!(!policies.is_empty());
        assert!(policies.iter().all(|policy| hides(policy, &false_alarm)), "{policies:?}");
        let first = &false_alarm.members[0];
        let policy = &policies[0];
        assert!(policy.selector.matches(first.series.as_ref()));
        assert!(policy.least_change.unwrap() >= 1.1 * (first.reading - first.expected).abs());
        for member in &mut false_alarm.members {
            member.reading = 1.3 * member.expected;
        }
        let policy = &suggested(&false_alarm)[0];
        assert_eq!(policy.least_relative_change, Some(0.33));
        for member in &mut false_alarm.members {
            member.band = None;
        }
        assert!(suggested(&false_alarm).is_empty());
    }
}
