//! What a replica's process counts about itself, from its start on.

use crate::page::Histogram;

use super::EngineKind;

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It came to its end.
    Stop,
    /// It reached its limit.
    Length,
    /// The client gave up.
    Abort,
    /// It failed.
    Error,
    /// It was stopped because it repeats itself, which engines look for only when they are asked to.
    Repetition,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Stop, Self::Length, Self::Abort, Self::Error, Self::Repetition];

    /// Its label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Abort => "abort",
            Self::Error => "error",
            Self::Repetition => "repetition",
        }
    }
}

/// Readings as of the last step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gauges {
    /// Running requests.
    pub running: f64,
    /// Waiting for room.
    pub waiting: f64,
    /// Waiting for something else: a grammar, an adapter's place, a cache that is handed over.
    pub deferred: f64,
    /// Of these, for a grammar.
    pub grammar: f64,
    /// Of these, for a cache.
    pub transfer: f64,
    /// Caches of prompts that wait to be fetched.
    pub offered: f64,
    /// Share of the longest answers that is reserved.
    pub reserved: f64,
    /// Share of the KV cache that requests hold.
    pub usage: f64,
    /// Blocks that requests hold.
    pub held: f64,
    /// Blocks that only remember.
    pub remembered: f64,
    /// Tokens of context of decoding requests.
    pub context: f64,
    /// Tokens a second given out in the second before.
    pub throughput: f64,
    /// Adapters loaded.
    pub adapters: f64,
    /// How evenly experts were used: 1 even.
    pub balance: f64,
}

/// Counters and distributions of one process.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named as the exporters name them")]
pub struct Meters {
    pub now: Gauges,
    pub prompt_tokens: u64,
    /// Of these, computed, found in the cache, handed over.
    pub prompt_sources: [u64; 3],
    pub generation_tokens: u64,
    pub queries: u64,
    pub hits: u64,
    pub preemptions: u64,
    pub retracted_input: u64,
    pub retracted_output: u64,
    /// By [`Reason`], in the order of [`Reason::ALL`].
    pub finished: [u64; 5],
    pub structured: u64,
    pub drafts: u64,
    pub draft_tokens: u64,
    pub accepted: Vec<f64>,
    pub corrupted: u64,
    pub media_queries: u64,
    pub media_hits: u64,
    pub transfer_failed: u64,
    pub expired: u64,
    pub graph_passes: u64,
    pub eager_passes: u64,
    pub decode_seconds: f64,
    pub extend_seconds: f64,
    pub computed: u64,
    pub cached: u64,
    pub decoded: u64,
    pub grammars: u64,
    pub grammar_hits: u64,
    pub recomputed: u64,
    /// Steps, whether they gave anything out or not.
    pub steps: u64,
    /// Tokens of the longest sequence that ended.
    pub longest: u64,
    pub ttft: Histogram,
    pub itl: Histogram,
    pub tpot: Histogram,
    pub e2e: Histogram,
    pub queue: Histogram,
    pub inference: Histogram,
    pub prefill: Histogram,
    pub decode: Histogram,
    pub prompt_length: Histogram,
    pub output_length: Histogram,
    pub max_tokens: Histogram,
    pub computed_length: Histogram,
    pub params_n: Histogram,
    pub iteration: Histogram,
    pub transfer: Histogram,
    transfer_unit: f64,
    pub compile: Histogram,
    pub retractions: Histogram,
}

/// Bounds of one engine's histograms.
struct Bounds {
    ttft: &'static [f64],
    itl: &'static [f64],
    request: &'static [f64],
    queue: &'static [f64],
    transfer: &'static [f64],
    /// Units of a second of its transfers.
    transfer_unit: f64,
}

