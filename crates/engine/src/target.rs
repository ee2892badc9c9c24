//! What is odd about a target, all its series together.
//!
//! Every event says how rare it is by its own series. A target has many series,
//! so something rare happens to one of them often, and a fault moves several at
//! once. With `W` the time in which events belong together, `R[k]` the return period
//! of the `k`-th rarest event and `N` series, the surprise is
//!
//! ```text
//! S = max over k of   k ln(R[k] / W)  -  ln C(N, k)
//! ```
//!
//! the exponent of a union bound over the ways to choose `k` of `N` series that are all so odd. An alarm needs
//! `S >= ln(interval / W)` for a budget of one alarm an interval, and as much as
//! the target's own history of `S` passes that often: series of one target move
//! together, which no bound on independent ones knows of ([`SurpriseTail`]).

use std::collections::HashMap;

use auscult_core::{Labels, LabelsRef, Timestamp};
use auscult_detect::ensemble::AlarmBudget;

use crate::incident::Incident;
use crate::policy::Severity;
use crate::recurrence::Recurrence;
use crate::saved::{Bytes, Record, Records, SavedEvent, SavedRecurrence, SavedTarget};
use crate::shard::{Event, SilentSeries};
use crate::slab::{Key, Slab};
use crate::surprise::{SurpriseTail, dependent_surprise, surprise};

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
    /// Methods that judge some of them jointly: each has a say, as one series has.
    joint: usize,
    /// The rarest event of each series lately.
    recent: HashMap<SeriesKey, Recent>,
    tail: SurpriseTail,
    /// What belongs to its week.
    recurrence: Recurrence,
    /// Highest surprise since the last tick.
    highest: f64,
    /// Whether nearly all of its series send nothing any more.
    is_silent: bool,
}

/// Nats that many series together may lack of what is odd by itself.
const SUPPORT: f64 = 2.0;
/// Share of a target's series that must be silent for the target to be.
const SILENT_SHARE: f64 = 0.8;

#[derive(Debug)]
struct Recent {
    event: Event,
    /// `ln(R / W)`.
    nats: f64,
    /// Whether it came at this hour in earlier weeks too.
    is_weekly: bool,
}

impl Recent {
    fn new(event: Event, nats: f64, recurrence: &Recurrence) -> Self {
        let is_weekly = !event.is_certain() && recurrence.knows(&event);
        Self { event, nats, is_weekly }
    }
}

/// An alarm of a target: how surprising, and by which events.
#[derive(Debug)]
pub(crate) struct TargetAlarm {
    pub(crate) surprise: f64,
    /// Rarest first.
    pub(crate) events: Vec<Event>,
}

impl Target {
    /// Who may find something odd: its series, and methods that judge several of them.
    pub(crate) fn voices(&self) -> usize {
        self.series + self.joint
    }

    /// Takes an event in; says whether all that is recent is an alarm.
    fn take(&mut self, event: &Event, rules: &Rules) -> Option<TargetAlarm> {
        let nats = (event.return_seconds / rules.together).ln();
        if nats <= 0.0 {
            return None;
        }
        self.forget(event.time, rules);
        // What lies so far ahead bears the time of a clock that was set back since.
        self.recent.retain(|_, recent| !rules.is_over(event.time, recent.event.time));
        let key = (event.shard, event.key);
        if self.recent.get(&key).is_none_or(|recent| nats > recent.nats) {
            let recent = Recent::new(event.clone(), nats, &self.recurrence);
            self.recent.insert(key, recent);
        }
        // What is weekly must not count, but goes on to be remembered.
        let has_weekly = self.recent.values().any(|recent| recent.is_weekly);
        let (is_odd, surprise, strangest) = self.judge(|_| true);
        let was_odd = is_odd;
        let (is_odd, surprise, strangest) = if has_weekly {
            self.judge(|recent| !recent.is_weekly)
        } else {
            (is_odd, surprise, strangest)
        };
        let alarm = (is_odd || event.is_certain()).then(|| TargetAlarm {
            surprise,
            events: strangest.into_iter().map(|recent| recent.event.clone()).collect(),
        });
        self.highest = self.highest.max(self.doubtful());
        self.remember(event, was_odd);
        alarm
    }

