//! From the samples of a series to the readings that are judged.

mod distribution;
mod family;
mod gauge;
mod lateness;
mod role;

use auscult_core::Timestamp;
use auscult_stats::counter::{CounterRate, Growth};
use serde::{Deserialize, Serialize};

pub(crate) use distribution::{Distribution, Figures, QUANTILES};
pub(crate) use family::{Family, Part, part_of, shared_labels};
pub(crate) use gauge::Gauge;
pub(crate) use lateness::Arrival;
pub(crate) use role::{Role, role};

/// What a sample turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    /// To be judged.
    Value(f64),
    /// To be judged; the clock of its source was set back before it. Signals give the reading
    /// that follows from it.
    SetBack(f64),
    /// Nothing to judge, as expected: the first reading of a counter, a reset.
    Nothing,
    /// Not after the sample before it.
    Late,
    /// The time of the sample before it.
    Duplicate,
    /// Not a number, infinite, or below 0 in a counter.
    Invalid,
}

impl Reading {
    /// The same, for those to whom it makes no difference.
    fn set_back_or_not(self) -> Self {
        if let Self::SetBack(reading) = self { Self::Value(reading) } else { self }
    }
}

/// What makes readings of the samples of one series.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Signal {
    /// The samples themselves.
    Gauge(Gauge),
    /// Growth per second.
    Counter(Box<CounterRate>, Gauge),
    /// The samples themselves, and how many in a row said that the target does not answer.
    Up(Gauge, u8),
}

/// So many samples in a row that say so are not chance.
const DOWN_AFTER: u8 = 3;

impl Signal {
    /// For a series with this role; `None` for one whose samples are not judged by themselves.
    pub(crate) fn new(role: Role) -> Option<Self> {
        match role {
            Role::Gauge => Some(Self::Gauge(Gauge::default())),
            Role::Counter | Role::Count => {
                Some(Self::Counter(Box::new(CounterRate::new(1e9)), Gauge::default()))
            }
            Role::Up => Some(Self::Up(Gauge::default(), 0)),
            Role::Part | Role::Text => None,
        }
    }

    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Gauge(gauge) => gauge.is_sound(),
            Self::Counter(rate, gauge) => rate.is_sound() && gauge.is_sound(),
            Self::Up(gauge, _) => gauge.is_sound(),
        }
    }

    /// Whether it says, for long enough to be believed, that its target does not answer.
    pub(crate) fn is_down(&self) -> bool {
        matches!(self, Self::Up(_, zeros) if *zeros >= DOWN_AFTER)
    }

    /// Takes a sample in.
    pub(crate) fn step(&mut self, time: Timestamp, value: f64, arrival: Arrival) -> Reading {
        match self {
            Self::Gauge(gauge) => gauge.step(time, value, arrival).set_back_or_not(),
            Self::Up(gauge, zeros) => {
                let reading = gauge.step(time, value, arrival).set_back_or_not();
                if let Reading::Value(up) = reading {
                    *zeros = if up == 0.0 { zeros.saturating_add(1) } else { 0 };
                }
                reading
            }
            Self::Counter(rate, gauge) => match gauge.step(time, value, arrival) {
                Reading::SetBack(value) => {
                    **rate = CounterRate::new(1e9);
                    rate.step(time.nanos(), value);
                    Reading::Nothing
                }
                Reading::Value(value) => match rate.step(time.nanos(), value) {
                    Growth::Rate(rate) | Growth::Wrapped(rate) => Reading::Value(rate),
                    Growth::First | Growth::Reset(_) | Growth::Gap => Reading::Nothing,
                    Growth::Late => Reading::Late,
                    Growth::Invalid => Reading::Invalid,
                },
                other => other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_gives_rates_and_no_reading_at_a_reset() {
        let mut signal = Signal::new(Role::Counter).unwrap();
        let mut step =
            |second, value| signal.step(Timestamp::from_seconds(second), value, Arrival::First);
        assert_eq!(step(0, 5.0), Reading::Nothing);
        assert_eq!(step(10, 25.0), Reading::Value(2.0));
        assert_eq!(step(20, 1.0), Reading::Nothing);
        assert_eq!(step(30, 11.0), Reading::Value(1.0));
        assert_eq!(step(30, 12.0), Reading::Duplicate);
        assert_eq!(step(25, 12.0), Reading::Late);
        assert_eq!(step(40, f64::NAN), Reading::Invalid);
        assert_eq!(step(40, -1.0), Reading::Invalid);
    }

    #[test]
    fn a_counter_whose_clock_was_set_back_gives_rates_after_five_requests() {
        let mut signal = Signal::new(Role::Counter).unwrap();
        let mut step =
            |second, value| signal.step(Timestamp::from_seconds(second), value, Arrival::First);
        step(3600, 5.0);
        step(3610, 25.0);
        for second in [20, 30, 40] {
            assert_eq!(step(second, 1.0 * second as f64), Reading::Late);
        }
        assert_eq!(step(50, 50.0), Reading::Nothing);
        assert_eq!(step(60, 70.0), Reading::Value(2.0));
    }
}
