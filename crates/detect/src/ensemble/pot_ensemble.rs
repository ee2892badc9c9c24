//! The default detector: statistics of a seasonal residual, each on its own tail.

use auscult_core::{
    Band, DetectError, Detector, Explanation, Sample, Score, Settings, Snapshot, Timestamp,
    settings,
};
use serde::{Deserialize, Serialize};

use super::conditioning::{Clock, Step};
use super::departure::Departure;
use super::deviation::{Deviation, oddness};
use super::fusion::Habituation;
use super::peaks::{Extent, Peaks};
use super::profile::Usual;
use super::range::Range;
use super::rarity::Rarity;
use super::seasons::{Season, Seasons, Slots};
use super::statistics::{COUNT, Lengths, Windows};
use super::tails::{CAP, Parts, Tails};
use super::words;
use crate::shared::one_reading;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`PotEnsemble`].
    pub struct PotEnsembleSettings {
        /// How much is spent on a series: 1 for a million series, one scale in less
        /// than 1 KiB; 2 for three scales and more kinds of seasons, in about 5 KiB.
        tier: u8 = 2, "1 or 2", |tier| matches!(tier, 1 | 2);
        /// Samples to learn before the first score.
        warmup: u32 = 300, "from 60 to 100000", |warmup| (60..=100_000).contains(warmup);
        /// Least reading that there can be, such as 0; a lower one is always told. With
        /// `range_high`, a departure counts for less while little of the range was seen.
        range_low: Option<f64> = None, "a number", |low| low.is_none_or(f64::is_finite);
        /// Greatest reading that there can be, such as 100; a higher one is always told.
        /// Declare both bounds of a range that may be used in full, not a mere limit.
        range_high: Option<f64> = None, "a number", |high| high.is_none_or(f64::is_finite);
    }
}

pub(super) const METHOD: Method = Method {
    name: "pot-ensemble",
    title: "Peaks-over-threshold ensemble",
    summary: "Sum of how far eight statistics of the distance to the usual band of the time of day lie beyond their own highest peaks so far.",
    sees: "spikes, jumps, level shifts, swings and stillness, readings unusual for the time of day or week; each event once",
    blind: "drifts slower than its level, which follows in about 200 samples; whatever came back about five times, which it takes for usual",
    unit: "mean excesses",
    cost: "O(1) time per sample, 1 to 5 KiB",
    source: "J. Pickands, \"Statistical inference using extreme order statistics\", Annals of Statistics 3, 1975, for the tails; the ensemble is auscult's own",
    channels: Channels::One,
    order: Order::Free,
    threshold: Threshold::Score(2.5),
    parameters: PotEnsembleSettings::PARAMETERS,
    default_of: PotEnsembleSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, _| Ok(Box::new(PotEnsemble::new(PotEnsembleSettings::from_map(map)?)?))),
};

/// What a tier spends.
#[derive(Debug, Clone, Copy)]
struct Tier {
    lengths: &'static [Lengths],
    slots: Slots,
}

