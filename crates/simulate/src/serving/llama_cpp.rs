//! llama.cpp's server: a fixed number of slots, one loop that computes a batch for all of them, a queue before it.
//!
//! In each turn of the loop a batch is made of the next token of every slot that answers, and of
//! prompts up to the size of a batch. Whoever finds no slot is deferred. `/metrics` is answered beside the loop: in
//! the recording of a real one (`examples/data/llama_cpp`) scrapes take no longer while turns take half a second. Tokens of
//! an answer are counted when it ends, also with its client.
//!
//! Source: llama.cpp, `tools/server` (`update_slots`, `server_metrics`), and that recording.

use std::collections::VecDeque;

/// What the server is and how fast it computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LlamaSpec {
    /// Requests that are worked on at once: `--parallel`.
    pub slots: usize,
    /// Most tokens of a batch: `--batch-size`.
    pub batch: u64,
    /// Seconds of a turn, whatever is in it.
    pub turn_seconds: f64,
    /// Seconds more for each token of the batch.
    pub token_seconds: f64,
    /// Seconds more for each token before such a token in its sequence.
    pub context_seconds: f64,
    /// Seconds from a start of the program until it answers.
    pub start_seconds: f64,
}

/// What is asked of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LlamaRequest {
    /// Number of the client's choice.
    pub id: u64,
    /// When it arrives.
    pub time: f64,
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens of the answer.
    pub answer: u64,
    /// When its client goes away.
    pub deadline: f64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LlamaOutcome {
    /// What was asked.
    pub request: LlamaRequest,
    /// When it ended.
    pub time: f64,
    /// Whether it was answered to its end.
    pub is_answered: bool,
}

/// What holds in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LlamaConditions {
    /// Share of a processor that it gets, above 0.
    pub cpu: f64,
    /// Whether it is stopped, as by `SIGSTOP`.
    pub is_stopped: bool,
}

impl Default for LlamaConditions {
    fn default() -> Self {
        Self { cpu: 1.0, is_stopped: false }
    }
}

/// What the server counts of itself since it started, and between two scrapes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LlamaMeters {
    /// Prompt tokens, as prompts are done.
    pub prompt_tokens: u64,
    /// Seconds that prompts took, those of one turn each for itself.
    pub prompt_seconds: f64,
    /// Tokens of answers, as these end.
    pub predicted_tokens: u64,
    /// Seconds that answers took.
    pub predicted_seconds: f64,
    /// Turns of the loop.
    pub decodes: u64,
    /// Slots at work in these, summed.
    pub busy_slots: u64,
    /// Tokens of the longest sequence.
    pub most_tokens: u64,
    /// Prompt tokens, their seconds, tokens of answers, their seconds since the last scrape.
    pub since_scrape: [f64; 4],
    /// Slots at work.
    pub processing: usize,
    /// Requests without a slot.
    pub deferred: usize,
}

impl LlamaMeters {
    /// An answer ended, by itself or with its client.
    fn answered(&mut self, slot: &Slot, now: f64) {
        if slot.made == 0 {
            return;
        }
        let seconds = now - slot.first_token;
        self.predicted_tokens += slot.made;
        self.predicted_seconds += seconds;
        self.since_scrape[2] += slot.made as f64;
        self.since_scrape[3] += seconds;
    }
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    request: LlamaRequest,
    left: u64,
    made: u64,
    began: f64,
    first_token: f64,
}

/// The server.
///
/// ```
/// use auscult_simulate::serving::{LlamaConditions, LlamaRequest, LlamaServer, LlamaSpec};
///
/// let spec = LlamaSpec { slots: 1, batch: 2048, turn_seconds: 0.01, token_seconds: 0.01, context_seconds: 0.0, start_seconds: 1.0 };
/// let mut server = LlamaServer::new(spec);
/// let request = LlamaRequest { id: 1, time: 0.0, prompt: 9, answer: 11, deadline: 60.0 };
/// let mut outcomes = Vec::new();
/// server.advance(1.0, &[request, LlamaRequest { id: 2, ..request }], LlamaConditions::default(), &mut outcomes);
/// // A turn for the prompt and its first token, and ten for the others.
/// assert!((outcomes[0].time - 0.3).abs() < 1e-9 && (outcomes[1].time - 0.6).abs() < 1e-9);
/// ```
#[derive(Debug, Clone)]
pub struct LlamaServer {
    spec: LlamaSpec,
    slots: Vec<Option<Slot>>,
    deferred: VecDeque<LlamaRequest>,
    meters: LlamaMeters,
    now: f64,
    /// Seconds of a whole processor that the turn under way needs still; none if there is none.
    turn: Option<f64>,
    /// Tokens of each slot in it.
    chunks: Vec<u64>,
    /// When it answers again after a start; it is down before.
    serves: f64,
}

impl LlamaServer {
    /// A server that was just started and is ready, at second 0.
    pub fn new(spec: LlamaSpec) -> Self {
        Self {
            spec,
            slots: vec![None; spec.slots],
            deferred: VecDeque::new(),
            meters: LlamaMeters::default(),
            now: 0.0,
            turn: None,
            chunks: vec![0; spec.slots],
            serves: 0.0,
        }
    }

    /// What it counts.
    pub fn meters(&self) -> &LlamaMeters {
        &self.meters
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        self.now >= self.serves
    }

    /// A scrape was answered: averages begin anew.
    pub fn scraped(&mut self) {
        self.meters.since_scrape = [0.0; 4];
    }