    /// Whether what is recent and `counts` is an alarm, its surprise, and what makes it.
    ///
    /// Two ways lead to one: several series together, once the target's history says how they move
    /// together, and what is odd enough whatever they have to do with each other.
    fn judge(&self, counts: impl Fn(&Recent) -> bool) -> (bool, f64, Vec<&Recent>) {
        let mut recent = self.ordered(counts);
        let nats: Vec<f64> = recent.iter().map(|recent| recent.nats).collect();
        let voices = self.voices();
        let (together, count) = surprise(&nats, voices);
        let (alone, few) = dependent_surprise(&nats, voices);
        let is_rare = alone >= self.tail.theory() - SUPPORT;
        if is_rare && self.tail.is_known() && together >= self.tail.level(voices) {
            recent.truncate(count);
            return (true, together, recent);
        }
        recent.truncate(few);
        (alone >= self.tail.theory(), alone, recent)
    }

    /// Remembers what took part in an alarm, told or not, or followed it.
    fn remember(&mut self, event: &Event, is_alarm: bool) {
        let is_first = !self.recurrence.is_aftermath(event.time);
        if is_alarm {
            self.recurrence.alarm(event.time);
        }
        if is_alarm && is_first {
            let recent = self.recent.values().map(|recent| &recent.event);
            let uncertain = recent.filter(|event| !event.is_certain());
            uncertain.for_each(|event| self.recurrence.learn(event));
        } else if (is_alarm || !is_first) && !event.is_certain() {
            self.recurrence.learn(event);
        }
    }

    fn forget(&mut self, now: Timestamp, rules: &Rules) {
        self.recent.retain(|_, recent| !rules.is_over(recent.event.time, now));
    }

    /// What the tail is to learn: what is certain says nothing of how often chance is so high,
    /// and would make the target deaf; nor does what the week brings.
    fn doubtful(&self) -> f64 {
        let recent = self.ordered(|recent| !recent.event.is_certain() && !recent.is_weekly);
        let nats: Vec<f64> = recent.iter().map(|recent| recent.nats).collect();
        surprise(&nats, self.voices()).0
    }

    /// What is recent and `counts`, rarest first.
    fn ordered(&self, counts: impl Fn(&Recent) -> bool) -> Vec<&Recent> {
        let mut recent: Vec<&Recent> =
            self.recent.values().filter(|recent| counts(recent)).collect();
        recent.sort_by(|a, b| {
            b.nats.total_cmp(&a.nats).then_with(|| a.event.labels.cmp(&b.event.labels))
        });
        recent
    }
}

