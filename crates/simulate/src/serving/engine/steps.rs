//! The steps: prompts in chunks, tokens of answers, many alike at once; and what each reports.

use super::super::slot::{Place, Slot};
use super::super::{EngineKind, Reason, Role, Work};
use super::{
    EAGER_OVERHEAD, End, Engine, Event, GRAMMAR_HOST, HANDOVER, HANDOVER_LEASE, HANDOVER_SECONDS,
    LARGEST_GRAPH, REQUEST_HOST, STEP_HOST, Step, Tick,
};
use crate::random::Random;

impl Engine {
    /// Tokens that each decoding request makes a step, in the mean.
    fn gain(&self, tick: &Tick<'_>) -> f64 {
        let (mut gain, mut right) = (1.0, 1.0);
        for _ in 0..self.spec.drafts {
            right *= (self.spec.acceptance * tick.conditions.acceptance).clamp(0.0, 1.0);
            gain += right;
        }
        gain
    }

    /// What a step with this work costs, with the host's part.
    fn step(&self, work: &Work, requests: f64, tick: &Tick<'_>) -> Step {
        let cost = self.roofline.cost(work);
        let host = (STEP_HOST + REQUEST_HOST * requests) * tick.conditions.step_overhead
            + GRAMMAR_HOST * f64::from(self.structured);
        let seconds = (cost.gpu + host / tick.cpu.max(0.01)) * self.jitter + self.stall;
        Step { cost, seconds }
    }

    /// Counts the part of `steps` such steps, which begin at the clock, that lies within the tick.
    fn account(&mut self, step: &Step, steps: f64, tick: &Tick<'_>) {
        let (begin, seconds) = (self.clock, step.seconds * steps);
        let within = (begin + seconds).min(tick.to) - begin.max(tick.from);
        let part = steps * (within / seconds).clamp(0.0, 1.0);
        self.usage.active += step.cost.gpu * part;
        self.usage.tensor += step.cost.tensor * part;
        self.usage.memory += step.cost.memory * part;
        self.usage.waiting += step.cost.waiting * part;
        self.usage.link_bytes += step.cost.link_bytes * part;
    }

    /// The step does not end within the tick: it goes on in the next.
    fn under_way(&mut self, step: &Step, tick: &Tick<'_>) -> bool {
        self.account(step, 1.0, tick);
        self.under_way = step.seconds;
        false
    }

    fn stepped(&mut self, step: &Step, steps: f64) {
        self.clock += step.seconds * steps;
        self.under_way = step.seconds;
        self.stall = 0.0;
        self.preempting = false;
        self.jitter = 1.0 + 0.015 * self.random.normal().clamp(-3.0, 3.0);
    }

    /// A step with chunks of prompts; false when it does not end within the tick.
    pub(super) fn chunk_step(&mut self, tick: &mut Tick<'_>) -> bool {
        let mixed = self.spec.engine.mixes();
        let gain = self.gain(tick);
        if mixed {
            self.make_room(self.batch.tokens_in(1, gain), tick);
            if self.pending == 0 {
                return true;
            }
        }
        let members = if mixed { self.batch.members() } else { 0 };
        let (prompt, attention) = self.plan_chunks(members, tick);
        let verified = f64::from(1 + self.spec.drafts);
        let work = Work {
            tokens: prompt as f64 + members as f64 * verified,
            context: if mixed { self.batch.context() as f64 } else { 0.0 },
            attention,
            drafts: if members > 0 { f64::from(self.spec.drafts) } else { 0.0 },
        };
        let step = self.step(&work, members as f64 + self.chunks.len() as f64, tick);
        if self.clock + step.seconds > tick.to {
            return self.under_way(&step, tick);
        }
        self.account(&step, 1.0, tick);
        self.stepped(&step, 1.0);
        if !mixed && self.batch.members() > 0 {
            self.since += step.seconds;
        }
        tick.meters.steps += 1;
        tick.meters.extend_seconds += step.cost.gpu;
        tick.meters.computed += prompt;
        let mut tokens = 0;
        if members > 0 {
            tokens = self.give_tokens(1, gain, step.seconds, tick);
        }
        let (firsts, prompts) = self.finish_chunks(tick);
        tokens += firsts;
        tick.meters.generation_tokens += self.counts_as_made(tokens);
        self.usage.tokens += tokens;
        if tokens > 0 {
            tick.meters.iteration.observe((tokens + prompts) as f64);
        }
        self.finish_ended(tick);
        true
    }

