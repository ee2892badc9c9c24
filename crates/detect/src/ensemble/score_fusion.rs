//! Several methods on the same samples, each held against its own usual, averaged.

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, SettingError, Settings, Snapshot, Timestamp,
    settings,
};
use serde::{Deserialize, Serialize};

use super::members::{Member, Members};
use crate::joint::onset::Onset;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`ScoreFusion`].
    pub struct ScoreFusionSettings {
        /// The methods: names with commas between them, or a JSON list of objects with
        /// `method`, `settings` and `weight`.
        members: Members = Members(vec![
            Member::plain("mahalanobis-ensemble"),
            Member::plain("pot-ensemble"),
        ]), "two to eight methods that can watch a stream, with weights above 0", Members::are_sound;
    }
}

pub(super) const METHOD: Method = Method {
    name: "score-fusion",
    title: "Fusion of the scores of several methods",
    summary: "Mean of what several methods say, each measured by what it usually says.",
    sees: "what any of its methods sees, best what several of them see; `auscult select` finds methods that go well together",
    blind: "what all its methods miss; an anomaly that one alone sees counts for less than it does there",
    unit: "powers of ten of samples between two such moments, mean over the methods",
    cost: "the sum of its methods",
    source: "C. C. Aggarwal, S. Sathe, \"Theoretical foundations and algorithms for outlier ensembles\", SIGKDD Explorations 17(1), 2015",
    channels: Channels::Several,
    order: Order::Free,
    threshold: Threshold::Score(3.0),
    parameters: ScoreFusionSettings::PARAMETERS,
    default_of: ScoreFusionSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        Ok(Box::new(ScoreFusion::new(ScoreFusionSettings::from_map(map)?, channels)?))
    }),
};

/// Samples from which a method's usual is known.
const CALIBRATED: usize = 100;
/// Samples that count for it: older ones fade with this time constant.
const MEMORY: f64 = 20_000.0;
/// Samples that teach everything they have, and what a later one may teach, in mean deviations.
const UNCLIPPED: usize = 50;
const REACH: f64 = 6.0;
/// Mean deviations, and powers of ten of samples, beyond which one method says no more.
const MOST: f64 = 100.0;
const RAREST: f64 = 12.0;
/// Most reasons that are given.
const REASONS: usize = 3;

/// Mean of what several methods say, each measured by what it usually says.
///
/// Every member watches the same samples; a method for one channel watches each by
/// itself and says the largest of what it finds. With `e` the mean absolute deviations by
/// which the state of a member passes its own mean, both learnt winsorised from what came before,
/// the [`Detector::deviation`] is the weighted mean of `1 + ln(1 + e)`, or of `exp(e)` where
/// `e` is negative: both have the same slope at 0, and no member outweighs the others by far.
///
/// The score is the weighted mean, over members, of the decimal logarithm of the samples
/// after which such a score of that member begins again, by its own exponential tail; a
/// member counts at most 12. It is high when a departure begins and low while it lasts.
///
/// Misses what all members miss. Time and memory are the sum of the members'.
///
/// The explanation is the mean of those of the members, and expects what the one expects
/// that finds the sample strangest.
///
/// Reference: C. C. Aggarwal, S. Sathe, "Theoretical foundations and algorithms for outlier
/// ensembles", SIGKDD Explorations 17(1), 2015; weights and calibration are ours.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::ensemble::{Member, Members, ScoreFusion, ScoreFusionSettings};
/// let members = Members(vec![Member::plain("zscore"), Member::plain("mahalanobis-ew")]);
/// let mut detector = ScoreFusion::new(ScoreFusionSettings { members }, 2)?;
/// for minute in 0..1000_i64 {
///     let load = (minute * 31 % 40) as f64;
///     let readings = [load, 3.0 * load + (minute * 7 % 11) as f64];
///     detector.learn(Sample::new(Timestamp::from_seconds(60 * minute), &readings)?)?;
/// }
/// let odd = Sample::new(Timestamp::from_seconds(60_000), &[90.0, 10.0])?;
/// assert!(detector.score(odd)?.ready().is_some_and(|score| score > 3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ScoreFusion {
    settings: ScoreFusionSettings,
    channels: usize,
    parts: Vec<Part>,
    deviation: Option<f64>,
}

