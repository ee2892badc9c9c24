//! Which season a series has: none, a day, a week, or a period of its own.
//!
//! Every candidate predicts every sample before it learns it; the one that has
//! been closest lately is believed (prequential choice).

use serde::{Deserialize, Serialize};

use super::conditioning::weight;
use super::profile::{Profile, Usual};

const DAY: i64 = 86_400_000_000_000;
/// Memory of how close a candidate was, in usual steps.
const MEMORY: f64 = 300.0;
/// Misses beyond this many typical ones count as so many.
const CLIP: f64 = 5.0;
/// A candidate other than the day must be closer by this factor.
const HANDICAP: f64 = 1.2;
/// Samples in which a period of the series' own is looked for.
pub(super) const SEARCHED: usize = 300;
/// Shortest period looked for, in samples: a shorter one is a matter of the windows.
const SHORTEST: usize = 8;
/// Least autocorrelation of a period.
const LEAST_CORRELATION: f64 = 0.3;
/// Most slots of a period of the series' own.
const OWN_SLOTS: usize = 96;

/// What repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Season {
    /// Nothing: there is a level.
    None,
    /// The day.
    Day,
    /// The week.
    Week,
    /// A period that the series itself shows.
    Own,
}

/// The slots of each candidate; 0 for a candidate that is left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    /// Of the day.
    pub(super) day: usize,
    /// Of the week.
    pub(super) week: usize,
    /// Whether a period of the series' own is looked for.
    pub(super) own: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Candidate {
    season: Season,
    profile: Profile,
    /// Mean clipped miss lately.
    miss: f32,
}

/// The candidates, and which one is believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seasons {
    candidates: Vec<Candidate>,
    believed: u8,
    /// The first readings, until a period was looked for in them.
    first: Option<Vec<f32>>,
}

impl Seasons {
    /// Nothing seen yet.
    pub(super) fn new(slots: Slots) -> Self {
        let candidate = |season, slots, period| Candidate {
            season,
            profile: Profile::new(slots, period),
            miss: 0.0,
        };
        let mut candidates = Vec::with_capacity(2);
        candidates.push(candidate(Season::Day, slots.day, DAY));
        candidates.push(candidate(Season::None, 0, 0));
        if slots.week > 0 {
            candidates.push(candidate(Season::Week, slots.week, 7 * DAY));
        }
        Self { candidates, believed: 0, first: slots.own.then(Vec::new) }
    }

    fn profile(&self) -> &Profile {
        &self.candidates[usize::from(self.believed)].profile
    }

    /// What is believed to repeat.
    pub(super) fn season(&self) -> Season {
        self.candidates[usize::from(self.believed)].season
    }

    /// What is usual at `nanos`; nothing before any sample.
    pub(super) fn usual(&self, nanos: i64) -> Option<Usual> {
        self.profile().usual(nanos)
    }

    /// Mean clipped |residual|.
    pub(super) fn scale(&self) -> f64 {
        self.profile().scale()
    }

    /// Takes `reading` in, `steps` usual steps of `step` seconds after the last.
    pub(super) fn learn(&mut self, nanos: i64, reading: f64, steps: f64, step: Option<f64>) {
        let scales: f64 = self.candidates.iter().map(|one| one.profile.scale()).sum();
        let clip = CLIP * scales / self.candidates.len() as f64;
        for one in &mut self.candidates {
            let miss = one.profile.residual(nanos, reading).abs().min(clip);
            let before = f64::from(one.miss);
            one.miss = (before + weight(steps, MEMORY, u32::MAX) * (miss - before)) as f32;
            one.profile.learn(nanos, reading, steps);
        }
        let cost = |one: &Candidate| {
            f64::from(one.miss) * if one.season == Season::Day { 1.0 } else { HANDICAP }
        };
        let mut best = 0;
        for place in 1..self.candidates.len() {
            if cost(&self.candidates[place]) < cost(&self.candidates[best]) {
                best = place;
            }
        }
        self.believed = best as u8;
        self.search(reading, step);
    }

    /// Looks for a period in the first readings, once there are enough.
    fn search(&mut self, reading: f64, step: Option<f64>) {
        let Some(first) = &mut self.first else { return };
        first.push(reading as f32);
        if first.len() < SEARCHED {
            return;
        }
        let lag = strongest_lag(first);
        self.first = None;
        if let (Some(lag), Some(step)) = (lag, step) {
            let period = (lag as f64 * step * 1e9) as i64;
            // A day is a candidate already.
            if period > 0 && (period as f64 / DAY as f64 - 1.0).abs() > 0.02 {
                let profile = Profile::new(lag.min(OWN_SLOTS), period);
                let miss = self.candidates[usize::from(self.believed)].miss * CLIP as f32;
                self.candidates.push(Candidate { season: Season::Own, profile, miss });
            }
        }
    }

    /// As [`Profile::restart`].
    pub(super) fn restart(&mut self) {
        self.candidates.iter_mut().for_each(|one| one.profile.restart());
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        let candidates = self.candidates.capacity() * size_of::<Candidate>();
        let slots: usize = self.candidates.iter().map(|one| one.profile.heap()).sum();
        candidates + slots + self.first.as_ref().map_or(0, |first| 4 * first.capacity())
    }

