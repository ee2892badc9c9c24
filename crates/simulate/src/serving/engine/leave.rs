//! Requests leave, and what they held is free again.

use super::super::slot::Place;
use super::Engine;

impl Engine {
    /// Takes a request out of wherever it is.
    pub(super) fn remove(&mut self, index: u32) {
        match self.slots.get(index).place {
            Place::Waiting => self.waits -= 1,
            Place::Grammar => self.for_grammar -= 1,
            Place::Transfer => self.for_transfer -= 1,
            Place::Adapter => self.for_adapters -= 1,
            Place::Prefill | Place::Decode => self.stop(index),
            Place::Held => {
                self.offered -= 1;
                self.free(index);
            }
            Place::Frontend | Place::Empty => {}
        }
        self.slots.remove(index);
    }

    /// Takes a running request out of the batch and gives its blocks back.
    pub(super) fn stop(&mut self, index: u32) {
        self.unrun(index);
        self.free(index);
    }

    /// Takes a running request out of the batch.
    pub(super) fn unrun(&mut self, index: u32) {
        let slot = *self.slots.get(index);
        self.running -= 1;
        self.promised -= i64::from(slot.request.limit) - i64::from(slot.made);
        if slot.place == Place::Prefill {
            self.pending -= u64::from(slot.to_compute);
            self.pictures -= slot.request.media;
        } else {
            self.batch.leave(slot.context, slot.joined);
            self.joined -= i64::from(slot.context);
        }
        if slot.request.grammar() {
            self.structured -= 1;
        }
        if slot.holds_adapter {
            self.slots.get_mut(index).holds_adapter = false;
            if self.adapters.release(slot.request.adapter) {
                self.retry_adapters();
            }
        }
    }

    /// Whoever waited for an adapter's place asks again, first come first.
    pub(super) fn retry_adapters(&mut self) {
        while let Some((index, generation)) = self.for_adapter.pop() {
            if self.slots.live(index, generation).is_some_and(|slot| slot.place == Place::Adapter) {
                self.slots.get_mut(index).place = Place::Waiting;
                self.for_adapters -= 1;
                self.waits += 1;
                self.waiting.push_front((index, generation));
            }
        }
    }

    /// Gives the blocks of a request back; what was computed of it is remembered.
    pub(super) fn free(&mut self, index: u32) {
        let slot = *self.slots.get(index);
        let block = u64::from(self.spec.block);
        let (context, grown) = match slot.place {
            Place::Decode => {
                let context = u64::from(slot.context) + self.batch.count() - slot.joined;
                (context, context.div_ceil(block) - u64::from(slot.context).div_ceil(block))
            }
            _ => (u64::from(slot.context - slot.to_compute), 0),
        };
        let held = slot.group.unwrap_or(0) + slot.prefix.unwrap_or(0);
        let full = (context / block).saturating_sub(u64::from(held));
        let own = slot.own + grown;
        let full = full.min(own) as u32;
        if let Some(blocks) = slot.prefix {
            self.blocks.leave(slot.prefix_key(), blocks, full, own, slot.request.turn);
            self.blocks.release(slot.prefix_key());
        } else {
            self.blocks.leave(slot.prefix_key(), 0, full, own, slot.request.turn);
        }
        if slot.group.is_some() {
            self.blocks.release(slot.group_key());
        }
        let slot = self.slots.get_mut(index);
        (slot.own, slot.group, slot.prefix) = (0, None, None);
    }
}
