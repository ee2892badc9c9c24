//! Several Mahalanobis distances of one target, added up channel by channel.

use auscult_core::{
    DetectError, Detector, Explanation, Sample, Score, Settings, Snapshot, settings,
};
use serde::{Deserialize, Serialize};

use super::autoregression::Autoregression;
use super::head::{Given, Head, Rule};
use super::onset::Onset;
use super::role::Role;
use super::usual::Usual;
use super::words::digits;
use crate::ensemble::profile::Profile;
use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`MahalanobisEnsemble`].
    pub struct MahalanobisEnsembleSettings {
        /// Samples to learn before the first score.
        warmup: usize = 300, "at least 100", |warmup| *warmup >= 100;
        /// Samples that count: older ones fade with this time constant.
        memory: f64 = 20_000.0, "at least 100", |memory| *memory >= 100.0;
        /// Deviations that a single sample may teach; what lies beyond is learnt
        /// as if it lay there.
        clip: f64 = 3.0, "above 0", |clip| *clip > 0.0;
        /// How far the covariance is shrunk towards independent channels.
        shrinkage: f64 = 0.1, "in (0, 1]", |amount| *amount > 0.0 && *amount <= 1.0;
        /// Length of the season, in seconds.
        season: f64 = 86_400.0, "at least 1", |season| *season >= 1.0;
    }
}

pub(super) const METHOD: Method = Method {
    name: "mahalanobis-ensemble",
    title: "Ensemble of winsorised Mahalanobis distances",
    summary: "How far channels lie from where the others, the time of day and their last readings put them, added up over channels and told when it begins.",
    sees: "in one pass and without settings, channels that leave the others, the daily course or their own dynamics, one strongly or many a little; states of up to an hour of samples as well as single samples",
    blind: "drift over weeks, which it follows; seasons other than the one it is told; faults present from the first sample on",
    unit: "powers of ten of samples between two such moments",
    cost: "O(d · min(d, 64)) time per sample and as much memory, and 1.2 kB per channel",
    source: "P. C. Mahalanobis, \"On the generalised distance in statistics\", 1936; winsorised after P. J. Huber, \"Robust Statistics\", Wiley, 1981; tail after J. Pickands, \"Statistical inference using extreme order statistics\", 1975",
    channels: Channels::Several,
    order: Order::Free,
    threshold: Threshold::Score(3.0),
    parameters: MahalanobisEnsembleSettings::PARAMETERS,
    default_of: MahalanobisEnsembleSettings::default_of,
    batch: None,
    pieces: None,
    labelled: None,
    online: Some(|map, channels| {
        let settings = MahalanobisEnsembleSettings::from_map(map)?;
        Ok(Box::new(MahalanobisEnsemble::new(settings, channels)?))
    }),
};

/// Heads: readings, readings without the daily course, readings given the last two.
const HEADS: usize = 3;
/// Usual steps for which a sample counts in a profile: its level follows five times
/// slower than where a single channel is watched, so that a state that lasts is seen to last.
const PROFILE_STEP: f64 = 0.2;
/// Parts of a season that are told apart.
const SLOTS: usize = 96;
/// Samples over which the state is averaged; the mean of the four averages is the state.
const SCALES: [usize; 4] = [1, 5, 15, 60];
/// Share of the score from which a channel is worth a sentence.
const WORTH_SAYING: f64 = 0.1;
/// Most channels that are spoken of.
const SPOKEN_OF: usize = 3;

