//! Whether a channel measures something or is a switch.

use serde::{Deserialize, Serialize};

/// What a channel has shown itself to be.
///
/// A switch, such as a command that is on or off, explains other channels but is
/// itself neither usual nor unusual once it has been both ways. The first time it
/// leaves its place counts: nobody has seen that before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    /// No sample yet.
    Unknown,
    /// Always this reading.
    Still(f64),
    /// Left the first reading for the second and has not come back.
    Left(f64, f64),
    /// Came back, and knows but these two readings.
    Switch(f64, f64),
    /// Has shown a third reading.
    Measurement,
}

impl Role {
    /// The role once `reading` is known too.
    pub(super) fn after(self, reading: f64) -> Self {
        match self {
            Self::Unknown => Self::Still(reading),
            Self::Still(first) if reading != first => Self::Left(first, reading),
            Self::Left(first, second) | Self::Switch(first, second)
                if reading != first && reading != second =>
            {
                Self::Measurement
            }
            Self::Left(first, second) if reading == first => Self::Switch(first, second),
            known => known,
        }
    }

    /// Whether the channel has a part in the score.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Left(..) | Self::Measurement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_counts_on_its_first_excursion_and_a_measurement_for_good() {
        let counts = |readings: &[f64]| {
            let mut role = Role::Unknown;
            readings
                .iter()
                .map(|reading| {
                    role = role.after(*reading);
                    role.counts()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(&[0.0, 1.0, 1.0, 0.0, 1.0]), [false, true, true, false, false]);
        assert_eq!(counts(&[0.0, 1.0, 0.0, 0.5, 0.0]), [false, true, false, true, true]);
    }
}
