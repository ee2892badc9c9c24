//! How rare a score is in its own stream: its return period, from history.
//!
//! History is cut into stretches of equal length, and the highest score of a stretch is kept as
//! long as fewer than [`DEEP`] later ones were at least as high. Those are few, and tell of any
//! score when it was last reached, and five times before. History that becomes long is cut into
//! longer stretches.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stretches as high that a return period is read from.
const DEEP: usize = 6;
/// Highest scores that the tail is read from.
const TAIL: usize = 4;
/// Most stretches that are kept.
const MOST: usize = 16;
/// Stretches from which on history says something.
const KNOWN: u8 = 8;
/// Samples of a stretch at first, and at most.
const SHORTEST: u16 = 60;
const LONGEST: u16 = 32 * SHORTEST;
/// Least scale of the tail, as a share of the second highest score.
const LEAST_SCALE: f64 = 0.1;
/// Mean excesses beyond the highest that count at most.
const FURTHEST: f64 = 100.0;

/// How long ago scores were as high, in the history of one stream.
///
/// With `a` the age of the sixth last stretch that reached a score, its return period is `a / 6`
/// stretches. Where the order of stretches says nothing, six of any `a` stretches are the six
/// highest of them: so it holds whatever the distribution of scores is, from the length of
/// a stretch up to that of the history. Of a score that was reached `j < 6` times in a history of
/// `T` stretches it is `T / (j + 1)`. Beyond the highest it goes on along a heavy tail,
/// `T (1 + x / 2)^2`, with `x` the distance from it in mean excesses of the two that follow over
/// the fourth: what is known of the tail is little, and one outlier is to say nothing of it.
///
/// Stretches are of 60 samples at first, and of twice as many whenever there are 256 of them, up
/// to 1920; from then on the oldest are forgotten. Scores that differ by less than a hundredth of
/// themselves count as equal. Time O(1) per score, O(16) for each stretch and
/// where asked; 56 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rarity {
    /// The highest scores of stretches, oldest first; only the first `filled` count.
    heights: [u16; MOST],
    /// How many stretches ago.
    ages: [u8; MOST],
    filled: u8,
    /// Stretches that are over.
    stretches: u8,
    /// Samples of a stretch.
    long: u16,
    /// Samples of the open one, and its highest score.
    samples: u16,
    highest: u16,
}

/// The upper half of a score in single precision: numbers at least 0 are ordered as their bits
/// are.
fn height(score: f64) -> u16 {
    ((score.clamp(0.0, 1e30) as f32).to_bits() >> 16) as u16
}

fn score(height: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(height) << 16))
}

impl Rarity {
    /// Nothing seen yet.
    pub(crate) const fn new() -> Self {
        Self {
            heights: [0; MOST],
            ages: [0; MOST],
            filled: 0,
            stretches: 0,
            long: SHORTEST,
            samples: 0,
            highest: 0,
        }
    }

    /// Takes `score`, at least 0, in.
    pub(crate) fn learn(&mut self, score: f64) {
        self.highest = self.highest.max(height(score));
        self.samples += 1;
        if self.samples >= self.long {
            self.close();
        }
    }

    /// Forgets how high the scores from `oldest` to `newest` samples ago were: they say nothing of
    /// what is usual. What the highest of a stretch hid is forgotten with it.
    pub(crate) fn forget(&mut self, oldest: f64, newest: f64) {
        let (open, long) = (f64::from(self.samples), f64::from(self.long));
        if newest < open && oldest >= 0.0 {
            self.highest = 0;
        }
        for place in (0..usize::from(self.filled)).rev() {
            let ends = open + (f64::from(self.ages[place]) - 1.0) * long;
            if ends <= oldest && ends + long > newest {
                self.remove(place);
            }
        }
    }

    /// Whether history is long enough to say anything.
    pub(crate) fn is_known(&self) -> bool {
        self.stretches >= KNOWN || self.long > SHORTEST
    }

