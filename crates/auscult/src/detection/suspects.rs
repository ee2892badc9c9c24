//! Judging rows while they are learnt from.
//!
//! What is normal is known only at the end. Until then, the rows that a model
//! of the rows so far rates near the threshold or above are put aside as
//! suspects; of all others only the smallest and the largest reading are kept.
//! At the end the final model judges both. Where it is a valley (see
//! [`Accumulator::valley`]) and rates these two as normal, it would have rated
//! everything between them as normal too: the suspects were all that mattered,
//! and the answer is the one of a second pass, without it. Where it does not,
//! as with a level that drifts, the second pass is made.
//!
//! [`Accumulator::valley`]: auscult_core::Accumulator::valley

use auscult_core::{Frame, Model, Timestamp};

use super::keep::Keep;
use super::series::Series;
use super::stream::{Learning, Learnt, PerSeries, rate};
use crate::outcome::CallError;

/// Most suspects held, give or take a batch: 10 MiB of them.
const MOST: usize = 1 << 18;

/// Suspects among rated rows that are worth holding however few those are.
const WORTHWHILE: usize = 1 << 14;

/// Rows of a series that are all suspects, for want of a model worth the name.
const FEW: u64 = 1000;

/// Rows are suspects from this part of the threshold on: the model is not yet
/// the final one.
const NEAR: f64 = 0.9;

/// Rows looked at together.
const CHUNK: usize = 32;

/// Rows that may turn out to be anomalies.
#[derive(Debug)]
pub(super) struct Suspects {
    threshold: f64,
    /// Most that are held, give or take a batch.
    most: usize,
    /// In the order in which a second pass would meet them.
    suspects: Vec<Suspect>,
    /// One entry per series.
    normal: Vec<Normal>,
    /// Rows that a model has rated, and suspects among them.
    rated: usize,
    near: usize,
    /// There were too many.
    gave_up: bool,
}

#[derive(Debug, Clone)]
struct Suspect {
    series: usize,
    row: u64,
    time: Option<Timestamp>,
    reading: f64,
}

/// The rows of a series that are no suspects.
#[derive(Debug)]
struct Normal {
    rows: u64,
    low: f64,
    high: f64,
    /// What tells them from suspects.
    model: Option<Box<dyn Model>>,
    /// Rows that the model has learnt.
    learnt: u64,
    /// Rows so far, suspects included.
    seen: u64,
}

impl Normal {
    fn new() -> Self {
        Self {
            rows: 0,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            model: None,
            learnt: 0,
            seen: 0,
        }
    }

    /// Learns anew from what the series is by now.
    fn renew(&mut self, series: &Learning) {
        if let Some(Ok(model)) = series.accumulator.valley() {
            self.model = Some(model);
            self.learnt = self.seen;
        }
    }

    #[inline]
    fn take(&mut self, readings: &[f64]) {
        self.rows += readings.len() as u64;
        // Not `min` and `max`, whose care for NaN costs time: there is none.
        let low = |low: f64, reading: f64| if reading < low { reading } else { low };
        let high = |high: f64, reading: f64| if reading > high { reading } else { high };
        let (lanes, rest) = readings.as_chunks::<4>();
        let (mut lows, mut highs) = ([self.low; 4], [self.high; 4]);
        for readings in lanes {
            for (lane, reading) in readings.iter().enumerate() {
                lows[lane] = low(lows[lane], *reading);
                highs[lane] = high(highs[lane], *reading);
            }
        }
        self.low = lows.iter().chain(rest).copied().fold(self.low, low);
        self.high = highs.iter().chain(rest).copied().fold(self.high, high);
    }
}

impl Suspects {
    pub(super) fn new(threshold: f64) -> Self {
        let (suspects, normal) = (Vec::new(), Vec::new());
        Self { threshold, most: MOST, suspects, normal, rated: 0, near: 0, gave_up: false }
    }

    /// Whether there is a point in taking more.
    pub(super) fn are_wanted(&self) -> bool {
        !self.gave_up
    }

    /// Suspects among rated rows that are too many: where a good part of the
    /// rows stands out, a second pass is cheaper.
    fn too_near(&self) -> usize {
        WORTHWHILE.max(self.rated / 4)
    }