/// How far channels lie from where the others put them, seen three ways.
///
/// Three heads hold a moving mean and covariance each, of the readings, of what
/// a daily profile leaves of them, and of what an autoregression of order two
/// leaves. They learn winsorised, each sample moving a channel by at most `clip`
/// deviations, so that a fault hardly teaches what it looks like, and shrunk
/// towards independent channels.
///
/// With `d` the departure from the mean and `P` the inverse of the covariance,
/// `s[j] = (P d)[j]² / P[j, j]` is what the squared Mahalanobis distance would
/// lose if channel `j` lay where the others put it. Of each channel and head
/// counts by how many mean deviations `ln(1 + s[j])` passes its own mean; the
/// sum over heads and the mean over channels are the reading of a sample. Adding up
/// logarithms rather than squares lets many small departures outweigh one wild channel. The
/// [`Detector::deviation`] is the mean of four averages: of the sample and of the
/// last 5, 15 and 60. Switches, channels that know only two readings and have been at both
/// twice, explain others but do not count.
///
/// The score is the decimal logarithm of the samples after which such a state is
/// expected to begin again: 3, the threshold, is once in 1,000 samples by its own
/// tail. What happened before widens that tail, so alarms are rarer than that: at most
/// 2.1 false ones in 10,000 samples on each of four machines of the Server Machine Dataset. It is high
/// when a departure begins and low while it lasts, which the deviation is not.
///
/// Blind for what was there from the first sample on, and for what creeps over
/// weeks. Time and memory O(d²) for up to 64 channels, blocks of 64 beyond.
///
/// The explanation shares the reading of the sample out over the channels, and
/// expects each where the head puts it that finds it strangest.
///
/// Reference: P. C. Mahalanobis, "On the generalised distance in statistics",
/// Proceedings of the National Institute of Sciences of India, 1936; winsorising
/// after P. J. Huber, "Robust Statistics", Wiley, 1981. The sum of logarithms of
/// conditional departures in place of the distance is ours; it was chosen by
/// anomalies injected into training data.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::joint::{MahalanobisEnsemble, MahalanobisEnsembleSettings};
/// let mut detector = MahalanobisEnsemble::new(MahalanobisEnsembleSettings::default(), 2)?;
/// for minute in 0..2000_i64 {
///     // Power follows load, each sample a little off.
///     let (load, off) = ((minute * 31 % 40) as f64, (minute * 7 % 11) as f64 / 5.0);
///     let readings = [load, 3.0 * load + off];
///     detector.learn(Sample::new(Timestamp::from_seconds(60 * minute), &readings)?)?;
/// }
/// let score = |readings: &[f64]| -> Result<_, Box<dyn std::error::Error>> {
///     let time = Timestamp::from_seconds(60 * 2000);
///     Ok(detector.score(Sample::new(time, readings)?)?.ready())
/// };
/// assert!(score(&[30.0, 91.0])?.is_some_and(|score| score < 4.0));
/// assert!(score(&[35.0, 10.0])?.is_some_and(|score| score > 4.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MahalanobisEnsemble {
    settings: MahalanobisEnsembleSettings,
    channels: usize,
    state: State,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// Samples learnt.
    seen: usize,
    heads: [Head; HEADS],
    /// Of each channel.
    profiles: Vec<Profile>,
    autoregression: Autoregression,
    roles: Vec<Role>,
    /// Of `ln(1 + s)`, head by head.
    usual: Usual,
    /// The last readings of the whole, oldest first; one less than the longest scale.
    recent: Vec<f64>,
    /// The state after the last sample.
    deviation: f64,
    /// Of the reading of the whole, and of the state.
    onsets: [Onset; 2],
}

const SNAPSHOT_VERSION: u32 = 1;

/// A sample, rated.
struct Rated {
    readings: Vec<f64>,
    /// What each head looks at, head by head, shape `(HEADS, channels)`.
    values: Vec<f64>,
    roles: Vec<Role>,
    /// Empty before the heads rate.
    given: Vec<Given>,
    /// `ln(1 + s)` and by how much it passes its mean; empty before the heads rate.
    logs: Vec<f64>,
    excess: Vec<f64>,
    /// The reading of the whole.
    whole: f64,
    /// The state with this sample.
    deviation: f64,
}