    /// Samples in which a `score` above 0 comes once.
    pub(crate) fn samples(&self, value: f64) -> f64 {
        let asked = height(value);
        let mut reached = usize::from(self.highest >= asked);
        for (_, age) in self.peaks().rev().filter(|(height, _)| *height >= asked) {
            reached += 1;
            if reached == DEEP {
                return f64::from(age) * f64::from(self.long) / DEEP as f64;
            }
        }
        let all = self.history();
        if reached > 0 {
            return all / (reached + 1) as f64;
        }
        let mut highest = [0; TAIL];
        for (height, _) in self.peaks() {
            if height > highest[TAIL - 1] {
                highest[TAIL - 1] = height;
                highest.sort_unstable_by(|a, b| b.cmp(a));
            }
        }
        let [first, second, third, fourth] = highest.map(score);
        // The first is known to be at least the second, and no more.
        let excess = (2.0 * (second - fourth) + (third - fourth)) / 2.0;
        let scale = excess + LEAST_SCALE * second;
        let beyond = if scale > 0.0 { ((value - first) / scale).clamp(0.0, FURTHEST) } else { 0.0 };
        all * (1.0 + beyond / 2.0).powi(2)
    }

    /// Samples of the history that counts.
    pub(crate) fn history(&self) -> f64 {
        f64::from(self.stretches) * f64::from(self.long)
    }

    /// Heights and ages, oldest first.
    fn peaks(&self) -> impl DoubleEndedIterator<Item = (u16, u8)> + '_ {
        let filled = usize::from(self.filled);
        self.heights[..filled].iter().copied().zip(self.ages[..filled].iter().copied())
    }

    fn close(&mut self) {
        if self.stretches == u8::MAX {
            self.make_room();
        }
        self.stretches += 1;
        let filled = usize::from(self.filled);
        self.ages[..filled].iter_mut().for_each(|age| *age += 1);
        // What was never above 0 is not asked for.
        if self.highest > 0 {
            self.drop_lower();
            self.push(self.highest, 1);
        }
        (self.samples, self.highest) = (0, 0);
    }

    /// Has one stretch more find room among at most 255.
    fn make_room(&mut self) {
        if self.long >= LONGEST {
            let is_old = self.filled > 0 && self.ages[0] == u8::MAX;
            if is_old {
                self.remove(0);
            }
            self.stretches -= 1;
            return;
        }
        self.long *= 2;
        self.stretches = self.stretches.div_ceil(2);
        let before = *self;
        self.filled = 0;
        for (height, age) in before.peaks() {
            let age = age.div_ceil(2);
            let last = usize::from(self.filled).checked_sub(1);
            match last.filter(|last| self.ages[*last] == age) {
                Some(last) => self.heights[last] = self.heights[last].max(height),
                None => self.push(height, age),
            }
        }
    }

    /// Drops what the stretch that ends makes lower than six later ones.
    fn drop_lower(&mut self) {
        for place in (0..usize::from(self.filled)).rev() {
            let own = self.heights[place];
            let later = &self.heights[place + 1..usize::from(self.filled)];
            let higher = later.iter().chain([&self.highest]).filter(|height| **height >= own);
            if higher.count() >= DEEP {
                self.remove(place);
            }
        }
    }

    fn push(&mut self, height: u16, age: u8) {
        if usize::from(self.filled) == MOST {
            self.merge();
        }
        let place = usize::from(self.filled);
        (self.heights[place], self.ages[place]) = (height, age);
        self.filled += 1;
    }

    /// Takes the two neighbours for one whose ages differ by the smallest factor.
    fn merge(&mut self) {
        let factor = |place: &usize| f64::from(self.ages[*place]) / f64::from(self.ages[place + 1]);
        let closest = (0..MOST - 1).min_by(|a, b| factor(a).total_cmp(&factor(b)));
        let Some(place) = closest else { return };
        self.heights[place + 1] = self.heights[place + 1].max(self.heights[place]);
        self.remove(place);
    }

    fn remove(&mut self, place: usize) {
        self.heights.copy_within(place + 1.., place);
        self.ages.copy_within(place + 1.., place);
        self.filled -= 1;
    }

    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        let finite = |height: u16| score(height).is_finite() && height <= height_of_largest();
        self.ages[..usize::from(self.filled)].is_sorted_by(|a, b| a > b)
            && self
                .peaks()
                .all(|(height, age)| finite(height) && (1..=self.stretches).contains(&age))
            && finite(self.highest)
            && (SHORTEST..=LONGEST).contains(&self.long)
            && self.samples < self.long
    }

    /// What an older release knew: the highest scores, oldest first, in a history of so many
    /// `samples`.
    pub(crate) fn from_highest(scores: &[f64], samples: f64) -> Self {
        let mut all = Self::new();
        while samples / f64::from(all.long) > 255.0 && all.long < LONGEST {
            all.long *= 2;
        }
        all.stretches = (samples / f64::from(all.long)).min(255.0) as u8;
        let count = scores.len();
        for (place, score) in scores.iter().enumerate().take(MOST) {
            let age = usize::from(all.stretches) * (count - place) / count.max(1);
            let is_apart = all.filled == 0 || all.ages[usize::from(all.filled) - 1] as usize > age;
            if age > 0 && *score > 0.0 && is_apart {
                all.push(height(*score), age as u8);
            }
        }
        all
    }
}

