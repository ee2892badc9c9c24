//! Discords of a stream: its newest stretch against those before.

use std::collections::VecDeque;

use auscult_core::{
    DetectError, Detector, Explanation, LARGEST_READING, Sample, Score, SettingError, Settings,
    Snapshot,
};
use serde::{Deserialize, Serialize};

use super::matrix_profile::{DEFAULT_WINDOW, METHOD, MatrixProfileSettings};
use super::profile::{distance, exclusion};
use super::windows::{Range, Shape};
use crate::shared::one_reading;

/// Distance of the newest stretch to the most similar one before it.
///
/// The left matrix profile of a stream: the newest `window` samples are compared,
/// after both are brought to mean 0 and deviation 1, with each of the last
/// `history` stretches that begin more than a quarter of a window earlier; the
/// score is the distance to the nearest. It equals the left profile of
/// `stumpy.stumpi` as long as the stream is no longer than `history`, also where
/// stretches are constant. It is high from the first sample that makes a stretch
/// odd until the stretch is over, one window at least.
///
/// One channel, evenly spaced; a stream has no automatic window but 100 samples.
/// Sees odd shapes, not odd levels. Forgets what is older than `history`. The
/// first three windows are warm-up; readings beyond 10,000 of its median absolute
/// deviations are held there. Time O(history x window) per sample, memory
/// O(history).
///
/// Reference: C.-C. M. Yeh et al., "Matrix profile I: all pairs similarity joins
/// for time series", ICDM 2016 (STAMPI, the incremental form). We compute each
/// correlation afresh, so that no rounding adds up in a stream without end, and
/// bound the history.
///
/// ```
/// use auscult_core::{Detector, Sample, Timestamp};
/// use auscult_detect::subsequence::{MatrixProfileDetector, MatrixProfileSettings};
/// let settings = MatrixProfileSettings { window: Some(20), ..Default::default() };
/// let mut detector = MatrixProfileDetector::new(settings)?;
/// let mut scores = Vec::new();
/// for second in 0..200 {
///     let beat = if (150..160).contains(&second) { 5 } else { second % 20 };
///     let sample = [beat as f64];
///     let score = detector.update(Sample::new(Timestamp::from_seconds(second), &sample)?)?;
///     scores.push(score.ready().unwrap_or(0.0));
/// }
/// assert!(scores[149] < 0.1 && scores[159] > 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MatrixProfileDetector {
    window: usize,
    history: usize,
    state: State,
    /// The last readings as shares of the range; empty during warm-up.
    shares: VecDeque<f64>,
    /// Of each full window of them, oldest first.
    shapes: VecDeque<Shape>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// The last readings: those of `history` windows.
    recent: VecDeque<f64>,
    /// Of the warm-up; `None` until it is over.
    range: Option<Range>,
}

const SNAPSHOT_VERSION: u32 = 1;

impl MatrixProfileDetector {
    /// A fresh detector of one channel.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for a value out of range, or a `history` of fewer than
    /// two windows.
    pub fn new(settings: MatrixProfileSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let window = settings.window.unwrap_or(DEFAULT_WINDOW);
        if settings.history < window.saturating_mul(2) {
            return Err(SettingError::Range {
                key: "history",
                value: settings.history.to_string(),
                range: "at least two windows",
            });
        }
        let state = State { recent: VecDeque::new(), range: None };
        let (shares, shapes) = (VecDeque::new(), VecDeque::new());
        Ok(Self { window, history: settings.history, state, shares, shapes })
    }

    /// Samples of the warm-up, and readings that are kept after it.
    fn warmup(&self) -> usize {
        3 * self.window
    }

    fn kept(&self) -> usize {
        self.history + self.window - 1
    }

    /// The newest window with `share` at its end, oldest first.
    fn newest(&self, share: f64) -> Vec<f64> {
        let first = self.shares.len() + 1 - self.window;
        self.shares.range(first..).copied().chain([share]).collect()
    }

    /// Correlation of the window `newest` with the most similar of those before
    /// it, and which one that is; `None` of none.
    fn nearest(&self, newest: &[f64], shape: Shape) -> Option<(usize, f64)> {
        // The newest window is the one after all that are known.
        let far = self.shapes.len().saturating_sub(exclusion(self.window));
        let (head, tail) = self.shares.as_slices();
        let correlation = |(at, other): (usize, &Shape)| {
            if let Some(correlation) = shape.by_convention(*other) {
                return (at, correlation);
            }
            let sum = |values: &[f64], newest: &[f64]| -> f64 {
                let pairs = values.iter().zip(newest);
                pairs.map(|(a, b)| (a - other.mean) * (b - shape.mean)).sum()
            };
            let split = head.len().saturating_sub(at).min(self.window);
            let first = if split > 0 { &head[at..at + split] } else { &[] };
            let start = (at + split).saturating_sub(head.len());
            let rest = &tail[start..start + self.window - split];
            let covariance = sum(first, newest) + sum(rest, &newest[split..]);
            (at, covariance * shape.inverse_norm * other.inverse_norm)
        };
        let known = self.shapes.range(..far).enumerate().map(correlation);
        known.reduce(|one, other| if other.1 > one.1 { other } else { one })
    }

    fn rate(&self, range: Range, reading: f64) -> f64 {
        let newest = self.newest(range.share(reading));
        let nearest = self.nearest(&newest, Shape::of(&newest));
        distance(nearest.map_or(-1.0, |(_, correlation)| correlation), self.window)
    }