impl MahalanobisEnsemble {
    /// A fresh detector of `channels` channels, at least 1.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(
        settings: MahalanobisEnsembleSettings,
        channels: usize,
    ) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        let channels = channels.max(1);
        let season = (settings.season * 1e9).min(i64::MAX as f64) as i64;
        let state = State {
            seen: 0,
            heads: std::array::from_fn(|_| Head::new(channels)),
            profiles: vec![Profile::new(SLOTS, season); channels],
            autoregression: Autoregression::new(channels),
            roles: vec![Role::Unknown; channels],
            usual: Usual::new(HEADS * channels),
            recent: Vec::new(),
            deviation: 0.0,
            onsets: [Onset::new(), Onset::new()],
        };
        Ok(Self { settings, channels, state })
    }

    fn rule(&self) -> Rule {
        Rule {
            memory: self.settings.memory,
            clip: self.settings.clip,
            shrinkage: self.settings.shrinkage,
            // The second half of the warm-up learns what ratings are usual.
            warmup: self.settings.warmup / 2,
        }
    }

    fn levels(&self) -> Vec<f64> {
        (0..self.channels).map(|channel| self.state.heads[0].mean(channel)).collect()
    }

    fn rate(&self, sample: Sample<'_>) -> Rated {
        let (channels, state) = (self.channels, &self.state);
        let readings: Vec<f64> = sample.readings().collect();
        let mut values = readings.clone();
        let nanos = sample.time().nanos();
        for (profile, reading) in state.profiles.iter().zip(&readings) {
            values.push(profile.residual(nanos, *reading));
        }
        for (channel, reading) in readings.iter().enumerate() {
            values.push(state.autoregression.residual(channel, *reading));
        }
        let roles: Vec<Role> =
            state.roles.iter().zip(&readings).map(|(role, reading)| role.after(*reading)).collect();
        let mut rated = Rated {
            readings,
            values,
            roles,
            given: Vec::new(),
            logs: Vec::new(),
            excess: Vec::new(),
            whole: 0.0,
            deviation: 0.0,
        };
        if state.seen < self.rule().warmup {
            return rated;
        }
        let levels = self.levels();
        rated.given = vec![Given { share: 0.0, departure: 0.0 }; HEADS * channels];
        let looked_at = rated.values.chunks_exact(channels);
        for ((head, values), given) in
            state.heads.iter().zip(looked_at).zip(rated.given.chunks_exact_mut(channels))
        {
            head.rate(values, &levels, given);
        }
        let counted = rated.roles.iter().filter(|role| role.counts()).count();
        for (at, given) in rated.given.iter().enumerate() {
            // Squares of departures can pass what a number holds.
            let log = given.share.min(f64::MAX).ln_1p();
            let excess = state.usual.excess(at, log);
            rated.logs.push(log);
            rated.excess.push(if rated.roles[at % channels].counts() { excess } else { 0.0 });
        }
        rated.whole = rated.excess.iter().sum::<f64>() / counted.max(1) as f64;
        rated.deviation = self.averaged(rated.whole);
        rated
    }

    /// The mean over the scales of the mean of the last readings, `whole` being the newest.
    fn averaged(&self, whole: f64) -> f64 {
        let mut recent = self.state.recent.iter().rev();
        let (mut sum, mut samples, mut total) = (whole, 1, 0.0);
        for scale in SCALES {
            while samples < scale
                && let Some(reading) = recent.next()
            {
                sum += reading;
                samples += 1;
            }
            total += sum / samples as f64;
        }
        total / SCALES.len() as f64
    }

    fn score_of(&self, rated: &Rated) -> Score {
        if self.state.seen < self.settings.warmup {
            return Score::Warming(self.settings.warmup - self.state.seen);
        }
        let [sudden, lasting] = &self.state.onsets;
        let rarity = sudden.rarity(rated.whole).max(lasting.rarity(rated.deviation));
        // Either of two may raise an alarm, each half as often.
        Score::Ready((rarity - std::f64::consts::LOG10_2).max(0.0))
    }

    fn absorb(&mut self, rated: Rated, sample: Sample<'_>) {
        let (channels, rule, levels) = (self.channels, self.rule(), self.levels());
        let state = &mut self.state;
        for (head, values) in state.heads.iter_mut().zip(rated.values.chunks_exact(channels)) {
            head.learn(values, &levels, rule);
        }
        for (profile, reading) in state.profiles.iter_mut().zip(&rated.readings) {
            profile.learn(sample.time().nanos(), *reading, PROFILE_STEP);
        }
        let readings = &state.heads[0];
        state
            .autoregression
            .learn(&rated.readings, |channel| (readings.mean(channel), readings.range(channel)));
        state.roles = rated.roles;
        if !rated.logs.is_empty() {
            state.usual.learn(&rated.logs, rule.memory);
            if state.recent.len() + 1 >= SCALES[SCALES.len() - 1] {
                state.recent.remove(0);
            }
            state.recent.push(rated.whole);
            state.deviation = rated.deviation;
            let [sudden, lasting] = &mut state.onsets;
            sudden.learn(rated.whole, sample.time());
            lasting.learn(rated.deviation, sample.time());
        }
        state.seen = state.seen.saturating_add(1);
    }

    /// The head that finds `channel` strangest.
    fn strangest(&self, rated: &Rated, channel: usize) -> usize {
        let excess = |head: usize| rated.excess[head * self.channels + channel];
        let mut strangest = 0;
        for head in 1..HEADS {
            if excess(head) > excess(strangest) {
                strangest = head;
            }
        }
        strangest
    }
}

