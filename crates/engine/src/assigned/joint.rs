//! Series of one target that a method judges jointly, a row at each tick.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auscult_core::{Explanation, Labels, LabelsRef, Sample, Timestamp};

use super::room::Room;
use super::stream::{Found, Stream};
use super::{MethodState, MethodView};
use crate::policy::{AssignedMethod, JointMethod, Judging, Severity};
use crate::saved::{Bytes, Record, Records, SavedChannel, SavedJoint};
use crate::shard::Event;
use crate::target::{SeriesKey, TargetId};

/// Most series of a row; of more, the first by name.
pub(crate) const MOST_CHANNELS: usize = 64;
/// Ticks without a series that came or went, after which a row is what it will be.
const SETTLED: u32 = 8;
/// Gaps of a series after which its last reading says nothing of now.
const HELD_GAPS: i64 = 3;
/// Rows in a row that must be late until the clocks are taken to have been set back.
const SET_BACK: u8 = 4;

/// A reading for a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JointReading {
    pub(crate) series: SeriesKey,
    pub(crate) time: Timestamp,
    pub(crate) reading: f64,
}

#[derive(Debug)]
struct Member {
    series: SeriesKey,
    reading: Option<(Timestamp, f64)>,
    /// Whether the reading came after the last row.
    is_fresh: bool,
    /// Nanoseconds between the last two readings.
    gap: i64,
}

type Model = Arc<Mutex<Option<Stream>>>;

#[derive(Debug)]
struct Group {
    target: TargetId,
    target_labels: Labels,
    method: Arc<AssignedMethod>,
    members: BTreeMap<Labels, Member>,
    /// Ticks since a series came or went.
    calm: u32,
    /// Of the first members; empty until they have settled.
    model: Model,
    last_row: Option<Timestamp>,
    late_rows: u8,
    state: MethodState,
    /// The series that the last odd row was told of.
    odd: Option<SeriesKey>,
}

/// A row that is due.
struct Row {
    key: GroupKey,
    model: Model,
    time: Timestamp,
    readings: Vec<f64>,
    members: Vec<(SeriesKey, Labels)>,
    target: TargetId,
    method: Arc<AssignedMethod>,
}

type GroupKey = (JointMethod, TargetId);

/// All groups. Readings are taken in under its lock; rows are judged outside of it.
#[derive(Debug, Default)]
pub(crate) struct Joints {
    groups: HashMap<GroupKey, Group>,
    places: HashMap<SeriesKey, (GroupKey, Labels)>,
}