// vLLM, `vllm/v1/metrics/loggers.py`, and SGLang, `sglang/srt/metrics/collector.py`.
const VLLM: Bounds = Bounds {
    ttft: &[
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
    ],
    itl: &[
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
        20.0, 40.0, 80.0,
    ],
    request: VLLM_REQUEST,
    queue: VLLM_REQUEST,
    transfer: VLLM_TRANSFER,
    transfer_unit: 1.0,
};
const VLLM_REQUEST: &[f64] = &[
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0,
    480.0, 960.0, 1920.0, 7680.0,
];
const SGLANG: Bounds = Bounds {
    ttft: &[
        0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0,
        200.0, 400.0,
    ],
    itl: &[
        0.002, 0.004, 0.006, 0.008, 0.010, 0.015, 0.020, 0.025, 0.030, 0.035, 0.040, 0.060, 0.080,
        0.100, 0.200, 0.400, 0.600, 0.800, 1.0, 2.0, 4.0, 6.0, 8.0,
    ],
    request: &[
        0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0,
        200.0, 400.0, 600.0, 1200.0, 1800.0, 2400.0,
    ],
    queue: &[
        0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0,
        70.0, 80.0, 90.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0,
        1200.0, 1400.0, 1600.0, 1800.0, 2000.0, 2500.0, 3000.0,
    ],
    transfer: &[
        1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0,
    ],
    transfer_unit: 1000.0,
};
/// 1, 2, 5 and their tenfolds, as vLLM makes them up to the longest context.
const LENGTHS: &[f64] = &[
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
    1000.0,
    2000.0,
    5000.0,
    10_000.0,
    20_000.0,
    50_000.0,
    100_000.0,
    200_000.0,
    500_000.0,
    1_000_000.0,
];
const PARAMS_N: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0];
const ITERATION: &[f64] =
    &[1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16_384.0];
const VLLM_TRANSFER: &[f64] =
    &[0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 5.0, 10.0];
const COMPILE: &[f64] = &[
    0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 90.0, 120.0, 240.0,
];
const RETRACTIONS: &[f64] = &[
    0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0,
    75.0, 100.0,
];

impl Meters {
    /// Nothing counted; `longest` is the longest context, `drafts` the guesses of a draft.
    pub fn new(engine: EngineKind, longest: u32, drafts: u32) -> Self {
        let bounds = match engine {
            // llama.cpp shows no distributions.
            EngineKind::Vllm | EngineKind::LlamaCpp => VLLM,
            EngineKind::Sglang => SGLANG,
        };
        let lengths = LENGTHS.partition_point(|bound| *bound <= f64::from(longest));
        let lengths = || Histogram::new(&LENGTHS[..lengths]);
        let request = || Histogram::new(bounds.request);
        Self {
            now: Gauges::default(),
            prompt_tokens: 0,
            prompt_sources: [0; 3],
            generation_tokens: 0,
            queries: 0,
            hits: 0,
            preemptions: 0,
            retracted_input: 0,
            retracted_output: 0,
            finished: [0; 5],
            structured: 0,
            drafts: 0,
            draft_tokens: 0,
            accepted: vec![0.0; drafts as usize],
            corrupted: 0,
            media_queries: 0,
            media_hits: 0,
            transfer_failed: 0,
            expired: 0,
            graph_passes: 0,
            eager_passes: 0,
            decode_seconds: 0.0,
            extend_seconds: 0.0,
            computed: 0,
            cached: 0,
            decoded: 0,
            grammars: 0,
            grammar_hits: 0,
            recomputed: 0,
            steps: 0,
            longest: 0,
            ttft: Histogram::new(bounds.ttft),
            itl: Histogram::new(bounds.itl),
            tpot: Histogram::new(bounds.itl),
            e2e: request(),
            queue: Histogram::new(bounds.queue),
            inference: request(),
            prefill: request(),
            decode: request(),
            prompt_length: lengths(),
            output_length: lengths(),
            max_tokens: lengths(),
            computed_length: lengths(),
            params_n: Histogram::new(PARAMS_N),
            iteration: Histogram::new(ITERATION),
            transfer: Histogram::new(bounds.transfer),
            transfer_unit: bounds.transfer_unit,
            compile: Histogram::new(COMPILE),
            retractions: Histogram::new(RETRACTIONS),
        }
    }

    /// Takes in a transfer of a cache that took so many seconds.
    pub fn transferred(&mut self, seconds: f64) {
        self.transfer.observe(seconds * self.transfer_unit);
    }

    /// A request ended.
    pub fn finish(&mut self, reason: Reason) {
        self.finished[reason as usize] += 1;
    }

    /// Requests that ended, whatever the reason.
    pub fn ended(&self) -> u64 {
        self.finished.iter().sum()
    }

    /// Guesses of the draft that were right.
    pub fn accepted_tokens(&self) -> f64 {
        self.accepted.iter().map(|position| position.floor()).sum()
    }
}
