//! What is odd about a target, all its series together.
//!
//! Every event says how rare it is by its own series. A target has many series,
//! so something rare happens to one of them often, and a fault moves several at
//! once. With `W` the time in which events belong together, `R` the return period
//! of an event and `N` series, the surprise of the `k` rarest events is
//!
//! ```text
//! S = max over k of   Σ ln(R / W)  -  ln C(N, k)
//!                    i ≤ k
//! ```
//!
//! the exponent of a union bound over the ways to choose `k` of `N` series. An alarm needs
//! `S >= ln(interval / W)` for a budget of one alarm an interval, and more than
//! the target's own history of `S` passes that often: series of one target move
//! together, which no bound on independent ones knows of.

use std::collections::HashMap;

use auscult_core::{Labels, LabelsRef, Timestamp};
use auscult_detect::ensemble::{AlarmBudget, BudgetGate, BudgetMode};

use crate::saved::{Bytes, Record, Records, SavedEvent, SavedTarget};
use crate::shard::Event;
use crate::slab::{Key, Slab};

/// A target of the engine.
pub(crate) type TargetId = Key;

/// Which series: shard and place in it.
pub(crate) type SeriesKey = (usize, Key);

/// Events on one target, and what its history says of such.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) labels: Labels,
    /// Series that are judged.
    pub(crate) series: usize,
    /// The rarest event of each series lately.
    recent: HashMap<SeriesKey, Recent>,
    gate: BudgetGate,
    /// Highest surprise since the last tick.
    highest: f64,
}

#[derive(Debug)]
struct Recent {
    event: Event,
    /// `ln(R / W)`.
    nats: f64,
}

/// An alarm of a target: how surprising, and by which events.
#[derive(Debug)]
pub(crate) struct TargetAlarm {
    pub(crate) surprise: f64,
    /// Rarest first.
    pub(crate) events: Vec<Event>,
}

impl Target {
    /// Takes an event in; says whether all that is recent is an alarm.
    fn take(&mut self, event: &Event, rules: &Rules) -> Option<TargetAlarm> {
        let nats = (event.return_seconds / rules.together).ln();
        if nats <= 0.0 {
            return None;
        }
        self.forget(event.time, rules);
        let recent = self.recent.entry((event.shard, event.key));
        let recent = recent.or_insert_with(|| Recent { event: event.clone(), nats });
        if nats > recent.nats {
            *recent = Recent { event: event.clone(), nats };
        }
        let gate = self.gate.level().unwrap_or(0.0);
        let (surprise, strangest) = self.surprise();
        let alarm = (surprise >= rules.least && surprise > gate).then(|| TargetAlarm {
            surprise,
            events: strangest.into_iter().map(|recent| recent.event.clone()).collect(),
        });
        self.highest = self.highest.max(surprise);
        alarm
    }

    fn forget(&mut self, now: Timestamp, rules: &Rules) {
        self.recent.retain(|_, recent| !rules.is_over(recent.event.time, now));
    }

    /// The surprise of all that is recent, and what makes it.
    fn surprise(&self) -> (f64, Vec<&Recent>) {
        let mut recent: Vec<&Recent> = self.recent.values().collect();
        recent.sort_by(|a, b| {
            b.nats.total_cmp(&a.nats).then_with(|| a.event.labels.cmp(&b.event.labels))
        });
        let nats: Vec<f64> = recent.iter().map(|recent| recent.nats).collect();
        let (surprise, count) = surprise(&nats, self.series);
        recent.truncate(count);
        (surprise, recent)
    }
}

/// `max over k of (sum of the first k) - ln C(series, k)`, at least 0, and where it is;
/// `nats` are ordered, largest first.
fn surprise(nats: &[f64], series: usize) -> (f64, usize) {
    let series = series.max(nats.len()) as f64;
    let (mut sum, mut ways, mut best) = (0.0, 0.0, (0.0, 0));
    for (place, nats) in nats.iter().enumerate() {
        let chosen = place as f64;
        sum += nats;
        ways += ((series - chosen) / (chosen + 1.0)).ln();
        if sum - ways > best.0 {
            best = (sum - ways, place + 1);
        }
    }
    best
}

/// What makes an alarm of surprise.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// Seconds in which events belong together.
    together: f64,
    /// Least surprise that the budget allows.
    least: f64,
}

impl Rules {
    fn is_over(&self, then: Timestamp, now: Timestamp) -> bool {
        (now.nanos().saturating_sub(then.nanos())) as f64 / 1e9 > self.together
    }
}

/// All targets.
#[derive(Debug)]
pub(crate) struct Targets {
    by_labels: HashMap<Labels, TargetId>,
    targets: Slab<Target>,
    label_names: Vec<String>,
    budget: AlarmBudget,
    rules: Rules,
}