/// What makes an alarm of surprise.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// Seconds in which events belong together.
    together: f64,
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
        let rules = Rules { together };
        Self { by_labels: HashMap::new(), targets: Slab::new(), label_names, budget, rules }
    }

    /// Has `budget` hold from now on, for all targets.
    pub(crate) fn set_budget(&mut self, budget: AlarmBudget) {
        self.budget = budget;
        for (_, target) in self.targets.iter_mut() {
            target.tail.set_interval(budget.interval_seconds());
        }
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
                    joint: 0,
                    recent: HashMap::new(),
                    tail: SurpriseTail::new(self.budget.interval_seconds(), self.rules.together),
                    recurrence: Recurrence::default(),
                    highest: 0.0,
                    is_silent: false,
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

    /// One method more, or less, judges series of the target jointly.
    pub(crate) fn set_joint(&mut self, id: TargetId, change: isize) {
        if let Some(target) = self.targets.get_mut(id) {
            target.joint = target.joint.saturating_add_signed(change);
        }
    }

    /// The target with these labels.
    pub(crate) fn find(&self, labels: LabelsRef<'_>) -> Option<TargetId> {
        self.by_labels.get(&labels.to_owned()).copied()
    }

    /// Takes an event in; says whether its target raises an alarm.
    pub(crate) fn take(&mut self, event: &Event) -> Option<TargetAlarm> {
        self.targets.get_mut(event.target)?.take(event, &self.rules)
    }

    /// Forgets what the history of the targets of `incident` made of it up to `last`: something was
    /// truly wrong.
    pub(crate) fn confirm(&mut self, incident: &Incident, last: Timestamp) {
        for labels in &incident.targets {
            let Some(id) = self.find(labels.as_ref()) else { continue };
            let Some(target) = self.targets.get_mut(id) else { continue };
            target.tail.confirm(incident.surprise);
            for member in incident.members.iter().filter(|member| member.target == *labels) {
                let (from, until) = member.span(last);
                target.recurrence.confirm(member.series.as_ref(), from, until);
            }
        }
    }

    /// Goes on to `now`: what was highest becomes history.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        let ids: Vec<TargetId> = self.targets.iter().map(|(id, _)| id).collect();
        for id in ids {
            let Some(target) = self.targets.get_mut(id) else { continue };
            let rules = self.rules;
            target.forget(now, &rules);
            target.tail.learn(now, target.highest);
            target.highest = target.doubtful();
        }
    }

    /// Appends what is known of every target.
    pub(crate) fn save(&self, records: &mut Records) {
        for (_, target) in self.targets.iter() {
            records.push(&Record::Target(SavedTarget {
                labels: Bytes(target.labels.as_ref().bytes()),
                highest: target.highest,
                recent: target.recent.values().map(|one| SavedEvent::new(&one.event)).collect(),
                is_silent: target.is_silent,
                tail: target.tail.clone(),
            }));
            if !target.recurrence.is_empty() {
                let labels = Bytes(target.labels.as_ref().bytes());
                let recurrence = target.recurrence.clone();
                records.push(&Record::Recurrence(SavedRecurrence { labels, recurrence }));
            }
        }
    }

    /// Takes in what was stored of a target that has series, which `find` finds with their
    /// severity; false if there is none, or it cannot be. A history under another budget
    /// begins anew.
    pub(crate) fn put(
        &mut self,
        saved: SavedTarget<'_>,
        find: impl Fn(LabelsRef<'_>) -> Option<(SeriesKey, Severity)>,
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
            let Some((place, severity)) = find(labels.as_ref()) else { continue };
            let Some(event) = event.event(labels, place, id, severity) else { continue };
            let nats = (event.return_seconds / self.rules.together).ln();
            if nats > 0.0 {
                let recent = Recent::new(event, nats, &target.recurrence);
                target.recent.insert(place, recent);
            }
        }
        target.is_silent = saved.is_silent;
        let fits = target.tail.fits(&saved.tail);
        if fits {
            target.tail = saved.tail;
        }
        fits
    }

    /// Takes in what was stored of the week of a target that is there; false if it cannot be.
    pub(crate) fn put_recurrence(&mut self, saved: SavedRecurrence<'_>) -> bool {
        let Some(labels) = LabelsRef::decode(saved.labels.0) else { return false };
        let Some(id) = self.by_labels.get(&labels.to_owned()).copied() else { return false };
        let Some(target) = self.targets.get_mut(id) else { return false };
        let is_sound = saved.recurrence.is_sound();
        if is_sound {
            target.recurrence = saved.recurrence;
            for recent in target.recent.values_mut() {
                let is_certain = recent.event.is_certain();
                recent.is_weekly = !is_certain && target.recurrence.knows(&recent.event);
            }
        }
        is_sound
    }

    /// Nobody watched until now.
    pub(crate) fn awake(&mut self) {
        self.targets.iter_mut().for_each(|(_, target)| target.tail.awake());
    }

    /// Which targets became silent, by the silent series of each; the alarm of each.
    pub(crate) fn fall_silent(
        &mut self,
        mut silent: HashMap<TargetId, SilentSeries>,
    ) -> Vec<(TargetAlarm, Labels)> {
        let ids: Vec<TargetId> = self.targets.iter().map(|(id, _)| id).collect();
        let mut alarms = Vec::new();
        for id in ids {
            let Some(target) = self.targets.get_mut(id) else { continue };
            let silence = silent.remove(&id);
            let series = silence.as_ref().map_or(0, |silence| silence.series);
            let was_silent = target.is_silent;
            target.is_silent = series as f64 >= SILENT_SHARE * target.series as f64 && series > 0;
            if let Some(mut silence) = silence.filter(|_| target.is_silent && !was_silent) {
                let all = target.series;
                let reason = format!("{series} of {all} series of the target send nothing");
                silence.event.explanation.reasons.insert(0, reason);
                let surprise = (silence.event.return_seconds / self.rules.together).ln();
                alarms.push((
                    TargetAlarm { surprise, events: vec![silence.event] },
                    target.labels.clone(),
                ));
            }
        }
        alarms
    }

    pub(crate) fn get(&self, id: TargetId) -> Option<&Target> {
        self.targets.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }
}
