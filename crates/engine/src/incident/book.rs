//! Keeps the incidents: opens, grows, closes and reopens them.

use std::collections::{HashMap, VecDeque};

use auscult_core::{Labels, Timestamp};

use super::{Change, Happening, Incident, Member, State};
use crate::policy::Severity;
use crate::saved::{Bytes, Record, Records};
use crate::shard::Event;
use crate::silence::Silences;
use crate::target::{SeriesKey, TargetAlarm};

/// Most series that an incident names; more are counted.
const MOST_MEMBERS: usize = 200;
/// Most incidents kept; the oldest recovered ones go first.
const MOST_INCIDENTS: usize = 10_000;
/// Most changes kept for those who ask for what is new.
const MOST_CHANGES: usize = 10_000;
/// Most members of their incidents together: each change has its incident whole, and one that grows by
/// a member at a time would take memory by the square of them.
const MOST_CHANGED_MEMBERS: usize = 100_000;

/// Share of the time lately, counted back by half of the time until recovery, in which a member
/// that recovered may have been odd: what is left of one that was, after that time as usual.
const CALM: f64 = 0.1354;
/// Of so many members one may be odd as often as it likes: of many, some are by chance.
const ONE_OF: usize = 20;
/// An event of a member is a relapse if it is at most so many times as frequent as the worst.
const RELAPSE: f64 = 10.0;

/// How alarms are put together.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Labels that targets of one incident may share.
    pub(crate) topology_labels: Vec<String>,
    /// Nanoseconds between alarms of one incident.
    pub(crate) together: i64,
    /// Nanoseconds as usual until recovery, of one that was never opened again.
    pub(crate) quiet_after: i64,
    /// Nanoseconds after recovery in which an alarm reopens.
    pub(crate) reopen_within: i64,
}

impl Rules {
    /// Nanoseconds as usual until recovery: twice as long each time that the recovery was none,
    /// so that what comes and goes becomes one open incident instead of news at every turn.
    fn quiet(&self, reopened: u32) -> i64 {
        let longer = self.quiet_after.saturating_mul(1 << reopened.min(32));
        longer.min(self.reopen_within).max(self.quiet_after)
    }
}

/// An incident, and where its series are.
#[derive(Debug)]
struct Entry {
    incident: Incident,
    keys: HashMap<SeriesKey, usize>,
    /// For each member, how much of the time lately it was odd.
    oddness: Vec<f64>,
    /// The last look for recovery.
    looked: Option<Timestamp>,
    /// While what was fed before is fed again: up to when this knows everything.
    known_until: Option<Timestamp>,
}

/// All incidents.
#[derive(Debug)]
pub(crate) struct Book {
    rules: Rules,
    entries: VecDeque<Entry>,
    changes: VecDeque<Change>,
    /// Members of the incidents of all changes.
    changed_members: usize,
    pub(crate) silences: Silences,
    next_incident: u64,
    next_change: u64,
}

