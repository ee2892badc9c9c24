//! Series against their siblings: the same metric of other replicas, hosts, devices, ranks.
//!
//! At each tick the readings of a group are held against their median, in median absolute
//! deviations. A member's own usual distance is taken off as it becomes known, so that one
//! that is always a little slower is not odd. It must be odd for five ticks in a row.
//! No history is needed: a group says who differs from the second minute on.
//!
//! Source: Y. Deng et al., "Minder: Faulty machine detection for large-scale distributed
//! model training", NSDI 2025, for similarity and continuity; `auscult-detect`'s `peers`
//! is the method for recordings, with more state for each member.

use std::collections::HashMap;

use auscult_core::{Explanation, Labels, LabelsRef, Timestamp};
use auscult_stats::quantile::{MAD_TO_DEVIATION, median};
use serde::{Deserialize, Serialize};

use crate::policy::Severity;
use crate::saved::{Bytes, Record, Records, SavedDepartures, SavedGroup, SavedPeer};
use crate::shard::Event;
use crate::slab::{Key, Slab};
use crate::target::{SeriesKey, TargetId};

/// Among fewer members nobody can say who is odd.
const FEWEST: usize = 5;
/// Ticks in a row that a member must be odd.
const CONTINUITY: usize = 5;
/// Ticks over which a member's usual distance is followed.
const MEMORY: f64 = 500.0;
/// Ticks that the belief of no distance, and of a spread of one deviation, counts for.
const BELIEF: f64 = 20.0;
/// Deviations that one tick may teach.
const HELD: f64 = 3.0;
/// Deviations beyond which a reading counts as if it lay there.
const MOST: f64 = 50.0;
/// Least spread of a group, as a share of its usual spread and of its level.
const LEAST_OF_USUAL: f64 = 0.2;
const LEAST_OF_LEVEL: f64 = 1e-3;
/// Share of the members from which on it is the group that moves, which is for the
/// members' own history to tell.
const GROUP: f64 = 0.3;
/// Deviations of a member that come once in `USUAL_SECONDS`: what `peers` was measured to do on
/// simulated fleets.
const USUAL: f64 = 4.0;
const USUAL_SECONDS: f64 = 20.0 * 604_800.0;
/// Exponent of the tail of a member's distance.
const TAIL: i32 = 2;
/// Departures of a group whose heights are kept.
const HEIGHTS: usize = 8;
/// Ticks after which a member is known as well as in that measurement.
const KNOWN: f64 = 300.0;

/// Where a series is in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    group: Key,
    member: Key,
}

#[derive(Debug)]
struct Member {
    series: SeriesKey,
    target: TargetId,
    reading: Option<(Timestamp, f64)>,
    /// Usual distance from the median, and usual distance from that, in deviations.
    distance: f64,
    spread: f64,
    seen: f64,
    /// Whether it was ever seen among the others.
    was_usual: bool,
    /// Its oddness at the last ticks, newest first; with a sign.
    recent: [f64; CONTINUITY],
    /// Whether it was told of the departure that lasts.
    is_told: bool,
    /// How odd the departure that lasts was at most.
    height: f64,
}

impl Member {
    /// Deviations by which it left its place among the others at every recent tick.
    fn lasting(&self) -> f64 {
        let least = self.recent.iter().map(|odd| odd.abs()).fold(f64::MAX, f64::min);
        let one_side = self.recent.iter().all(|odd| odd.signum() == self.recent[0].signum());
        if one_side { least } else { 0.0 }
    }

    /// Seconds in which one of a group without departures so far is so odd once: a power, as the
    /// distances of real members have heavy tails, and five looks know little of them.
    fn return_seconds(&self, odd: f64) -> f64 {
        let known = (self.seen / KNOWN).min(1.0);
        // One that was odd from the beginning may just be another kind of member.
        let known = if self.was_usual { known } else { known * known };
        USUAL_SECONDS * known * (odd / USUAL).powi(TAIL)
    }
}

/// The departures of a group so far: how many, and the highest of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Departures {
    /// When the group was first compared.
    since: Option<Timestamp>,
    /// Heights, highest first.
    heights: Vec<f32>,
}

