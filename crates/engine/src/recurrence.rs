//! Departures that come back at the same hour of the week: a backup on Saturday night, the
//! report on Monday morning.
//!
//! A detector follows the day by itself. A week is too long for its memory: what happens once a
//! week would be told once a week, for ever. So a target remembers which series departed at its
//! alarms, when, and how far; a departure that did as much at the same hour in two of the last
//! four weeks is the week's own.

use std::collections::BTreeMap;

use auscult_core::{LabelsRef, Timestamp};
use serde::{Deserialize, Serialize};

use crate::placement::placement;
use crate::shard::Event;

/// Weeks that are looked back, and in how many of them it must have come.
const WEEKS: u32 = 4;
const ENOUGH: usize = 2;
const WEEK_HOURS: u32 = 168;
/// Hours by which it may come early or late: clocks change in spring and autumn.
const EARLY_OR_LATE: u32 = 1;
/// A departure so many times as far as any before at its hour is another one.
const FARTHER: f32 = 2.0;
/// Nanoseconds after an alarm in which what is odd belongs to it: what went up comes down.
const AFTERMATH: i64 = 3_600_000_000_000;
/// Most departures of a series that are remembered; the oldest go first.
const MOST: usize = 16;

/// What departed at the alarms of a target lately.
///
/// Time O(log series) for an odd sample, nothing for others; 8 bytes for each of 16 departures of a
/// series at most, of series that took part in an alarm in the last five weeks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Recurrence {
    /// By what the labels of the series place it; oldest first.
    departed: BTreeMap<u64, Vec<Departed>>,
    /// The last time that all was an alarm, told or not.
    alarm: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Departed {
    /// Since the epoch.
    hour: u32,
    /// From what was expected to what was read.
    change: f32,
}

impl Departed {
    fn of(event: &Event) -> Self {
        let hour = u32::try_from(event.time.nanos().div_euclid(3_600_000_000_000)).unwrap_or(0);
        Self { hour, change: (event.reading - event.explanation.expected[0]) as f32 }
    }

    /// Whether it went as far as `later` on the same side.
    fn is_like(&self, later: &Self) -> bool {
        self.change * later.change >= 0.0 && later.change.abs() <= FARTHER * self.change.abs()
    }
}

impl Recurrence {
    /// Whether departures like `event` belong to this hour of the week.
    pub(crate) fn knows(&self, event: &Event) -> bool {
        if self.departed.is_empty() {
            return false;
        }
        let Some(departed) = self.departed.get(&placement(event.labels.as_ref())) else {
            return false;
        };
        let now = Departed::of(event);
        let came = |weeks: &u32| {
            let then = now.hour.saturating_sub(weeks * WEEK_HOURS);
            let is_then = |one: &&Departed| one.hour.abs_diff(then) <= EARLY_OR_LATE;
            departed.iter().filter(is_then).any(|one| one.is_like(&now))
        };
        (1..=WEEKS).filter(came).count() >= ENOUGH
    }

    /// All that is odd at `time` would be an alarm, were nothing known of the week.
    pub(crate) fn alarm(&mut self, time: Timestamp) {
        if !self.is_aftermath(time) {
            let hour = (time.nanos() / 3_600_000_000_000) as u32;
            let oldest = hour.saturating_sub((WEEKS + 1) * WEEK_HOURS);
            self.departed.retain(|_, all| all.iter().any(|one| one.hour >= oldest));
        }
        self.alarm = Some(time);
    }

    /// Whether `time` is so soon after an alarm that what is odd belongs to it.
    pub(crate) fn is_aftermath(&self, time: Timestamp) -> bool {
        self.alarm.is_some_and(|alarm| time.nanos().saturating_sub(alarm.nanos()) < AFTERMATH)
    }

    /// Remembers a departure that took part in an alarm, or followed it.
    pub(crate) fn learn(&mut self, event: &Event) {
        let now = Departed::of(event);
        let departed = self.departed.entry(placement(event.labels.as_ref())).or_default();
        let is_same = |one: &&mut Departed| one.hour == now.hour && one.change * now.change >= 0.0;
        if let Some(known) = departed.iter_mut().find(is_same) {
            if now.change.abs() > known.change.abs() {
                known.change = now.change;
            }
            return;
        }
        if departed.len() >= MOST {
            departed.remove(0);
        }
        departed.push(now);
    }

    /// Forgets how the series with these `labels` departed from `from` to `until`: something was
    /// truly wrong then, which is no week's own.
    pub(crate) fn confirm(&mut self, labels: LabelsRef<'_>, from: Timestamp, until: Timestamp) {
        let hour = |time: Timestamp| time.nanos().div_euclid(3_600_000_000_000);
        let (from, until) = (hour(from), hour(until));
        let series = placement(labels);
        let Some(departed) = self.departed.get_mut(&series) else { return };
        departed.retain(|one| !(from..=until).contains(&i64::from(one.hour)));
        if departed.is_empty() {
            self.departed.remove(&series);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.departed.is_empty()
    }

    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        let mut all = self.departed.values();
        all.all(|one| one.len() <= MOST && one.iter().all(|one| !one.change.is_nan()))
    }
}
