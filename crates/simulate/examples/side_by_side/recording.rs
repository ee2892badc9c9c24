//! The real recording and its simulation.

use std::io::Read;

use super::table::{Fault, Table};
use super::{page, play};

const METRICS: &[u8] = include_bytes!("../../../../examples/data/llama_cpp/metrics.csv.gz");
const TRUTH: &str = include_str!("../../../../examples/data/llama_cpp/truth.csv");

pub(crate) struct Both {
    pub(crate) real: Table,
    pub(crate) simulated: Table,
    pub(crate) faults: Vec<Fault>,
}

/// Seed of the page; another gives other requests.
const SEED: u64 = 1;

pub(crate) fn both() -> Both {
    let mut metrics = String::new();
    flate2::read::GzDecoder::new(METRICS).read_to_string(&mut metrics).expect("it can be unpacked");
    let (real, faults) = Table::read(&metrics, TRUTH);
    let seconds = real.seconds.last().copied().unwrap_or_default() as u64;
    // Requests a second before the first fault, by their prompts of 62.7 tokens: the mean of a log-normal
    // with median 60 and a spread of 0.3.
    let calm = real.readings("llamacpp:prompt_tokens_total", true);
    let calm: Vec<f64> = calm
        .iter()
        .filter(|(at, value)| *at < faults[0].from && value.is_finite())
        .map(|(_, value)| *value)
        .collect();
    let rate = calm.iter().sum::<f64>() / calm.len() as f64 / 62.7;
    let simulated = play::play(seconds, rate, &faults, SEED);
    Both { real, simulated, faults }
}

impl Both {
    pub(crate) fn document(&self) -> String {
        page::document(&self.real, &self.simulated, &self.faults)
    }

    pub(crate) fn picture(&self) -> String {
        page::picture(&self.real, &self.simulated, &self.faults)
    }
}
