//! Order in time and finite numbers, once, before anything else.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::Reading;

/// Late samples in a row after which the clock is taken to have been set back.
const SET_BACK: u8 = 32;

/// Passes on what is new and finite.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Gauge {
    last: Option<Timestamp>,
    late: u8,
}

impl Gauge {
    /// Whether a stored one can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.late <= SET_BACK
    }

    pub(crate) fn step(&mut self, time: Timestamp, value: f64) -> Reading {
        if !value.is_finite() {
            return Reading::Invalid;
        }
        match self.last {
            Some(last) if time == last => return Reading::Duplicate,
            Some(last) if time < last && self.late < SET_BACK => {
                self.late += 1;
                return Reading::Late;
            }
            _ => {}
        }
        self.late = 0;
        self.last = Some(time);
        Reading::Value(value)
    }
}