/// Most scales of a tier.
const SCALES: usize = 3;
const TIERS: [Tier; 2] = [
    Tier { lengths: &[Lengths::of(75)], slots: Slots { day: 40, week: 0, own: false } },
    Tier {
        lengths: &[Lengths::of(75), Lengths::of(150), Lengths::of(300)],
        slots: Slots { day: 96, week: 336, own: true },
    },
];
/// Samples learnt before windows mean anything.
const SETTLE: u32 = 15;
/// Scales that one cluster may raise a tail by, once the tail is known well.
const REACH: f32 = 2.0;
/// Samples after which a tail is known well; before, clusters may teach more.
const WELL_KNOWN: f32 = 2000.0;
/// A gap of more usual steps than this is a restart: the level is found anew.
const RESTART: f64 = 200.0;
/// What a reading outside the declared range adds: as if every statistic were odd.
const OUTSIDE: f64 = CAP as f64 * COUNT as f64;
/// Seconds of history before a pattern of a day, or of a week, is called one.
const DAY_SECONDS: f64 = 86_400.0;
const WEEK_SECONDS: f64 = 7.0 * DAY_SECONDS;
/// Steps that a gap counts as in what is learnt: missing samples teach nothing.
const GAP_LEARNT: f64 = 3.0;
/// Samples between two alarms that are told apart, in the history of scores.
const ALARMS_APART: u16 = 60;
/// Samples after which a score counts for half of what it will be worth: the shorter
/// the history, the less it means to lie beyond all of it.
const HALF_MATURE: f64 = 6000.0;
/// Typical residuals that rank a sample as high as a score of 1; more of them rank no higher.
const FAR: f64 = 20.0;
/// Of series that are new (samples 300 to 780), the share of stretches of 60 samples whose
/// highest sum passes `NEW_FROM`, and by which factor fewer pass each unit more, up to
/// `NEW_BEND` and beyond: taken from 798 stretches of the healthy parts of SMD and ASD.
const NEW_FROM: f64 = 2.5;
const NEW_SHARE: f64 = 0.22;
const NEW_DECAY: f64 = 0.14;
const NEW_BEND: f64 = 20.0;
const NEW_DECAY_BEYOND: f64 = 0.36;
/// Stretches of 60 samples that this counts for beside a series' own.
const NEW_STRETCHES: f64 = 4.0;
/// Readings further than this from the first are held there.
const LARGEST: f64 = 1e30;

/// How far eight statistics of a series lie beyond their own highest peaks so far.
#[derive(Debug, Clone)]
pub struct PotEnsemble {
    settings: PotEnsembleSettings,
    state: State,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    seen: u32,
    clock: Clock,
    /// Readings are kept relative to it, in single precision.
    origin: f64,
    /// Of the readings, relative to the origin.
    extent: Extent,
    seasons: Seasons,
    windows: Windows,
    tails: Box<[Tails]>,
    habituation: Habituation,
    /// How far from normal the series is lately.
    deviation: Deviation,
    /// How rare scores are, before habituation and for what they are worth by now.
    rare: Rarity,
    departure: Departure,
}

/// The state as the first releases wrote it: of the sums, the eight highest clusters were known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstState {
    seen: u32,
    clock: Clock,
    origin: f64,
    extent: Extent,
    seasons: Seasons,
    windows: Windows,
    tails: Box<[Tails]>,
    habituation: Habituation,
    deviation: Deviation,
    rare: Peaks<8>,
    #[serde(rename = "scores")]
    _scores: Extent,
    departure: Departure,
}

impl FirstState {
    /// The same now. Clusters bore no times: the higher one was, the earlier it is taken to have
    /// come, as the first sums of a series are high.
    fn now(self, warmup: u32) -> State {
        let Self { seen, clock, origin, extent, seasons, windows, tails, .. } = self;
        let Self { habituation, deviation, rare, departure, .. } = self;
        let learnt = f64::from(seen.saturating_sub(warmup));
        let count = rare.peaks().len() as f64;
        let peaks = rare.peaks().iter().zip(0..).map(|(peak, place)| {
            let then = f64::from(warmup) + learnt * f64::from(place) / count;
            f64::from(*peak) * maturity(then)
        });
        let rare = Rarity::from_highest(&peaks.collect::<Vec<_>>(), learnt);
        State {
            seen,
            clock,
            origin,
            extent,
            seasons,
            windows,
            tails,
            habituation,
            deviation,
            rare,
            departure,
        }
    }
}

/// The share of stretches of 60 samples of new series with a `sum` so high.
fn share_of_new(sum: f64) -> f64 {
    let above = sum.min(NEW_BEND) - NEW_FROM;
    let beyond = (sum - NEW_BEND).max(0.0);
    (NEW_SHARE.ln() - NEW_DECAY * above - NEW_DECAY_BEYOND * beyond).exp()
}

