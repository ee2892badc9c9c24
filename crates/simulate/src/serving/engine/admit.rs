//! Who may run: room in the batch, blocks, a place for the adapter; and who must make room.

use super::super::slot::Place;
use super::super::{EngineKind, Lease, Reason};
use super::{ADAPTER_BYTES, ADAPTER_HOST, COLLAPSE, End, Engine, Tick};

/// What a request finds in the cache and needs beside it, in blocks.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    /// Of the system prompt: blocks it has, and blocks found.
    group: Option<(u32, u32)>,
    /// Of the session.
    prefix: u32,
    /// To be taken.
    need: u64,
    /// Found ones that nobody holds now.
    idle: u64,
}

impl Engine {
    /// Starts waiting requests, first come first served, while there is room.
    pub(super) fn admit(&mut self, tick: &mut Tick<'_>) {
        self.retract(tick);
        let conditions = tick.conditions;
        let scaled = |value: u32, by: f64| (f64::from(value) * by).round().max(1.0);
        let most = (scaled(self.spec.max_running, conditions.max_running) as u32)
            .min(self.collapsed.unwrap_or(u32::MAX));
        let budget = scaled(self.spec.step_tokens, conditions.step_tokens) as u64;
        let places = scaled(self.spec.adapter_slots, conditions.adapter_slots) as usize;
        if self.preempting && self.running > 0 {
            return;
        }
        while self.running < most && self.pending < budget {
            let Some((index, generation)) = self.waiting.front().copied() else { return };
            let live = self.slots.live(index, generation);
            let Some(slot) = live.filter(|slot| slot.place == Place::Waiting).copied() else {
                self.waiting.pop_front();
                continue;
            };
            let context = slot.request.prompt + slot.made;
            let mut fit = self.fit(index, context, conditions.cacheable);
            if u64::from(context + 1).div_ceil(u64::from(self.spec.block)) > self.blocks.total() {
                self.waiting.pop_front();
                self.leave(&slot, End::Failed, self.clock, tick);
                tick.meters.finish(Reason::Error);
                self.remove(index);
                continue;
            }
            if self.running == 0 && fit.need + fit.idle > self.blocks.available() {
                // What is remembered beyond what it shares makes room.
                self.blocks.cut(slot.group_key(), fit.group.map_or(0, |(_, found)| found));
                self.blocks.cut(slot.prefix_key(), fit.prefix);
                fit = self.fit(index, context, conditions.cacheable);
            }
            let reserved = conditions.reserved_output.clamp(0.0, 1.0)
                * (self.outstanding() + f64::from(slot.request.limit - slot.made));
            let reserved = (reserved / f64::from(self.spec.block)) as u64;
            let spare = (self.spec.watermark * self.blocks.total() as f64) as u64;
            if fit.need + fit.idle + reserved + spare > self.blocks.available() && self.running > 0
                || fit.need + fit.idle > self.blocks.available()
            {
                return;
            }
            self.waiting.pop_front();
            if slot.request.adapter > 0 {
                match self.adapters.take(slot.request.adapter, places) {
                    Lease::Ready => {}
                    Lease::Load => {
                        let lanes = self.spec.accelerator.pcie_bytes * 0.3 * tick.pcie.max(0.01);
                        self.stall += ADAPTER_BYTES / lanes + ADAPTER_HOST / tick.cpu.max(0.01);
                    }
                    Lease::Full => {
                        self.slots.get_mut(index).place = Place::Adapter;
                        self.waits -= 1;
                        self.for_adapters += 1;
                        self.for_adapter.push((index, generation));
                        continue;
                    }
                }
            }
            self.start(index, generation, context, fit, tick);
        }
    }

    /// Tokens that running requests may still make.
    fn outstanding(&self) -> f64 {
        (self.promised - (self.batch.context() as i64 - self.joined)).max(0) as f64
    }

    /// What of `context` tokens is in the cache.
    fn fit(&self, index: u32, context: u32, cacheable: f64) -> Fit {
        let slot = self.slots.get(index);
        let (request, block) = (&slot.request, self.spec.block);
        let whole = context.div_ceil(block);
        let mut fit = Fit { need: u64::from(whole), ..Fit::default() };
        let most =
            ((f64::from(context) * cacheable.clamp(0.0, 1.0)) as u32).min(context - 1) / block;
        if slot.handed {
            return fit;
        }
        let shared = if request.unique { 0 } else { (request.shared / block).min(most) };
        if shared > 0 {
            let (there, _) = self.blocks.find(slot.group_key()).unwrap_or((0, 0));
            let found = there.min(shared);
            fit.group = Some((shared, found));
            fit.need -= u64::from(found);
            fit.idle += self.blocks.idle_of(slot.group_key());
            if found < shared {
                return fit;
            }
        }
        if let Some((blocks, turn)) = self.blocks.find(slot.prefix_key()) {
            // What the same turn left is all of it; what earlier turns left is what was said before.
            let common = if turn >= request.turn { context } else { request.history };
            let common = (common / block).min(most).saturating_sub(shared);
            fit.prefix = blocks.min(common);
            if fit.prefix > 0 {
                fit.need -= u64::from(fit.prefix);
                fit.idle += self.blocks.idle_of(slot.prefix_key());
            }
        }
        fit
    }