/// What a head takes into account besides the other channels.
fn basis(head: usize, others: usize) -> String {
    let others = match others {
        0 => String::new(),
        1 => "the other".to_owned(),
        _ => format!("the other {others}"),
    };
    let own = match head {
        0 => "",
        1 => "the time of day",
        _ => "its last two readings",
    };
    match (own, others.as_str()) {
        ("", "") => "its own past".to_owned(),
        (own, "") => own.to_owned(),
        ("", others) => others.to_owned(),
        (own, others) => format!("{own} and {others}"),
    }
}

impl Detector for MahalanobisEnsemble {
    fn channels(&self) -> usize {
        self.channels
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        Ok(self.score_of(&self.rate(sample)))
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        let rated = self.rate(sample);
        self.absorb(rated, sample);
        Ok(())
    }

    fn update(&mut self, sample: Sample<'_>) -> Result<Score, DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        let rated = self.rate(sample);
        let score = self.score_of(&rated);
        self.absorb(rated, sample);
        Ok(score)
    }

    fn deviation(&self) -> Option<f64> {
        (self.state.seen > self.settings.warmup).then_some(self.state.deviation)
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels, sample.channels())?;
        let rated = self.rate(sample);
        if self.score_of(&rated).ready().is_none() {
            return Ok(None);
        }
        let channels = self.channels;
        let heads: Vec<usize> =
            (0..channels).map(|channel| self.strangest(&rated, channel)).collect();
        let expected: Vec<f64> = (0..channels)
            .map(|channel| {
                let departure = rated.given[heads[channel] * channels + channel].departure;
                rated.readings[channel] - departure
            })
            .collect();
        let parts: Vec<f64> = (0..channels)
            .map(|channel| (0..HEADS).map(|head| rated.excess[head * channels + channel]).sum())
            .collect();
        let share = Explanation::shares(&parts);
        let mut order: Vec<usize> =
            (0..channels).filter(|channel| share[*channel] >= WORTH_SAYING).collect();
        order.sort_by(|a, b| share[*b].total_cmp(&share[*a]));
        order.truncate(SPOKEN_OF);
        let sentence = |channel: &usize| {
            format!(
                "{{{channel}}} given {}: expected {}, seen {}",
                basis(heads[*channel], channels.min(super::head::BLOCK) - 1),
                digits(expected[*channel]),
                digits(rated.readings[*channel]),
            )
        };
        let reasons = order.iter().map(sentence).collect();
        let [sudden, lasting] = &self.state.onsets;
        let began = [
            sudden.began(rated.whole, sample.time()),
            lasting.began(rated.deviation, sample.time()),
        ];
        let onset = began.into_iter().flatten().min();
        Ok(Some(Explanation { onset, reasons, ..Explanation::new(expected, None, share) }))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let channels = self.channels;
        let fits = state.heads.iter().all(|head| head.fits(channels))
            && state.profiles.len() == channels
            && state.profiles.iter().all(|profile| profile.is_sound(SLOTS))
            && state.autoregression.fits(channels)
            && state.roles.len() == channels
            && state.usual.fits(HEADS * channels)
            && state.recent.len() < SCALES[SCALES.len() - 1]
            && state.onsets.iter().all(Onset::is_sound)
            && state.deviation >= 0.0;
        if !fits {
            return Err(snapshot.refused(METHOD.name, "it has another number of channels"));
        }
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Timestamp;

