//! Requests of a recorded trace, over and over, in place of drawn ones.

use crate::conditions::ServiceConditions;
use crate::random::Random;

/// One request of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traced {
    /// Seconds since the trace's start.
    pub time: f64,
    /// Tokens of the prompt.
    pub prompt: u32,
    /// Tokens of the answer.
    pub output: u32,
}

/// A trace that begins again when it is over.
///
/// Such as the Azure LLM inference trace 2023 (P. Patel et al., "Splitwise", ISCA 2024): rows of
/// time, `ContextTokens` and `GeneratedTokens`. A surge repeats rows at other times of their second.
#[derive(Debug)]
pub struct Trace {
    rows: Vec<Traced>,
    /// Seconds from one beginning to the next.
    length: u64,
    /// The first row of each second.
    seconds: Vec<usize>,
}

impl Trace {
    /// `rows` in any order; `None` when there are none, or a time is not a number from 0 on.
    pub fn new(mut rows: Vec<Traced>) -> Option<Self> {
        if rows.is_empty() || rows.iter().any(|row| !row.time.is_finite() || row.time < 0.0) {
            return None;
        }
        rows.sort_by(|a, b| a.time.total_cmp(&b.time));
        let length = rows[rows.len() - 1].time.floor() as u64 + 1;
        let seconds = (0..=length)
            .map(|second| rows.partition_point(|row| row.time < second as f64))
            .collect();
        Some(Self { rows, length, seconds })
    }

    /// Requests a second in the mean.
    pub fn rate(&self) -> f64 {
        self.rows.len() as f64 / self.length as f64
    }

    /// What is asked in `second` of the run: number, time and row.
    pub(super) fn of_second(
        &self,
        second: u64,
        seed: u64,
        conditions: &ServiceConditions,
    ) -> Vec<(u64, f64, Traced)> {
        let (round, place) = (second / self.length, (second % self.length) as usize);
        let mut asked = Vec::new();
        for index in self.seconds[place]..self.seconds[place + 1] {
            let row = self.rows[index];
            let id = (round << 36) | ((index as u64) << 8);
            let mut random = Random::member(seed, "trace", id);
            let copies = conditions.arrivals.clamp(0.0, 255.0) + random.uniform();
            // The one of the trace comes at its time; a surge's others within the same second.
            for copy in 0..copies.floor() as u64 {
                let part = if copy == 0 { row.time - place as f64 } else { random.uniform() };
                asked.push((id | copy, second as f64 + part, row));
            }
        }
        asked
    }
}