    /// Takes in a batch of the series at `place`, which was learnt already.
    pub(super) fn take(
        &mut self,
        series: &Series,
        place: usize,
        learning: &PerSeries<Learning>,
    ) -> Result<(), CallError> {
        if self.gave_up {
            return Ok(());
        }
        while self.normal.len() <= place {
            self.normal.push(Normal::new());
        }
        let frame = series.frame();
        let suspect = |at: usize| Suspect {
            series: place,
            row: series.rows[at],
            time: series.times.as_ref().map(|times| times[at]),
            reading: frame.row(at)[0],
        };
        let normal = &mut self.normal[place];
        normal.seen += frame.rows() as u64;
        if normal.seen >= FEW.max(2 * normal.learnt) {
            normal.renew(&learning.entries[place]);
        }
        match &normal.model {
            None => self.suspects.extend((0..frame.rows()).map(suspect)),
            Some(model) => {
                let scores = model.score(&frame).map_err(CallError::input)?;
                let near = NEAR * self.threshold;
                let before = self.suspects.len();
                let chunks = scores.chunks(CHUNK).zip(frame.readings().chunks(CHUNK));
                for (chunk, (scores, readings)) in chunks.enumerate() {
                    // Without a branch on each row, which most chunks do not need.
                    if scores.iter().fold(true, |all, score| all & (*score <= near)) {
                        normal.take(readings);
                        continue;
                    }
                    for (at, (score, reading)) in scores.iter().zip(readings).enumerate() {
                        if *score > near {
                            self.suspects.push(suspect(chunk * CHUNK + at));
                        } else {
                            normal.take(std::slice::from_ref(reading));
                        }
                    }
                }
                self.rated += frame.rows();
                self.near += self.suspects.len() - before;
            }
        }
        if self.suspects.len() > self.most || self.near > self.too_near() {
            self.sift(learning)?;
        }
        Ok(())
    }

    /// Lets go of suspects that newer models find normal.
    fn sift(&mut self, learning: &PerSeries<Learning>) -> Result<(), CallError> {
        for (normal, series) in self.normal.iter_mut().zip(&learning.entries) {
            normal.renew(series);
        }
        let near = NEAR * self.threshold;
        let mut kept = Vec::with_capacity(self.suspects.len() / 2);
        self.near = 0;
        for run in self.suspects.chunk_by(|a, b| a.series == b.series) {
            let normal = &mut self.normal[run[0].series];
            let Some(model) = &normal.model else {
                kept.extend_from_slice(run);
                continue;
            };
            let scores = score(model.as_ref(), run.iter().map(|suspect| suspect.reading))?;
            for (suspect, score) in run.iter().zip(scores) {
                if score > near {
                    kept.push(suspect.clone());
                    self.near += 1;
                } else {
                    normal.take(&[suspect.reading]);
                }
            }
        }
        self.suspects = kept;
        if self.suspects.len() > self.most / 2 || self.near > self.too_near() / 2 {
            self.gave_up = true;
            self.suspects = Vec::new();
        }
        Ok(())
    }

    /// Whether no other row can be an anomaly to the final models.
    pub(super) fn are_all(&self, models: &[Learnt]) -> Result<bool, CallError> {
        if self.gave_up {
            return Ok(false);
        }
        for (normal, (_, model)) in self.normal.iter().zip(models) {
            let (Some(model), 1..) = (model, normal.rows) else { continue };
            let ends = score(model.as_ref(), [normal.low, normal.high].into_iter())?;
            if ends.iter().any(|score| *score > self.threshold) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Has the final models judge the suspects, and pass all others.
    pub(super) fn judge(self, models: &mut [Learnt], keep: &mut Keep) -> Result<(), CallError> {
        for (normal, (tally, _)) in self.normal.iter().zip(models.iter_mut()) {
            tally.judged += normal.rows;
        }
        let alike =
            |a: &Suspect, b: &Suspect| a.series == b.series && a.time.is_some() == b.time.is_some();
        for run in self.suspects.chunk_by(alike) {
            let (tally, model) = &mut models[run[0].series];
            let Some(model) = model else { continue };
            let series = Series {
                name: tally.name.clone(),
                rows: run.iter().map(|suspect| suspect.row).collect(),
                times: run.iter().map(|suspect| suspect.time).collect(),
                readings: run.iter().map(|suspect| suspect.reading).collect(),
                filled: vec![false; run.len()],
                labels: None,
                reordered: false,
                rows_read: run.len() as u64,
                missing: 0,
                infinite: 0,
                notes: Vec::new(),
            };
            rate(&series, model.as_ref(), self.threshold, tally, keep)?;
        }
        Ok(())
    }
}

/// The scores of `readings`, which came out of a frame.
fn score(model: &dyn Model, readings: impl Iterator<Item = f64>) -> Result<Vec<f64>, CallError> {
    let readings: Vec<f64> = readings.collect();
    let frame = Frame::of_column(&readings).map_err(CallError::input)?;
    model.score(&frame).map_err(CallError::input)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auscult_core::{Accumulator, SettingsMap};

    use super::*;
    use crate::detection::finding::SeriesName;
    use crate::detection::tally::SeriesTally;

    const BATCH: usize = 500;
    const ROWS: usize = 20_000;
    const THRESHOLD: f64 = 2.5;

    fn batch(name: &Arc<SeriesName>, first: usize, readings: &[f64]) -> Series {
        Series {
            name: name.clone(),
            rows: (first as u64..).take(readings.len()).collect(),
            times: None,
            readings: readings.to_vec(),
            filled: vec![false; readings.len()],
            labels: None,
            reordered: false,
            rows_read: readings.len() as u64,
            missing: 0,
            infinite: 0,
            notes: Vec::new(),
        }
    }

    fn z_score() -> Box<dyn Accumulator> {
        let method = auscult_detect::find("zscore").expect("in the catalogue");
        let build = method.pieces.expect("it learns in pieces");
        build(&SettingsMap::new(), 1).expect("the defaults are right")
    }

    /// Rows and scores found by suspects of at most `most`, if they are all,
    /// and by a second pass.
    fn found(level: impl Fn(usize) -> f64, most: usize) -> (Option<Vec<Rated>>, Vec<Rated>) {
        let mut state = 7_u64;
        let mut noise = || {
            // The sum of twelve uniform numbers is close to a normal one.
            let uniform = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 40) as f64 / f64::from(1 << 24)
            });
            uniform.take(12).sum::<f64>() - 6.0
        };
        let readings: Vec<f64> = (0..ROWS).map(|row| level(row) + noise()).collect();
        let name = Arc::new(SeriesName { group: Vec::new(), columns: vec!["x".to_owned()] });
        let mut learning = PerSeries::new();
        learning.entry(&name, || Learning::new(name.clone(), z_score()));
        let mut suspects = Suspects { most, ..Suspects::new(THRESHOLD) };
        for (at, readings) in readings.chunks(BATCH).enumerate() {
            let series = batch(&name, 1 + at * BATCH, readings);
            learning.entries[0].accumulator.observe(&series.frame()).expect("one channel");
            suspects.take(&series, 0, &learning).expect("one channel");
        }
        assert!(suspects.suspects.len() <= most + BATCH, "held {}", suspects.suspects.len());
        let accumulator = learning.entries.remove(0).accumulator;
        let model = accumulator.finish().expect("enough rows");
        let tally = SeriesTally::new(name.clone());

