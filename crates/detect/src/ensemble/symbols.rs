//! Which step a reading takes within its declared range: a first-order Markov
//! chain over equal parts of the range, and how surprising each step is.

use serde::{Deserialize, Serialize};

use super::peaks::{Extent, Peaks};

/// Parts of the range.
const PARTS: usize = 24;
/// Steps that are taken for seen from each part before any was.
const PRIOR: f64 = 1.0;
/// Steps from one part at which its counts are halved.
const FULL: u32 = 60_000;
/// Weight of the newest step in the surprise.
const NEWEST: f64 = 0.5;
/// Least scale of the tail, as a share of the range of the surprise.
const LEAST_SCALE: f32 = 0.05;
/// Steps learnt before the tail is.
const SETTLE: u32 = 60;
/// Samples of one cluster of surprises.
const APART: u16 = 7;

/// Counts of steps between parts of the range, and the tail of their surprise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Symbols {
    low: f64,
    high: f64,
    /// From part `i` to part `j` at `i * PARTS + j`.
    counts: Box<[u16]>,
    /// The part of the last reading, if it belongs to the same stretch.
    last: Option<u8>,
    surprise: f32,
    extent: Extent,
    peaks: Peaks<4>,
    seen: u32,
}

impl Symbols {
    /// Nothing seen yet, over the range from `low` to `high`.
    pub(super) fn new(low: f64, high: f64) -> Self {
        Self {
            low,
            high,
            counts: vec![0; PARTS * PARTS].into(),
            last: None,
            surprise: 0.0,
            extent: Extent::new(),
            peaks: Peaks::new(),
            seen: 0,
        }
    }

    fn part(&self, reading: f64) -> u8 {
        let place = (reading - self.low) / (self.high - self.low) * PARTS as f64;
        place.clamp(0.0, (PARTS - 1) as f64) as u8
    }

    /// Surprise at a step to `reading`: its code length in nats, smoothed.
    fn surprise(&self, reading: f64) -> f32 {
        let Some(last) = self.last else { return self.surprise };
        let from = &self.counts[usize::from(last) * PARTS..][..PARTS];
        let seen = f64::from(from.iter().map(|count| u32::from(*count)).sum::<u32>());
        let count = f64::from(from[usize::from(self.part(reading))]);
        let length = -((count + PRIOR / PARTS as f64) / (seen + PRIOR)).ln();
        let before = f64::from(self.surprise);
        (before + NEWEST * (length - before)) as f32
    }

    /// How far the surprise at `reading` lies in its tail.
    pub(super) fn excess(&self, reading: f64) -> f32 {
        self.peaks.excess(self.surprise(reading), LEAST_SCALE * self.extent.range())
    }

    /// Takes `reading` in, which follows the last unless a gap lies `between`;
    /// `reach` as in [`Peaks::learn`].
    pub(super) fn learn(&mut self, reading: f64, between: bool, reach: Option<f32>) {
        if between {
            self.last = None;
        }
        self.surprise = self.surprise(reading);
        if self.seen >= SETTLE {
            let least = LEAST_SCALE * self.extent.range();
            self.peaks.learn(self.surprise, least, APART, reach);
            self.extent.learn(self.surprise, self.seen == SETTLE);
        }
        self.seen = self.seen.saturating_add(1);
        let part = self.part(reading);
        if let Some(last) = self.last {
            let from = &mut self.counts[usize::from(last) * PARTS..][..PARTS];
            if from.iter().map(|count| u32::from(*count)).sum::<u32>() >= FULL {
                from.iter_mut().for_each(|count| *count /= 2);
            }
            from[usize::from(part)] += 1;
        }
        self.last = Some(part);
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        size_of_val(&*self.counts)
    }

    /// Whether a stored one can be, for the range from `low` to `high`.
    pub(super) fn is_sound(&self, low: f64, high: f64) -> bool {
        self.low == low
            && self.high == high
            && self.counts.len() == PARTS * PARTS
            && self
                .counts
                .chunks(PARTS)
                .all(|from| from.iter().map(|count| u32::from(*count)).sum::<u32>() <= FULL)
            && self.last.is_none_or(|last| usize::from(last) < PARTS)
            && self.surprise >= 0.0
            && self.surprise.is_finite()
            && self.extent.is_sound()
            && self.peaks.is_sound()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_never_taken_surprises_and_a_usual_one_does_not() {
        let mut symbols = Symbols::new(0.0, 100.0);
        for at in 0..1000 {
            let reading = if at % 2 == 0 { 20.0 } else { 70.0 };
            symbols.learn(reading + f64::from(at % 7), false, None);
        }
        // The last reading was near 70.
        assert!(symbols.excess(20.0) < 0.5, "{}", symbols.excess(20.0));
        assert!(symbols.excess(70.0) > 2.0, "{}", symbols.excess(70.0));
        assert!(symbols.excess(99.0) > 2.0);
        assert!(symbols.is_sound(0.0, 100.0));
        assert!(!symbols.is_sound(0.0, 10.0));
    }
}
