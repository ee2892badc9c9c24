//! Silences: what nobody is to be told of for a while.

use std::collections::BTreeMap;

use auscult_core::{LabelsRef, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::incident::rfc3339;
use crate::selector::Selector;

/// Most silences that are kept.
const MOST: usize = 10_000;
/// Nanoseconds that a silence can still be looked up after its end: five days.
const KEPT: i64 = 5 * 86_400_000_000_000;

/// Nobody is told of alarms on the series that `matchers` mean, from `starts` until before
/// `ends`. They are judged as ever, and their incidents are opened and shown.
///
/// An incident is silenced while all of its series are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// From 1; 0 for one that is new.
    #[serde(default)]
    pub id: u64,
    /// The series that are silenced; at least one matcher must ask for a label.
    pub matchers: Selector,
    /// Since when.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub starts: Timestamp,
    /// Until when.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub ends: Timestamp,
    /// Who says so.
    pub author: String,
    /// Why.
    #[serde(default)]
    pub comment: String,
}

impl Silence {
    /// Whether it holds at `time`.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        (self.starts..self.ends).contains(&time)
    }
}

/// Why a silence was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SilenceError {
    /// It would silence everything, or all that lacks a label.
    #[error("`{0}` means every series: a silence needs a matcher that asks for a label")]
    Unbounded(String),
    /// It is over before it begins, or already.
    #[error("a silence must end after it starts, and after now")]
    Over,
    /// There are too many.
    #[error("there are {MOST} silences already; expire some")]
    TooMany,
}

/// All silences.
#[derive(Debug, Default)]
pub(crate) struct Silences {
    by_id: BTreeMap<u64, Silence>,
    last: u64,
}

impl Silences {
    /// Takes a silence in, in place of the one with its number if there is one; its number.
    pub(crate) fn set(
        &mut self,
        mut silence: Silence,
        now: Timestamp,
    ) -> Result<u64, SilenceError> {
        if silence.matchers.is_unbounded() {
            return Err(SilenceError::Unbounded(silence.matchers.to_string()));
        }
        if silence.ends <= silence.starts || silence.ends <= now {
            return Err(SilenceError::Over);
        }
        self.forget(now);
        if silence.id == 0 {
            silence.id = self.last + 1;
        }
        if self.by_id.len() >= MOST && !self.by_id.contains_key(&silence.id) {
            return Err(SilenceError::TooMany);
        }
        let id = silence.id;
        self.last = self.last.max(id);
        self.by_id.insert(id, silence);
        Ok(id)
    }

    /// Ends a silence at `now`; false if there is none with this number that could end.
    pub(crate) fn expire(&mut self, id: u64, now: Timestamp) -> bool {
        let Some(silence) = self.by_id.get_mut(&id).filter(|silence| silence.ends > now) else {
            return false;
        };
        if silence.starts >= now {
            self.by_id.remove(&id);
        } else {
            silence.ends = now;
        }
        true
    }

    /// Drops those that were over long before `now`.
    fn forget(&mut self, now: Timestamp) {
        self.by_id.retain(|_, silence| now.nanos().saturating_sub(silence.ends.nanos()) < KEPT);
    }

    /// Has exactly `silences` from now on. Numbers up to `last` are not given again.
    pub(crate) fn restore(&mut self, silences: Vec<Silence>, last: u64) {
        self.by_id = silences.into_iter().map(|silence| (silence.id, silence)).collect();
        self.last = self.last.max(last).max(self.by_id.keys().next_back().copied().unwrap_or(0));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.by_id.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether the series `labels` is silenced at `now`.
    pub(crate) fn cover(&self, labels: LabelsRef<'_>, now: Timestamp) -> bool {
        self.iter().any(|silence| silence.holds(now) && silence.matchers.matches(labels))
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Labels;

    use super::*;

    fn silence(matchers: &str, starts: i64, ends: i64) -> Silence {
        Silence {
            id: 0,
            matchers: matchers.parse().unwrap(),
            starts: Timestamp::from_seconds(starts),
            ends: Timestamp::from_seconds(ends),
            author: "ops".to_owned(),
            comment: String::new(),
        }
    }

    #[test]
    fn silences_hold_from_their_start_to_their_end_and_can_be_ended_early() {
        let at = Timestamp::from_seconds;
        let mut silences = Silences::default();
        let labels = Labels::from_pairs([("job", "llm")]).unwrap();
        let covered = |silences: &Silences, second| silences.cover(labels.as_ref(), at(second));
        let id = silences.set(silence("{job=\"llm\"}", 100, 200), at(0)).unwrap();
        assert_eq!(
            [99, 100, 199, 200].map(|at| covered(&silences, at)),
            [false, true, true, false]
        );
        let longer = Silence { id, ..silence("{job=\"llm\"}", 100, 300) };
        assert_eq!(silences.set(longer, at(150)), Ok(id));
        assert!(silences.expire(id, at(250)) && !silences.expire(id, at(251)));
        assert_eq!([249, 250].map(|at| covered(&silences, at)), [true, false]);
        assert_eq!(silences.iter().count(), 1, "it can still be looked up");
        let other =
            silences.set(silence("{job=\"other\"}", 600_000, 700_000), at(600_000)).unwrap();
        assert_eq!((other, silences.iter().count()), (id + 1, 1));
    }

    #[test]
    fn restored_silences_hold_again_and_no_number_is_given_twice() {
        let at = Timestamp::from_seconds;
        let mut silences = Silences::default();
        let first = silences.set(silence("up", 100, 200), at(0)).unwrap();
        let kept: Vec<Silence> = silences.iter().cloned().collect();
        let second = silences.set(silence("down", 100, 200), at(0)).unwrap();
        let mut silences = Silences::default();
        silences.restore(kept, second);
        let labels = Labels::from_pairs([("__name__", "up")]).unwrap();
        assert!(silences.cover(labels.as_ref(), at(150)));
        assert_eq!(silences.iter().map(|silence| silence.id).collect::<Vec<_>>(), [first]);
        assert_eq!(silences.set(silence("other", 100, 200), at(0)), Ok(second + 1));
    }

    #[test]
    fn what_would_silence_everything_or_nothing_is_refused() {
        let at = Timestamp::from_seconds;
        let mut silences = Silences::default();
        for matchers in ["{}", "{job=~\".*\"}", "{job!=\"llm\"}"] {
            let refused = silences.set(silence(matchers, 100, 200), at(0));
            assert_eq!(refused, Err(SilenceError::Unbounded(matchers.to_owned())));
        }
        assert_eq!(silences.set(silence("up", 200, 100), at(0)), Err(SilenceError::Over));
        assert_eq!(silences.set(silence("up", 100, 200), at(200)), Err(SilenceError::Over));
    }
}