fn height_of_largest() -> u16 {
    height(1e30)
}

/// As it is stored: what counts only.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    heights: Vec<u16>,
    ages: Vec<u8>,
    stretches: u8,
    long: u16,
    samples: u16,
    highest: u16,
}

impl Serialize for Rarity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (heights, ages) = self.peaks().unzip();
        let Self { stretches, long, samples, highest, .. } = *self;
        Stored { heights, ages, stretches, long, samples, highest }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rarity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let Stored { heights, ages, stretches, long, samples, highest } =
            Stored::deserialize(deserializer)?;
        if heights.len() != ages.len() || heights.len() > MOST {
            return Err(D::Error::invalid_length(
                heights.len(),
                &"at most 16 peaks and their ages",
            ));
        }
        let mut all = Self { stretches, long, samples, highest, ..Self::new() };
        all.filled = heights.len() as u8;
        all.heights[..heights.len()].copy_from_slice(&heights);
        all.ages[..ages.len()].copy_from_slice(&ages);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    /// One score a stretch, as long as stretches are short.
    fn learnt(scores: &[f64]) -> Rarity {
        let mut rarity = Rarity::new();
        for score in scores {
            rarity.learn(*score);
            (1..SHORTEST).for_each(|_| rarity.learn(0.0));
        }
        assert!(rarity.is_sound());
        rarity
    }

    #[test]
    fn a_return_period_is_a_sixth_of_the_time_since_the_sixth_last_one_as_high() {
        let rarity = learnt(&[9.0, 1.0, 5.0, 2.0, 5.0, 1.0, 5.0, 3.0, 1.0, 1.0]);
        assert!(rarity.is_known());
        let stretches = |score| rarity.samples(score) / f64::from(SHORTEST);
        assert_eq!(stretches(1.0), 1.0);
        assert_eq!(stretches(2.0), 10.0 / 6.0, "the sixth last one as high is the first of all");
        assert_eq!(stretches(4.0), 10.0 / 5.0, "four in all of history");
        assert_eq!(stretches(9.0), 10.0 / 2.0);
        assert!(stretches(10.0) > 10.0 && stretches(20.0) > stretches(10.0));
    }

    #[test]
    fn what_is_confirmed_leaves_no_trace_in_what_is_usual() {
        let mut scores = vec![1.0; 40];
        for at in [10, 20, 30] {
            scores[at] = 9.0;
        }
        let mut rarity = learnt(&scores);
        let stretch = f64::from(SHORTEST);
        assert_eq!(rarity.samples(5.0) / stretch, 40.0 / 4.0);
        // The stretch at place 20 ended 19 stretches ago.
        rarity.forget(20.0 * stretch - 1.0, 19.0 * stretch + 1.0);
        assert_eq!(rarity.samples(5.0) / stretch, 40.0 / 3.0);
        rarity.forget(40.0 * stretch, 9.0 * stretch);
        assert!(rarity.samples(5.0) / stretch >= 40.0, "as if none had been");
        assert_eq!(rarity.samples(1.0), stretch, "the others stay");
        assert!(rarity.is_sound());
        rarity.learn(9.0);
        rarity.forget(3.0, 0.0);
        assert_eq!(rarity.highest, 0, "the stretch that is open, too");
    }

    #[test]
    fn one_outlier_says_nothing_of_the_tail_beyond_it() {
        let usual: Vec<f64> = (0..40).map(|at| f64::from(at * 7 % 10)).collect();
        let beyond = |outlier: f64| {
            let rarity = learnt(&[&[outlier], usual.as_slice()].concat());
            rarity.samples(outlier + 10.0) / rarity.history()
        };
        // Heights are kept to a half of a hundredth.
        let (near, far) = (beyond(12.0), beyond(120.0));
        assert!((near / far - 1.0).abs() < 0.2, "{near} {far}");
    }

    /// How often a return period of `stretches` or more comes, over the promise.
    fn kept(stretches: f64, of: impl Fn(&mut Pcg64Mcg) -> f64, count: usize) -> f64 {
        let mut random = Pcg64Mcg::seed_from_u64(5);
        let (mut rarity, mut rare) = (Rarity::new(), 0);
        let mut is_told = false;
        for at in 0..count * usize::from(SHORTEST) {
            let score = of(&mut random);
            is_told &= !at.is_multiple_of(usize::from(SHORTEST));
            let samples = rarity.samples(score);
            if rarity.is_known() && samples >= stretches * f64::from(SHORTEST) && !is_told {
                rare += 1;
                is_told = true;
            }
            rarity.learn(score);
        }
        f64::from(rare) * stretches / count as f64
    }

    #[test]
    fn return_periods_hold_whatever_the_distribution_and_however_long_history_is() {
        let light = |random: &mut Pcg64Mcg| -(1.0 - random.random::<f64>()).ln();
        let heavy = |random: &mut Pcg64Mcg| 1.0 / (1.0 - random.random::<f64>());
        for (stretches, count) in [(10.0, 240), (100.0, 2000), (1000.0, 8000)] {
            for kept in [kept(stretches, light, count), kept(stretches, heavy, count)] {
                assert!((0.4..1.6).contains(&kept), "{stretches} of {count}: {kept}");
            }
        }
    }

    #[test]
    fn history_without_end_takes_no_more_room_and_forgets() {
        let mut rarity = Rarity::new();
        let mut learn = |score: f64, samples: usize| {
            (0..samples).for_each(|at| rarity.learn(if at % 997 == 0 { score } else { 0.1 }));
            assert!(rarity.is_sound(), "{rarity:?}");
            rarity.samples(5.0)
        };
        assert!(learn(9.0, 400_000) < 2000.0);
        assert!(learn(1.0, 200_000) > 30_000.0);
        assert!(learn(1.0, 600_000) >= 255.0 * f64::from(LONGEST), "nines are forgotten");
    }

    #[test]
    fn what_falls_all_the_time_is_kept_in_part() {
        let falling: Vec<f64> = (0..200).map(|at| 200.0 - f64::from(at)).collect();
        let rarity = learnt(&falling);
        let ago = |score: f64| rarity.samples(score) / f64::from(SHORTEST);
        // As high as 100 was nothing in the newer half of history.
        assert!((100.0 / 6.0..=100.0).contains(&ago(100.0)), "{}", ago(100.0));
    }

    #[test]
    fn a_stored_one_goes_on_as_the_original() {
        let rarity = learnt(&[3.0, 9.0, 4.0, 1.0, 2.0, 0.0, 7.0]);
        let json = serde_json::to_value(rarity).unwrap();
        assert_eq!(serde_json::from_value::<Rarity>(json).unwrap(), rarity);
    }
}
