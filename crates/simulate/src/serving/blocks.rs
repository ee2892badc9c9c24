//! Blocks of the KV cache: which are held by requests, which only remember a prefix.
//!
//! What a request leaves behind stays findable until its blocks are needed, least recently used
//! first and from the end, as engines with paged caches do (W. Kwon et al., "Efficient Memory
//! Management for Large Language Model Serving with PagedAttention", SOSP 2023). A prefix is
//! known by its session or its system prompt, not by the hash of each block: what one run of
//! tokens shares with another is known without looking at tokens.

use std::collections::BTreeMap;

/// Blocks that remember a prefix.
#[derive(Debug, Clone, Copy)]
struct Prefix {
    blocks: u32,
    /// Requests that hold it; those blocks cannot be taken.
    holders: u32,
    /// When it was last let go, in the order of such events.
    stamp: u64,
    /// Turn of the session that wrote it.
    turn: u32,
}

/// The blocks of one replica.
#[derive(Debug)]
pub struct Blocks {
    total: u64,
    held: u64,
    remembered: u64,
    prefixes: BTreeMap<u64, Prefix>,
    /// Prefixes that nobody holds, least recently used first.
    idle: BTreeMap<u64, u64>,
    stamp: u64,
}

impl Blocks {
    /// So many free blocks.
    pub fn new(total: u64) -> Self {
        Self {
            total,
            held: 0,
            remembered: 0,
            prefixes: BTreeMap::new(),
            idle: BTreeMap::new(),
            stamp: 0,
        }
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many a request can have: free ones and ones that only remember.
    pub fn available(&self) -> u64 {
        self.total.saturating_sub(self.held)
    }

    /// How many only remember a prefix.
    pub fn remembered(&self) -> u64 {
        self.remembered
    }

    /// Share held by requests.
    pub fn usage(&self) -> f64 {
        if self.total == 0 { 1.0 } else { (self.held as f64 / self.total as f64).min(1.0) }
    }

    /// There are so many from now on; held ones stay held.
    pub fn resize(&mut self, total: u64) {
        self.total = total;
        self.make_room();
    }

    /// A request takes blocks; ask [`Self::available`] first.
    pub fn take(&mut self, blocks: u64) {
        self.held += blocks;
        self.make_room();
    }

    /// A request gives blocks back, and nothing of them is remembered.
    pub fn give(&mut self, blocks: u64) {
        self.held = self.held.checked_sub(blocks).expect("no more given than was taken");
    }

    /// Blocks of the prefix `key` and the turn that wrote it.
    pub fn find(&self, key: u64) -> Option<(u32, u32)> {
        self.prefixes.get(&key).map(|prefix| (prefix.blocks, prefix.turn))
    }

    /// Blocks that would have to be taken out of memory's keeping to hold `key`.
    pub fn idle_of(&self, key: u64) -> u64 {
        match self.prefixes.get(&key) {
            Some(prefix) if prefix.holders == 0 => u64::from(prefix.blocks),
            _ => 0,
        }
    }

    /// Forgets the prefix `key` beyond its first `blocks`, if nobody holds it.
    pub fn cut(&mut self, key: u64, blocks: u32) {
        let Some(prefix) = self.prefixes.get_mut(&key).filter(|prefix| prefix.holders == 0) else {
            return;
        };
        let more = prefix.blocks.saturating_sub(blocks);
        prefix.blocks -= more;
        self.remembered -= u64::from(more);
        if prefix.blocks == 0 {
            self.idle.remove(&prefix.stamp);
            self.prefixes.remove(&key);
        }
    }

    /// A request holds the prefix `key`, which is there.
    pub fn hold(&mut self, key: u64) {
        let prefix = self.prefixes.get_mut(&key).expect("a prefix that was found");
        if prefix.holders == 0 {
            self.idle.remove(&prefix.stamp);
            self.remembered -= u64::from(prefix.blocks);
            self.held += u64::from(prefix.blocks);
        }
        prefix.holders += 1;
    }

    /// A request lets go of the prefix `key`, which it held.
    pub fn release(&mut self, key: u64) {
        let prefix = self.prefixes.get_mut(&key).expect("a prefix that is held");
        prefix.holders -= 1;
        if prefix.holders == 0 {
            self.stamp += 1;
            prefix.stamp = self.stamp;
            self.idle.insert(self.stamp, key);
            self.held -= u64::from(prefix.blocks);
            self.remembered += u64::from(prefix.blocks);
        }
    }

    /// `blocks` of what a request took become the prefix `key`, held by it.
    pub fn found_prefix(&mut self, key: u64, blocks: u32, turn: u32) {
        self.prefixes.insert(key, Prefix { blocks, holders: 1, stamp: 0, turn });
    }

    /// The prefix `key`, which a request holds, gets up to `blocks` from what that request took;
    /// returns how many.
    pub fn extend(&mut self, key: u64, blocks: u32) -> u32 {
        let prefix = self.prefixes.get_mut(&key).expect("a prefix that is held");
        let more = blocks.saturating_sub(prefix.blocks);
        prefix.blocks += more;
        more
    }

    /// A request gives `taken` blocks back; the first `full` of what follows the first `after`
    /// blocks of the prefix `key` are remembered under it.
    pub fn leave(&mut self, key: u64, after: u32, full: u32, taken: u64, turn: u32) {
        self.give(taken);
        let wanted = after + full;
        if wanted == 0 {
            return;
        }
        self.stamp += 1;
        let stamp = self.stamp;
        let prefix =
            self.prefixes.entry(key).or_insert(Prefix { blocks: 0, holders: 0, stamp, turn });
        let grown = u64::from(wanted.saturating_sub(prefix.blocks));
        prefix.blocks = prefix.blocks.max(wanted);
        prefix.turn = prefix.turn.max(turn);
        if prefix.holders > 0 {
            self.held += grown;
        } else {
            self.idle.remove(&prefix.stamp);
            prefix.stamp = stamp;
            self.idle.insert(stamp, key);
            self.remembered += grown;
        }
        self.make_room();
    }

    /// Forgets all prefixes that nobody holds, least recently used first, until the rest fits.
    fn make_room(&mut self) {
        let mut over = (self.held + self.remembered).saturating_sub(self.total);
        while over > 0 {
            let Some((&stamp, &key)) = self.idle.first_key_value() else { return };
            let prefix = self.prefixes.get_mut(&key).expect("idle prefixes are there");
            let cut = over.min(u64::from(prefix.blocks));
            prefix.blocks -= cut as u32;
            self.remembered -= cut;
            over -= cut;
            if prefix.blocks == 0 {
                self.prefixes.remove(&key);
                self.idle.remove(&stamp);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_found_until_blocks_are_needed() {
        let mut blocks = Blocks::new(100);
        blocks.take(40);
        blocks.leave(1, 0, 40, 40, 0);
        blocks.take(30);
        blocks.leave(2, 0, 30, 30, 0);
        assert_eq!((blocks.usage(), blocks.remembered(), blocks.available()), (0.0, 70, 100));
        blocks.hold(2);
        blocks.take(50);
        // The older prefix lost its end; the held one lost nothing.
        assert_eq!(blocks.find(1), Some((20, 0)));
        assert_eq!(blocks.find(2), Some((30, 0)));
        assert_eq!(blocks.available(), 20);
        blocks.give(50);
        blocks.release(2);
        assert_eq!((blocks.usage(), blocks.remembered()), (0.0, 50));
    }

    #[test]
    fn what_is_cut_makes_room_unless_somebody_holds_it() {
        let mut blocks = Blocks::new(100);
        blocks.take(80);
        blocks.leave(1, 0, 80, 80, 0);
        blocks.cut(1, 30);
        assert_eq!((blocks.find(1), blocks.remembered()), (Some((30, 0)), 30));
        blocks.hold(1);
        blocks.cut(1, 0);
        assert_eq!(blocks.find(1), Some((30, 0)));
        blocks.release(1);
        blocks.cut(1, 0);
        assert_eq!((blocks.find(1), blocks.remembered(), blocks.available()), (None, 0, 100));
    }

    #[test]
    fn two_that_hold_one_prefix_share_its_blocks() {
        let mut blocks = Blocks::new(100);
        blocks.take(10);
        blocks.found_prefix(7, 10, 0);
        blocks.hold(7);
        assert_eq!(blocks.available(), 90);
        blocks.release(7);
        assert_eq!(blocks.available(), 90);
        blocks.release(7);
        assert_eq!(blocks.available(), 100);
    }
}
