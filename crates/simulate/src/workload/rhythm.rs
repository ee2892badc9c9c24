//! How the rate of arrivals follows the day, the week and chance.

use crate::random::Random;

/// Shape of the rate over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm {
    /// Swing of the day around its mean, as a share: 0 flat, 1 down to nothing.
    pub day: f64,
    /// Hour of the day (UTC) with most traffic.
    pub peak_hour: f64,
    /// Saturday's and Sunday's traffic, as a share of a weekday's.
    pub weekend: f64,
    /// Deviation of the logarithm of the rate from one minute to another.
    pub bursts: f64,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { day: 0.45, peak_hour: 14.0, weekend: 0.7, bursts: 0.15 }
    }
}

impl Rhythm {
    /// The same rate at all times.
    pub fn flat() -> Self {
        Self { day: 0.0, peak_hour: 0.0, weekend: 1.0, bursts: 0.0 }
    }

    /// The rate at `unix` seconds, as a multiple of the mean over a week.
    pub fn at(&self, unix: f64, seed: u64) -> f64 {
        let days = unix / 86_400.0;
        let hour = (days - days.floor()) * 24.0;
        let turn = std::f64::consts::TAU * (hour - self.peak_hour) / 24.0;
        let day = 1.0 + self.day * (0.85 * libm::cos(turn) + 0.15 * libm::cos(2.0 * turn));
        // 1 January 1970 was a Thursday: days 2 and 3 of each seven are a weekend.
        let weekday = (days.floor() as i64).rem_euclid(7);
        let week = 7.0 / (5.0 + 2.0 * self.weekend);
        let week = if weekday == 2 || weekday == 3 { week * self.weekend } else { week };
        (day * week * self.burst(unix, seed)).max(0.0)
    }

    /// Log-normal about the minutes, straight between them.
    fn burst(&self, unix: f64, seed: u64) -> f64 {
        if self.bursts == 0.0 {
            return 1.0;
        }
        let minute = unix / 60.0;
        let (whole, part) = (minute.floor(), minute - minute.floor());
        let normal = |minute: f64| Random::member(seed, "burst", minute as u64).normal();
        let mixed = (1.0 - part) * normal(whole) + part * normal(whole + 1.0);
        libm::exp(self.bursts * mixed - self.bursts * self.bursts / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_the_mean_it_was_given() {
        let rhythm = Rhythm::default();
        let minutes = 7 * 24 * 60;
        let sum: f64 = (0..minutes).map(|minute| rhythm.at(f64::from(minute) * 60.0, 3)).sum();
        assert!((sum / f64::from(minutes) - 1.0).abs() < 0.01);
        let flat = Rhythm { bursts: 0.0, ..rhythm };
        // Friday 2 January 1970 against Sunday the 4th, and 14 h against 2 h.
        let at = |day: f64, hour: f64| flat.at((day * 24.0 + hour) * 3600.0, 0);
        assert!((at(3.0, 14.0) / at(1.0, 14.0) - 0.7).abs() < 1e-9);
        assert!(at(1.0, 14.0) > 2.0 * at(1.0, 2.0));
    }
}