        let (mut again, mut keep) = (tally.clone(), Keep::strangest(None));
        let whole = batch(&name, 1, &readings);
        rate(&whole, model.as_ref(), THRESHOLD, &mut again, &mut keep).expect("one channel");
        let second_pass = rated(keep);

        let mut models = [(tally, Some(model))];
        if !suspects.are_all(&models).expect("one channel") {
            return (None, second_pass);
        }
        let mut keep = Keep::strangest(None);
        suspects.judge(&mut models, &mut keep).expect("one channel");
        let tally = &models[0].0;
        assert_eq!((tally.judged, tally.anomalies), (again.judged, again.anomalies));
        (Some(rated(keep)), second_pass)
    }

    /// A row and the bits of its score.
    type Rated = (u64, u64);

    fn rated(keep: Keep) -> Vec<Rated> {
        let bits = |score: Option<f64>| score.expect("it was judged").to_bits();
        keep.into_order().0.iter().map(|found| (found.row, bits(found.score))).collect()
    }

    #[test]
    fn the_suspects_of_a_steady_level_are_all_that_a_second_pass_finds() {
        let spikes = |row: usize| if row % 997 == 3 { 9.0 } else { 0.0 };
        let (suspects, second_pass) = found(spikes, MOST);
        assert_eq!(suspects.expect("no second pass"), second_pass);
        assert!(second_pass.len() > 20);
    }

    #[test]
    fn suspects_of_a_narrow_beginning_are_let_go_of() {
        let widening = |row: usize| if row < 1500 { 0.0 } else { 5.0 * ((row % 7) as f64 - 3.0) };
        let (suspects, second_pass) = found(widening, 2000);
        assert_eq!(suspects.expect("no second pass"), second_pass);
    }

    #[test]
    fn where_normal_rows_turn_out_to_be_anomalies_a_second_pass_is_asked_for() {
        // The first rows make a wide model, to which those after them are normal.
        let level = |row: usize| match row {
            0..1000 if row.is_multiple_of(2) => 60.0,
            0..1000 => -60.0,
            1000..1500 => 40.0,
            _ => 0.0,
        };
        let (suspects, second_pass) = found(level, MOST);
        assert_eq!(suspects, None);
        assert!(second_pass.iter().any(|(row, _)| (1001..=1500).contains(row)));
    }

    #[test]
    fn too_many_suspects_are_given_up() {
        let (suspects, second_pass) = found(|_| 0.0, 100);
        assert_eq!(suspects, None);
        assert!(second_pass.len() > 100);
    }
}