impl Departures {
    fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    /// Whether stored ones can be.
    fn is_sound(&self) -> bool {
        self.heights.len() <= HEIGHTS
            && self.heights.iter().all(|height| height.is_finite() && *height > 0.0)
            && self.heights.is_sorted_by(|a, b| a >= b)
    }

    /// Takes in one that is over.
    fn learn(&mut self, height: f64) {
        let height = height as f32;
        let place = self.heights.partition_point(|known| *known >= height);
        if place < HEIGHTS {
            self.heights.insert(place, height);
            self.heights.truncate(HEIGHTS);
        }
    }

    /// Seconds in which one of so many members departs so far once; `None` without a departure.
    /// Members are alike: what one did, others will.
    fn return_seconds(&self, odd: f64, members: usize, now: Timestamp) -> Option<f64> {
        let highest = f64::from(*self.heights.first()?);
        let watched = now.nanos().saturating_sub(self.since?.nanos()).max(0) as f64 / 1e9;
        let all = watched * members as f64;
        let higher = self.heights.iter().filter(|height| f64::from(**height) >= odd).count();
        Some(if higher == 0 { all * (odd / highest).powi(TAIL) } else { all / (higher + 1) as f64 })
    }
}

#[derive(Debug)]
struct Group {
    labels: Labels,
    members: Slab<Member>,
    /// Usual spread of the members.
    usual: f64,
    ticks: f64,
    departures: Departures,
}

/// A reading for a group, to be looked at when the next tick comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerReading {
    pub(crate) place: Place,
    pub(crate) time: Timestamp,
    pub(crate) reading: f64,
}

/// All groups.
#[derive(Debug)]
pub(crate) struct Groups {
    by_labels: HashMap<Labels, Key>,
    groups: Slab<Group>,
    member_labels: Vec<String>,
    /// Members whose departures have to last.
    holds: Holds,
}

/// How long departures of a series have to last.
#[derive(Debug)]
struct Hold {
    nanos: i64,
    lasting: Option<Lasting>,
}

/// A departure that may not have lasted long enough.
#[derive(Debug, Clone, Copy)]
struct Lasting {
    since: Timestamp,
    /// The usual distance from the median, and that from it, before they follow.
    distance: f64,
    spread: f64,
    /// How odd it was, at most.
    odd: f64,
}

impl Hold {
    /// How odd the departure is of a member whose reading at `time` is `far` from the median,
    /// once it lasts long enough; `odd` is what it is at this look. Else 0.
    fn pass(&mut self, member: &Member, time: Timestamp, far: f64, odd: f64) -> f64 {
        let (distance, spread) = (member.distance, member.spread);
        let stays = |lasting: &Lasting| {
            ((far - lasting.distance) / lasting.spread).abs() > USUAL || odd > USUAL
        };
        let begins = (odd > USUAL).then_some(Lasting { since: time, distance, spread, odd });
        self.lasting = self.lasting.filter(stays).or(begins);
        let Some(lasting) = &mut self.lasting else { return 0.0 };
        lasting.odd = lasting.odd.max(odd);
        let lasts = time.nanos().saturating_sub(lasting.since.nanos());
        if lasts >= self.nanos { lasting.odd } else { 0.0 }
    }
}

type Holds = HashMap<SeriesKey, Hold>;

impl Groups {
    /// Series that differ in nothing but `member_labels` are siblings.
    pub(crate) fn new(member_labels: Vec<String>) -> Self {
        let holds = Holds::new();
        Self { by_labels: HashMap::new(), groups: Slab::new(), member_labels, holds }
    }

    /// Puts a series into its group; `None` where it has no label that sets siblings apart,
    /// which are `own` if it has some of its own.
    pub(crate) fn add(
        &mut self,
        series: SeriesKey,
        target: TargetId,
        labels: LabelsRef<'_>,
        own: Option<&[String]>,
    ) -> Option<Place> {
        let members = own.unwrap_or(&self.member_labels);
        let is_member = |name: &str| members.iter().any(|member| member == name);
        labels.iter().find(|(name, _)| is_member(name))?;
        let shared = Labels::from_pairs(labels.iter().filter(|(name, _)| !is_member(name))).ok()?;
        let group = match self.by_labels.get(&shared) {
            Some(group) => *group,
            None => {
                let labels = shared.clone();
                let group = self.groups.insert(Group::new(labels));
                self.by_labels.insert(shared, group);
                group
            }
        };
        let member = self.groups.get_mut(group)?.members.insert(Member {
            series,
            target,
            reading: None,
            distance: 0.0,
            spread: 1.0,
            seen: 0.0,
            was_usual: false,
            recent: [0.0; CONTINUITY],
            is_told: false,
            height: 0.0,
        });
        Some(Place { group, member })
    }