    /// Takes `share` in as the newest.
    fn push(&mut self, share: f64) {
        if self.shares.len() + 1 >= self.window {
            let shape = Shape::of(&self.newest(share));
            self.shapes.push_back(shape);
        }
        self.shares.push_back(share);
        if self.shares.len() > self.kept() {
            self.shares.pop_front();
            self.shapes.pop_front();
        }
    }

    /// Fills what follows from the state.
    fn derive(&mut self) {
        self.shares.clear();
        self.shapes.clear();
        if let Some(range) = self.state.range {
            for at in 0..self.state.recent.len() {
                self.push(range.share(self.state.recent[at]));
            }
        }
    }
}

impl Detector for MatrixProfileDetector {
    fn channels(&self) -> usize {
        1
    }

    fn score(&self, sample: Sample<'_>) -> Result<Score, DetectError> {
        let reading = one_reading(sample)?;
        Ok(match self.state.range {
            None => Score::Warming(self.warmup() - self.state.recent.len()),
            Some(range) => Score::Ready(self.rate(range, reading)),
        })
    }

    fn learn(&mut self, sample: Sample<'_>) -> Result<(), DetectError> {
        let reading = one_reading(sample)?;
        self.state.recent.push_back(reading);
        if let Some(range) = self.state.range {
            self.push(range.share(reading));
            if self.state.recent.len() > self.kept() {
                self.state.recent.pop_front();
            }
        } else if self.state.recent.len() == self.warmup() {
            self.state.range = Some(Range::of(self.state.recent.make_contiguous()));
            while self.state.recent.len() > self.kept() {
                self.state.recent.pop_front();
            }
            self.derive();
        }
        Ok(())
    }

    fn explain(
        &self,
        sample: Sample<'_>,
        _threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        let reading = one_reading(sample)?;
        let Some(range) = self.state.range else { return Ok(None) };
        let newest = self.newest(range.share(reading));
        let shape = Shape::of(&newest);
        let expected = self.nearest(&newest, shape).map_or(shape.mean, |(at, correlation)| {
            // The line through the pairs of readings of the two windows, at the last.
            let other = self.shapes[at];
            let slope = if shape.inverse_norm > 0.0 {
                correlation * other.inverse_norm / shape.inverse_norm
            } else {
                0.0
            };
            shape.mean + slope * (self.shares[at + self.window - 1] - other.mean)
        });
        let expected = range.restore(expected).clamp(-LARGEST_READING, LARGEST_READING);
        Ok(Some(Explanation::of_one(expected, None, self.rate(range, reading))))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::write(METHOD.name, SNAPSHOT_VERSION, &self.state)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), DetectError> {
        let state: State = snapshot.read(METHOD.name, SNAPSHOT_VERSION)?;
        let held = state.recent.iter().all(|reading| reading.abs() <= LARGEST_READING);
        let fits = match state.range {
            None => state.recent.len() < self.warmup(),
            Some(range) => {
                let least = self.warmup().min(self.kept());
                range.is_sound() && (least..=self.kept()).contains(&state.recent.len())
            }
        };
        if !held || !fits {
            let reason = "it is of another `window` or `history`, or damaged";
            return Err(snapshot.refused(METHOD.name, reason));
        }
        self.state = state;
        self.derive();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::{Timestamp, serde_json};
    use serde_json::Value;

    use super::*;

    fn numbers(value: &Value) -> Vec<f64> {
        serde_json::from_value(value.clone()).expect("numbers")
    }

    fn scores(window: usize, history: usize, values: &[f64]) -> Vec<Option<f64>> {
        let settings = MatrixProfileSettings { window: Some(window), history };
        let mut detector = MatrixProfileDetector::new(settings).expect("in range");
        let rate = |value: &f64| {
            let sample = [*value];
            let sample = Sample::new(Timestamp::from_seconds(0), &sample).expect("finite");
            detector.update(sample).expect("one channel").ready()
        };
        values.iter().map(rate).collect()
    }

    /// The left profile of `golden/subsequence.py`; tolerance 1e-6.
    #[test]
    fn the_left_profile_equals_stumpi() {
        let text = include_str!("../../tests/golden/subsequence.json");
        let golden: Value = serde_json::from_str(text).expect("JSON");
        for (number, case) in golden["streams"].as_array().expect("cases").iter().enumerate() {
            let window = case["window"].as_u64().expect("whole") as usize;
            let values = numbers(&case["values"]);
            let expected = numbers(&case["left_profile"]);
            let scores = scores(window, 10_000, &values);
            for at in 3 * window..values.len() {
                let ours = scores[at].expect("the warm-up is over");
                let expected = expected[at + 1 - window];
                assert!((ours - expected).abs() < 1e-6, "stream {number}, {at}: {ours} {expected}");
            }
        }
    }

    #[test]
    fn what_is_older_than_the_history_is_strange_again() {
        // A dip that comes twice, 300 samples apart.
        let value = |at: usize| {
            let dip = if at % 300 >= 280 && at >= 200 { 3.0 } else { 0.0 };
            ((at % 12) as f64).sin() - dip
        };
        let values: Vec<f64> = (0..600).map(value).collect();
        let top = |scores: Vec<Option<f64>>| {
            scores[570..].iter().map(|score| score.expect("warm")).fold(0.0, f64::max)
        };
        let (long, short) = (top(scores(24, 2000, &values)), top(scores(24, 100, &values)));
        assert!(long < 0.1 && short > 1.0, "{long} {short}");
    }
}