impl Targets {
    pub(crate) fn new(label_names: Vec<String>, budget: AlarmBudget, together: f64) -> Self {
        let least = (budget.interval_seconds() / together).ln().max(0.0);
        let rules = Rules { together, least };
        Self { by_labels: HashMap::new(), targets: Slab::new(), label_names, budget, rules }
    }

    /// The target of a series with these labels, which is counted as one more of it.
    pub(crate) fn add_series(&mut self, labels: LabelsRef<'_>) -> TargetId {
        let names = self.label_names.iter();
        let own = names.filter_map(|name| Some((name.as_str(), labels.get(name)?)));
        let own = Labels::from_pairs(own).unwrap_or_default();
        let id = match self.by_labels.get(&own) {
            Some(id) => *id,
            None => {
                let id = self.targets.insert(Target {
                    labels: own.clone(),
                    series: 0,
                    recent: HashMap::new(),
                    gate: BudgetGate::new(self.budget, BudgetMode::Soft),
                    highest: 0.0,
                });
                self.by_labels.insert(own, id);
                id
            }
        };
        if let Some(target) = self.targets.get_mut(id) {
            target.series += 1;
        }
        id
    }

    /// One series less; a target without any is forgotten.
    pub(crate) fn remove_series(&mut self, id: TargetId) {
        let Some(target) = self.targets.get_mut(id) else { return };
        target.series -= 1;
        if target.series == 0
            && let Some(target) = self.targets.remove(id)
        {
            self.by_labels.remove(&target.labels);
        }
    }

    /// Takes an event in; says whether its target raises an alarm.
    pub(crate) fn take(&mut self, event: &Event) -> Option<TargetAlarm> {
        self.targets.get_mut(event.target)?.take(event, &self.rules)
    }

    /// Goes on to `now`: what was highest becomes history.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        let ids: Vec<TargetId> = self.targets.iter().map(|(id, _)| id).collect();
        for id in ids {
            let Some(target) = self.targets.get_mut(id) else { continue };
            let rules = self.rules;
            target.forget(now, &rules);
            target.gate.learn(now, target.highest);
            target.highest = target.surprise().0;
        }
    }

    /// Appends what is known of every target.
    pub(crate) fn save(&self, records: &mut Records) {
        for (_, target) in self.targets.iter() {
            let gate = postcard::to_allocvec(&target.gate).expect("numbers become bytes");
            records.push(&Record::Target(SavedTarget {
                labels: Bytes(target.labels.as_ref().bytes()),
                highest: target.highest,
                recent: target.recent.values().map(|one| SavedEvent::new(&one.event)).collect(),
                gate: Bytes(&gate),
            }));
        }
    }

    /// Takes in what was stored of a target that has series, which `find` finds; false if
    /// there is none, or it cannot be. A history under another budget begins anew.
    pub(crate) fn put(
        &mut self,
        saved: SavedTarget<'_>,
        find: impl Fn(LabelsRef<'_>) -> Option<SeriesKey>,
    ) -> bool {
        let Some(labels) = LabelsRef::decode(saved.labels.0) else { return false };
        let Some(id) = self.by_labels.get(&labels.to_owned()).copied() else { return false };
        let Some(target) = self.targets.get_mut(id) else { return false };
        if !saved.highest.is_finite() {
            return false;
        }
        target.highest = saved.highest;
        for event in saved.recent {
            let Some(labels) = event.labels() else { continue };
            let Some(place) = find(labels.as_ref()) else { continue };
            let Some(event) = event.event(labels, place, id) else { continue };
            let nats = (event.return_seconds / self.rules.together).ln();
            if nats > 0.0 {
                target.recent.insert(place, Recent { event, nats });
            }
        }
        match postcard::from_bytes::<BudgetGate>(saved.gate.0) {
            Ok(gate) if gate.fits(self.budget, BudgetMode::Soft) => {
                target.gate = gate;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn get(&self, id: TargetId) -> Option<&Target> {
        self.targets.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_among_many_series_must_be_rarer_and_several_need_less() {
        let one = surprise(&[12.0], 300);
        assert!((one.0 - (12.0 - 300_f64.ln())).abs() < 1e-9);
        assert_eq!(surprise(&[3.0], 300), (0.0, 0));
        let many = surprise(&[[6.0; 30].as_slice(), &[0.1; 5]].concat(), 300);
        assert!(many.0 > 60.0 && many.1 == 30, "{many:?}");
        assert_eq!(surprise(&[0.5; 30], 300), (0.0, 0));
    }
}
