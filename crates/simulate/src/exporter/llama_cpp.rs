//! The page of llama.cpp's server, started with `--metrics`.
//!
//! Names, types and the six digits that it prints: llama.cpp, `tools/server`; a recording of a real one
//! is in `examples/data/llama_cpp`. Its quirks are kept: tokens are counted when a prompt is done and when an answer
//! ends, speeds are averages since the last scrape, `n_busy_slots_per_decode` is the mean since the start,
//! `n_tokens_max` only grows.

use crate::page::{Kind, Page, PageBuilder, Values};
use crate::serving::{LlamaServer, Replica};

/// Counters before and behind the longest sequence, which is a counter without the usual ending.
const COUNTERS: [&[(&str, &str)]; 2] = [
    &[
        ("prompt_tokens", "Prompt tokens computed."),
        ("prompt_tokens_cached", "Prompt tokens found in the cache."),
        ("prompt_seconds", "Seconds that prompts took."),
        ("tokens_predicted", "Tokens of answers."),
        ("tokens_predicted_seconds", "Seconds that answers took."),
        ("n_decode", "Turns of the loop."),
    ],
    &[
        ("spec_decode_num_draft_tokens", "Tokens guessed."),
        ("spec_decode_num_accepted_tokens", "Guesses accepted."),
        ("spec_decode_num_drafts", "Drafts."),
    ],
];

/// The page of a server at `instance`.
pub fn page(instance: &str) -> Page {
    let mut page = PageBuilder::new("llama.cpp", instance, &[]);
    let [before, behind] = COUNTERS;
    let counters = |page: &mut PageBuilder, all: &[(&str, &str)]| {
        all.iter().for_each(|(name, about)| page.counter(&format!("llamacpp:{name}"), about));
    };
    counters(&mut page, before);
    let about = "Tokens of the longest sequence.";
    page.family(Kind::Counter, "llamacpp:n_tokens_max", "", about, &[&[]]);
    counters(&mut page, behind);
    page.gauge("llamacpp:prompt_tokens_seconds", "Prompt tokens a second since the last scrape.");
    page.gauge("llamacpp:predicted_tokens_seconds", "Tokens a second since the last scrape.");
    page.gauge("llamacpp:requests_processing", "Requests with a slot.");
    page.gauge("llamacpp:requests_deferred", "Requests without a slot.");
    page.gauge("llamacpp:n_busy_slots_per_decode", "Slots at work in a turn, since the start.");
    page.build()
}

/// Writes the values of the page.
pub fn write(server: &LlamaServer, values: &mut Values) {
    let meters = server.meters();
    let quotient = |above: f64, below: f64| if below > 0.0 { above / below } else { 0.0 };
    let [prompt, prompt_seconds, predicted, predicted_seconds] = meters.since_scrape;
    let busy = quotient(meters.busy_slots as f64, meters.decodes as f64);
    for value in [
        meters.prompt_tokens as f64,
        0.0,
        meters.prompt_seconds,
        meters.predicted_tokens as f64,
        meters.predicted_seconds,
        meters.decodes as f64,
        meters.most_tokens as f64,
        0.0,
        0.0,
        0.0,
        quotient(prompt, prompt_seconds),
        quotient(predicted, predicted_seconds),
        meters.processing as f64,
        meters.deferred as f64,
        busy,
    ] {
        values.push(six_digits(value));
    }
}

/// Writes the values of the page of a replica in a fleet. Its speeds are those since the start: who
/// scraped last is not known there.
pub fn write_replica(replica: &Replica, values: &mut Values) {
    let meters = replica.meters();
    let quotient = |above: f64, below: f64| if below > 0.0 { above / below } else { 0.0 };
    let [computed, cached, _] = meters.prompt_sources.map(|tokens| tokens as f64);
    let answers = meters.generation_tokens as f64;
    let (prompts, answering) = (meters.prefill.sum(), meters.decode.sum());
    for value in [
        computed + replica.counted_twice() as f64,
        cached,
        prompts,
        answers,
        answering,
        meters.steps as f64,
        meters.longest as f64,
        meters.draft_tokens as f64,
        meters.accepted_tokens(),
        meters.drafts as f64,
        quotient(computed, prompts),
        quotient(answers, answering),
        meters.now.running,
        meters.now.waiting + meters.now.deferred,
        quotient(meters.decoded as f64, meters.steps as f64),
    ] {
        values.push(six_digits(value));
    }
}

/// As `printf("%g")` prints it.
fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_kept() {
        assert_eq!(
            [1_234_567.0, 0.001_234_567_8, 0.0].map(six_digits),
            [1_234_570.0, 0.001_234_57, 0.0]
        );
    }
}