/// What a score is worth after so many samples, from 0 to 1.
fn maturity(seen: f64) -> f64 {
    seen / (seen + HALF_MATURE)
}

/// What a live service wants to know of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The score, as [`Detector::update`] gives it.
    pub score: Score,
    /// Seconds in which this series would tell of something so odd once, by its own
    /// history or, while that is short, by that of others; 0 for what is not told.
    pub return_seconds: f64,
    /// Why, where it is rare enough to be asked.
    pub explanation: Option<Explanation>,
}

/// What is found of a sample before it is learnt.
struct Judgement {
    step: Step,
    /// Relative to the origin, held.
    reading: f64,
    residual: f64,
    values: [[f32; COUNT]; SCALES],
    /// Mean sum of parts over the scales, weighed by the declared range.
    sum: f64,
}

/// What a pass over a history notes of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    /// How odd it is; none during warm-up.
    pub(super) odd: Option<f64>,
    /// Distance from the usual band.
    pub(super) residual: f64,
    /// The most usual reading.
    pub(super) expected: f64,
}

const SNAPSHOT_VERSION: u32 = 2;
/// Of the state as bytes.
const BYTES_VERSION: u8 = 2;

impl PotEnsemble {
    /// A fresh detector.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: PotEnsembleSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        if let (Some(low), Some(high)) = (settings.range_low, settings.range_high)
            && low >= high
        {
            let value = high.to_string();
            let range = "above range_low";
            return Err(auscult_core::SettingError::Range { key: "range_high", value, range });
        }
        let tier = &TIERS[usize::from(settings.tier) - 1];
        let state = State {
            seen: 0,
            clock: Clock::new(),
            origin: 0.0,
            extent: Extent::new(),
            seasons: Seasons::new(tier.slots),
            windows: Windows::new(longest(tier)),
            tails: tier.lengths.iter().map(|_| Tails::new()).collect(),
            habituation: Habituation::new(),
            deviation: Deviation::new(),
            rare: Rarity::new(),
            departure: Departure::new(),
        };
        Ok(Self { settings, state })
    }

    /// Bytes of learnt state, on the heap too.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        let tails = size_of_val(&*self.state.tails);
        size_of::<State>() + self.state.seasons.heap() + self.state.windows.heap() + tails
    }

    /// Appends the learnt state to `out`, without the settings: what [`Detector::snapshot`]
    /// holds, in about 750 bytes for tier 1.
    ///
    /// The first byte is the version; behind it stands the state in the wire format of
    /// postcard 1.
    pub fn save(&self, out: &mut Vec<u8>) {
        out.push(BYTES_VERSION);
        let bytes = std::mem::take(out);
        *out = postcard::to_extend(&self.state, bytes).expect("numbers become bytes");
    }

    /// Replaces the learnt state by what [`PotEnsemble::save`] wrote, of this or an older
    /// release.
    ///
    /// ```
    /// use auscult_core::{Detector, Sample, Timestamp};
    /// use auscult_detect::ensemble::{PotEnsemble, PotEnsembleSettings};
    /// let fresh = || PotEnsemble::new(PotEnsembleSettings::default());
    /// let (mut original, mut restored) = (fresh()?, fresh()?);
    /// for second in 0..400 {
    ///     let readings = [(second % 7) as f64];
    ///     original.learn(Sample::new(Timestamp::from_seconds(second), &readings)?)?;
    /// }
    /// let mut bytes = Vec::new();
    /// original.save(&mut bytes);
    /// restored.load(&bytes)?;
    /// assert_eq!(restored.snapshot(), original.snapshot());
    /// assert!(restored.load(&bytes[1..]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DetectError::Snapshot`] for what is damaged, of a newer release or of another tier;
    /// nothing is changed then.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), DetectError> {
        let refuse = |reason: String| DetectError::Snapshot {
            expected: METHOD.name,
            found: METHOD.name.to_owned(),
            reason,
        };
        let refused = |error: postcard::Error| refuse(error.to_string());
        let state: State = match bytes.split_first() {
            Some((&BYTES_VERSION, state)) => postcard::from_bytes(state).map_err(refused)?,
            Some((1, state)) => {
                let state: FirstState = postcard::from_bytes(state).map_err(refused)?;
                state.now(self.settings.warmup)
            }
            Some((version, _)) => {
                return Err(refuse(format!("version {version} is not known")));
            }
            None => return Err(refuse("it is empty".to_owned())),
        };
        self.check(&state).map_err(|reason| refuse(reason.to_owned()))?;
        self.state = state;
        Ok(())
    }

    /// Whether a stored `state` can be, and is of this tier.
    fn check(&self, state: &State) -> Result<(), &'static str> {
        let tier = self.tier();
        if state.tails.len() != tier.lengths.len() {
            return Err("it is of another tier");
        }
        let sound = state.clock.is_sound()
            && state.origin.is_finite()
            && state.extent.is_sound()
            && state.seasons.is_sound(tier.slots)
            && state.windows.is_sound(longest(tier))
            && state.tails.iter().all(Tails::is_sound)
            && state.habituation.is_sound()
            && state.deviation.is_sound()
            && state.rare.is_sound()
            && state.departure.is_sound();
        if sound { Ok(()) } else { Err("its numbers cannot be") }
    }

    /// Seconds between samples: the median of the last nine distances; `None` before there is one.
    #[must_use]
    pub fn usual_step(&self) -> Option<f64> {
        self.state.clock.usual_step()
    }

    /// Says that the clock of the source was set back before the next sample: it is learnt, though
    /// it is earlier than the last. By itself the detector believes it at the 33rd late sample.
    pub fn follow_clock_back(&mut self) {
        self.state.clock.follow_back();
    }

    /// Forgets how rare what was found from `from` to `until` was: something was truly wrong then, so
    /// that it says nothing of how often health brings such. What is expected of readings stays
    /// as it was learnt, winsorised.
    pub fn confirm(&mut self, from: Timestamp, until: Timestamp) {
        let clock = &self.state.clock;
        if let (Some(oldest), Some(newest)) = (clock.steps_since(from), clock.steps_since(until)) {
            self.state.rare.forget(oldest, newest.max(0.0));
        }
    }

    /// [`Detector::update`], and how rare what was found is; explained where it comes
    /// once in `explained_from` seconds or more seldom.
    ///
    /// # Errors
    ///
    /// As [`Detector::update`].
    pub fn watch(
        &mut self,
        sample: Sample<'_>,
        explained_from: f64,
    ) -> Result<Watched, DetectError> {
        let judgement = self.judge(sample)?;
        let score = self.rate(&judgement);
        let told = score.ready().is_some_and(|score| score > 0.0);
        let by_sum = if told { self.return_seconds(judgement.sum) } else { 0.0 };
        let by_range = if told { self.range_return_seconds(sample.reading(0)) } else { 0.0 };
        let return_seconds = by_sum.max(by_range);
        let explanation = if return_seconds >= explained_from && return_seconds > 0.0 {
            let Threshold::Score(threshold) = METHOD.threshold else { unreachable!("a score") };
            self.explain(sample, threshold)?
        } else {
            None
        };
        self.take(sample, &judgement);
        Ok(Watched { score, return_seconds, explanation })
    }

    /// Seconds in which a `sum` of parts so high comes once: by the series' own history or,
    /// before that says anything, by what other series do when they are new.
    fn return_seconds(&self, sum: f64) -> f64 {
        if let Some((seconds, _)) = self.rarity(sum) {
            return seconds;
        }
        let step = self.state.clock.usual_step().filter(|_| sum >= NEW_FROM);
        step.map_or(0.0, |step| f64::from(ALARMS_APART) * step / share_of_new(sum))
    }

    /// Seconds in which a reading so far beyond all that were read comes once: a sum of parts, each
    /// of which has a highest, cannot say how far it leapt.
    ///
    /// Where the range of history is `r` long and a reading lies `x` ranges beyond it, its return
    /// period is `(1 + x)^2` times the history, as of a tail so heavy that it has no variance;
    /// 0 for `x` below 1, and for what was constant so far, which has no range.
    fn range_return_seconds(&self, reading: f64) -> f64 {
        let state = &self.state;
        let range = f64::from(state.extent.range());
        let Some(step) = state.clock.usual_step().filter(|_| state.rare.is_known()) else {
            return 0.0;
        };
        let reading = reading - state.origin;
        let (low, high) = (f64::from(state.extent.low()), f64::from(state.extent.high()));
        let beyond = (low - reading).max(reading - high) / range;
        if range <= 0.0 || beyond < 1.0 {
            return 0.0;
        }
        state.rare.history() * step * (1.0 + beyond).powi(2)
    }

    /// Seconds in which a `sum` of parts so high comes once, and seconds watched; `None` for one
    /// among the usual, and while history is short. What new series do counts for so many
    /// stretches besides: a short history says little of what lies beyond it.
    fn rarity(&self, sum: f64) -> Option<(f64, f64)> {
        let state = &self.state;
        let step = state.clock.usual_step().filter(|_| state.rare.is_known() && sum > 0.0)?;
        let history = state.rare.history();
        let as_high = history / state.rare.samples(sum * self.maturity());
        let others = NEW_STRETCHES * share_of_new(sum);
        let samples = history + NEW_STRETCHES * f64::from(ALARMS_APART);
        Some((samples / (as_high + others) * step, history * step))
    }

    /// Learns `sample` and notes what was found of it before.
    pub(super) fn note(&mut self, sample: Sample<'_>) -> Result<Note, DetectError> {
        let judgement = self.judge(sample)?;
        let state = &self.state;
        let usual = state.seasons.usual(sample.time().nanos());
        let origin = self.origin(judgement.step, sample.reading(0), usual);
        let ready = state.seen >= self.settings.warmup;
        let odd = || oddness(judgement.sum, judgement.residual, state.seasons.scale());
        let note = Note {
            odd: ready.then(odd),
            residual: judgement.residual,
            expected: origin + usual.map_or(judgement.reading, |usual| usual.middle),
        };
        self.take(sample, &judgement);
        Ok(note)
    }

    fn tier(&self) -> &'static Tier {
        &TIERS[usize::from(self.settings.tier) - 1]
    }

    fn judge(&self, sample: Sample<'_>) -> Result<Judgement, DetectError> {
        Ok(self.judge_reading(sample.time(), one_reading(sample)?))
    }

    fn judge_reading(&self, time: Timestamp, taken: f64) -> Judgement {
        let state = &self.state;
        let step = state.clock.step(time);
        let steps = match step {
            Step::Next(steps) => Some(steps),
            Step::Late => Some(1.0),
            Step::First | Step::Gap(_) | Step::SetBack => None,
        };
        let usual = state.seasons.usual(time.nanos());
        let origin = self.origin(step, taken, usual);
        let range = self.range(origin);
        let reading = (taken - origin).clamp(-LARGEST, LARGEST);
        let reading = match range {
            Some(range) => range.held(reading),
            None if state.seen < SETTLE => reading,
            None => state.extent.held(reading),
        };
        let residual = usual.map_or(0.0, |usual| usual.residual(reading));
        let (reading_now, residual_now) = (reading as f32, residual as f32);
        let mut values = [[f32::NAN; COUNT]; SCALES];
        let mut sum = 0.0;
        let tier = self.tier();
        for ((values, tails), lengths) in values.iter_mut().zip(&state.tails).zip(tier.lengths) {
            *values = tails.values(&state.windows, *lengths, reading_now, residual_now, steps);
            if state.seen >= SETTLE {
                sum += f64::from(tails.parts(values).sum());
            }
        }
        let mut sum = sum / tier.lengths.len() as f64;
        if let Some(range) = range {
            sum *= range.weight(state.extent, reading);
        }
        if self.is_outside(taken) {
            sum += OUTSIDE;
        }
        Judgement { step, reading, residual, values, sum }
    }

    /// What readings are relative to if `reading` comes by `step`: after a long
    /// gap the level is found anew, so that the reading is as usual.
    fn origin(&self, step: Step, reading: f64, usual: Option<Usual>) -> f64 {
        match (step, usual) {
            (Step::First, _) => reading,
            (Step::Gap(steps), Some(usual)) if steps > RESTART => reading - usual.middle,
            _ => self.state.origin,
        }
    }

    /// What readings there can be relative to `origin`, if both bounds were declared.
    fn range(&self, origin: f64) -> Option<Range> {
        let (low, high) = (self.settings.range_low?, self.settings.range_high?);
        Some(Range::new(low, high, origin, LARGEST))
    }

    /// Whether `reading` cannot be, by what was declared.
    fn is_outside(&self, reading: f64) -> bool {
        self.settings.range_low.is_some_and(|low| reading < low)
            || self.settings.range_high.is_some_and(|high| reading > high)
    }

    fn rate(&self, judgement: &Judgement) -> Score {
        match self.settings.warmup.saturating_sub(self.state.seen) {
            0 => Score::Ready(self.state.habituation.score(judgement.sum)),
            missing => Score::Warming(missing as usize),
        }
    }

    /// How high `residual` alone ranks a sample, from 0 to 1: below any score that
    /// several statistics made.
    fn distance(&self, residual: f64) -> f64 {
        match residual.abs() {
            0.0 => 0.0,
            far => (far / self.state.seasons.scale() / FAR).min(1.0),
        }
    }

    fn take(&mut self, sample: Sample<'_>, judgement: &Judgement) {
        let time = sample.time();
        let tier = self.tier();
        let usual = self.state.seasons.usual(time.nanos());
        let origin = self.origin(judgement.step, sample.reading(0), usual);
        let state = &mut self.state;
        state.clock.learn(time, judgement.step);
        let elapsed = match judgement.step {
            Step::Late => return,
            Step::First => 1.0,
            Step::Next(steps) => steps,
            Step::Gap(steps) => {
                state.windows.restart();
                steps
            }
            Step::SetBack => {
                state.windows.restart();
                RESTART
            }
        };
        if origin != state.origin && judgement.step != Step::First {
            state.seasons.restart();
        }
        state.origin = origin;
        state.seen = state.seen.saturating_add(1);
        let (reading, residual) = (judgement.reading, judgement.residual);
        state.extent.learn(reading as f32, state.seen == 1);
        let reach = (state.seen > self.settings.warmup)
            .then(|| REACH * (WELL_KNOWN / state.seen as f32).sqrt().max(1.0));
        for ((values, tails), lengths) in
            judgement.values.iter().zip(&mut state.tails).zip(tier.lengths)
        {
            tails.follow(values);
            if state.seen > lengths.settle {
                tails.learn(values, lengths.apart, reach);
            }
        }
        if state.seen > self.settings.warmup {
            state.habituation.learn(judgement.sum, elapsed);
            state.rare.learn(judgement.sum * maturity(f64::from(state.seen)));
        }
        let scale = state.seasons.scale();
        state.departure.learn(time, judgement.sum, residual, scale);
        state.deviation.learn(judgement.sum, residual, scale, elapsed, state.seen);
        state.windows.learn(reading as f32, residual as f32);
        let step = state.clock.usual_step();
        state.seasons.learn(time.nanos(), reading, elapsed.min(GAP_LEARNT), step);
    }
}

