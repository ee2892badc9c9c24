//! What a method says of a sample.

use crate::Timestamp;

/// How unusual a sample is. Higher is stranger, in every method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Score {
    /// Too early to say; this many samples are still to be learnt.
    Warming(usize),
    /// Finite and at least 0; comparable within one method only.
    Ready(f64),
}

impl Score {
    /// The number, once there is one.
    #[must_use]
    pub fn ready(self) -> Option<f64> {
        match self {
            Self::Warming(_) => None,
            Self::Ready(score) => Some(score),
        }
    }
}

/// Why a sample scored as it did. Every vector has one entry per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The reading that would have been normal, in channel units.
    pub expected: Vec<f64>,
    /// Readings that would not have passed the threshold, the other channels
    /// being what they were; `None` where a method has no such range.
    pub band: Option<Vec<Band>>,
    /// Part of the score owed to each channel; sums to 1, or is all 0.
    pub share: Vec<f64>,
    /// When the departure began that this sample belongs to, not later than the
    /// sample; `None` where a method follows none.
    pub onset: Option<Timestamp>,
    /// What made the score, strongest first, each a clause in plain words such as
    /// "above the daily pattern for 6 samples"; may be empty. A channel stands in
    /// them as its number in braces, `{3}`: see [`Explanation::sentences`].
    pub reasons: Vec<String>,
}

impl Explanation {
    /// What was expected, which range, and which channels made the score.
    #[must_use]
    pub fn new(expected: Vec<f64>, band: Option<Vec<Band>>, share: Vec<f64>) -> Self {
        Self { expected, band, share, onset: None, reasons: Vec::new() }
    }

    /// The explanation of a one-channel score.
    #[must_use]
    pub fn of_one(expected: f64, band: Option<Band>, score: f64) -> Self {
        let share = if score > 0.0 { 1.0 } else { 0.0 };
        Self::new(vec![expected], band.map(|band| vec![band]), vec![share])
    }

    /// The reasons with the channels called by their names.
    ///
    /// ```
    /// use auscult_core::Explanation;
    /// let mut why = Explanation::new(vec![1.0, 2.0], None, vec![0.0, 1.0]);
    /// why.reasons.push("{1} is below the others".to_owned());
    /// assert_eq!(why.sentences(|channel| ["load", "power"][channel]), ["power is below the others"]);
    /// ```
    #[must_use]
    pub fn sentences<'a>(&self, name: impl Fn(usize) -> &'a str) -> Vec<String> {
        let named = |reason: &String| {
            let mut sentence = String::with_capacity(reason.len());
            let mut rest = reason.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                sentence.push_str(before);
                let channel = after.split_once('}').and_then(|(number, after)| {
                    let channel: usize = number.parse().ok()?;
                    (channel < self.expected.len()).then_some((channel, after))
                });
                match channel {
                    Some((channel, after)) => {
                        sentence.push_str(name(channel));
                        rest = after;
                    }
                    None => {
                        sentence.push('{');
                        rest = after;
                    }
                }
            }
            sentence + rest
        };
        self.reasons.iter().map(named).collect()
    }

    /// Scales `parts`, each at least 0, into shares that sum to 1.
    ///
    /// All 0 when no part is positive.
    #[must_use]
    pub fn shares(parts: &[f64]) -> Vec<f64> {
        let largest = parts.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 || !largest.is_finite() {
            return vec![0.0; parts.len()];
        }
        // Dividing by the largest first keeps the sum finite.
        let total: f64 = parts.iter().map(|part| part.max(0.0) / largest).sum();
        parts.iter().map(|part| part.max(0.0) / largest / total).collect()
    }
}

/// A closed range of readings, in channel units.
#[derive(
    Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Band {
    /// Lowest reading inside.
    pub low: f64,
    /// Highest reading inside.
    pub high: f64,
}

impl Band {
    /// The band that reaches `reach` to both sides of `centre`.
    #[must_use]
    pub fn around(centre: f64, reach: f64) -> Self {
        Self { low: centre - reach, high: centre + reach }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_even_when_parts_are_huge() {
        let shares = Explanation::shares(&[1e308, 1e308, 0.0]);
        assert_eq!(shares, [0.5, 0.5, 0.0]);
        assert_eq!(Explanation::shares(&[0.0, 0.0]), [0.0, 0.0]);
    }
}