    /// Which prompts advance by how much, first come first; returns their tokens and the work of attention.
    fn plan_chunks(&mut self, members: u64, tick: &Tick<'_>) -> (u64, f64) {
        let scaled = f64::from(self.spec.step_tokens) * tick.conditions.step_tokens;
        let decoding = members * u64::from(1 + self.spec.drafts);
        let mut budget = (scaled.round().max(1.0) as u64).saturating_sub(decoding).max(16);
        let (mut total, mut attention) = (0, 0.0);
        self.chunks.clear();
        while let Some((index, generation)) = self.prefilling.front().copied() {
            let live = self.slots.live(index, generation);
            if live.is_some_and(|slot| slot.place == Place::Prefill) {
                break;
            }
            self.prefilling.pop_front();
        }
        for (index, generation) in &self.prefilling {
            let live = self.slots.live(*index, *generation);
            let Some(slot) = live.filter(|slot| slot.place == Place::Prefill) else { continue };
            if budget == 0 {
                break;
            }
            let chunk = budget.min(u64::from(slot.to_compute));
            let before = f64::from(slot.context - slot.to_compute);
            attention += self.roofline.attention(before, chunk as f64);
            budget -= chunk;
            total += chunk;
            self.chunks.push((*index, chunk as u32));
        }
        (total, attention)
    }

    /// The chunks are computed: who is done gives its first token. Returns how many, and the tokens of their prompts.
    fn finish_chunks(&mut self, tick: &mut Tick<'_>) -> (u64, u64) {
        let (mut firsts, mut prompts) = (0, 0);
        for chunk in 0..self.chunks.len() {
            let (index, tokens) = self.chunks[chunk];
            self.pending -= u64::from(tokens);
            let slot = self.slots.get_mut(index);
            slot.to_compute -= tokens;
            if slot.to_compute > 0 {
                continue;
            }
            firsts += 1;
            if slot.first_token.is_none() {
                prompts += u64::from(slot.request.prompt);
            }
            self.first_token(index, tick);
        }
        (firsts, prompts)
    }

    /// A prompt is done.
    fn first_token(&mut self, index: u32, tick: &mut Tick<'_>) {
        let clock = self.clock;
        let slot = self.slots.get_mut(index);
        if slot.first_token.is_none() {
            slot.first_token = Some(clock + tick.lag);
            tick.meters.ttft.observe(clock + tick.lag - slot.arrived);
            if self.spec.engine.counts_prompts_when_done() {
                count_prompt(slot, tick);
            }
        }
        let slot = *slot;
        if self.spec.role == Role::Prefill {
            return self.hand_over(index, &slot, tick);
        }
        let left = slot.request.output - slot.made - 1;
        // The batch counts it from here on; one without more tokens leaves at once.
        self.joined += i64::from(slot.context);
        self.tickets = self.tickets.wrapping_add(1);
        let ticket = self.tickets;
        let joined = self.batch.join(slot.context, left, index, ticket);
        self.pictures -= slot.request.media;
        let slot = self.slots.get_mut(index);
        (slot.joined, slot.ticket) = (joined, ticket);
        slot.place = Place::Decode;
    }

