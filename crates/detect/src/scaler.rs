//! One unit for channels of different units.

use auscult_core::{Frame, LARGEST_READING};
use auscult_stats::quantile::{MAD_TO_DEVIATION, median, median_deviation};

/// Of a channel that never varied: the share of its level that counts as one
/// unit, so that any change at all is a large one.
const UNIT_OF_CONSTANT: f64 = 1e-9;

/// Turns readings into distances from a centre, in units of each channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scaler {
    /// What becomes 0, for every channel.
    pub(crate) centre: Vec<f64>,
    /// What becomes 1, above 0, for every channel.
    pub(crate) unit: Vec<f64>,
}

impl Scaler {
    /// Leaves readings as they are.
    pub(crate) fn identity(channels: usize) -> Self {
        Self { centre: vec![0.0; channels], unit: vec![1.0; channels] }
    }

    /// From the centre and deviation of every channel; a channel without
    /// deviation gets a billionth of its level as unit.
    pub(crate) fn new(centre: Vec<f64>, deviation: Vec<f64>) -> Self {
        let unit = |(centre, deviation): (&f64, f64)| {
            let of_constant = UNIT_OF_CONSTANT * if *centre == 0.0 { 1.0 } else { centre.abs() };
            // Rounding of the mean is no deviation.
            let varies = deviation > f64::EPSILON * centre.abs();
            if varies { deviation } else { of_constant.max(f64::MIN_POSITIVE) }
        };
        let unit = centre.iter().zip(deviation).map(unit).collect();
        Self { centre, unit }
    }

    /// Median and median absolute deviation of every channel of `history`, the
    /// latter times 1.4826. Where more than half of the readings are equal, the
    /// median distance of the others stands in.
    pub(crate) fn robust(history: &Frame<'_>) -> Self {
        let mut centres = Vec::with_capacity(history.channels());
        let mut deviations = Vec::with_capacity(history.channels());
        for channel in 0..history.channels() {
            let readings = history.channel(channel);
            let (centre, deviation) = median_deviation(&readings);
            centres.push(centre);
            deviations.push(if deviation > 0.0 {
                deviation * MAD_TO_DEVIATION
            } else {
                typical_departure(&readings, centre)
            });
        }
        Self::new(centres, deviations)
    }

    /// `row` in units, held within ±[`LARGEST_READING`].
    pub(crate) fn apply_to(&self, row: &[f64], scaled: &mut [f64]) {
        for (channel, slot) in scaled.iter_mut().enumerate() {
            let distance = (row[channel] - self.centre[channel]) / self.unit[channel];
            *slot = distance.clamp(-LARGEST_READING, LARGEST_READING);
        }
    }

    /// All `rows` in units, row by row.
    pub(crate) fn apply(&self, rows: &Frame<'_>) -> Vec<f64> {
        let mut scaled = vec![0.0; rows.readings().len()];
        for (row, slot) in rows.iter_rows().zip(scaled.chunks_exact_mut(rows.channels())) {
            self.apply_to(row, slot);
        }
        scaled
    }

    /// A reading of `channel` from its distance in units.
    pub(crate) fn reading(&self, channel: usize, scaled: f64) -> f64 {
        self.centre[channel] + scaled * self.unit[channel]
    }
}

/// Median distance from `centre` of the readings that are not there; 0 if all are.
fn typical_departure(readings: &[f64], centre: f64) -> f64 {
    let apart = readings.iter().map(|reading| (reading - centre).abs());
    median(&mut apart.filter(|apart| *apart > 0.0).collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spike_does_not_change_the_unit() {
        let readings = [1.0, 2.0, 3.0, 4.0, 1e300];
        let scaler = Scaler::robust(&Frame::of_column(&readings).expect("finite"));
        assert_eq!(scaler.centre, [3.0]);
        assert_eq!(scaler.unit, [MAD_TO_DEVIATION]);
    }

    #[test]
    fn rare_departures_of_a_still_channel_give_its_unit() {
        let mut readings = [5.0; 40];
        readings[7] = 6.0;
        readings[8] = 9.0;
        readings[9] = 3.0;
        let frame = Frame::of_column(&readings).expect("finite");
        assert_eq!(Scaler::robust(&frame).unit, [2.0]);
    }

    #[test]
    fn whatever_is_scaled_stays_finite() {
        let scaler = Scaler::new(vec![0.0, 1e-300], vec![1e-300, 0.0]);
        let mut scaled = [0.0; 2];
        scaler.apply_to(&[1e100, 1e100], &mut scaled);
        assert_eq!(scaled, [LARGEST_READING; 2]);
    }
}