    /// Its process ends at once and is started again after `wait` seconds; everything inside fails.
    pub fn kill(&mut self, wait: f64, outcomes: &mut Vec<LlamaOutcome>) {
        let time = self.now;
        let inside = self.slots.iter().flatten().map(|slot| slot.request);
        let all = inside.chain(self.deferred.iter().copied());
        outcomes.extend(all.map(|request| LlamaOutcome { request, time, is_answered: false }));
        let serves = time + wait + self.spec.start_seconds;
        *self = Self { now: time, serves, ..Self::new(self.spec) };
    }

    /// Seconds until a request for metrics is answered that arrives now, under these conditions; none
    /// if it never is while they last.
    pub fn scrape_seconds(&self, conditions: LlamaConditions) -> Option<f64> {
        if conditions.is_stopped || !self.is_up() {
            return None;
        }
        Some(SCRAPE / conditions.cpu)
    }

    /// Goes on to second `to`. `arrivals` are in the order of time, none before the end of the last call.
    pub fn advance(
        &mut self,
        to: f64,
        arrivals: &[LlamaRequest],
        conditions: LlamaConditions,
        outcomes: &mut Vec<LlamaOutcome>,
    ) {
        let mut arrivals = arrivals.iter().copied().peekable();
        while self.now < to {
            while let Some(request) = arrivals.next_if(|request| request.time <= self.now) {
                self.arrive(request, outcomes);
            }
            self.drop_gone(outcomes);
            let next = arrivals.peek().map_or(to, |request| request.time.min(to));
            if conditions.is_stopped {
                self.now = next;
                continue;
            }
            if self.turn.is_none() {
                self.begin_turn();
            }
            let Some(left) = self.turn else {
                self.now = next;
                continue;
            };
            let ends = self.now + left / conditions.cpu;
            // What arrives within a turn waits for its end.
            let until = ends.min(to);
            self.turn = Some(left - (until - self.now) * conditions.cpu);
            self.now = until;
            if ends <= to {
                self.end_turn(outcomes);
            }
        }
        for request in arrivals {
            self.arrive(request, outcomes);
        }
        self.meters.processing = self.slots.iter().flatten().count();
        self.meters.deferred = self.deferred.len();
    }

    fn arrive(&mut self, request: LlamaRequest, outcomes: &mut Vec<LlamaOutcome>) {
        if !self.is_up() {
            outcomes.push(LlamaOutcome { request, time: request.time, is_answered: false });
        } else {
            self.deferred.push_back(request);
        }
    }

    /// Clients that went away.
    fn drop_gone(&mut self, outcomes: &mut Vec<LlamaOutcome>) {
        let now = self.now;
        let gone = |request: &LlamaRequest| request.deadline <= now;
        let mut leave = |request: LlamaRequest| {
            outcomes.push(LlamaOutcome { request, time: now, is_answered: false });
        };
        self.deferred.retain(|request| {
            if gone(request) {
                leave(*request);
            }
            !gone(request)
        });
        for slot in &mut self.slots {
            if let Some(held) = slot.filter(|held| gone(&held.request)) {
                leave(held.request);
                self.meters.answered(&held, now);
                *slot = None;
            }
        }
    }

    /// Free slots are given away, and a batch is made of what all slots need next.
    fn begin_turn(&mut self) {
        for slot in &mut self.slots {
            if slot.is_none()
                && let Some(request) = self.deferred.pop_front()
            {
                let (left, began) = (request.prompt.max(1), self.now);
                *slot = Some(Slot { request, left, made: 0, began, first_token: f64::NAN });
            }
        }
        let answering = self.slots.iter().flatten().filter(|slot| slot.left == 0).count() as u64;
        let mut room = self.spec.batch.saturating_sub(answering);
        let (mut tokens, mut context) = (0, 0.0);
        for (slot, chunk) in self.slots.iter().zip(&mut self.chunks) {
            *chunk = match slot {
                None => 0,
                Some(slot) if slot.left == 0 => 1,
                Some(slot) => {
                    let chunk = slot.left.min(room);
                    room -= chunk;
                    chunk
                }
            };
            tokens += *chunk;
            if let Some(slot) = slot {
                let before = (slot.request.prompt.max(1) - slot.left + slot.made) as f64;
                context += *chunk as f64 * (before + *chunk as f64 / 2.0);
            }
        }
        if tokens > 0 {
            let LlamaSpec { turn_seconds, token_seconds, context_seconds, .. } = self.spec;
            self.turn =
                Some(turn_seconds + token_seconds * tokens as f64 + context_seconds * context);
        }
    }

    /// Every slot has what the batch computed for it.
    fn end_turn(&mut self, outcomes: &mut Vec<LlamaOutcome>) {
        let now = self.now;
        self.turn = None;
        self.meters.decodes += 1;
        self.meters.busy_slots += self.chunks.iter().filter(|chunk| **chunk > 0).count() as u64;
        for (slot, chunk) in self.slots.iter_mut().zip(&self.chunks) {
            let Some(held) = slot.as_mut().filter(|_| *chunk > 0) else { continue };
            let was_prompt = held.left > 0;
            if was_prompt {
                held.left -= chunk;
                if held.left > 0 {
                    continue;
                }
                held.first_token = now;
                let (tokens, seconds) = (held.request.prompt, now - held.began);
                self.meters.prompt_tokens += tokens;
                self.meters.prompt_seconds += seconds;
                self.meters.since_scrape[0] += tokens as f64;
                self.meters.since_scrape[1] += seconds;
            }
            held.made += 1;
            let length = held.request.prompt + held.made;
            self.meters.most_tokens = self.meters.most_tokens.max(length);
            if held.made >= held.request.answer {
                self.meters.answered(held, now);
                outcomes.push(LlamaOutcome { request: held.request, time: now, is_answered: true });
                *slot = None;
            }
        }
    }
}

/// Processor seconds of answering a scrape: the recording's mean in calm.
const SCRAPE: f64 = 0.016;
