//! Real and simulated responses to a fault, signal by signal.

use super::table::{Fault, Table};

/// A signal that is held against its simulation.
pub(crate) struct Signal {
    pub(crate) column: &'static str,
    pub(crate) is_counter: bool,
    pub(crate) about: &'static str,
}

pub(crate) const fn level(column: &'static str, about: &'static str) -> Signal {
    Signal { column, is_counter: false, about }
}

pub(crate) const fn rate(column: &'static str, about: &'static str) -> Signal {
    Signal { column, is_counter: true, about }
}

/// What is compared.
pub(crate) const SIGNALS: &[Signal] = &[
    level("up", "share of scrapes that were answered"),
    level("scrape_duration_seconds", "seconds of a scrape"),
    level("llamacpp:requests_processing", "requests with a slot"),
    level("llamacpp:requests_deferred", "requests without one"),
    rate("llamacpp:prompt_tokens_total", "prompt tokens a second"),
    rate("llamacpp:tokens_predicted_total", "tokens of ended answers a second"),
    rate("llamacpp:n_decode_total", "turns of the loop a second"),
    level("llamacpp:prompt_tokens_seconds", "prompt tokens a second of computing"),
    level("llamacpp:predicted_tokens_seconds", "tokens a second of answering"),
];

/// Seconds of calm before a fault that it is held against, and after it is over.
const BEFORE: f64 = 30.0;
const AFTER: f64 = 30.0;

/// Share of the seconds that must have been read for a mean.
const LEAST_READ: f64 = 0.1;

/// Means before, in and after a fault; not a number where nothing was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Response {
    pub(crate) before: f64,
    pub(crate) during: f64,
    pub(crate) after: f64,
}

impl Response {
    pub(crate) fn of(table: &Table, signal: &Signal, fault: &Fault) -> Self {
        let readings = table.readings(signal.column, signal.is_counter);
        let mean = |from: f64, to: f64| {
            let within = readings.iter().filter(|(at, _)| *at >= from && *at < to);
            let all: Vec<f64> = within.map(|(_, value)| *value).collect();
            let values: Vec<f64> = all.iter().copied().filter(|value| value.is_finite()).collect();
            if (values.len() as f64) < LEAST_READ * all.len() as f64 {
                return f64::NAN;
            }
            values.iter().sum::<f64>() / values.len() as f64
        };
        let over = fault.drained.max(fault.to);
        Self {
            before: mean(fault.from - BEFORE, fault.from),
            // What is scraped in the second of the beginning belongs to before.
            during: mean(fault.from + 1.0, fault.to),
            after: mean(over + 2.0, over + 2.0 + AFTER),
        }
    }

    /// What it does, in a word.
    pub(crate) fn word(&self) -> &'static str {
        let Self { before, during, .. } = *self;
        if during.is_nan() {
            return "absent";
        }
        // Of next to nothing any share is much.
        let least = 0.1_f64.min(0.5 * before.abs()).max(0.02);
        match during - before {
            away if away.abs() < least => "steady",
            away if away > 0.0 && during > 1.5 * before => "rises",
            away if away < 0.0 && during < 0.67 * before => "falls",
            _ => "steady",
        }
    }
}