fn lock(model: &Model) -> MutexGuard<'_, Option<Stream>> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Joints {
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Puts a series into the group that `joint` and its target make; says whether it is a new one.
    pub(crate) fn add(
        &mut self,
        series: SeriesKey,
        labels: LabelsRef<'_>,
        (target, target_labels): (TargetId, &Labels),
        (joint, method): &(JointMethod, Arc<AssignedMethod>),
    ) -> bool {
        let key = (joint.clone(), target);
        let is_new = !self.groups.contains_key(&key);
        let group = self.groups.entry(key.clone()).or_insert_with(|| Group {
            target,
            target_labels: target_labels.clone(),
            method: Arc::clone(method),
            members: BTreeMap::new(),
            calm: 0,
            model: Model::default(),
            last_row: None,
            late_rows: 0,
            state: MethodState::Waiting,
            odd: None,
        });
        let labels = labels.to_owned();
        let member = Member { series, reading: None, is_fresh: false, gap: 0 };
        group.members.insert(labels.clone(), member);
        group.begin_anew();
        self.places.insert(series, (key, labels));
        is_new
    }

    /// Takes a series out; returns the target of its group if that has no more.
    pub(crate) fn remove(&mut self, series: SeriesKey) -> Option<TargetId> {
        let (key, labels) = self.places.remove(&series)?;
        let group = self.groups.get_mut(&key)?;
        group.members.remove(&labels);
        group.begin_anew();
        if !group.members.is_empty() {
            return None;
        }
        self.groups.remove(&key).map(|group| group.target)
    }

    /// Takes readings in.
    pub(crate) fn take(&mut self, readings: &[JointReading]) {
        for JointReading { series, time, reading } in readings {
            let Some((key, labels)) = self.places.get(series) else { continue };
            let group = self.groups.get_mut(key);
            let Some(member) = group.and_then(|group| group.members.get_mut(labels)) else {
                continue;
            };
            if let Some((last, _)) = member.reading {
                let gap = time.nanos().saturating_sub(last.nanos());
                member.gap = if gap > 0 { gap } else { member.gap };
            }
            member.reading = Some((*time, *reading));
            member.is_fresh = true;
        }
    }

    /// The series that made the last row of their group odd.
    pub(crate) fn odd(&self) -> HashSet<SeriesKey> {
        self.groups.values().filter_map(|group| group.odd).collect()
    }

    /// Lets groups that there was no room for try again.
    pub(crate) fn retry(&mut self) {
        let refused = |group: &&mut Group| group.state == MethodState::NoRoom;
        self.groups.values_mut().filter(refused).for_each(|group| {
            group.state = MethodState::Waiting;
        });
    }

    /// The method of every group, and how many series it has.
    pub(crate) fn views(&self) -> impl Iterator<Item = (MethodView, usize)> {
        self.groups.values().map(|group| (group.view(), group.members.len()))
    }

    /// Forgets how odd the group of the series was from `from` to `until`.
    pub(crate) fn confirm(&mut self, series: SeriesKey, from: Timestamp, until: Timestamp) {
        let Some((key, _)) = self.places.get(&series) else { return };
        let model = self.groups.get(key).map(|group| Arc::clone(&group.model));
        if let Some(model) = model
            && let Some(stream) = lock(&model).as_mut()
        {
            stream.confirm(from, until);
        }
    }

    /// The method that judges the series with others, as it is now.
    pub(crate) fn view(&self, series: SeriesKey) -> Option<MethodView> {
        let (key, _) = self.places.get(&series)?;
        self.groups.get(key).map(Group::view)
    }

    /// Rows that are due; those of `joints` are judged without its lock.
    pub(crate) fn tick(joints: &Mutex<Self>, room: &Arc<Room>, explained_from: f64) -> Vec<Event> {
        let locked = || joints.lock().unwrap_or_else(PoisonError::into_inner);
        let rows: Vec<Row> = {
            let mut all = locked();
            if all.is_empty() {
                return Vec::new();
            }
            all.groups.iter_mut().filter_map(|(key, group)| group.row(key, room)).collect()
        };
        let mut events = Vec::new();
        for row in rows {
            let mut model = lock(&row.model);
            let Some(stream) = model.as_mut() else { continue };
            let sample = Sample::new(row.time, &row.readings).expect("readings are finite");
            let watched = stream.watch(sample, explained_from);
            let state = match &watched {
                Err(_) => MethodState::NoRoom,
                Ok(Some(_)) => MethodState::Judging,
                Ok(None) => MethodState::Learning,
            };
            if watched.is_err() {
                *model = None;
            }
            drop(model);
            let found = watched.ok().flatten().filter(|found| found.explanation.is_some());
            let event = found.and_then(|found| row.event(found));
            let mut all = locked();
            let group = all.groups.get_mut(&row.key);
            // Its series may have become others meanwhile.
            if let Some(group) = group.filter(|group| Arc::ptr_eq(&group.model, &row.model)) {
                group.state = state;
                group.odd = event.as_ref().map(|event| (event.shard, event.key));
            }
            drop(all);
            events.extend(event);
        }
        events
    }

    /// Appends what is known of every group.
    pub(crate) fn save(&self, records: &mut Records) {
        let mut snapshot = Vec::new();
        for ((joint, _), group) in &self.groups {
            let model = lock(&group.model);
            let Some(stream) = model.as_ref() else { continue };
            let channels = group.members.iter().take(MOST_CHANNELS);
            let channels = channels.map(|(labels, member)| SavedChannel {
                labels: Bytes(labels.as_ref().bytes()),
                reading: member.reading,
                is_fresh: member.is_fresh,
                gap: member.gap,
            });
            records.push(&Record::Joint(SavedJoint {
                target: Bytes(group.target_labels.as_ref().bytes()),
                selector: &joint.selector,
                method: &joint.method,
                channels: channels.collect(),
                last_row: group.last_row,
                stream: stream.save(&mut snapshot),
            }));
        }
    }

    /// Takes in what was stored of a group of `target`; false if it cannot be. Of a group that is
    /// no more, or has other series now, nothing is taken in: it learns anew.
    pub(crate) fn put(
        &mut self,
        saved: &SavedJoint<'_>,
        target: TargetId,
        room: &Arc<Room>,
    ) -> bool {
        let joint =
            JointMethod { selector: saved.selector.to_owned(), method: saved.method.to_owned() };
        let Some(group) = self.groups.get_mut(&(joint, target)) else { return true };
        let own = group.members.keys().take(MOST_CHANNELS);
        if !own
            .map(|labels| labels.as_ref().bytes())
            .eq(saved.channels.iter().map(|one| one.labels.0))
        {
            return true;
        }
        let Ok(made) = Stream::new(&group.method, saved.channels.len(), room) else { return false };
        let Ok(mut stream) = made else {
            group.state = MethodState::NoRoom;
            return true;
        };
        let finite = |reading: &Option<(Timestamp, f64)>| {
            reading.is_none_or(|(_, reading)| reading.is_finite())
        };
        let is_sound = saved.channels.iter().all(|one| finite(&one.reading) && one.gap >= 0);
        if !is_sound || !stream.load(&saved.stream) {
            return false;
        }
        for (member, saved) in group.members.values_mut().zip(&saved.channels) {
            (member.reading, member.is_fresh, member.gap) =
                (saved.reading, saved.is_fresh, saved.gap);
        }
        group.state = if stream.is_known() { MethodState::Judging } else { MethodState::Learning };
        group.calm = SETTLED;
        group.last_row = saved.last_row;
        *lock(&group.model) = Some(stream);
        true
    }
}