impl Book {
    /// Has other rules hold from now on.
    pub(crate) fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            entries: VecDeque::new(),
            changes: VecDeque::new(),
            changed_members: 0,
            silences: Silences::default(),
            next_incident: 1,
            next_change: 1,
        }
    }

    /// Puts an alarm on `target` where it belongs.
    pub(crate) fn raise(&mut self, alarm: &TargetAlarm, target: &Labels) {
        let Some(now) = alarm.events.iter().map(|event| event.time).max() else { return };
        let (place, mut happening) = match self.place_for(target, now) {
            Some(place) if self.entries[place].knows(now) => {
                let entry = &mut self.entries[place];
                return alarm.events.iter().for_each(|event| entry.recognise(event));
            }
            Some(place) => (place, None),
            None => (self.open(now), Some(Happening::Opened)),
        };
        let entry = &mut self.entries[place];
        let incident = &mut entry.incident;
        incident.surprise = incident.surprise.max(alarm.surprise);
        let severity = alarm.events.iter().map(|event| event.severity).max().unwrap_or_default();
        let matters_more = severity > incident.severity;
        incident.severity = incident.severity.max(severity);
        if incident.state == State::Recovered {
            incident.state = State::Open;
            incident.reopened += 1;
            happening = Some(Happening::Reopened);
        }
        if matters_more {
            happening.get_or_insert(Happening::Grew);
        }
        if !incident.targets.contains(target) {
            incident.targets.push(target.clone());
            happening.get_or_insert(Happening::Grew);
        }
        for event in &alarm.events {
            if entry.take(event, target) {
                happening.get_or_insert(Happening::Grew);
            }
        }
        entry.mark_silenced(&self.silences, now);
        if let Some(happening) = happening {
            self.note(place, happening, now);
        }
    }

    /// An odd series of a target that has an open incident becomes part of it.
    pub(crate) fn join(&mut self, event: &Event, target: &Labels) {
        let open = |entry: &Entry| {
            entry.incident.state == State::Open && entry.incident.targets.contains(target)
        };
        let Some(place) = self.entries.iter().rposition(open) else { return };
        if self.entries[place].knows(event.time) {
            self.entries[place].recognise(event);
        } else if self.entries[place].take(event, target) {
            self.entries[place].mark_silenced(&self.silences, event.time);
            self.note(place, Happening::Grew, event.time);
        }
    }

    /// The incident that an alarm on `target` belongs to: one on the same target, or one
    /// that something odd was lately found in on a target that shares a label.
    fn place_for(&self, target: &Labels, now: Timestamp) -> Option<usize> {
        let age = |incident: &Incident| {
            let passed = now.nanos().saturating_sub(incident.updated.nanos());
            // What was odd shortly before it changed is of it. One may lie further ahead, if a
            // clock was set back.
            if (-self.rules.together..0).contains(&passed) { 0 } else { passed.saturating_abs() }
        };
        let same = |entry: &Entry| {
            let incident = &entry.incident;
            let is_alive =
                incident.state == State::Open || age(incident) <= self.rules.reopen_within;
            is_alive && incident.targets.contains(target)
        };
        let shares = |other: &Labels| {
            let mut names = self.rules.topology_labels.iter();
            names.any(|name| other.get(name).is_some_and(|value| target.get(name) == Some(value)))
        };
        let near = |entry: &Entry| {
            let incident = &entry.incident;
            incident.state == State::Open
                && age(incident) <= self.rules.together
                && incident.targets.iter().any(shares)
        };
        self.entries.iter().rposition(same).or_else(|| self.entries.iter().rposition(near))
    }

    fn open(&mut self, now: Timestamp) -> usize {
        if self.entries.len() >= MOST_INCIDENTS {
            let oldest =
                self.entries.iter().position(|entry| entry.incident.state == State::Recovered);
            self.entries.remove(oldest.unwrap_or(0));
        }
        let incident = Incident {
            id: self.next_incident,
            state: State::Open,
            began: now,
            noticed: now,
            updated: now,
            reopened: 0,
            surprise: 0.0,
            // Below every alarm: the first one says.
            severity: Severity::Info,
            silenced: false,
            targets: Vec::new(),
            members: Vec::new(),
            more_members: 0,
        };
        self.next_incident += 1;
        self.entries.push_back(Entry::new(incident, HashMap::new(), None));
        self.entries.len() - 1
    }

    /// Goes on to `now`. `is_usual` says of a series whether it is as usual, or
    /// `None` if it is no longer there.
    pub(crate) fn tick(
        &mut self,
        now: Timestamp,
        mut is_usual: impl FnMut(SeriesKey) -> Option<bool>,
    ) {
        let mut recovered = Vec::new();
        for (place, entry) in self.entries.iter_mut().enumerate() {
            if entry.incident.state != State::Open || entry.knows(now) {
                continue;
            }
            let needed = self.rules.quiet(entry.incident.reopened);
            if entry.look(now, needed, &mut is_usual) {
                entry.incident.state = State::Recovered;
                recovered.push(place);
            }
        }
        for place in recovered {
            self.note(place, Happening::Recovered, now);
        }
        self.mark_silenced(now);
    }

    /// Finds out which incidents are silenced at `now`. Of one that no longer is, others are to
    /// be told: it counts as grown.
    pub(crate) fn mark_silenced(&mut self, now: Timestamp) {
        let mut loud = Vec::new();
        for (place, entry) in self.entries.iter_mut().enumerate() {
            if entry.incident.state == State::Open {
                let before = entry.incident.silenced;
                entry.mark_silenced(&self.silences, now);
                if before && !entry.incident.silenced {
                    loud.push(place);
                }
            }
        }
        loud.into_iter().for_each(|place| self.note(place, Happening::Grew, now));
    }

    fn note(&mut self, place: usize, happening: Happening, time: Timestamp) {
        let incident = &mut self.entries[place].incident;
        incident.updated = incident.updated.max(time);
        let change = Change { number: self.next_change, happening, incident: incident.clone() };
        self.next_change += 1;
        self.keep(change);
    }

    /// Keeps a change for those who ask for what is new; the oldest go where there are too many.
    fn keep(&mut self, change: Change) {
        self.changed_members += change.incident.members.len();
        self.changes.push_back(change);
        while self.changes.len() > MOST_CHANGES
            || (self.changed_members > MOST_CHANGED_MEMBERS && self.changes.len() > 1)
        {
            let Some(oldest) = self.changes.pop_front() else { break };
            self.changed_members -= oldest.incident.members.len();
        }
    }

    /// Appends the incidents that may still go on at `now`.
    pub(crate) fn save(&self, now: Timestamp, records: &mut Records) {
        for Entry { incident, .. } in &self.entries {
            let age = now.nanos().saturating_sub(incident.updated.nanos());
            if incident.state == State::Open || age <= self.rules.reopen_within {
                let json = serde_json::to_vec(incident).expect("an incident becomes JSON");
                records.push(&Record::Incident(Bytes(&json)));
            }
        }
    }

    /// Takes in a stored incident, whose members are at `places`.
    pub(crate) fn adopt(
        &mut self,
        incident: Incident,
        places: &[Option<SeriesKey>],
        is_final: bool,
    ) {
        let keys = places.iter().enumerate().filter_map(|(member, key)| Some(((*key)?, member)));
        let known_until = is_final.then_some(incident.updated);
        self.next_incident = self.next_incident.max(incident.id + 1);
        let id = incident.id;
        let entry = Entry::new(incident, keys.collect(), known_until);
        match self.entries.binary_search_by_key(&id, |entry| entry.incident.id) {
            Ok(place) => self.entries[place] = entry,
            Err(place) => self.entries.insert(place, entry),
        }
    }

    /// Takes in stored changes, oldest first, of which none is known here.
    pub(crate) fn adopt_changes(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            self.next_change = self.next_change.max(change.number + 1);
            self.keep(change);
        }
    }

    pub(crate) fn next_numbers(&self) -> (u64, u64) {
        (self.next_incident, self.next_change)
    }

    pub(crate) fn number_from(&mut self, incident: u64, change: u64) {
        self.next_incident = self.next_incident.max(incident);
        self.next_change = self.next_change.max(change);
    }

    /// What is fed from now on is new.
    pub(crate) fn awake(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.known_until = None);
    }

    /// The time by which incidents recover goes on from `now`.
    pub(crate) fn clock_jumped(&mut self, now: Timestamp) {
        let open = self.entries.iter_mut().filter(|entry| entry.incident.state == State::Open);
        let members = open.flat_map(|entry| &mut entry.incident.members);
        members.for_each(|member| member.usual_since = member.usual_since.map(|_| now));
        self.entries.iter_mut().for_each(|entry| entry.looked = None);
    }

    /// Every incident, newest first.
    pub(crate) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.entries.iter().rev().map(|entry| &entry.incident)
    }

    /// The changes after the one with `number`, oldest first.
    pub(crate) fn changes_after(&self, number: u64) -> impl Iterator<Item = &Change> {
        let first = self.changes.partition_point(|change| change.number <= number);
        self.changes.range(first..)
    }

    pub(crate) fn open_incidents(&self) -> usize {
        self.entries.iter().filter(|entry| entry.incident.state == State::Open).count()
    }
}

