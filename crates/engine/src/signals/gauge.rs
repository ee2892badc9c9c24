//! Order in time and finite numbers, once, before anything else.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::Reading;
use super::lateness::{Arrival, Lateness};

/// Passes on what is new and finite.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Gauge {
    last: Option<Timestamp>,
    lateness: Lateness,
}

impl Gauge {
    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.lateness.is_sound()
    }

    pub(crate) fn step(&mut self, time: Timestamp, value: f64, arrival: Arrival) -> Reading {
        if !value.is_finite() {
            return Reading::Invalid;
        }
        let before = self.last.replace(time);
        match before.filter(|last| time <= *last) {
            Some(last) if time == last => Reading::Duplicate,
            Some(last) => {
                let behind = last.nanos().saturating_sub(time.nanos());
                if self.lateness.is_set_back(behind, arrival) {
                    return Reading::SetBack(value);
                }
                self.last = before;
                Reading::Late
            }
            None => {
                self.lateness.end();
                Reading::Value(value)
            }
        }
    }
}