impl Group {
    /// Other series make another row.
    fn begin_anew(&mut self) {
        self.calm = 0;
        // One that is being judged goes on with the model that it has, and is dropped with it.
        self.model = Model::default();
        self.state = MethodState::Waiting;
        self.odd = None;
        self.last_row = None;
        self.late_rows = 0;
    }

    fn view(&self) -> MethodView {
        let return_seconds = lock(&self.model).as_ref().map_or(0.0, Stream::return_seconds);
        MethodView {
            method: Arc::clone(&self.method),
            judging: Judging::Jointly,
            state: self.state,
            channels: self.members.len().min(MOST_CHANNELS),
            return_seconds,
        }
    }

    /// The row that is due, if one is. Makes the model once the series have settled.
    fn row(&mut self, key: &GroupKey, room: &Arc<Room>) -> Option<Row> {
        self.calm = self.calm.saturating_add(1);
        let channels = self.members.len().min(MOST_CHANNELS);
        if self.state == MethodState::NoRoom || self.calm < SETTLED || channels < 2 {
            return None;
        }
        let (readings, time) = self.readings()?;
        if lock(&self.model).is_none() {
            match Stream::new(&self.method, channels, room) {
                Ok(Ok(stream)) => *lock(&self.model) = Some(stream),
                Ok(Err(_)) => {
                    self.state = MethodState::NoRoom;
                    return None;
                }
                // It waits for as many series as it needs.
                Err(_) => return None,
            }
        }
        if self.last_row.is_some_and(|last| time <= last) {
            self.late_rows += 1;
            if self.late_rows < SET_BACK {
                return None;
            }
            lock(&self.model).iter_mut().for_each(Stream::follow_clock_back);
        }
        self.late_rows = 0;
        self.last_row = Some(time);
        self.members.values_mut().for_each(|member| member.is_fresh = false);
        let members = self.members.iter().take(channels);
        Some(Row {
            key: key.clone(),
            model: Arc::clone(&self.model),
            time,
            readings,
            members: members.map(|(labels, member)| (member.series, labels.clone())).collect(),
            target: self.target,
            method: Arc::clone(&self.method),
        })
    }

    /// What the series read now, and when the newest of them did: once all were read since the
    /// last row, or those that come more often than the others. `None` while there is nothing new, or
    /// one of them has not been read for three of its gaps.
    fn readings(&mut self) -> Option<(Vec<f64>, Timestamp)> {
        let members = || self.members.values().take(MOST_CHANNELS);
        let fresh = || members().filter(|member| member.is_fresh);
        let time = fresh().filter_map(|member| member.reading.map(|(time, _)| time)).max()?;
        let since = |then: Timestamp| time.nanos().saturating_sub(then.nanos());
        let readings: Option<Vec<f64>> = members()
            .map(|member| {
                let (then, reading) = member.reading?;
                (member.gap > 0 && since(then) <= HELD_GAPS.saturating_mul(member.gap))
                    .then_some(reading)
            })
            .collect();
        let Some(readings) = readings else {
            self.state = MethodState::Waiting;
            self.odd = None;
            return None;
        };
        let longest = fresh().map(|member| member.gap).max().unwrap_or(0);
        let is_complete = members().all(|member| member.is_fresh);
        let is_due = self.last_row.is_none_or(|last| {
            let passed = since(last);
            passed <= 0 || passed >= longest.saturating_add(longest / 2)
        });
        (is_complete || is_due).then_some((readings, time))
    }
}

impl Row {
    /// What is told of an odd row: of the series that has most to do with it.
    fn event(&self, found: Found) -> Option<Event> {
        let explanation = found.explanation?;
        let names: Vec<String> =
            self.members.iter().map(|(_, labels)| labels.to_string()).collect();
        let shares = explanation.share.iter().enumerate();
        let most = shares.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(place, _)| place);
        let (series, labels) = self.members.get(most)?;
        let expected = explanation.expected.get(most).copied().filter(|value| value.is_finite());
        let band = explanation.band.as_ref().and_then(|band| band.get(most).copied());
        let reading = self.readings[most];
        let mut own = Explanation::of_one(expected.unwrap_or(reading), band, found.score);
        own.onset = explanation.onset;
        own.reasons = explanation.sentences(|channel| names[channel].as_str());
        let (count, name) = (self.members.len(), self.method.name());
        own.reasons.push(format!("found by `{name}` in {count} series of the target jointly"));
        Some(Event {
            shard: series.0,
            key: series.1,
            target: self.target,
            time: self.time,
            reading,
            score: found.score,
            return_seconds: found.return_seconds,
            // Its shard says.
            severity: Severity::default(),
            labels: labels.clone(),
            explanation: own,
        })
    }
}