impl Entry {
    fn new(
        incident: Incident,
        keys: HashMap<SeriesKey, usize>,
        known_until: Option<Timestamp>,
    ) -> Self {
        let oddness = vec![1.0; incident.members.len()];
        Self { incident, keys, oddness, looked: None, known_until }
    }

    /// Looks at `now` how its members are; says whether the incident is over.
    ///
    /// It is over once members were as usual for `needed` nanoseconds. A look at which one is not
    /// sets it back by that look and not to the beginning, and of many members some may go on
    /// being odd: among hundreds of series, some always are.
    fn look(
        &mut self,
        now: Timestamp,
        needed: i64,
        is_usual: &mut impl FnMut(SeriesKey) -> Option<bool>,
    ) -> bool {
        let since = self.looked.replace(now);
        let passed = since.map_or(0, |since| now.nanos().saturating_sub(since.nanos()).max(0));
        let kept = (-2.0 * passed as f64 / needed.max(1) as f64).exp();
        // Before the first look after a restart, what is stored says how long it was as usual.
        let first = since.is_none();
        self.oddness.resize(self.incident.members.len(), 1.0);
        if first {
            for (oddness, member) in self.oddness.iter_mut().zip(&self.incident.members) {
                if let Some(since) = member.usual_since {
                    let passed = now.nanos().saturating_sub(since.nanos()).max(0) as f64;
                    *oddness = (-2.0 * passed / needed.max(1) as f64).exp();
                }
            }
        }
        for (key, place) in &self.keys {
            let member = &mut self.incident.members[*place];
            let usual = is_usual(*key) != Some(false);
            let odd = if usual { 0.0 } else { 1.0 };
            self.oddness[*place] = odd + (self.oddness[*place] - odd) * kept;
            if usual {
                member.usual_since.get_or_insert(now);
            } else {
                member.usual_since = None;
            }
        }
        // One whose series did not come back after a restart is not known to have recovered.
        let odd = self.oddness.iter().filter(|oddness| **oddness > CALM);
        odd.count() * ONE_OF <= self.incident.members.len()
    }

