//! The tail of a number: its highest clusters, and how far beyond them is far.
//!
//! Peaks over threshold with as little state as can be. The threshold is the
//! lowest of the K highest *cluster* maxima, the scale of the exponential tail
//! is their mean excess over it, and what is learnt from one cluster is held
//! near the tail known before (winsorised), so that one outlier cannot blind.

use serde::{Deserialize, Serialize};

/// The `K` highest cluster maxima of a number, and the cluster that is open.
///
/// Time O(K) per sample in the tail, O(1) elsewhere; memory 4 K + 4 bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peaks<const K: usize> {
    /// Maxima, highest first; only the first `filled` count.
    #[serde(with = "fixed")]
    peaks: [f32; K],
    /// Samples since the newest cluster began.
    since: u16,
    filled: u8,
    /// Place of the newest cluster among the peaks.
    newest: u8,
}

impl<const K: usize> Peaks<K> {
    /// Nothing seen yet.
    pub(crate) fn new() -> Self {
        Self { peaks: [0.0; K], since: u16::MAX, filled: 0, newest: 0 }
    }

    /// The cluster maxima, highest first; fewer than `K` at first.
    pub(crate) fn peaks(&self) -> &[f32] {
        &self.peaks[..usize::from(self.filled)]
    }

    /// The threshold, once there were `K` clusters.
    pub(crate) fn threshold(&self) -> Option<f32> {
        (usize::from(self.filled) == K).then(|| self.peaks[K - 1])
    }

    /// Mean excess of the peaks over the threshold, plus `least`.
    pub(crate) fn scale(&self, least: f32) -> f32 {
        let floor = self.peaks[K - 1];
        self.peaks.iter().map(|peak| (peak - floor) / K as f32).sum::<f32>() + least
    }

    /// By how many scales `value` lies beyond the threshold: the exponent of its
    /// return period, at least 0 and finite. 0 before there were `K` clusters.
    pub(crate) fn excess(&self, value: f32, least: f32) -> f32 {
        match self.threshold() {
            Some(threshold) if value > threshold => {
                ((value - threshold) / self.scale(least)).min(f32::MAX)
            }
            _ => 0.0,
        }
    }

    /// Takes `value` in and returns what was learnt of it: a cluster, which is
    /// the first exceedance and the `apart` samples after it, may rise to
    /// `reach` scales beyond what the other peaks say, or as far as it likes
    /// when there is no `reach`.
    pub(crate) fn learn(&mut self, value: f32, least: f32, apart: u16, reach: Option<f32>) -> f32 {
        self.since = self.since.saturating_add(1);
        let Some(threshold) = self.threshold() else {
            self.collect(value, apart);
            return value;
        };
        if value <= threshold {
            return value;
        }
        if self.since > apart {
            // A new cluster takes the place of the lowest.
            self.newest = (K - 1) as u8;
            self.peaks[K - 1] = threshold;
            self.since = 0;
        }
        let held = reach.map_or(value, |reach| value.min(self.bound(least, reach)));
        let newest = usize::from(self.newest);
        if held > self.peaks[newest] {
            self.peaks[newest] = held;
            self.rise();
        }
        held
    }

    /// `reach` scales beyond the lowest of the peaks that the open cluster did not make.
    fn bound(&self, least: f32, reach: f32) -> f32 {
        let others = || {
            let newest = usize::from(self.newest);
            self.peaks.iter().enumerate().filter(move |(place, _)| *place != newest)
        };
        let lowest = others().map(|(_, peak)| *peak).fold(f32::MAX, f32::min);
        let excess: f32 = others().map(|(_, peak)| (peak - lowest) / K as f32).sum();
        (lowest + reach * (excess + least)).min(f32::MAX)
    }

    /// Takes one of the first clusters in.
    fn collect(&mut self, value: f32, apart: u16) {
        let newest = usize::from(self.newest);
        if self.filled > 0 && self.since <= apart {
            self.peaks[newest] = self.peaks[newest].max(value);
        } else {
            self.peaks[usize::from(self.filled)] = value;
            self.newest = self.filled;
            self.filled += 1;
            self.since = 0;
        }
        self.rise();
    }

    /// Moves the newest peak up to its place.
    fn rise(&mut self) {
        let mut place = usize::from(self.newest);
        while place > 0 && self.peaks[place - 1] < self.peaks[place] {
            self.peaks.swap(place - 1, place);
            place -= 1;
        }
        self.newest = place as u8;
    }

    /// Whether a stored one can be: ordered, finite, places within bounds.
    pub(crate) fn is_sound(&self) -> bool {
        let filled = usize::from(self.filled);
        filled <= K
            && usize::from(self.newest) < K
            && self.peaks.iter().all(|peak| peak.is_finite())
            && self.peaks[..filled].is_sorted_by(|a, b| a >= b)
    }
}

/// Smallest and largest of a number.
///
/// One value widens the range to at most four times what it was, and the range
/// closes slowly again, so that an outlier is forgotten some day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Extent {
    low: f32,
    high: f32,
}

