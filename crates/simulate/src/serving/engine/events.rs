//! What happens to requests outside of steps: prompts get ready, waits end, clients give up.

use std::cmp::Reverse;

use super::super::Reason;
use super::super::slot::Place;
use super::{End, Engine, Event, Tick};

impl Engine {
    pub(super) fn deadline(&mut self, time: f64, slot: u32, generation: u32) {
        self.deadlines.entry(time as u64).or_default().push((time, slot, generation));
    }

    /// Deadlines before `to` of those who are inside still become events.
    pub(super) fn due(&mut self, to: f64) {
        while let Some(second) = self.deadlines.first_entry()
            && (*second.key() as f64) < to
        {
            for (time, slot, generation) in second.remove() {
                if self.slots.live(slot, generation).is_some() {
                    self.push(time, Event::GiveUp, slot, generation);
                }
            }
        }
    }

    pub(super) fn push(&mut self, time: f64, event: Event, slot: u32, generation: u32) {
        self.sequence += 1;
        self.events.push(Reverse((time.to_bits(), self.sequence, event, slot, generation)));
    }

    /// Handles what happened up to `time`.
    pub(super) fn deliver(&mut self, time: f64, hung: bool, tick: &mut Tick<'_>) {
        while let Some(Reverse((at, _, event, index, generation))) = self.events.peek().copied() {
            if at > time.to_bits() {
                return;
            }
            self.events.pop();
            let Some(slot) = self.slots.live(index, generation).copied() else { continue };
            let at = f64::from_bits(at);
            match event {
                Event::Ready => self.ready(index, generation, at, tick),
                Event::Go => self.go(index, generation, at, tick),
                Event::Release => self.remove(index),
                Event::GiveUp if slot.given_up => self.remove(index),
                Event::GiveUp if slot.place == Place::Held => {}
                Event::GiveUp => {
                    self.leave(&slot, End::GaveUp, at, tick);
                    tick.meters.finish(Reason::Abort);
                    if hung {
                        // The engine does not hear of it until it makes steps again.
                        self.slots.get_mut(index).given_up = true;
                        self.push(tick.to, Event::GiveUp, index, generation);
                        continue;
                    }
                    self.remove(index);
                }
            }
        }
    }

    /// The prompt is ready for the engine.
    pub(super) fn ready(&mut self, index: u32, generation: u32, at: f64, tick: &mut Tick<'_>) {
        let slot = self.slots.get_mut(index);
        slot.queued = at;
        let request = slot.request;
        if request.media > 0 {
            tick.meters.media_queries += u64::from(request.media);
            tick.meters.media_hits += u64::from(request.attempt.min(1) * request.media);
        }
        if request.grammar() {
            tick.meters.grammars += 1;
        }
        if slot.handed {
            slot.place = Place::Transfer;
            self.for_transfer += 1;
        } else if request.compile > 0.0 {
            slot.place = Place::Grammar;
            self.for_grammar += 1;
        } else {
            tick.meters.grammar_hits += u64::from(request.grammar());
            self.wait(index, generation);
        }
    }

    /// What the request waited for is there, or is given up.
    pub(super) fn go(&mut self, index: u32, generation: u32, at: f64, tick: &mut Tick<'_>) {
        let slot = self.slots.get_mut(index);
        match slot.place {
            Place::Grammar => {
                self.for_grammar -= 1;
                tick.meters.compile.observe(at - slot.queued);
            }
            Place::Transfer => {
                self.for_transfer -= 1;
                if slot.lost {
                    slot.handed = false;
                    tick.meters.transfer_failed += 1;
                } else {
                    tick.meters.transferred(at - slot.arrived);
                }
            }
            _ => return,
        }
        self.wait(index, generation);
    }

    pub(super) fn wait(&mut self, index: u32, generation: u32) {
        self.slots.get_mut(index).place = Place::Waiting;
        self.waits += 1;
        self.waiting.push_back((index, generation));
    }
}