    /// What is known of the member at `place`, to store.
    pub(crate) fn saved(&self, place: Place) -> Option<SavedPeer> {
        let member = self.groups.get(place.group)?.members.get(place.member)?;
        Some(SavedPeer {
            distance: member.distance as f32,
            spread: member.spread as f32,
            seen: member.seen as f32,
            was_usual: member.was_usual,
            recent: member.recent.map(|odd| odd as f32),
            is_told: member.is_told,
        })
    }

    /// Takes in what was stored of the member at `place`; what cannot be is left out.
    pub(crate) fn know(&mut self, place: Place, saved: &SavedPeer) {
        let group = self.groups.get_mut(place.group);
        let Some(member) = group.and_then(|group| group.members.get_mut(place.member)) else {
            return;
        };
        let SavedPeer { distance, spread, seen, was_usual, recent, is_told } = *saved;
        let finite = distance.is_finite() && recent.iter().all(|odd| odd.is_finite());
        let positive = spread.is_finite() && spread > 0.0 && seen.is_finite() && seen >= 0.0;
        if finite && positive {
            member.distance = distance.into();
            member.spread = spread.into();
            member.seen = seen.into();
            member.was_usual = was_usual;
            member.recent = recent.map(f64::from);
            member.is_told = is_told;
            // The highest of the departure that lasts is not stored: what it is at is.
            member.height = if is_told { member.lasting() } else { 0.0 };
        }
    }

    /// Appends what is known of every group.
    pub(crate) fn save(&self, records: &mut Records) {
        for (_, group) in self.groups.iter() {
            let labels = Bytes(group.labels.as_ref().bytes());
            let Group { usual, ticks, .. } = *group;
            records.push(&Record::Group(SavedGroup { labels, usual, ticks }));
            if !group.departures.is_empty() {
                let departures = group.departures.clone();
                records.push(&Record::Departures(SavedDepartures { labels, departures }));
            }
        }
    }

    /// Takes in what was stored of the departures of a group that has members; false if it cannot
    /// be.
    pub(crate) fn put_departures(&mut self, saved: &SavedDepartures<'_>) -> bool {
        let Some(group) = self.named(saved.labels.0) else { return false };
        let is_sound = saved.departures.is_sound();
        if is_sound {
            group.departures = saved.departures.clone();
        }
        is_sound
    }

    /// Whether there are siblings that share these labels.
    pub(crate) fn knows(&self, labels: &[u8]) -> bool {
        LabelsRef::decode(labels)
            .is_some_and(|labels| self.by_labels.contains_key(&labels.to_owned()))
    }

    fn named(&mut self, labels: &[u8]) -> Option<&mut Group> {
        let labels = LabelsRef::decode(labels)?.to_owned();
        let group = self.by_labels.get(&labels).copied()?;
        self.groups.get_mut(group)
    }

    /// Takes in what was stored of a group that has members; false if it cannot be.
    pub(crate) fn put(&mut self, saved: &SavedGroup<'_>) -> bool {
        let Some(group) = self.named(saved.labels.0) else { return false };
        let positive = |number: f64| number.is_finite() && number >= 0.0;
        if !positive(saved.usual) || !positive(saved.ticks) {
            return false;
        }
        (group.usual, group.ticks) = (saved.usual, saved.ticks);
        true
    }

    /// Takes a series out; a group without any is forgotten.
    pub(crate) fn remove(&mut self, place: Place) {
        let Some(group) = self.groups.get_mut(place.group) else { return };
        let removed = group.members.remove(place.member);
        if let Some(member) = removed {
            self.holds.remove(&member.series);
        }
        if group.members.len() == 0
            && let Some(group) = self.groups.remove(place.group)
        {
            self.by_labels.remove(&group.labels);
        }
    }