    /// Starts the request.
    fn start(&mut self, index: u32, generation: u32, context: u32, fit: Fit, tick: &mut Tick<'_>) {
        let slot = self.slots.get(index);
        let (group_key, prefix_key, turn) =
            (slot.group_key(), slot.prefix_key(), slot.request.turn);
        let mut own = fit.need;
        if fit.group.is_some_and(|(_, found)| found > 0) {
            self.blocks.hold(group_key);
        }
        if fit.prefix > 0 {
            self.blocks.hold(prefix_key);
        }
        self.blocks.take(fit.need);
        // Blocks are findable from when they are planned, as in vLLM.
        if let Some((shared, found)) = fit.group {
            if found == 0 {
                self.blocks.found_prefix(group_key, shared, turn);
                own -= u64::from(shared);
            } else if found < shared {
                own -= u64::from(self.blocks.extend(group_key, shared));
            }
        }
        let found = fit.group.map_or(0, |(_, found)| found) + fit.prefix;
        let cached = found * self.spec.block;
        let clock = self.clock;
        let slot = self.slots.get_mut(index);
        slot.place = Place::Prefill;
        slot.group = fit.group.map(|(shared, _)| shared);
        slot.prefix = (fit.prefix > 0).then_some(fit.prefix);
        slot.own = own;
        slot.context = context;
        slot.to_compute = if slot.handed { 1 } else { context - cached };
        slot.holds_adapter = slot.request.adapter > 0;
        if slot.scheduled.is_none() {
            slot.scheduled = Some(clock);
            slot.found = cached;
        } else {
            tick.meters.recomputed += u64::from(slot.to_compute);
        }
        if !slot.handed {
            tick.meters.queries += u64::from(context);
            tick.meters.hits += u64::from(cached);
        }
        tick.meters.cached += u64::from(cached);
        self.pending += u64::from(slot.to_compute);
        self.promised += i64::from(slot.request.limit) - i64::from(slot.made);
        self.structured += u32::from(slot.request.grammar());
        self.pictures += slot.request.media;
        self.most_pictures = self.most_pictures.max(self.pictures);
        self.running += 1;
        self.waits -= 1;
        self.prefilling.push_back((index, generation));
        self.order.push((index, generation));
        if self.order.len() > 64 + 2 * self.running as usize {
            let slots = &self.slots;
            self.order.retain(|(index, generation)| running(slots, *index, *generation));
        }
    }

    /// Preempts the last that were admitted until the next `tokens` of each member have blocks.
    pub(super) fn make_room(&mut self, tokens: u64, tick: &mut Tick<'_>) {
        while self.batch.growth(tokens) > self.blocks.available() {
            let Some((index, generation)) = self.order.pop() else { return };
            if running(&self.slots, index, generation) {
                self.preempt(index, generation, tick);
            }
        }
    }

    /// Throws out those that are to be thrown out once, as soon as somebody runs.
    fn retract(&mut self, tick: &mut Tick<'_>) {
        let share = tick.conditions.retracted.clamp(0.0, 1.0);
        if share == 0.0 {
            self.retracted = false;
        } else if !self.retracted && self.running > 0 {
            self.retracted = true;
            let left = self.running - (share * f64::from(self.running)).ceil() as u32;
            while self.running > left {
                let Some((index, generation)) = self.order.pop() else { return };
                if running(&self.slots, index, generation) {
                    self.preempt(index, generation, tick);
                }
            }
        }
    }

    fn preempt(&mut self, index: u32, generation: u32, tick: &mut Tick<'_>) {
        if tick.conditions.collapses >= 0.5 && self.collapsed.is_none() {
            self.collapsed = Some((self.running / COLLAPSE).max(1));
        }
        self.preempting = true;
        let made = self.made(index);
        self.prefilling.retain(|(other, _)| *other != index);
        self.stop(index);
        let slot = self.slots.get_mut(index);
        slot.made = made;
        slot.preempted += 1;
        slot.place = Place::Waiting;
        tick.meters.preemptions += 1;
        tick.meters.retracted_input += u64::from(slot.request.prompt);
        tick.meters.retracted_output += u64::from(made);
        self.waits += 1;
        match self.spec.engine {
            EngineKind::Vllm => self.waiting.push_front((index, generation)),
            EngineKind::Sglang | EngineKind::LlamaCpp => {
                self.waiting.push_back((index, generation));
            }
        }
    }

    /// Tokens that a running request has made so far, without the last of its answer.
    fn made(&self, index: u32) -> u32 {
        let slot = self.slots.get(index);
        if slot.place != Place::Decode {
            return slot.made;
        }
        let now = u64::from(slot.made) + 1 + self.batch.count() - slot.joined;
        (now as u32).min(slot.request.output - 1)
    }
}

fn running(slots: &super::super::slot::Slots, index: u32, generation: u32) -> bool {
    slots
        .live(index, generation)
        .is_some_and(|slot| matches!(slot.place, Place::Prefill | Place::Decode))
}
