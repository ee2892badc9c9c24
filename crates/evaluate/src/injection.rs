//! Anomalies put into data that has none, so that methods can be compared without labels.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::Segment;

/// Version of the list of kinds and of how they are drawn. Figures from different
/// versions do not compare.
pub const INJECTION_VERSION: u32 = 2;

/// Shortest and longest anomaly, in rows; a spike has at most three.
const LENGTH: (f64, f64) = (2.0, 240.0);
const SPIKE: usize = 3;
/// Size of a change, in deviations of the channel.
const SIZE: Range<f64> = 2.0..6.0;
/// Correlation from which on two channels share most of what moves them.
const TIED: f64 = 0.7;

/// A kind of injected anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InjectedKind {
    /// The level is another.
    Step,
    /// The level leaves steadily.
    Ramp,
    /// The reading stays what it was.
    Freeze,
    /// Noise comes on top.
    Noise,
    /// The stretch runs backwards.
    Reversal,
    /// A few readings far out.
    Spike,
    /// Swings about the mean are smaller or larger.
    Swing,
    /// What was read at another time is read again: usual readings at an unusual time.
    Displacement,
}

impl InjectedKind {
    /// Every kind, in the order in which they are injected.
    pub const ALL: [Self; 8] = [
        Self::Step,
        Self::Ramp,
        Self::Freeze,
        Self::Noise,
        Self::Reversal,
        Self::Spike,
        Self::Swing,
        Self::Displacement,
    ];

    /// Whether it moves readings up or down, so that a channel may go the other way.
    fn has_side(self) -> bool {
        matches!(self, Self::Step | Self::Ramp | Self::Spike | Self::Noise)
    }

    /// Its name, in `kebab-case`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Ramp => "ramp",
            Self::Freeze => "freeze",
            Self::Noise => "noise",
            Self::Reversal => "reversal",
            Self::Spike => "spike",
            Self::Swing => "swing",
            Self::Displacement => "displacement",
        }
    }
}

/// What was done to a stretch of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// How.
    pub kind: InjectedKind,
    /// Where.
    pub rows: Segment,
    /// In which channels, from 0, in order.
    pub channels: Vec<usize>,
}

/// Data with injected anomalies.
#[derive(Debug, Clone, PartialEq)]
pub struct Injected {
    /// Row by row, as the data was given.
    pub readings: Vec<f64>,
    /// One entry a row: whether it lies in an injected anomaly.
    pub labels: Vec<bool>,
    /// Every anomaly, oldest first.
    pub injections: Vec<Injection>,
}

/// Puts `count` anomalies into `rows` of `readings`, which hold `channels` a row.
///
/// `rows` is cut into as many equal parts and each gets one anomaly at a random
/// place, of 2 to 240 rows but at most half the part. Every other time one cause hits a channel
/// and those that go with it most closely, up to all; else up to half of the channels are hit by causes
/// of their own. Few are hit more often than many. A cause moves its first channel by 2 to 6 of its
/// deviations, and with it those that are tied to it (correlation 0.7 or more), each as far as it
/// usually follows: what always fits together still does. Anomalies that part every channel
/// from its twins flatter methods that look for nothing else.
///
/// Kinds take turns from one that the seed picks. Channels that never move in `rows` are left alone,
/// unless all are so; means, deviations and correlations are those within `rows`.
///
/// The same seed gives the same bits. `None` when a part would have fewer than
/// eight rows. Time O(n · (channels + count · channels)).
///
/// Reference: M. Goswami and others, "Unsupervised model selection for time-series
/// anomaly detection", ICLR 2023, of whose kinds these are.
///
/// ```
/// use auscult_evaluate::inject;
/// let readings: Vec<f64> = (0..1000).map(|at| f64::from(at % 7)).collect();
/// let injected = inject(&readings, 1, 500..1000, 7, 42).unwrap();
/// assert_eq!(injected.injections.len(), 7);
/// assert_eq!(injected.readings[..500], readings[..500]);
/// assert!(injected.labels[500..].contains(&true));
/// ```
///
/// # Panics
///
/// When `readings` holds no whole rows or `rows` leaves it.
#[must_use]
pub fn inject(
    readings: &[f64],
    channels: usize,
    rows: Range<usize>,
    count: usize,
    seed: u64,
) -> Option<Injected> {
    assert!(channels > 0 && readings.len().is_multiple_of(channels), "whole rows");
    let total = readings.len() / channels;
    assert!(rows.end <= total && rows.start <= rows.end, "rows within the data");
    let part = rows.len() / count.max(1);
    if count == 0 || part < 8 {
        return None;
    }
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let (means, deviations) = moments(readings, channels, &rows);
    let mut moving: Vec<usize> =
        (0..channels).filter(|channel| deviations[*channel] > 0.0).collect();
    if moving.is_empty() {
        moving.extend(0..channels);
    }
    let mut injected = Injected {
        readings: readings.to_vec(),
        labels: vec![false; total],
        injections: Vec::with_capacity(count),
    };
    let scene = Scene { readings, channels, rows: rows.clone(), means, deviations };
    let first = random.random_range(0..InjectedKind::ALL.len());
    for at in 0..count {
        let kind = InjectedKind::ALL[(first + at) % InjectedKind::ALL.len()];
        let drawn = random.random_range(LENGTH.0.ln()..LENGTH.1.ln()).exp();
        let most = if kind == InjectedKind::Spike { SPIKE } else { part / 2 };
        let length = (drawn as usize).clamp(1, most);
        let start = rows.start + at * part + random.random_range(0..=part - length);
        let stretch = start..start + length;
        let elsewhere = scene.other_place(&stretch, &mut random);
        let mut hit = Vec::new();
        for group in scene.groups(&moving, &mut random) {
            let cause = Cause::new(length, elsewhere, &mut random);
            for (channel, share) in group {
                let column = scene.distorted(kind, &stretch, channel, share, &cause);
                for (row, reading) in stretch.clone().zip(column) {
                    injected.readings[row * channels + channel] = reading;
                }
                hit.push(channel);
            }
        }
        hit.sort_unstable();
        injected.labels[stretch.clone()].fill(true);
        let rows = Segment { start: stretch.start, end: stretch.end - 1 };
        injected.injections.push(Injection { kind, rows, channels: hit });
    }
    Some(injected)
}

