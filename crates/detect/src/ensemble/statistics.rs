//! The statistics of a short past that the ensemble watches, at one scale.

use serde::{Deserialize, Serialize};

/// How many there are.
pub(super) const COUNT: usize = 8;
/// How many of them can be odd by being low; they come first.
pub(super) const TWO_SIDED: usize = 7;

/// What is watched. Residuals are distances from the seasonal band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistic {
    /// The residual.
    Residual,
    /// Mean residual of the window.
    MeanResidual,
    /// Standard deviation of the residuals of the window.
    Deviation,
    /// Largest less smallest residual of the window.
    Range,
    /// Smallest reading of the window.
    Lowest,
    /// Exponentially weighted mean reading.
    Average,
    /// Reading less the one before.
    Jump,
    /// Smallest |residual| of the newest samples: how far off all of them are.
    Sustained,
}

/// In the order of [`Windows::values`].
pub(super) const STATISTICS: [Statistic; COUNT] = [
    Statistic::Residual,
    Statistic::MeanResidual,
    Statistic::Deviation,
    Statistic::Range,
    Statistic::Lowest,
    Statistic::Average,
    Statistic::Jump,
    Statistic::Sustained,
];

/// The lengths that one scale looks at, in samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    /// Samples of the window.
    pub(super) window: usize,
    /// Newest samples that must all be off.
    pub(super) newest: usize,
    /// Samples of one cluster of exceedances.
    pub(super) apart: u16,
    /// Samples before tails are learnt.
    pub(super) settle: u32,
}

impl Lengths {
    /// Those of a scale of `scale` samples.
    pub(super) const fn of(scale: usize) -> Self {
        Self {
            window: at_least_two(scale / 30),
            newest: at_least_two(scale / 100),
            apart: (scale / 20) as u16,
            settle: (scale / 5) as u32,
        }
    }
}

const fn at_least_two(length: usize) -> usize {
    if length < 2 { 2 } else { length }
}

/// The newest readings and residuals, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Windows {
    readings: Box<[f32]>,
    residuals: Box<[f32]>,
    /// How many of the newest are there since the last gap.
    filled: u8,
}

impl Windows {
    /// Room for the samples before the one that is judged, of windows of `longest`.
    pub(super) fn new(longest: usize) -> Self {
        let empty = || vec![0.0; longest - 1].into();
        Self { readings: empty(), residuals: empty(), filled: 0 }
    }

    /// The statistics if `reading` and `residual` came next, and `average` were
    /// the weighted mean with them; NaN for those whose window a gap cut short.
    pub(super) fn values(
        &self,
        lengths: Lengths,
        reading: f32,
        residual: f32,
        average: f32,
    ) -> [f32; COUNT] {
        let mut values = [f32::NAN; COUNT];
        values[0] = residual;
        values[5] = average;
        let filled = usize::from(self.filled);
        if filled > 0 {
            values[6] = reading - self.readings[self.readings.len() - 1];
        }
        if filled + 1 >= lengths.window {
            let before = self.residuals.len() + 1 - lengths.window;
            let residuals = &self.residuals[before..];
            let (mut sum, mut low, mut high) = (f64::from(residual), residual, residual);
            for one in residuals {
                sum += f64::from(*one);
                low = low.min(*one);
                high = high.max(*one);
            }
            let mean = sum / lengths.window as f64;
            let squares: f64 = residuals
                .iter()
                .chain([&residual])
                .map(|one| (f64::from(*one) - mean) * (f64::from(*one) - mean))
                .sum();
            values[1] = mean as f32;
            values[2] = (squares / lengths.window as f64).sqrt() as f32;
            values[3] = high - low;
            values[4] = self.readings[before..].iter().fold(reading, |low, one| low.min(*one));
        }
        if filled + 1 >= lengths.newest {
            let newest = &self.residuals[self.residuals.len() + 1 - lengths.newest..];
            values[7] = newest.iter().fold(residual.abs(), |low, one| low.min(one.abs()));
        }
        values
    }

    /// Takes the newest sample in.
    pub(super) fn learn(&mut self, reading: f32, residual: f32) {
        let room = self.readings.len();
        self.readings.copy_within(1.., 0);
        self.residuals.copy_within(1.., 0);
        self.readings[room - 1] = reading;
        self.residuals[room - 1] = residual;
        self.filled = (self.filled + 1).min(room as u8);
    }

    /// Begins anew: what follows does not join what came before.
    pub(super) fn restart(&mut self) {
        self.filled = 0;
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        size_of_val(&*self.readings) + size_of_val(&*self.residuals)
    }

    /// Whether a stored one can be, with windows of `longest`.
    pub(super) fn is_sound(&self, longest: usize) -> bool {
        self.readings.len() == longest - 1
            && self.residuals.len() == longest - 1
            && usize::from(self.filled) < longest
            && self.readings.iter().chain(&self.residuals).all(|number| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_window_and_wait_for_it() {
        let lengths = Lengths { window: 3, newest: 2, apart: 1, settle: 1 };
        let mut windows = Windows::new(4);
        let first = windows.values(lengths, 10.0, 1.0, 10.0);
        assert_eq!((first[0], first[5]), (1.0, 10.0));
        assert!([1, 2, 3, 4, 6, 7].iter().all(|place: &usize| first[*place].is_nan()));
        windows.learn(10.0, 1.0);
        windows.learn(13.0, -2.0);
        let third = windows.values(lengths, 12.0, 4.0, 11.0);
        let deviation = (42.0f64 / 3.0 / 1.0 - 8.0).sqrt() as f32;
        assert_eq!(third, [4.0, 1.0, (18.0f64 / 3.0).sqrt() as f32, 6.0, 10.0, 11.0, -1.0, 2.0]);
        assert!((deviation - 6.0f32.sqrt()).abs() < 1e-6);
        windows.restart();
        assert!(windows.values(lengths, 12.0, 4.0, 11.0)[6].is_nan());
    }
}