/// A member at work.
#[derive(Debug)]
struct Part {
    method: &'static Method,
    weight: f64,
    /// One, or one for each channel.
    detectors: Vec<Box<dyn Detector>>,
    usual: Usual,
    onset: Onset,
}

/// What the snapshot of a fusion holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    parts: Vec<PartState>,
    deviation: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartState {
    method: String,
    detectors: Vec<Snapshot>,
    usual: Usual,
    onset: Onset,
}

const SNAPSHOT_VERSION: u32 = 1;

impl ScoreFusion {
    /// A fresh detector of `channels` channels, at least 1.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a method that is not there, cannot watch a stream or is a fusion
    /// itself, and for settings that it refuses.
    pub fn new(settings: ScoreFusionSettings, channels: usize) -> Result<Self, SettingError> {
        settings.check()?;
        let channels = channels.max(1);
        let parts = settings.members.0.iter().map(|member| Part::new(member, channels));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Self { settings, channels, parts, deviation: None })
    }

    /// The weighted mean of what each part gives.
    fn mean(&self, of: impl Fn(usize, &Part) -> f64) -> f64 {
        let sum: f64 =
            self.parts.iter().enumerate().map(|(at, part)| part.weight * of(at, part)).sum();
        sum / self.parts.iter().map(|part| part.weight).sum::<f64>()
    }

    /// The score of a sample of which the members said `said`, before anything is learnt of it.
    fn fused(&self, said: &[Score]) -> Score {
        let left = self.parts.iter().zip(said).map(|(part, score)| part.left(*score)).max();
        match left {
            None | Some(0) => {
                Score::Ready(self.mean(|at, part| part.rarity(said[at].ready().unwrap_or(0.0))))
            }
            Some(left) => Score::Warming(left),
        }
    }
}

impl Part {
    fn new(member: &Member, channels: usize) -> Result<Self, SettingError> {
        let refuse =
            |range| SettingError::Range { key: "members", value: member.method.clone(), range };
        let method = crate::find(&member.method)
            .ok_or_else(|| refuse("names of the catalogue, which `auscult methods` lists"))?;
        let build = method.online.ok_or_else(|| refuse("methods that can watch a stream"))?;
        if method.name == METHOD.name {
            return Err(refuse("methods other than fusions"));
        }
        let (count, width) =
            if method.channels == Channels::One { (channels, 1) } else { (1, channels) };
        let detectors = (0..count).map(|_| build(&member.settings, width));
        Ok(Self {
            method,
            weight: member.weight,
            detectors: detectors.collect::<Result<_, _>>()?,
            usual: Usual::default(),
            onset: Onset::new(),
        })
    }

