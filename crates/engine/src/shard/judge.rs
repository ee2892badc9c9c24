//! Samples of series, judged one after the other.

use std::hash::BuildHasher;

use auscult_core::{Explanation, LabelsRef, Sample, Timestamp};
use auscult_telemetry::metrics::{HistogramPoint, MetricKind, MetricSeries, Point, is_stale};

use super::event::{CERTAIN_SCORE, CERTAIN_SECONDS, Event, certain};
use super::{Admission, Shard};
use crate::assigned::JointReading;
use crate::engine::Counts;
use crate::peers::PeerReading;
use crate::policy::Severity;
use crate::repeats::Stuck;
use crate::signals::{Arrival, Figures, Reading, Role, role};
use crate::slab::Key;
use crate::unwatched::Tally;

/// What became of samples.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) events: Vec<Event>,
    /// For the comparison of siblings.
    pub(crate) peers: Vec<PeerReading>,
    /// For methods that judge several series jointly.
    pub(crate) joint: Vec<JointReading>,
    /// What there is no room for.
    pub(crate) unwatched: Tally,
}

impl Shard {
    /// Judges the points of `series`, whose labels have this `hash`.
    pub(crate) fn judge(
        &mut self,
        series: MetricSeries<'_>,
        hash: u64,
        admission: &impl Admission,
        outcome: &mut Outcome,
    ) {
        if !series.points.is_empty() {
            self.judge_points(series, hash, admission, outcome);
        }
        if !series.histograms.is_empty() {
            self.judge_histograms(series, hash, admission, outcome);
        }
    }

    fn judge_points(
        &mut self,
        series: MetricSeries<'_>,
        hash: u64,
        admission: &impl Admission,
        outcome: &mut Outcome,
    ) {
        let known = self.find(series.labels, hash);
        let key = known.or_else(|| {
            let kind = match series.kind {
                MetricKind::Unknown => admission.declared(series.labels.metric()),
                kind => kind,
            };
            let role = role(series.labels, kind, &self.knowledge);
            self.make(series.labels, hash, role, admission)
        });
        let Some(key) = key else {
            let (samples, newest) = (series.points.len() as u64, series.points.last());
            outcome.counts.unwatched += samples;
            let newest = newest.map_or(Timestamp::from_nanos(0), |point| point.time);
            outcome.unwatched.count(series.labels, samples, newest);
            return;
        };
        let part = self.part(key, series.kind);
        let mut arrival = Arrival::First;
        for point in series.points {
            self.judge_point(key, *point, arrival, outcome);
            if let Some((family, part)) = part.filter(|_| point.value.is_finite()) {
                let read = (point.time, point.value);
                if let Some(figures) = self.families.part(family, part, read, arrival) {
                    self.judge_figures(family, &figures, point.time, admission, outcome);
                }
            }
            arrival = Arrival::More;
        }
    }

    fn judge_histograms(
        &mut self,
        series: MetricSeries<'_>,
        hash: u64,
        admission: &impl Admission,
        outcome: &mut Outcome,
    ) {
        let is_gauge = series.kind == MetricKind::GaugeHistogram;
        let hash_of = |labels: LabelsRef<'_>| self.hasher.hash_one(labels);
        let is_known = self.families.find(series.labels, hash).is_some();
        // Those that nothing was made of yet do not count as series, and must not be without end.
        if !is_known && self.families.entries.len() >= admission.most_families() {
            outcome.counts.unwatched += series.histograms.len() as u64;
            return;
        }
        let family = self.families.find_or_make(series.labels, hash, hash_of, (is_gauge, false));
        let arrivals = std::iter::once(Arrival::First).chain(std::iter::repeat(Arrival::More));
        for (HistogramPoint { time, value }, arrival) in series.histograms.iter().zip(arrivals) {
            let Some(histogram) = value.clone() else {
                outcome.counts.stale += 1;
                continue;
            };
            outcome.counts.judged += 1;
            if let Some(figures) = self.families.whole(family, *time, histogram, arrival) {
                self.judge_figures(family, &figures, *time, admission, outcome);
            }
        }
    }

    /// Judges what a histogram said as series of their own.
    fn judge_figures(
        &mut self,
        family: Key,
        figures: &Figures,
        time: Timestamp,
        admission: &impl Admission,
        outcome: &mut Outcome,
    ) {
        let Some(entry) = self.families.entries.get(family) else { return };
        for (place, value) in entry.readings(figures).into_iter().enumerate() {
            let Some(value) = value else { continue };
            let Some(entry) = self.families.entries.get(family) else { return };
            let known = entry.made[place].filter(|key| self.slots.get(*key).is_some());
            let name = if known.is_none() { entry.name(place) } else { None };
            let key = known.or_else(|| {
                let labels = name.as_ref()?;
                let hash = self.hasher.hash_one(labels.as_ref());
                let known = self.find(labels.as_ref(), hash);
                known.or_else(|| self.make(labels.as_ref(), hash, Role::Gauge, admission))
            });
            let Some(key) = key else {
                outcome.counts.unwatched += 1;
                if let Some(labels) = &name {
                    outcome.unwatched.count(labels.as_ref(), 1, time);
                }
                continue;
            };
            if let Some(entry) = self.families.entries.get_mut(family) {
                entry.made[place] = Some(key);
            }
            // Whatever made them late was sorted out for the family as a whole.
            self.judge_point(key, Point { time, value }, Arrival::SetBack, outcome);
        }
    }