fn longest(tier: &Tier) -> usize {
    tier.lengths.iter().map(|lengths| lengths.window).max().unwrap_or(2)
}

impl Detector for PotEnsemble {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        Ok(self.rate(&self.judge(sample)?))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        let judgement = self.judge(sample)?;
        self.take(sample, &judgement);
        Ok(())
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let judgement = self.judge(sample)?;
        let score = self.rate(&judgement);
        self.take(sample, &judgement);
        Ok(score)
    }

    fn rank(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let judgement = self.judge(sample)?;
        Ok(match self.rate(&judgement) {
            Score::Ready(score) => Score::Ready(score.max(self.distance(judgement.residual))),
            warming @ Score::Warming(_) => warming,
        })
    }

    fn maturity(&self) -> f64 {
        maturity(f64::from(self.state.seen.max(1)))
    }

    fn deviation(&self) -> Option<f64> {
        (self.state.seen >= self.settings.warmup).then(|| self.state.deviation.now())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let judgement = self.judge(sample)?;
        let state = &self.state;
        let (Some(score), Some(usual)) =
            (self.rate(&judgement).ready(), state.seasons.usual(sample.time().nanos()))
        else {
            return Ok(None);
        };
        let origin = self.origin(judgement.step, sample.reading(0), Some(usual));
        let time = sample.time();
        let band = Band {
            low: self.furthest(time, origin + usual.low, -1.0, threshold),
            high: self.furthest(time, origin + usual.high, 1.0, threshold),
        };
        let distance = self.distance(judgement.residual);
        // Only a budget asks for so little that the residual alone passes.
        let far = score <= threshold && distance > threshold;
        let part = if far { distance } else { score };
        let mut explanation = Explanation::of_one(origin + usual.middle, Some(band), part);
        explanation.onset = state.departure.onset(time, judgement.sum);
        explanation.reasons = self.reasons(sample.reading(0), &judgement, far);
        Ok(Some(explanation))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = if snapshot.version == 1 {
            snapshot.read::<FirstState>(METHOD.name, 1)?.now(self.settings.warmup)
        } else {
            snapshot.read(METHOD.name, SNAPSHOT_VERSION)?
        };
        self.check(&state).map_err(|reason| snapshot.refused(METHOD.name, reason))?;
        self.state = state;
        Ok(())
    }
}