    /// What the detector at place `at` is given of `readings`.
    fn own<'a>(&self, readings: &'a [f64], at: usize) -> &'a [f64] {
        if self.detectors.len() > 1 { &readings[at..=at] } else { readings }
    }

    /// What the member says of a sample.
    fn rate(&self, time: Timestamp, readings: &[f64]) -> Result<Score, DetectError> {
        let mut said = Score::Ready(0.0);
        for (at, detector) in self.detectors.iter().enumerate() {
            said = larger(said, detector.score(sample(time, self.own(readings, at)))?);
        }
        Ok(said)
    }

    /// The same, and takes the sample in.
    fn update(&mut self, time: Timestamp, readings: &[f64]) -> Result<Score, DetectError> {
        let mut said = Score::Ready(0.0);
        for at in 0..self.detectors.len() {
            let own = sample(time, self.own(readings, at));
            said = larger(said, self.detectors[at].update(own)?);
        }
        Ok(said)
    }

    /// Why the member says so; `None` when it has nothing to explain.
    fn explain(
        &self,
        time: Timestamp,
        readings: &[f64],
    ) -> Result<Option<Explanation>, DetectError> {
        if let [detector] = self.detectors.as_slice() {
            return detector.explain(sample(time, readings), self.threshold());
        }
        let (mut expected, mut scores) = (readings.to_vec(), vec![0.0; readings.len()]);
        let (mut onset, mut reasons, mut most) = (None, Vec::new(), 0.0);
        for (at, detector) in self.detectors.iter().enumerate() {
            let own = sample(time, self.own(readings, at));
            scores[at] = detector.score(own)?.ready().unwrap_or(0.0);
            let Some(why) = detector.explain(own, self.threshold())? else { continue };
            expected[at] = why.expected[0];
            if scores[at] > most {
                (onset, most) = (why.onset, scores[at]);
                let own = |reason: &String| format!("{{{at}}} {reason}");
                reasons = why.reasons.iter().map(own).collect();
            }
        }
        let share = Explanation::shares(&scores);
        Ok(Some(Explanation { onset, reasons, ..Explanation::new(expected, None, share) }))
    }

    /// For what bands are drawn; a fusion shows none.
    fn threshold(&self) -> f64 {
        if let Threshold::Score(score) = self.method.threshold { score } else { 1.0 }
    }

    /// Samples that are to be learnt before the member counts.
    fn left(&self, said: Score) -> usize {
        match said {
            Score::Warming(left) => left.saturating_add(CALIBRATED),
            Score::Ready(_) => CALIBRATED.saturating_sub(self.usual.seen),
        }
    }

    /// How rare `score` is, judged by what came before.
    fn rarity(&self, score: f64) -> f64 {
        self.onset.rarity(score).min(RAREST)
    }

    /// How far from normal the member finds the last sample, of which it said `score`.
    fn state(&self, score: f64) -> f64 {
        let told = self.detectors.iter().filter_map(|detector| detector.deviation());
        told.reduce(f64::max).unwrap_or(score)
    }
}

/// A sample of what was one before, or a part of it.
fn sample(time: Timestamp, readings: &[f64]) -> Sample<'_> {
    Sample::new(time, readings).expect("readings of a sample are finite")
}

/// The larger score; one that is not there yet outweighs any.
fn larger(one: Score, other: Score) -> Score {
    match (one, other) {
        (Score::Warming(one), Score::Warming(other)) => Score::Warming(one.max(other)),
        (Score::Warming(left), Score::Ready(_)) | (Score::Ready(_), Score::Warming(left)) => {
            Score::Warming(left)
        }
        (Score::Ready(one), Score::Ready(other)) => Score::Ready(one.max(other)),
    }
}

/// Mean and mean absolute deviation of a number, learnt winsorised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    seen: usize,
    mean: f64,
    deviation: f64,
}

impl Usual {
    /// The least deviation that counts: rounding is none.
    fn least(&self) -> f64 {
        1e-9 * (1.0 + self.mean.abs())
    }

    /// How strange `number` is: 1 at the mean, above 0, growing with the logarithm.
    fn strangeness(&self, number: f64) -> f64 {
        if self.seen < CALIBRATED {
            return 1.0;
        }
        let excess = ((number - self.mean) / (self.deviation + self.least())).min(MOST);
        if excess < 0.0 { excess.exp() } else { 1.0 + excess.ln_1p() }
    }

    fn learn(&mut self, number: f64) {
        let weight = (1.0 / (self.seen as f64 + 1.0)).max(1.0 / MEMORY);
        let reach =
            if self.seen < UNCLIPPED { f64::MAX } else { REACH * self.deviation + self.least() };
        let departure = (number - self.mean).clamp(-reach, reach);
        self.mean += weight * departure;
        self.deviation += weight * (departure.abs() - self.deviation);
        self.seen = self.seen.saturating_add(1);
    }