/// What an anomaly does, before it is known to which channel.
#[derive(Debug, Clone)]
struct Cause {
    /// Deviations by which it moves a channel, with their sign.
    size: f64,
    /// About normal noise of deviation 1, row by row.
    noise: Vec<f64>,
    /// First row of a stretch elsewhere.
    elsewhere: usize,
}

impl Cause {
    fn new(length: usize, elsewhere: usize, random: &mut Pcg64Mcg) -> Self {
        let side = if random.random::<bool>() { 1.0 } else { -1.0 };
        let size = side * random.random_range(SIZE);
        // Three uniform numbers of variance 1/3 each.
        let draw = |_| (0..3).map(|_| random.random_range(-1.0..1.0)).sum();
        let noise = (0..length).map(draw).collect();
        Self { size, noise, elsewhere }
    }
}

/// The data that anomalies are put into.
struct Scene<'a> {
    readings: &'a [f64],
    channels: usize,
    rows: Range<usize>,
    /// Of each channel, within the rows.
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Scene<'_> {
    fn reading(&self, row: usize, channel: usize) -> f64 {
        self.readings[row * self.channels + channel]
    }

    /// The readings of `channel` in `stretch` after `kind` was done to them, `share`
    /// as strongly as the cause would.
    fn distorted(
        &self,
        kind: InjectedKind,
        stretch: &Range<usize>,
        channel: usize,
        share: f64,
        cause: &Cause,
    ) -> Vec<f64> {
        let mut column: Vec<f64> = stretch.clone().map(|row| self.reading(row, channel)).collect();
        let (mean, deviation) = (self.means[channel], self.deviations[channel]);
        let deviation = if deviation > 0.0 { deviation } else { 0.1 * mean.abs().max(1.0) };
        let (size, rows) = (cause.size * deviation, column.len() as f64);
        let before = column.clone();
        match kind {
            InjectedKind::Step | InjectedKind::Spike => {
                column.iter_mut().for_each(|reading| *reading += size);
            }
            InjectedKind::Ramp => {
                for (at, reading) in column.iter_mut().enumerate() {
                    *reading += size * (at as f64 + 1.0) / rows;
                }
            }
            InjectedKind::Freeze => {
                column.fill(self.reading(stretch.start.saturating_sub(1), channel));
            }
            InjectedKind::Noise => {
                for (reading, noise) in column.iter_mut().zip(&cause.noise) {
                    *reading += 0.5 * size * noise;
                }
            }
            InjectedKind::Reversal => column.reverse(),
            InjectedKind::Swing => {
                let factor = if cause.size > 0.0 { cause.size } else { 0.2 };
                column.iter_mut().for_each(|reading| *reading = mean + factor * (*reading - mean));
            }
            InjectedKind::Displacement => {
                for (at, reading) in column.iter_mut().enumerate() {
                    *reading = self.reading(cause.elsewhere + at, channel);
                }
            }
        }
        // Distortions add up from nothing to the whole, whatever their kind.
        let share = if kind.has_side() { share } else { share.abs() };
        column.iter().zip(before).map(|(after, before)| before + share * (after - before)).collect()
    }

    /// Where a stretch as long as `stretch` begins, half of the rows away on average.
    fn other_place(&self, stretch: &Range<usize>, random: &mut Pcg64Mcg) -> usize {
        let places = self.rows.len() - stretch.len() + 1;
        let away = random.random_range(places / 4..=3 * places / 4);
        self.rows.start + (stretch.start - self.rows.start + away) % places
    }

    /// The channels out of `moving` that are hit, few more often than many, in groups of one
    /// cause each; with each channel the share of the cause that it takes.
    ///
    /// Every other time there is one group, of a channel and those that go with it most closely, up
    /// to all of them. Else each channel is the first of a group of its own, up to half of them. In
    /// either case those join a group that are tied to its first channel, and each takes as large
    /// a share as it usually follows the first.
    fn groups(&self, moving: &[usize], random: &mut Pcg64Mcg) -> Vec<Vec<(usize, f64)>> {
        let together = random.random::<bool>();
        let most = if together { moving.len() as f64 } else { moving.len() as f64 / 2.0 };
        let wanted = random.random_range(0.0..=(most.max(1.0) + 1.0).ln()).exp() as usize;
        let wanted = wanted.clamp(1, moving.len());
        let (wanted, closest) = if together { (1, wanted - 1) } else { (wanted, 0) };
        let mut left = moving.to_vec();
        let mut groups = Vec::new();
        while groups.len() < wanted && !left.is_empty() {
            let first = left.swap_remove(random.random_range(0..left.len()));
            let mut kin: Vec<(usize, f64)> =
                left.iter().map(|other| (*other, self.correlation(first, *other))).collect();
            kin.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()));
            let tied = kin.partition_point(|(_, with)| with.abs() >= TIED);
            kin.truncate(tied.max(closest));
            left.retain(|other| kin.iter().all(|(one, _)| one != other));
            kin.insert(0, (first, 1.0));
            groups.push(kin);
        }
        groups
    }

    /// Correlation of two channels within the rows; 0 where one is still.
    fn correlation(&self, one: usize, other: usize) -> f64 {
        let scale = self.deviations[one] * self.deviations[other] * self.rows.len() as f64;
        let both = |row| {
            (self.reading(row, one) - self.means[one])
                * (self.reading(row, other) - self.means[other])
        };
        if scale > 0.0 { self.rows.clone().map(both).sum::<f64>() / scale } else { 0.0 }
    }
}

