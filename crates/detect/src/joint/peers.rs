//! Siblings of one group against each other.

use std::collections::VecDeque;

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, Settings, Snapshot, Timestamp, settings,
};
use auscult_stats::quantile::{MAD_TO_DEVIATION, median};
use serde::{Deserialize, Serialize};

use super::words::digits;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Peers`].
    pub struct PeersSettings {
        /// Samples to learn before the first score.
        warmup: usize = 300, "at least 100", |warmup| *warmup >= 100;
        /// Samples over which a member's own place in the group is followed.
        memory: f64 = 500.0, "at least 50", |memory| *memory >= 50.0;
        /// Samples over which departures from that place are averaged.
        smoothing: f64 = 10.0, "at least 1", |smoothing| *smoothing >= 1.0;
        /// Samples over which the restlessness of a member is measured.
        window: usize = 30, "from 5 to 1000", |window| (5..=1000).contains(window);
        /// Samples in a row that must be odd.
        continuity: usize = 5, "from 1 to 100", |continuity| (1..=100).contains(continuity);
    }
}

pub(super) const METHOD: Method = Method {
    name: "peers",
    title: "Comparison with peers",
    summary: "How far a member of a group has left its usual place among its siblings, in level or in restlessness.",
    sees: "one slow, drifting, stuck or jittering member among many that carry the same load, from the first hours on and however the load moves",
    blind: "what befalls the whole group at once; a member that was always odd; groups of fewer than five, where nobody can say who is odd",
    unit: "standard deviations from its usual place in the group",
    cost: "O(d) time per sample; d × (window + 30) numbers",
    source: "Y. Deng et al., \"Minder: Faulty machine detection for large-scale distributed model training\", NSDI 2025, for similarity and continuity; F. R. Hampel, \"The influence curve and its role in robust estimation\", 1974",
    channels: Channels::Several,
    order: Order::Free,
    threshold: Threshold::Score(4.0),
    parameters: PeersSettings::PARAMETERS,
    default_of: PeersSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        Ok(Box::new(Peers::new(PeersSettings::from_map(map)?, channels)?))
    }),
};

/// Members from which on it can be said who is odd.
pub const LEAST_PEERS: usize = 5;
/// Deviations that one sample may teach.
const CLIP: f64 = 3.0;
/// Deviations beyond which a sample counts as if it lay there.
const MOST: f64 = 50.0;
/// Least spread of a group, as a share of its usual spread.
const LEAST_OF_USUAL: f64 = 0.2;
/// Least spread of a group, as a share of its level: rounding sets nobody apart.
const LEAST_OF_LEVEL: f64 = 1e-6;
/// Weight of a departure in level beside one in restlessness.
const LEVEL_WEIGHT: f64 = 2.0;
/// Logarithm of the least restlessness that counts, in units of the group's spread.
const LEAST_RESTLESSNESS: f64 = 1e-3;
/// How odd a member must be for its oddness to have begun.
const ODD: f64 = 3.0;
/// Share of the members from which on it is the group that moves.
const GROUP: f64 = 1.0 / 3.0;
/// Samples after which the first estimates are good enough to be left.
const SETTLED: usize = 60;
/// Most members that are spoken of.
const SPOKEN_OF: usize = 3;

/// Compares the members of a group at the same instant, one channel a member.
///
/// The distance of a member from the median of the group, in units of the median
/// absolute deviation, is held against its own usual distance: a member that is
/// always a little slower is not odd. So is the logarithm of its deviation over the
/// last `window` samples, less the median over the group. A member is as odd as the larger of
/// the two departures, in its own deviations and the level counting twice, has been for the last
/// `continuity` samples throughout.
///
/// The score is how odd the oddest member is, a state that lasts until the member is
/// back or its new place has become usual. When more than a third of the members are
/// odd at once, the explanation speaks of the group.
///
/// In simulated weeks of 64 members with shared load, checkpoints and restarts it found
/// 180 of 184 slow, drifting, stuck or jittering members, with 0.05 false events per
/// member and week at the threshold (eight seeds).
///
/// Give it at least five members; among fewer, nobody can say who is odd.
/// Time O(d) per sample, memory O(d · window).
///
/// The explanation expects a member at the median of the group plus its usual distance,
/// and shares the score out over members.
///
/// Reference: Y. Deng et al., "Minder: Faulty Machine Detection for Large-scale
/// Distributed Model Training", NSDI 2025, whose similarity is learnt where ours is
/// a robust z-score.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::joint::{Peers, PeersSettings};
/// let mut group = Peers::new(PeersSettings::default(), 8)?;
/// let readings = |minute: i64| -> Vec<f64> {
///     let load = 50.0 + (minute % 200) as f64 / 10.0;
///     (0..8_i64).map(|member| load + (minute * (7 + member) % 11) as f64 / 10.0).collect()
/// };
/// for minute in 0..1000 {
///     group.learn(Sample::new(Timestamp::from_seconds(60 * minute), &readings(minute))?)?;
/// }
/// let mut highest = 0.0_f64;
/// for minute in 1000..1030 {
///     let mut slow = readings(minute);
///     slow[3] -= 5.0;
///     let score = group.update(Sample::new(Timestamp::from_seconds(60 * minute), &slow)?)?;
///     highest = highest.max(score.ready().unwrap_or(0.0));
/// }
/// assert!(highest > 4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Peers {
    settings: PeersSettings,
    members: usize,
    state: State,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    seen: usize,
    /// Usual spread of the group.
    spread: f64,
    members: Vec<Member>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    place: Place,
    restlessness: Place,
    /// Averaged departure in level.
    averaged: f64,
    /// Distances over the last samples, oldest first.
    distances: VecDeque<f64>,
    /// How odd it was at the last samples, oldest first; one less than `continuity`.
    odd: VecDeque<f64>,
    /// When it last became odd; nothing while it is not.
    began: Option<Timestamp>,
}

/// A moving mean and variance, learnt winsorised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    mean: f64,
    variance: f64,
    seen: usize,
}

impl Place {
    const NEW: Self = Self { mean: 0.0, variance: 0.0, seen: 0 };

    fn deviation(self, least: f64) -> f64 {
        self.variance.max(0.0).sqrt().max(least)
    }

    fn departure(self, value: f64, least: f64) -> f64 {
        if self.seen < SETTLED {
            return 0.0;
        }
        ((value - self.mean) / self.deviation(least)).clamp(-MOST, MOST)
    }

    fn learn(&mut self, value: f64, least: f64, memory: f64) {
        let weight = (1.0 / (self.seen as f64 + 1.0)).max(1.0 / memory);
        let reach = if self.seen < SETTLED { f64::MAX } else { CLIP * self.deviation(least) };
        let departure = (value - self.mean).clamp(-reach, reach);
        self.mean += weight * departure;
        self.variance = (1.0 - weight) * (self.variance + weight * departure * departure);
        self.seen = self.seen.saturating_add(1);
    }
}

/// Least deviation of a distance, in spreads of the group, and of a restlessness.
const LEAST_DISTANCE: f64 = 0.05;
const LEAST_LOG: f64 = 0.05;

/// A sample, rated.
struct Rated {
    middle: f64,
    /// Spread of the group at this instant, floors included, and as it is.
    unit: f64,
    spread: f64,
    /// Distance of each member from the middle.
    distances: Vec<f64>,
    averaged: Vec<f64>,
    /// Logarithm of the restlessness less the group's; empty before the window is full.
    restlessness: Vec<f64>,
    odd: Vec<f64>,
    /// Throughout the last samples.
    lasting: Vec<f64>,
}

impl Peers {
    /// A fresh detector of a group of `members`, at least 1.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(
        settings: PeersSettings,
        members: usize,
    ) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        let members = members.max(1);
        let member = Member {
            place: Place::NEW,
            restlessness: Place::NEW,
            averaged: 0.0,
            distances: VecDeque::new(),
            odd: VecDeque::new(),
            began: None,
        };
        let state = State { seen: 0, spread: 0.0, members: vec![member; members] };
        Ok(Self { settings, members, state })
    }

    fn rate(&self, sample: Sample<'_>) -> Rated {
        let state = &self.state;
        let readings: Vec<f64> = sample.readings().collect();
        let middle = median(&mut readings.clone());
        let mut apart: Vec<f64> = readings.iter().map(|reading| (reading - middle).abs()).collect();
        let spread = MAD_TO_DEVIATION * median(&mut apart);
        let unit = spread
            .max(LEAST_OF_USUAL * state.spread)
            .max(LEAST_OF_LEVEL * middle.abs())
            .max(f64::MIN_POSITIVE);
        let distances: Vec<f64> =
            readings.iter().map(|reading| ((reading - middle) / unit).clamp(-1e6, 1e6)).collect();
        let gain = 1.0 / self.settings.smoothing;
        let averaged: Vec<f64> = state
            .members
            .iter()
            .zip(&distances)
            .map(|(member, distance)| {
                let departure = member.place.departure(*distance, LEAST_DISTANCE);
                member.averaged + gain * (departure - member.averaged)
            })
            .collect();
        let mut restlessness = Vec::new();
        if state.members[0].distances.len() + 1 >= self.settings.window {
            restlessness.extend(state.members.iter().zip(&distances).map(|(member, newest)| {
                log_deviation(member.distances.iter().copied().chain([*newest]))
            }));
            let usual = median(&mut restlessness.clone());
            restlessness.iter_mut().for_each(|value| *value -= usual);
        }
        let odd: Vec<f64> = (0..self.members)
            .map(|at| {
                let level = LEVEL_WEIGHT * averaged[at].abs();
                let restless = restlessness.get(at).map_or(0.0, |value| {
                    state.members[at].restlessness.departure(*value, LEAST_LOG).abs()
                });
                level.max(restless)
            })
            .collect();
        let lasting = state
            .members
            .iter()
            .zip(&odd)
            .map(|(member, newest)| {
                if member.odd.len() + 1 < self.settings.continuity {
                    return 0.0;
                }
                member.odd.iter().copied().fold(*newest, f64::min)
            })
            .collect();
        Rated { middle, unit, spread, distances, averaged, restlessness, odd, lasting }
    }

    fn score_of(&self, rated: &Rated) -> Score {
        if self.state.seen < self.settings.warmup {
            return Score::Warming(self.settings.warmup - self.state.seen);
        }
        Score::Ready(rated.lasting.iter().copied().fold(0.0, f64::max))
    }

    fn absorb(&mut self, rated: &Rated, sample: Sample<'_>) {
        let settings = &self.settings;
        let state = &mut self.state;
        let weight = (1.0 / (state.seen as f64 + 1.0)).max(1.0 / settings.memory);
        let most = if state.seen < SETTLED { f64::MAX } else { CLIP * state.spread };
        // A group that was alike to the last digit may come apart for good.
        let held = if most > 0.0 { rated.spread.min(most) } else { rated.spread };
        state.spread += weight * (held - state.spread);
        for (at, member) in state.members.iter_mut().enumerate() {
            member.averaged = rated.averaged[at];
            member.place.learn(rated.distances[at], LEAST_DISTANCE, settings.memory);
            if let Some(value) = rated.restlessness.get(at) {
                member.restlessness.learn(*value, LEAST_LOG, settings.memory);
            }
            push(&mut member.distances, rated.distances[at], settings.window - 1);
            push(&mut member.odd, rated.odd[at], settings.continuity - 1);
            let since = member.began.unwrap_or(sample.time()).min(sample.time());
            member.began = (rated.odd[at] > ODD).then_some(since);
        }
        state.seen = state.seen.saturating_add(1);
    }

    /// What to say of the members that are odd, the oddest first.
    fn reasons(&self, rated: &Rated, readings: &[f64], share: &[f64]) -> Vec<String> {
        let mut odd: Vec<usize> = (0..self.members).filter(|member| share[*member] > 0.0).collect();
        if odd.len() as f64 > GROUP * self.members as f64 {
            return vec![format!(
                "{} of {} members left their places at once: the group moved, not a member",
                odd.len(),
                self.members
            )];
        }
        odd.sort_by(|a, b| share[*b].total_cmp(&share[*a]));
        odd.truncate(SPOKEN_OF);
        let sentence = |member: &usize| {
            let reading = readings[*member];
            let rank = 1 + readings.iter().filter(|other| **other > reading).count();
            let level = LEVEL_WEIGHT * rated.averaged[*member].abs();
            let what = if level >= rated.odd[*member] {
                "left its usual distance from the group"
            } else if rated.restlessness[*member] > self.state.members[*member].restlessness.mean {
                "is more restless than it was beside the group"
            } else {
                "is stiller than it was beside the group"
            };
            format!(
                "{{{member}}} {what}: {}, rank {rank} of {}, median {}, spread {}",
                digits(reading),
                self.members,
                digits(rated.middle),
                digits(rated.spread),
            )
        };
        odd.iter().map(sentence).collect()
    }
}

/// Logarithm of the deviation of `values`.
fn log_deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    variance.sqrt().max(LEAST_RESTLESSNESS).ln()
}

/// Adds `value` at the end and keeps the newest `most`.
fn push(values: &mut VecDeque<f64>, value: f64, most: usize) {
    values.push_back(value);
    if values.len() > most {
        values.pop_front();
    }
}

impl Detector for Peers {
    fn channels(&self) -> usize {
        self.members
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.members, sample.channels())?;
        Ok(self.score_of(&self.rate(sample)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.update(sample).map(drop)
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.members, sample.channels())?;
        let rated = self.rate(sample);
        let score = self.score_of(&rated);
        self.absorb(&rated, sample);
        Ok(score)
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.members, sample.channels())?;
        let rated = self.rate(sample);
        if self.score_of(&rated).ready().is_none() {
            return Ok(None);
        }
        let readings: Vec<f64> = sample.readings().collect();
        let members = self.state.members.iter();
        let expected =
            members.clone().map(|member| rated.middle + member.place.mean * rated.unit).collect();
        // Members below the threshold have no part in the score of one above it.
        let beyond = |lasting: &f64| *lasting > threshold;
        let any = rated.lasting.iter().any(beyond);
        let part = |lasting: &f64| if any && !beyond(lasting) { 0.0 } else { *lasting };
        let share = Explanation::shares(&rated.lasting.iter().map(part).collect::<Vec<_>>());
        let reasons = if any { self.reasons(&rated, &readings, &share) } else { Vec::new() };
        let began = members.zip(&rated.lasting).filter(|(_, lasting)| beyond(lasting));
        let onset = began.filter_map(|(member, _)| member.began).min();
        let onset = onset.map(|onset| onset.min(sample.time()));
        Ok(Some(Explanation { onset, reasons, ..Explanation::new(expected, None, share) }))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, 1, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, 1)?;
        let window = state.seen.min(self.settings.window - 1);
        let continuity = state.seen.min(self.settings.continuity - 1);
        let fits = state.members.len() == self.members
            && state.spread >= 0.0
            && state
                .members
                .iter()
                .all(|member| member.distances.len() == window && member.odd.len() == continuity);
        if !fits {
            let reason = "it has another number of members, another window or continuity";
            return Err(snapshot.refused(METHOD.name, reason));
        }
        self.state = state;
        Ok(())
    }
}