    /// Departures of `series` have to last for so many nanoseconds from now on.
    pub(crate) fn hold(&mut self, series: SeriesKey, nanos: i64) {
        match (nanos > 0, self.holds.get_mut(&series)) {
            (false, _) => drop(self.holds.remove(&series)),
            (true, Some(hold)) => hold.nanos = nanos,
            (true, None) => drop(self.holds.insert(series, Hold { nanos, lasting: None })),
        }
    }

    /// What was last told of the member at `place` did not count.
    pub(crate) fn untell(&mut self, place: Place) {
        let group = self.groups.get_mut(place.group);
        if let Some(member) = group.and_then(|group| group.members.get_mut(place.member)) {
            member.is_told = false;
        }
    }

    /// Takes readings in.
    pub(crate) fn take(&mut self, readings: &[PeerReading]) {
        for PeerReading { place, time, reading } in readings {
            let group = self.groups.get_mut(place.group);
            if let Some(member) = group.and_then(|group| group.members.get_mut(place.member)) {
                member.reading = Some((*time, *reading));
            }
        }
    }

    /// Compares what came since the last tick. What series are called is left for their shards to
    /// fill in: a copy here would be a sixth of the memory of a million series.
    pub(crate) fn tick(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for (_, group) in self.groups.iter_mut() {
            group.tick(&mut self.holds, &mut events);
        }
        events
    }
}

impl Group {
    fn new(labels: Labels) -> Self {
        let departures = Departures::default();
        Self { labels, members: Slab::new(), usual: 0.0, ticks: 0.0, departures }
    }