/// Mean and deviation of each channel within `rows`.
fn moments(readings: &[f64], channels: usize, rows: &Range<usize>) -> (Vec<f64>, Vec<f64>) {
    let part = &readings[rows.start * channels..rows.end * channels];
    let count = rows.len() as f64;
    (0..channels)
        .map(|channel| {
            let column = part.iter().skip(channel).step_by(channels);
            let mean = column.clone().sum::<f64>() / count;
            let square = column.map(|reading| (reading - mean) * (reading - mean)).sum::<f64>();
            let deviation = (square / count).sqrt();
            // Rounding of the mean is no deviation.
            (mean, if deviation > 1e-12 * mean.abs() { deviation } else { 0.0 })
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings() -> Vec<f64> {
        (0..2000).flat_map(|at| [f64::from(at % 13), 7.0, f64::from(at * at % 17)]).collect()
    }

    #[test]
    fn every_kind_is_injected_where_the_labels_say_and_nowhere_else() {
        let clean = readings();
        let injected = inject(&clean, 3, 1000..2000, 16, 5).expect("room enough");
        for kind in InjectedKind::ALL {
            let times = injected.injections.iter().filter(|injection| injection.kind == kind);
            assert_eq!(times.count(), 2, "{}", kind.name());
        }
        for row in 0..2000 {
            let same = clean[3 * row..3 * row + 3] == injected.readings[3 * row..3 * row + 3];
            assert!(same || injected.labels[row], "row {row} changed and is not labelled");
            assert_eq!(injected.readings[3 * row + 1], 7.0, "a still channel was moved");
        }
        let labelled = injected
            .injections
            .iter()
            .flat_map(|injection| injection.rows.start..=injection.rows.end);
        assert_eq!(labelled.count(), injected.labels.iter().filter(|label| **label).count());
    }

    #[test]
    fn a_channel_that_is_hit_takes_its_twin_along() {
        let clean: Vec<f64> = (0..2000_i64)
            .flat_map(|at| [(at * at % 101) as f64, -2.0 * (at * at % 101) as f64])
            .collect();
        for seed in 0..10 {
            let injected = inject(&clean, 2, 0..2000, 16, seed).expect("room enough");
            assert_ne!(injected.readings, clean);
            for row in injected.readings.chunks_exact(2) {
                assert!((row[1] + 2.0 * row[0]).abs() < 1e-9 * (1.0 + row[0].abs()), "{row:?}");
            }
        }
    }

    #[test]
    fn the_seed_decides_everything() {
        let clean = readings();
        let draw = |seed| inject(&clean, 3, 0..2000, 7, seed).expect("room enough");
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1).labels, draw(2).labels);
    }

    #[test]
    fn too_little_room_is_none() {
        assert_eq!(inject(&[1.0; 50], 1, 0..50, 14, 1), None);
        assert_eq!(inject(&[1.0; 50], 1, 0..50, 0, 1), None);
    }
}
