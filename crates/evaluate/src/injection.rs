//! Anomalies put into data that has none, so that methods can be compared without labels.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::Segment;

/// Version of the list of kinds and of how they are drawn. Figures from different
/// versions do not compare.
pub const INJECTION_VERSION: u32 = 1;

/// Shortest and longest anomaly, in rows; a spike has at most three.
const LENGTH: (f64, f64) = (2.0, 120.0);
const SPIKE: usize = 3;
/// Size of a change, in deviations of the channel.
const SIZE: Range<f64> = 2.0..6.0;

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
}

impl InjectedKind {
    /// Every kind, in the order in which they are injected.
    pub const ALL: [Self; 7] = [
        Self::Step,
        Self::Ramp,
        Self::Freeze,
        Self::Noise,
        Self::Reversal,
        Self::Spike,
        Self::Swing,
    ];

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
/// place, of 2 to 120 rows but at most half the part, in one channel or in up to half of
/// them, few more often than many, by 2 to 6 deviations. Every other time those are hit that
/// go together, and they move as they usually do together. Kinds take turns from one that
/// the seed picks. Channels that never move in `rows` are left alone, unless all are
/// so; deviations are those within `rows`.
///
/// The same seed gives the same bits. `None` when a part would have fewer than
/// eight rows. Time O(n · channels).
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
    let first = random.random_range(0..InjectedKind::ALL.len());
    for at in 0..count {
        let kind = InjectedKind::ALL[(first + at) % InjectedKind::ALL.len()];
        let drawn = random.random_range(LENGTH.0.ln()..LENGTH.1.ln()).exp();
        let most = if kind == InjectedKind::Spike { SPIKE } else { part / 2 };
        let length = (drawn as usize).clamp(1, most);
        let start = rows.start + at * part + random.random_range(0..=part - length);
        let stretch = start..start + length;
        let hit = some_of(&moving, readings, channels, &rows, &mut random);
        let direction = if random.random::<bool>() { 1.0 } else { -1.0 };
        for (channel, side) in &hit {
            let deviation = deviations[*channel];
            let deviation =
                if deviation > 0.0 { deviation } else { 0.1 * means[*channel].abs().max(1.0) };
            let size = direction * side * random.random_range(SIZE) * deviation;
            let mut column: Vec<f64> =
                stretch.clone().map(|row| readings[row * channels + channel]).collect();
            let before = readings[start.saturating_sub(1) * channels + channel];
            distort(kind, &mut column, size, before, means[*channel], &mut random);
            for (row, reading) in stretch.clone().zip(column) {
                injected.readings[row * channels + channel] = reading;
            }
        }
        injected.labels[stretch.clone()].fill(true);
        let rows = Segment { start: stretch.start, end: stretch.end - 1 };
        let channels = hit.into_iter().map(|(channel, _)| channel).collect();
        injected.injections.push(Injection { kind, rows, channels });
    }
    Some(injected)
}

/// Does `kind` to the readings of one channel.
fn distort(
    kind: InjectedKind,
    column: &mut [f64],
    size: f64,
    before: f64,
    mean: f64,
    random: &mut Pcg64Mcg,
) {
    let rows = column.len() as f64;
    match kind {
        InjectedKind::Step | InjectedKind::Spike => {
            column.iter_mut().for_each(|reading| *reading += size);
        }
        InjectedKind::Ramp => {
            for (at, reading) in column.iter_mut().enumerate() {
                *reading += size * (at as f64 + 1.0) / rows;
            }
        }
        InjectedKind::Freeze => column.fill(before),
        InjectedKind::Noise => {
            for reading in column {
                // About normal: three uniform numbers of variance 1/3 each.
                let noise: f64 = (0..3).map(|_| random.random_range(-1.0..1.0)).sum();
                *reading += 0.5 * size * noise;
            }
        }
        InjectedKind::Reversal => column.reverse(),
        InjectedKind::Swing => {
            let factor = if size > 0.0 { 3.0 } else { 0.2 };
            column.iter_mut().for_each(|reading| *reading = mean + factor * (*reading - mean));
        }
    }
}

/// One of `moving` or up to half of them, in order, few more often than many, each with
/// the side to which it goes, 1 or -1.
///
/// Every other time the channels that go with the first most closely are hit and move as
/// they usually do together, as when one cause is behind them; else any are hit, each to a side
/// of its own.
fn some_of(
    moving: &[usize],
    readings: &[f64],
    channels: usize,
    rows: &Range<usize>,
    random: &mut Pcg64Mcg,
) -> Vec<(usize, f64)> {
    let most = (moving.len() as f64 / 2.0).max(1.0);
    let wanted = random.random_range(0.0..=(most + 1.0).ln()).exp() as usize;
    let wanted = wanted.clamp(1, moving.len());
    let together = random.random::<bool>();
    let mut left = moving.to_vec();
    let first = left.swap_remove(random.random_range(0..left.len()));
    let mut chosen = vec![(first, 1.0)];
    if together && wanted > 1 {
        let part = &readings[rows.start * channels..rows.end * channels];
        let mut kin: Vec<(usize, f64)> = left
            .into_iter()
            .map(|other| (other, correlation(part, channels, first, other)))
            .collect();
        kin.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()));
        chosen.extend(kin.iter().take(wanted - 1).map(|(other, with)| (*other, with.signum())));
    } else {
        while chosen.len() < wanted {
            let other = left.swap_remove(random.random_range(0..left.len()));
            chosen.push((other, if random.random::<bool>() { 1.0 } else { -1.0 }));
        }
    }
    chosen.sort_unstable_by_key(|(channel, _)| *channel);
    chosen
}

/// Correlation of two channels of `part`; 0 where one is still.
fn correlation(part: &[f64], channels: usize, one: usize, other: usize) -> f64 {
    let count = (part.len() / channels) as f64;
    let column = |channel: usize| part.iter().skip(channel).step_by(channels).copied();
    let (first, second) = (column(one).sum::<f64>() / count, column(other).sum::<f64>() / count);
    let (mut both, mut own, mut others) = (0.0, 0.0, 0.0);
    for (a, b) in column(one).zip(column(other)) {
        both += (a - first) * (b - second);
        own += (a - first) * (a - first);
        others += (b - second) * (b - second);
    }
    let size = (own * others).sqrt();
    if size > 0.0 { both / size } else { 0.0 }
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
        let injected = inject(&clean, 3, 1000..2000, 14, 5).expect("room enough");
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