    /// Four channels that follow one load, a flag, and a channel that never moves.
    fn row(at: usize) -> [f64; 6] {
        let load = 50.0 + 20.0 * (at as f64 / 1440.0 * std::f64::consts::TAU).sin();
        let noise = |salt: usize| ((at * salt) % 101) as f64 / 101.0;
        [
            load + noise(37),
            2.0 * load + noise(53),
            300.0 - load + noise(71),
            load * 0.1 + 0.1 * noise(83),
            f64::from(at % 700 > 500),
            7.0,
        ]
    }

    fn update(detector: &mut MahalanobisEnsemble, at: usize, readings: &[f64]) -> Option<f64> {
        let time = Timestamp::from_seconds(60 * at as i64);
        let sample = Sample::new(time, readings).expect("finite");
        detector.update(sample).expect("same width").ready()
    }

    fn trained() -> MahalanobisEnsemble {
        let mut detector =
            MahalanobisEnsemble::new(MahalanobisEnsembleSettings::default(), 6).expect("in range");
        for at in 0..4000 {
            update(&mut detector, at, &row(at));
        }
        detector
    }

    #[test]
    fn a_lasting_departure_is_scored_when_it_begins_and_stays_a_deviation() {
        let mut detector = trained();
        let calm = detector.deviation().expect("warm");
        let shifted = |at: usize| {
            let mut row = row(at);
            row[1] += 15.0;
            row
        };
        let first = update(&mut detector, 4000, &shifted(4000)).expect("warm");
        assert!(first > 4.0, "{first}");
        for at in 4001..4100 {
            update(&mut detector, at, &shifted(at));
        }
        let late = update(&mut detector, 4100, &shifted(4100)).expect("warm");
        assert!(late < 3.0, "{late}");
        assert!(detector.deviation().expect("warm") > 3.0 * calm.max(0.1));
    }

    #[test]
    fn the_channel_that_left_is_named_with_what_the_others_foretell() {
        let detector = trained();
        let mut readings = row(4000);
        readings[2] -= 30.0;
        let time = Timestamp::from_seconds(60 * 4000);
        let sample = Sample::new(time, &readings).expect("finite");
        let why = detector.explain(sample, 4.0).expect("width").expect("warm");
        let largest = why.share.iter().copied().fold(0.0, f64::max);
        assert_eq!(why.share[2], largest, "{why:?}");
        assert!((why.expected[2] - row(4000)[2]).abs() < 3.0, "{why:?}");
        assert!(why.reasons[0].starts_with("{2} given"), "{why:?}");
        assert_eq!(why.onset, Some(time));
    }

    #[test]
    fn readings_of_any_size_leave_it_able_to_go_on() {
        let mut detector = MahalanobisEnsemble::new(
            MahalanobisEnsembleSettings { warmup: 100, ..Default::default() },
            3,
        )
        .expect("settings in range");
        for at in 0..400_usize {
            let size = [1e-300, 1.0, 1e100][at / 100 % 3];
            let sign = if at % 2 == 0 { 1.0 } else { -1.0 };
            let row = [size * sign, size * (at % 7) as f64, if at > 200 { 1e100 } else { 0.0 }];
            if let Some(score) = update(&mut detector, at, &row) {
                assert!(score.is_finite() && score >= 0.0, "row {at}: {score}");
            }
        }
    }

    #[test]
    fn a_flag_that_has_been_both_ways_does_not_count_and_a_still_channel_that_moves_does() {
        let detector = trained();
        let share = |channel: usize, reading: f64| {
            let mut readings = row(4000);
            readings[channel] = reading;
            let sample = Sample::new(Timestamp::from_seconds(60 * 4000), &readings);
            let why = detector.explain(sample.expect("finite"), 4.0).expect("width");
            why.expect("warm").share[channel]
        };
        assert_eq!(share(4, 1.0 - row(4000)[4]), 0.0);
        assert!(share(5, 8.0) > 0.3);
    }

    #[test]
    fn one_huge_reading_leaves_no_trace_worth_the_name() {
        let mut detector = trained();
        let mut readings = row(4000);
        readings[0] = 1e300;
        assert!(update(&mut detector, 4000, &readings).expect("warm") > 4.0);
        for at in 4001..4200 {
            update(&mut detector, at, &row(at));
        }
        let mut again = row(4200);
        again[0] += 30.0;
        assert!(update(&mut detector, 4200, &again).expect("warm") > 2.0);
    }
}