    fn tick(&mut self, holds: &mut Holds, events: &mut Vec<Event>) {
        let fresh = self.members.iter().filter_map(|(_, member)| member.reading);
        let mut readings: Vec<f64> = fresh.map(|(_, reading)| reading).collect();
        if readings.len() < FEWEST {
            return;
        }
        let middle = median(&mut readings);
        let mut distances: Vec<f64> =
            readings.iter().map(|reading| (reading - middle).abs()).collect();
        let spread = MAD_TO_DEVIATION * median(&mut distances);
        self.ticks += 1.0;
        self.usual += (spread - self.usual) / self.ticks.min(MEMORY);
        let floor = (LEAST_OF_USUAL * self.usual).max(LEAST_OF_LEVEL * middle.abs());
        let scale = spread.max(floor).max(f64::MIN_POSITIVE);
        // Where most read 0, as ports without a cable do, nothing says how far is far: one that
        // never was among them is another kind of member.
        let is_blank = scale == f64::MIN_POSITIVE;
        let mut odd = 0;
        for (_, member) in self.members.iter_mut() {
            let Some((_, reading)) = member.reading else { continue };
            let far = ((reading - middle) / scale).clamp(-MOST, MOST);
            let left = (far - member.distance) / member.spread;
            member.recent.rotate_right(1);
            member.recent[0] = left;
            let weight = 1.0 / (member.seen + BELIEF).min(MEMORY);
            let held = left.clamp(-HELD, HELD) * member.spread;
            member.distance += weight * held;
            // The mean absolute deviation of a normal number is 0.8 of its deviation.
            member.spread += weight * (1.25 * held.abs() - member.spread);
            member.spread = member.spread.max(LEAST_OF_USUAL);
            member.seen += 1.0;
            member.was_usual |= left.abs() <= USUAL;
            if is_blank && !member.was_usual {
                member.recent[0] = 0.0;
            }
            odd += usize::from(member.lasting() > USUAL);
        }
        let mut kinds = [0; 2];
        for (_, member) in self.members.iter() {
            if !member.was_usual && member.lasting() > USUAL {
                kinds[usize::from(member.recent[0] > 0.0)] += 1;
            }
        }
        let is_group = odd as f64 > GROUP * readings.len() as f64;
        for (_, member) in self.members.iter_mut() {
            let Some((time, reading)) = member.reading.take() else { continue };
            let mut odd = member.lasting();
            let hold = if holds.is_empty() { None } else { holds.get_mut(&member.series) };
            if let Some(hold) = hold {
                let far = ((reading - middle) / scale).clamp(-MOST, MOST);
                let odd_now = if is_group { 0.0 } else { odd };
                odd = hold.pass(member, time, far, odd_now);
            }
            if odd <= USUAL {
                member.is_told = false;
                let height = std::mem::take(&mut member.height);
                if height > 0.0 && member.was_usual {
                    self.departures.learn(height);
                }
            } else {
                member.height = member.height.max(odd);
            }
            self.departures.since.get_or_insert(time);
            let usual = member.return_seconds(odd);
            let departures = self.departures.return_seconds(odd, readings.len(), time);
            let return_seconds = departures.map_or(usual, |seconds| seconds.min(usual));
            if odd <= USUAL || is_group || member.is_told {
                continue;
            }
            // Several that were never among the others, at a place of their own, are another kind.
            if !member.was_usual && kinds[usize::from(member.recent[0] > 0.0)] > 1 {
                continue;
            }
            member.is_told = true;
            let expected = middle + member.distance * scale;
            let mut explanation = Explanation::of_one(expected, None, odd);
            let others = readings.len() - 1;
            explanation.reasons.push(format!(
                "has left its place among {others} peers, whose median is {middle:.4}, for {CONTINUITY} looks"
            ));
            events.push(Event {
                shard: member.series.0,
                key: member.series.1,
                target: member.target,
                time,
                reading,
                score: odd,
                return_seconds,
                // Its shard says.
                severity: Severity::default(),
                labels: Labels::default(),
                explanation,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a member reads: the load of the moment, its own part and noise.
    fn usual(tick: u64, member: usize) -> f64 {
        let load = 10.0 + 3.0 * (tick as f64 / 50.0).sin();
        let own = if member == 5 { 0.3 } else { 0.0 };
        load + own + 0.1 * noise(tick << 8 | member as u64)
    }

    /// A repeatable number from -1 to 1.
    fn noise(seed: u64) -> f64 {
        let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed << 21;
        bits = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Ticks of eight members that read what `reading` says. Returns tick and member of each event.
    fn run_readings(ticks: u64, reading: impl Fn(u64, usize) -> f64) -> Vec<(u64, String)> {
        run(ticks, |tick, member| reading(tick, member) - usual(tick, member))
            .into_iter()
            .map(|(tick, member, _)| (tick, member))
            .collect()
    }

    #[test]
    fn several_that_were_never_among_the_others_are_another_kind() {
        // GPUs that serve, beside those that train.
        let told = run_readings(400, |tick, member| {
            let level = if member < 3 { 70.0 } else { 15.0 };
            level + 0.1 * noise(tick << 8 | member as u64)
        });
        assert_eq!(told, []);
    }

    #[test]
    fn what_a_member_often_does_is_told_once() {
        // Leaves its place for ten ticks out of every eighty.
        let told = run_readings(2000, |tick, member| {
            let away = if member == 6 && tick > 100 && tick % 80 < 10 { 4.0 } else { 0.0 };
            usual(tick, member) + away
        });
        assert!(!told.is_empty() && told[0].1 == "6");
        let seconds = |place: usize| {
            let mut told =
                run(
                    2000,
                    |tick, member| {
                        if member == 6 && tick > 100 && tick % 80 < 10 { 4.0 } else { 0.0 }
                    },
                );
            told.swap_remove(place).2
        };
        assert!(seconds(1) < 0.1 * seconds(0));
    }

    #[test]
    fn one_that_works_among_idle_ones_from_the_beginning_is_another_kind() {
        let busy = run_readings(400, |_, member| if member == 2 { 2.0e4 } else { 0.0 });
        assert_eq!(busy, []);
        // Errors that begin are odd, though nothing said how far is far.
        let told =
            run_readings(400, |tick, member| if member == 2 && tick >= 200 { 3.0 } else { 0.0 });
        assert_eq!(told, [(204, "2".to_owned())]);
    }

    /// Eight members, and where they are.
    fn eight() -> (Groups, Vec<Place>) {
        let mut groups = Groups::new(vec!["gpu".to_owned()]);
        let mut keys = Slab::new();
        let place = |gpu: usize| {
            let gpu = gpu.to_string();
            let labels = [("__name__", "step_seconds"), ("gpu", gpu.as_str()), ("job", "train")];
            let labels = Labels::from_pairs(labels).unwrap();
            let key = keys.insert(());
            groups.add((0, key), key, labels.as_ref(), None).expect("a label sets them apart")
        };
        let places = (0..8).map(place).collect();
        (groups, places)
    }

    /// A tick of theirs under one load, one of them always a little slower; `fault` adds to a
    /// member's reading. Returns tick and member of each event, and how rare it is.
    fn tick(
        (groups, places): &mut (Groups, Vec<Place>),
        tick: u64,
        fault: impl Fn(u64, usize) -> f64,
    ) -> Vec<(u64, String, f64)> {
        let time = Timestamp::from_seconds(15 * tick as i64);
        for (member, place) in places.iter().enumerate() {
            let reading = usual(tick, member) + fault(tick, member);
            groups.take(&[PeerReading { place: *place, time, reading }]);
        }
        let told = groups.tick().into_iter();
        let member = |place: &Place| {
            groups.groups.get(place.group).and_then(|group| group.members.get(place.member))
        };
        let gpu = |event: &Event| {
            let is_its = |place: &Place| {
                member(place).is_some_and(|member| member.series == (event.shard, event.key))
            };
            places.iter().position(is_its).expect("one of them")
        };
        told.map(|event| (tick, gpu(&event).to_string(), event.return_seconds)).collect()
    }

    /// So many ticks of them.
    fn run(ticks: u64, fault: impl Fn(u64, usize) -> f64) -> Vec<(u64, String, f64)> {
        let mut all = eight();
        (0..ticks).flat_map(|at| tick(&mut all, at, &fault)).collect()
    }

    #[test]
    fn what_members_did_before_a_restart_is_known_after_it() {
        let often = |tick: u64, member: usize| {
            if member == 6 && tick > 100 && tick % 80 < 10 { 4.0 } else { 0.0 }
        };
        let mut original = eight();
        (0..1000).for_each(|at| drop(tick(&mut original, at, often)));
        let mut records = Records::default();
        original.0.save(&mut records);
        let mut restored = eight();
        for record in records.iter() {
            let is_sound = match postcard::from_bytes::<Record<'_>>(record).unwrap() {
                Record::Group(group) => restored.0.put(&group),
                Record::Departures(departures) => restored.0.put_departures(&departures),
                other => panic!("{other:?}"),
            };
            assert!(is_sound);
        }
        for (from, to) in original.1.iter().zip(&restored.1) {
            restored.0.know(*to, &original.0.saved(*from).unwrap());
        }
        let goes_on = |all: &mut (Groups, Vec<Place>)| -> Vec<(u64, String, f64)> {
            (1000..1400).flat_map(|at| tick(all, at, often)).collect()
        };
        let (told, again) = (goes_on(&mut original), goes_on(&mut restored));
        assert!(told.len() >= 4, "{told:?}");
        // What siblings store of themselves is in single precision.
        for (one, other) in told.iter().zip(&again) {
            assert_eq!((one.0, &one.1), (other.0, &other.1));
            assert!((one.2 / other.2 - 1.0).abs() < 0.01, "{one:?} {other:?}");
        }
        assert_eq!(told.len(), again.len());
    }

    #[test]
    fn one_that_leaves_the_others_is_told_once_in_the_second_minute() {
        let events = run(40, |tick, member| if member == 2 && tick >= 1 { 2.0 } else { 0.0 });
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((events[0].1.as_str(), events[0].0 <= 6), ("2", true), "{events:?}");
        // Once in four weeks, after five looks.
        assert!(events[0].2 > 2_419_200.0, "{events:?}");
    }

    #[test]
    fn what_all_do_and_what_one_always_does_is_usual() {
        let events = run(4000, |tick, _| if tick > 2000 { 8.0 } else { 0.0 });
        let rare: Vec<_> = events.iter().filter(|(.., seconds)| *seconds > 604_800.0).collect();
        assert!(rare.is_empty(), "{rare:?}");
    }

    #[test]
    fn members_that_go_are_forgotten() {
        let mut groups = Groups::new(vec!["gpu".to_owned()]);
        let labels = Labels::from_pairs([("gpu", "1")]).unwrap();
        let mut keys = Slab::new();
        let key = keys.insert(());
        let place = groups.add((0, key), key, labels.as_ref(), None).unwrap();
        groups.remove(place);
        assert_eq!((groups.groups.len(), groups.by_labels.len()), (0, 0));
        let other = Labels::from_pairs([("job", "llm")]).unwrap();
        assert_eq!(groups.add((0, key), key, other.as_ref(), None), None);
    }
}