    /// Whether a stored one can be, for these `slots`.
    pub(super) fn is_sound(&self, slots: Slots) -> bool {
        let known = 2 + usize::from(slots.week > 0);
        let count = self.candidates.len();
        let kinds = |place: usize, one: &Candidate| match place {
            0 => one.season == Season::Day && one.profile.is_sound(slots.day),
            1 => one.season == Season::None && one.profile.is_sound(0),
            2 if known == 3 => one.season == Season::Week && one.profile.is_sound(slots.week),
            _ => {
                let own = one.profile.heap() / 5;
                one.season == Season::Own
                    && (SHORTEST..=OWN_SLOTS).contains(&own)
                    && one.profile.is_sound(own)
            }
        };
        (known..=known + usize::from(slots.own)).contains(&count)
            && usize::from(self.believed) < count
            && self
                .candidates
                .iter()
                .enumerate()
                .all(|(place, one)| kinds(place, one) && one.miss >= 0.0 && one.miss.is_finite())
            && self.first.as_ref().is_none_or(|first| {
                slots.own && first.len() < SEARCHED && first.iter().all(|one| one.is_finite())
            })
    }
}

/// The lag of the highest peak of the autocorrelation, if there is one.
fn strongest_lag(readings: &[f32]) -> Option<usize> {
    let count = readings.len();
    let mut sorted: Vec<f64> = readings.iter().map(|reading| f64::from(*reading)).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // One outlier must not make or hide a period.
    let (low, high) = (sorted[count / 50], sorted[count - 1 - count / 50]);
    let clipped: Vec<f64> =
        readings.iter().map(|reading| f64::from(*reading).clamp(low, high)).collect();
    let mean = clipped.iter().sum::<f64>() / count as f64;
    let centred: Vec<f64> = clipped.iter().map(|reading| reading - mean).collect();
    let variance = centred.iter().map(|reading| reading * reading).sum::<f64>() / count as f64;
    if variance <= 0.0 || !variance.is_finite() {
        return None;
    }
    let correlation = |lag: usize| {
        let products = centred.iter().zip(&centred[lag..]).map(|(early, late)| early * late);
        products.sum::<f64>() / ((count - lag) as f64 * variance)
    };
    let correlations: Vec<f64> = (0..=count / 2).map(correlation).collect();
    let is_peak = |lag: &usize| {
        correlations[*lag] >= LEAST_CORRELATION
            && correlations[*lag] > correlations[lag - 1]
            && correlations[*lag] >= correlations[lag + 1]
    };
    let peaks = || (SHORTEST..count / 2).filter(is_peak);
    let highest = peaks().map(|lag| correlations[lag]).fold(0.0, f64::max);
    // Multiples of a period are periods too: the first that is about as good is meant.
    peaks().find(|lag| correlations[*lag] >= 0.9 * highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: Slots = Slots { day: 96, week: 336, own: true };
    const MINUTE: i64 = 60_000_000_000;

    /// `days` days of `reading`, every ten minutes.
    fn after(days: i64, reading: impl Fn(i64) -> f64) -> Seasons {
        let mut seasons = Seasons::new(SLOTS);
        for at in 0..144 * days {
            seasons.learn(at * 10 * MINUTE, reading(at), 1.0, Some(600.0));
        }
        seasons
    }

    /// Numbers without any pattern, between 0 and 1.
    fn noise(at: i64) -> f64 {
        let mixed = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64
            / (1u64 << 53) as f64
    }

    #[test]
    fn the_season_that_a_series_has_is_believed() {
        let day = |at: i64| if (54..108).contains(&(at % 144)) { 50.0 } else { 10.0 };
        assert_eq!(after(10, |at| day(at) + noise(at)).season(), Season::Day);
        // Every 24 samples, which is no whole part of a day's slots.
        let own = |at: i64| if at % 25 < 8 { 50.0 } else { 10.0 };
        assert_eq!(after(10, |at| own(at) + noise(at)).season(), Season::Own);
        let week = |at: i64| if (at / 144) % 7 < 5 { day(at) } else { 10.0 };
        assert_eq!(after(35, |at| week(at) + noise(at)).season(), Season::Week);
    }

    #[test]
    fn a_season_that_comes_or_goes_is_followed() {
        let day = |at: i64| if (54..108).contains(&(at % 144)) { 50.0 } else { 10.0 };
        let mut comes = after(10, noise);
        assert_ne!(comes.season(), Season::Week);
        let mut goes = after(10, |at| day(at) + noise(at));
        for at in 1440..1440 + 144 * 15 {
            comes.learn(at * 10 * MINUTE, day(at) + noise(at), 1.0, Some(600.0));
            goes.learn(at * 10 * MINUTE, 10.0 + noise(at), 1.0, Some(600.0));
        }
        assert_eq!(comes.season(), Season::Day);
        for at in 1440 + 144 * 15..1440 + 144 * 16 {
            let nanos = at * 10 * MINUTE;
            assert!(comes.usual(nanos).unwrap().residual(day(at) + noise(at)).abs() < 3.0);
            assert!(goes.usual(nanos).unwrap().residual(10.0 + noise(at)).abs() < 3.0);
        }
    }

    #[test]
    fn noise_has_no_lag_and_a_wave_has_its_own() {
        let flat: Vec<f32> = (0..300).map(|at| noise(at) as f32).collect();
        assert_eq!(strongest_lag(&flat), None);
        let wave: Vec<f32> = (0..300)
            .map(|at| (at as f32 / 25.0 * std::f32::consts::TAU).sin() + noise(at) as f32)
            .collect();
        let lag = strongest_lag(&wave).unwrap();
        assert!(lag.abs_diff(25 * (lag as f64 / 25.0).round() as usize) <= 1, "{lag}");
        assert_eq!(strongest_lag(&[3.0; 300]), None);
    }
}