    fn knows(&self, time: Timestamp) -> bool {
        self.known_until.is_some_and(|until| time <= until)
    }

    /// Finds the member again whose series came up only now, as it was not in the stored state:
    /// who looks for recovery has to know where it is.
    fn recognise(&mut self, event: &Event) {
        let key = (event.shard, event.key);
        let members = &self.incident.members;
        if !self.keys.contains_key(&key)
            && let Some(member) = members.iter().position(|known| known.series == event.labels)
        {
            self.keys.insert(key, member);
        }
    }

    /// Finds out whether all series are silenced at `now`.
    fn mark_silenced(&mut self, silences: &Silences, now: Timestamp) {
        let members = &self.incident.members;
        self.incident.silenced = !silences.is_empty()
            && !members.is_empty()
            && members.iter().all(|member| silences.cover(member.series.as_ref(), now));
    }

    /// Takes an odd series of `target` in; says whether it is new.
    fn take(&mut self, event: &Event, target: &Labels) -> bool {
        let incident = &mut self.incident;
        let onset = event.explanation.onset.unwrap_or(event.time);
        incident.began = incident.began.min(onset);
        let member = Member {
            series: event.labels.clone(),
            target: target.clone(),
            onset,
            time: event.time,
            reading: event.reading,
            expected: event.explanation.expected[0],
            band: event.explanation.band.as_ref().map(|band| band[0]),
            score: event.score,
            return_seconds: event.return_seconds,
            severity: event.severity,
            reasons: event.explanation.reasons.clone(),
            usual_since: None,
        };
        let key = (event.shard, event.key);
        match self.keys.get(&key) {
            Some(place) => {
                let known = &mut incident.members[*place];
                if member.return_seconds * RELAPSE >= known.return_seconds {
                    known.usual_since = None;
                    if let Some(oddness) = self.oddness.get_mut(*place) {
                        *oddness = 1.0;
                    }
                }
                if member.return_seconds > known.return_seconds {
                    *known = Member { onset: known.onset.min(onset), ..member };
                }
                false
            }
            None if incident.members.len() >= MOST_MEMBERS => {
                incident.more_members += 1;
                false
            }
            None => {
                self.keys.insert(key, incident.members.len());
                incident.members.push(member);
                true
            }
        }
    }
}