    fn is_sound(&self) -> bool {
        self.mean.is_finite() && self.deviation.is_finite() && self.deviation >= 0.0
    }
}

impl Detector for ScoreFusion {
    fn channels(&self) -> usize {
        self.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        let readings: Vec<f64> = sample.readings().collect();
        let said = self.parts.iter().map(|part| part.rate(sample.time(), &readings));
        Ok(self.fused(&said.collect::<Result<Vec<_>, _>>()?))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        self.update(sample).map(drop)
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        let readings: Vec<f64> = sample.readings().collect();
        let said = self.parts.iter_mut().map(|part| part.update(sample.time(), &readings));
        let said = said.collect::<Result<Vec<_>, _>>()?;
        let score = self.fused(&said);
        let states: Vec<f64> = self
            .parts
            .iter()
            .zip(&said)
            .map(|(part, said)| part.state(said.ready().unwrap_or(0.0)))
            .collect();
        self.deviation =
            score.ready().map(|_| self.mean(|at, part| part.usual.strangeness(states[at])));
        for ((part, said), state) in self.parts.iter_mut().zip(said).zip(states) {
            if let Score::Ready(score) = said {
                part.usual.learn(state);
                part.onset.learn(score, sample.time());
            }
        }
        Ok(score)
    }

    fn deviation(&self) -> Option<f64> {
        self.deviation
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        let (time, readings) = (sample.time(), sample.readings().collect::<Vec<f64>>());
        if self.score(sample)?.ready().is_none() {
            return Ok(None);
        }
        let mut shares = vec![0.0; self.channels];
        let (mut strongest, mut most): (Option<Explanation>, f64) = (None, -1.0);
        for part in &self.parts {
            let score = part.rate(time, &readings)?.ready().unwrap_or(0.0);
            let Some(explained) = part.explain(time, &readings)? else { continue };
            let worth = part.weight * part.rarity(score);
            for (sum, share) in shares.iter_mut().zip(&explained.share) {
                *sum += worth * share;
            }
            if worth > most {
                (strongest, most) = (Some(explained), worth);
            }
        }
        Ok(strongest.map(|strongest| {
            let mut reasons = strongest.reasons;
            reasons.truncate(REASONS);
            let onset = strongest.onset;
            let share = Explanation::shares(&shares);
            Explanation { onset, reasons, ..Explanation::new(strongest.expected, None, share) }
        }))
    }

    fn snapshot(&self) -> Snapshot {
        let part = |part: &Part| PartState {
            method: part.method.name.to_owned(),
            detectors: part.detectors.iter().map(|detector| detector.snapshot()).collect(),
            usual: part.usual,
            onset: part.onset.clone(),
        };
        let parts = self.parts.iter().map(part).collect();
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &State { parts, deviation: self.deviation })
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let refuse = |why: String| snapshot.refused(METHOD.name, why);
        // Into a fresh one first, so that a snapshot that fails half way changes nothing.
        let mut fresh = Self::new(self.settings.clone(), self.channels)
            .map_err(|error| refuse(error.to_string()))?;
        if state.parts.len() != fresh.parts.len()
            || state.deviation.is_some_and(|deviation| !(deviation >= 0.0 && deviation.is_finite()))
        {
            return Err(refuse("it has other methods, or is damaged".to_owned()));
        }
        for (part, stored) in fresh.parts.iter_mut().zip(state.parts) {
            if part.method.name != stored.method || part.detectors.len() != stored.detectors.len() {
                return Err(refuse(
                    "it has other methods or another number of channels".to_owned(),
                ));
            }
            if !stored.usual.is_sound() || !stored.onset.is_sound() {
                return Err(refuse("it is damaged".to_owned()));
            }
            for (detector, stored) in part.detectors.iter_mut().zip(&stored.detectors) {
                detector.restore(stored)?;
            }
            (part.usual, part.onset) = (stored.usual, stored.onset);
        }
        fresh.deviation = state.deviation;
        *self = fresh;
        Ok(())
    }
}