    /// The cache of a prompt is offered to the replica that makes the answer.
    fn hand_over(&mut self, index: u32, slot: &Slot, tick: &mut Tick<'_>) {
        let conditions = tick.conditions;
        let mut random = Random::member(tick.seed, "hand-over", slot.request.id);
        let broken = random.chance(conditions.failed_transfers);
        let stale = random.chance(conditions.stale_transfers);
        let bytes = f64::from(slot.request.prompt) * self.spec.model.kv_token_bytes();
        let speed = HANDOVER * f64::from(self.spec.gpus) * tick.fabric * conditions.transfer_speed;
        // One after another over the same links; what is not fetched before its lease ends is dropped.
        let begin = self.clock.max(self.link);
        let ready = begin + HANDOVER_SECONDS + bytes / speed.max(1e3);
        let lease = self.clock + HANDOVER_LEASE;
        let failed = broken || ready > lease;
        if !failed {
            self.link = ready - HANDOVER_SECONDS;
            self.usage.handed_bytes += bytes;
        }
        self.report(slot, 1, End::Length, tick);
        self.leave(slot, End::HandedOff { ready, failed, stale }, self.clock, tick);
        tick.meters.expired += u64::from(failed);
        let release = if failed { lease } else { ready };
        self.unrun(index);
        self.slots.get_mut(index).place = Place::Held;
        self.offered += 1;
        self.push(release, Event::Release, index, slot.generation);
    }

    /// Steps in which nothing but answers advances; false when the next does not end within the tick.
    pub(super) fn decode_steps(&mut self, tick: &mut Tick<'_>) -> bool {
        let gain = self.gain(tick);
        self.make_room(self.batch.tokens_in(1, gain), tick);
        let members = self.batch.members();
        if members == 0 {
            // All were preempted: whoever waits is admitted first.
            return self.running > 0 || self.waits > 0;
        }
        let slots = &self.slots;
        let ends = self.batch.steps_to_end(gain, |index, ticket| !slots.decodes(index, ticket));
        let verified = f64::from(1 + self.spec.drafts);
        let mut work = Work {
            tokens: members as f64 * verified,
            context: self.batch.context() as f64,
            attention: 0.0,
            drafts: f64::from(self.spec.drafts),
        };
        let first = self.step(&work, members as f64, tick);
        if self.clock + first.seconds > tick.to {
            return self.under_way(&first, tick);
        }
        let next = self.events.peek().map_or(f64::INFINITY, |next| f64::from_bits(next.0.0));
        let until = ((next.min(tick.to) - self.clock) / first.seconds).ceil().max(1.0);
        // A jitter holds for few steps, and so does the mean of a growing context.
        let mut steps = ends.min(until as u64).min(if self.stall > 0.0 { 1 } else { 64 });
        while steps > 1
            && self.batch.growth(self.batch.tokens_in(steps, gain)) > self.blocks.available()
        {
            steps /= 2;
        }
        work.context += members as f64 * gain * (steps - 1) as f64 / 2.0;
        let mut step = self.step(&work, members as f64, tick);
        while steps > 1 && self.clock + step.seconds * steps as f64 > tick.to {
            steps -= 1;
        }
        if self.clock + step.seconds > tick.to {
            step = first;
        }
        self.account(&step, steps as f64, tick);
        self.stepped(&step, steps as f64);
        tick.meters.steps += steps;
        tick.meters.decode_seconds += step.cost.gpu * steps as f64;
        let eager = tick.conditions.step_overhead >= EAGER_OVERHEAD || members > LARGEST_GRAPH;
        if eager {
            tick.meters.eager_passes += steps;
        } else {
            tick.meters.graph_passes += steps;
        }
        let tokens = self.give_tokens(steps, gain, step.seconds, tick);
        tick.meters.generation_tokens += self.counts_as_made(tokens);
        self.usage.tokens += tokens;
        let (each, more) = ((tokens / members) / steps, (tokens / members) % steps);
        tick.meters.iteration.observe_many((members * each) as f64, steps - more);
        tick.meters.iteration.observe_many((members * (each + 1)) as f64, more);
        self.finish_ended(tick);
        true
    }

    /// Those that are counted as they are made.
    fn counts_as_made(&self, tokens: u64) -> u64 {
        if self.spec.engine.counts_answers_at_their_end() { 0 } else { tokens }
    }

