//! Requests that decode together: no step looks at any one of them.
//!
//! All members advance by the same number of tokens a step, so the batch keeps one counter of
//! tokens since the start. Of a member it knows at which count it joined and at which it ends;
//! the sum of all contexts follows from the sum of what they had when they joined, and how many
//! need another block at a count follows from the counts at which they cross a block's end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The decoding requests of a replica.
#[derive(Debug)]
pub struct Batch {
    block: u64,
    /// Tokens each member would have made since the start.
    progress: f64,
    members: u64,
    /// Sum of (context at joining - count at joining).
    base: i64,
    /// Members that need another block when the count reaches a number with this remainder.
    crossings: Vec<u64>,
    ends: BinaryHeap<Reverse<(u64, u32, u32)>>,
}

impl Batch {
    /// An empty one over blocks of so many tokens.
    pub fn new(block: u32) -> Self {
        Self {
            block: u64::from(block),
            progress: 0.0,
            members: 0,
            base: 0,
            crossings: vec![0; block as usize],
            ends: BinaryHeap::new(),
        }
    }

    /// How many decode.
    pub fn members(&self) -> u64 {
        self.members
    }

    /// The count of tokens.
    pub fn count(&self) -> u64 {
        self.progress as u64
    }

    /// Tokens of context of all members.
    pub fn context(&self) -> u64 {
        (self.base + (self.members * self.count()) as i64).max(0) as u64
    }

    /// A request with `context` tokens joins and makes `tokens` more, under the number `ticket`; returns the count at which it joined.
    pub fn join(&mut self, context: u32, tokens: u32, slot: u32, ticket: u32) -> u64 {
        let at = self.count();
        self.base += i64::from(context) - at as i64;
        self.members += 1;
        *self.crossing(context, at) += 1;
        self.ends.push(Reverse((at + u64::from(tokens), slot, ticket)));
        at
    }

    /// A request that joined at count `at` with `context` tokens leaves.
    pub fn leave(&mut self, context: u32, at: u64) {
        self.base -= i64::from(context) - at as i64;
        self.members -= 1;
        *self.crossing(context, at) -= 1;
    }

    /// The count that moves a request past a full block has this remainder.
    fn crossing(&mut self, context: u32, at: u64) -> &mut u64 {
        let behind = u64::from(context) % self.block;
        &mut self.crossings[((at + 1 + self.block - behind) % self.block) as usize]
    }

    /// Steps of `gain` tokens until the next member ends, at least 1; leftovers of members that left are dropped.
    pub fn steps_to_end(&mut self, gain: f64, gone: impl Fn(u32, u32) -> bool) -> u64 {
        while let Some(Reverse((end, slot, ticket))) = self.ends.peek().copied() {
            if gone(slot, ticket) {
                self.ends.pop();
                continue;
            }
            let left = (end as f64 - self.progress) / gain;
            return (left.ceil() as u64).max(1);
        }
        u64::MAX
    }

    /// A member that has ended by now.
    pub fn ended(&mut self) -> Option<(u32, u32)> {
        let Reverse((end, slot, ticket)) = self.ends.peek().copied()?;
        if end > self.count() {
            return None;
        }
        self.ends.pop();
        Some((slot, ticket))
    }

    /// Tokens of each member in the next `steps` of `gain` tokens.
    pub fn tokens_in(&self, steps: u64, gain: f64) -> u64 {
        (self.progress + steps as f64 * gain) as u64 - self.count()
    }

    /// Blocks needed for the next `tokens` of each member.
    pub fn growth(&self, tokens: u64) -> u64 {
        let (whole, rest) = (tokens / self.block, tokens % self.block);
        let from = self.count();
        let part: u64 =
            (1..=rest).map(|token| self.crossings[((from + token) % self.block) as usize]).sum();
        whole * self.members + part
    }

    /// Every member makes `steps` times `gain` tokens.
    pub fn advance(&mut self, steps: u64, gain: f64) {
        self.progress += steps as f64 * gain;
    }

    /// Nobody decodes any more.
    pub fn clear(&mut self) {
        self.members = 0;
        self.base = 0;
        self.crossings.fill(0);
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn sums_are_those_of_a_loop_over_all_members() {
        let mut batch = Batch::new(16);
        let mut random = Random::new(4, "batch");
        // Context at joining, count at joining, tokens to make.
        let mut members: Vec<(u32, u64, u32)> = Vec::new();
        let mut blocks = 0_u64;
        for step in 0..3000_u32 {
            if random.chance(0.3) {
                let (context, tokens) = (1 + random.below(500) as u32, 1 + random.below(90) as u32);
                let at = batch.join(context, tokens, step, 0);
                members.push((context, at, tokens));
                blocks += u64::from(context.div_ceil(16));
            }
            let gain = 1.7;
            blocks += batch.growth(batch.tokens_in(1, gain));
            batch.advance(1, gain);
            let count = batch.count();
            while batch.ended().is_some() {}
            members.retain(|(context, at, tokens)| {
                let on = at + u64::from(*tokens) > count;
                if !on {
                    batch.leave(*context, *at);
                    blocks -= (u64::from(*context) + count - at).div_ceil(16);
                }
                on
            });
            let context: u64 =
                members.iter().map(|(context, at, _)| u64::from(*context) + count - at).sum();
            let held: u64 = members
                .iter()
                .map(|(context, at, _)| (u64::from(*context) + count - at).div_ceil(16))
                .sum();
            assert_eq!(batch.context(), context);
            assert_eq!(batch.members(), members.len() as u64);
            assert_eq!(blocks, held);
        }
    }
}