    /// Judges one sample of the series at `key`.
    fn judge_point(&mut self, key: Key, point: Point, arrival: Arrival, outcome: &mut Outcome) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let counts = &mut outcome.counts;
        slot.last_seen = None;
        slot.is_silent = false;
        slot.ended = is_stale(point.value);
        if slot.ended {
            counts.stale += 1;
            return;
        }
        let (Some(watch), Some(target)) = (&mut slot.watch, slot.target) else {
            counts.not_judged += 1;
            return;
        };
        let reading = match watch.signal.step(point.time, point.value, arrival) {
            Reading::Value(reading) | Reading::SetBack(reading) => reading,
            Reading::Nothing => {
                counts.judged += 1;
                return;
            }
            Reading::Late => {
                counts.late += 1;
                return;
            }
            Reading::Duplicate => {
                counts.duplicate += 1;
                return;
            }
            Reading::Invalid => {
                counts.invalid += 1;
                return;
            }
        };
        let before = watch.last.map(|(_, reading)| reading);
        let is_set_back = watch.follow(point.time);
        if is_set_back {
            self.pendings.remove(key);
        }
        watch.last = Some((point.time, reading));
        let time = point.time;
        let policy = (slot.policy > 0).then(|| self.policies.get(slot.policy));
        if policy.is_some_and(|policy| policy.is_in_maintenance(time)) {
            self.pendings.remove(key);
            watch.repeats.interrupt();
            counts.not_judged += 1;
            return;
        }
        counts.judged += 1;
        outcome.peers.extend(slot.peer.map(|place| PeerReading { place, time, reading }));
        watch.repeats.learn(before, reading);
        let readings = [reading];
        let sample = Sample::new(point.time, &readings).expect("signals are finite");
        let watched = watch
            .detector
            .watch(sample, self.explained_from)
            .expect("a detector of one channel takes one reading");
        // Once an assigned method can say how rare its scores are, its word is taken.
        let found = policy.and_then(|policy| {
            if policy.joint_method.is_some() {
                outcome.joint.push(JointReading { series: (self.number, key), time, reading });
            }
            policy.method.as_ref()?;
            self.methods.watch(key, sample, self.explained_from, is_set_back)
        });
        let (score, return_seconds, explanation) = match (found, policy) {
            (Some(found), Some(policy)) => {
                let name = policy.method.as_ref().map_or("", |method| method.name());
                let explanation = found.explanation.map(|why| signed(why, name, reading));
                (Some(found.score), found.return_seconds, explanation)
            }
            _ => (watched.score.ready(), watched.return_seconds, watched.explanation),
        };
        let event = |score, return_seconds, explanation| Event {
            shard: self.number,
            key,
            target,
            time: point.time,
            reading,
            score,
            return_seconds,
            severity: policy.map_or_else(Severity::default, |policy| policy.severity),
            labels: slot.labels.clone(),
            explanation,
        };
        let sure =
            |expected, reason| event(CERTAIN_SCORE, CERTAIN_SECONDS, certain(expected, reason));
        let passed = policy.and_then(|policy| policy.passed(reading));
        let stuck = watch
            .stuck()
            .filter(|(_, seconds)| *seconds >= self.explained_from && *seconds > return_seconds);
        let odd = if watch.signal.is_down() {
            Some(sure(1.0, "the target does not answer".to_owned()))
        } else if let Some(bound) = passed {
            let side = if reading < bound { "below" } else { "above" };
            Some(sure(bound, format!("{side} its valid range, whose bound is {bound}")))
        } else if let Some((stuck, seconds)) = stuck {
            let score = stuck.return_readings.ln();
            let mut explanation = Explanation::of_one(reading, None, score);
            explanation.reasons.push(stuck_words(reading, &stuck));
            let since = f64::from(stuck.run) * watch.detector.usual_step().unwrap_or(0.0);
            let since = time.nanos().saturating_sub((since * 1e9) as i64);
            explanation.onset = Some(Timestamp::from_nanos(since));
            Some(event(score, seconds, explanation))
        } else if let (Some(score), Some(explanation)) =
            (score, explanation.filter(|_| watch.settling == 0))
        {
            let expected = explanation.expected[0];
            let counts = policy.is_none_or(|policy| policy.counts(reading, expected));
            counts.then(|| event(score, return_seconds, explanation))
        } else {
            None
        };
        let counted = match policy.map_or(0, |policy| policy.lasting) {
            0 => odd,
            lasting => self.pendings.take(key, lasting, (time, reading), odd),
        };
        outcome.events.extend(counted);
    }

    /// Fills in what only the shard knows of an event that was found elsewhere; false if it
    /// does not count.
    pub(crate) fn complete(&self, event: &mut Event) -> bool {
        let Some(slot) = self.slots.get(event.key) else { return false };
        let policy = self.policies.get(slot.policy);
        event.severity = policy.severity;
        event.labels = slot.labels.clone();
        slot.target.is_some()
            && !policy.is_in_maintenance(event.time)
            && policy.counts(event.reading, event.explanation.expected[0])
    }
}

/// The explanation of one channel by the method called `name`, which says so.
fn signed(mut explanation: Explanation, name: &str, reading: f64) -> Explanation {
    if !explanation.expected.first().is_some_and(|expected| expected.is_finite()) {
        explanation.expected = vec![reading];
    }
    explanation.reasons = explanation.sentences(|_| "it");
    explanation.reasons.push(format!("found by `{name}`"));
    explanation
}

/// What is said of a series that is stuck at `reading`.
fn stuck_words(reading: f64, stuck: &Stuck) -> String {
    let before = match stuck.longest {
        0 => "it never did before".to_owned(),
        longest => format!("it repeated a value at most {longest} times before"),
    };
    format!("reads {reading} {} times in a row; {before}", stuck.run + 1)
}