    /// Every decoding request makes its tokens of `steps` steps; returns all of them.
    fn give_tokens(&mut self, steps: u64, gain: f64, seconds: f64, tick: &mut Tick<'_>) -> u64 {
        let members = self.batch.members();
        let each = self.batch.tokens_in(steps, gain);
        self.blocks.take(self.batch.growth(each));
        self.batch.advance(steps, gain);
        let meters = &mut *tick.meters;
        // Prompts that went before make the first of these tokens late.
        let first = std::mem::take(&mut self.since) + seconds;
        match self.spec.engine {
            EngineKind::Vllm | EngineKind::LlamaCpp => {
                meters.itl.observe_many(seconds, members * steps);
            }
            EngineKind::Sglang => {
                meters.itl.observe_many(first / gain, members);
                meters.itl.observe_many(seconds / gain, (members * each).saturating_sub(members));
            }
        }
        meters.decoded += members * each;
        if self.spec.drafts > 0 {
            meters.drafts += members * steps;
            meters.draft_tokens += members * steps * u64::from(self.spec.drafts);
            let mut right = 1.0;
            for position in &mut meters.accepted {
                right *= (self.spec.acceptance * tick.conditions.acceptance).clamp(0.0, 1.0);
                *position += (members * steps) as f64 * right;
            }
        }
        members * each
    }

    /// Requests that made their last token leave.
    fn finish_ended(&mut self, tick: &mut Tick<'_>) {
        while let Some((index, ticket)) = self.batch.ended() {
            if !self.slots.decodes(index, ticket) {
                continue;
            }
            let slot = *self.slots.get(index);
            let request = &slot.request;
            let end = if request.output >= request.limit { End::Length } else { End::Stop };
            self.report(&slot, request.output, end, tick);
            let nan = tick.conditions.nan_logits;
            if nan > 0.0 && Random::member(tick.seed, "logits", request.id).chance(nan) {
                tick.meters.corrupted += 1;
            }
            self.leave(&slot, end, self.clock + tick.lag, tick);
            self.remove(index);
        }
    }

    /// What the exporter shows of a request that was answered.
    fn report(&self, slot: &Slot, output: u32, end: End, tick: &mut Tick<'_>) {
        let (clock, lag) = (self.clock, tick.lag);
        let meters = &mut *tick.meters;
        let scheduled = slot.scheduled.unwrap_or(clock);
        let first = slot.first_token.map_or(clock, |first| first - lag).min(clock);
        meters.finish(if end == End::Length { Reason::Length } else { Reason::Stop });
        meters.structured += u64::from(slot.request.grammar());
        meters.e2e.observe(clock + lag - slot.arrived);
        meters.queue.observe(scheduled - slot.queued);
        meters.prefill.observe(first - scheduled);
        meters.decode.observe(clock - first);
        meters.inference.observe(clock - scheduled);
        if output > 1 {
            meters.tpot.observe((clock - first) / f64::from(output - 1));
        }
        meters.prompt_length.observe(f64::from(slot.request.prompt));
        meters.output_length.observe(f64::from(output));
        meters.max_tokens.observe(f64::from(slot.request.limit));
        let cached = if slot.handed { slot.request.prompt - 1 } else { slot.found };
        meters.computed_length.observe(f64::from(slot.request.prompt.saturating_sub(cached)));
        meters.params_n.observe(1.0);
        meters.retractions.observe(f64::from(slot.preempted));
        meters.longest = meters.longest.max(u64::from(slot.request.prompt) + u64::from(output));
        if !self.spec.engine.counts_prompts_when_done() {
            count_prompt(slot, tick);
        }
        if self.spec.engine.counts_answers_at_their_end() {
            tick.meters.generation_tokens += u64::from(output);
        }
    }
}

/// Counts the tokens of a prompt by where they came from.
fn count_prompt(slot: &Slot, tick: &mut Tick<'_>) {
    let prompt = u64::from(slot.request.prompt);
    let handed = if slot.handed { prompt - 1 } else { 0 };
    let found = u64::from(slot.found).min(prompt - handed);
    let sources = &mut tick.meters.prompt_sources;
    sources[0] += prompt - handed - found;
    sources[1] += found;
    sources[2] += handed;
    tick.meters.prompt_tokens += prompt;
}