impl Extent {
    /// Nothing seen yet.
    pub(crate) const fn new() -> Self {
        Self { low: 0.0, high: 0.0 }
    }

    /// The smallest.
    pub(crate) fn low(&self) -> f32 {
        self.low
    }

    /// The largest.
    pub(crate) fn high(&self) -> f32 {
        self.high
    }

    /// Distance from the smallest to the largest.
    pub(crate) fn range(&self) -> f32 {
        (self.high - self.low).min(f32::MAX)
    }

    /// `value`, held at what it may teach.
    pub(crate) fn held(&self, value: f64) -> f64 {
        match f64::from(self.range()) {
            range if range > 0.0 => {
                let most = f64::from(WIDENING) * range;
                value.clamp(f64::from(self.low) - most, f64::from(self.high) + most)
            }
            _ => value,
        }
    }

    /// Takes `value` in; the `first` begins anew.
    pub(crate) fn learn(&mut self, value: f32, first: bool) {
        if first {
            *self = Self { low: value, high: value };
            return;
        }
        let range = self.range();
        // A number that was constant so far has no range to go by.
        let most = if range > 0.0 { WIDENING * range } else { f32::MAX };
        let closing = 0.5 * FORGETTING * range;
        let (low, high) = (self.low, self.high);
        self.low = (low + closing).min(value.max(low - most));
        self.high = (high - closing).max(value.min(high + most));
    }

    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.low.is_finite() && self.high.is_finite() && self.low <= self.high
    }
}

/// By how many times its range one value may widen it.
const WIDENING: f32 = 3.0;
/// By how much of itself the range closes per sample.
const FORGETTING: f32 = 1.0 / 20_000.0;

/// Arrays of any length, as serde stores them.
mod fixed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer, const K: usize>(
        numbers: &[f32; K],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        numbers.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const K: usize>(
        deserializer: D,
    ) -> Result<[f32; K], D::Error> {
        let numbers = Vec::<f32>::deserialize(deserializer)?;
        let count = numbers.len();
        numbers
            .try_into()
            .map_err(|_| D::Error::invalid_length(count, &"as many peaks as are kept"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learns `values`, clusters of one sample each.
    fn learnt(values: &[f32]) -> Peaks<4> {
        let mut peaks = Peaks::new();
        for value in values {
            peaks.learn(*value, 0.0, 0, Some(2.0));
        }
        peaks
    }

    #[test]
    fn threshold_and_scale_are_those_of_the_four_highest() {
        let peaks = learnt(&[1.0, 5.0, 2.0, 3.0, 0.5, 4.0]);
        assert_eq!(peaks.threshold(), Some(2.0));
        assert_eq!(peaks.scale(0.5), (3.0 + 2.0 + 1.0) / 4.0 + 0.5);
        assert_eq!(peaks.excess(5.0, 0.5), 1.5);
        assert_eq!(peaks.excess(1.9, 0.5), 0.0);
    }

    #[test]
    fn neighbours_of_an_exceedance_make_one_cluster() {
        let mut peaks = Peaks::<4>::new();
        for value in [9.0, 8.0, 10.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 3.0] {
            peaks.learn(value, 0.0, 2, None);
        }
        assert_eq!(peaks.threshold(), Some(1.0), "clusters of 10, 1, 2 and 3");
    }

    #[test]
    fn one_outlier_raises_the_tail_by_a_bounded_step_and_repeats_are_accepted() {
        let mut peaks = learnt(&[1.0, 2.0, 3.0, 4.0]);
        // Of the peaks 2, 3, 4 the lowest is 2 and the mean excess 3/4.
        assert_eq!(peaks.learn(1e30, 0.0, 0, Some(2.0)), 3.5);
        let mut repeats = 0;
        // The range that such readings span sets the least scale.
        while peaks.excess(100.0, 5.0) > 1.0 {
            peaks.learn(100.0, 5.0, 0, Some(2.0));
            repeats += 1;
            assert!(repeats < 100, "a level that keeps coming back is accepted");
        }
        assert!(repeats > 3, "but not at once");
    }

    #[test]
    fn the_first_value_beyond_a_constant_is_as_far_as_can_be() {
        let peaks = learnt(&[7.0; 10]);
        assert_eq!(peaks.excess(7.0, 0.0), 0.0);
        assert!(peaks.excess(7.001, 0.0) > 1e30);
        assert!(peaks.is_sound());
    }

    #[test]
    fn a_range_widens_by_steps_and_closes_slowly() {
        let mut extent = Extent::new();
        extent.learn(5.0, true);
        extent.learn(6.0, false);
        assert!((extent.range() - 1.0).abs() < 1e-3);
        extent.learn(1e30, false);
        assert!((3.9..=4.1).contains(&extent.range()));
        for _ in 0..100_000 {
            extent.learn(6.0, false);
        }
        assert!(extent.range() < 1.0);
        assert!(extent.is_sound());
    }
}