impl PotEnsemble {
    /// The furthest reading from `edge` on a `side` whose parts would not sum to more
    /// than `threshold`, nor its residual alone rank higher, to a thousandth of its distance.
    fn furthest(&self, time: Timestamp, edge: f64, side: f64, threshold: f64) -> f64 {
        let passes = |far: f64| {
            let judgement = self.judge_reading(time, edge + side * far);
            judgement.sum.max(self.distance(judgement.residual)) > threshold
        };
        let mut outside = self.state.seasons.scale().max(1e-9 * edge.abs()).max(f64::MIN_POSITIVE);
        let mut inside = 0.0;
        while !passes(outside) {
            inside = outside;
            outside *= 4.0;
            if outside > LARGEST {
                return edge + side * inside;
            }
        }
        while outside - inside > 1e-3 * outside && outside > 1e-12 * edge.abs() {
            let middle = 0.5 * (inside + outside);
            if passes(middle) {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        edge + side * inside
    }

    fn reasons(&self, reading: f64, judgement: &Judgement, far: bool) -> Vec<String> {
        let state = &self.state;
        let parts: Vec<Parts> = judgement
            .values
            .iter()
            .zip(&state.tails)
            .map(|(values, tails)| tails.parts(values))
            .collect();
        let rarity = self.rarity(judgement.sum);
        let watched = f64::from(state.seen) * state.clock.usual_step().unwrap_or(0.0);
        let season = match state.seasons.season() {
            Season::Day if watched < DAY_SECONDS => Season::None,
            Season::Week if watched < WEEK_SECONDS => Season::None,
            season => season,
        };
        let scale = state.seasons.scale();
        let few = state.seen < 2 * self.settings.warmup;
        words::reasons(&words::Facts {
            parts: &parts,
            season,
            outside: self.is_outside(reading),
            far,
            run: state.departure.run(judgement.residual, scale),
            residual: judgement.residual,
            window: longest(self.tier()),
            rarity,
            few: few.then_some(state.seen),
        })
    }
}
