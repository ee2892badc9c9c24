//! Recently used kernel rows.

/// Keeps kernel rows within a memory limit; the longest unused gives way.
#[derive(Debug)]
pub(super) struct RowCache {
    capacity: usize,
    /// Slot of each row, or `NONE`.
    slot_of: Vec<u32>,
    slots: Vec<Slot>,
    clock: u64,
}

#[derive(Debug)]
struct Slot {
    row: usize,
    used: u64,
    values: Vec<f64>,
}

const NONE: u32 = u32::MAX;

impl RowCache {
    /// A cache of rows of `length` values in about `bytes`; at least two rows.
    pub(super) fn new(rows: usize, length: usize, bytes: usize) -> Self {
        let capacity = (bytes / (8 * length.max(1))).clamp(2, rows.max(2));
        Self { capacity, slot_of: vec![NONE; rows], slots: Vec::new(), clock: 0 }
    }

    /// Slot of row `row`; `compute` fills its `length` values if they are not there.
    ///
    /// The slot stays until another row than the last two is fetched.
    pub(super) fn fetch(
        &mut self,
        row: usize,
        length: usize,
        compute: impl FnOnce(usize, &mut [f64]),
    ) -> usize {
        self.clock += 1;
        if self.slot_of[row] != NONE {
            let slot = self.slot_of[row] as usize;
            self.slots[slot].used = self.clock;
            return slot;
        }
        let slot = self.free_slot(length);
        compute(row, &mut self.slots[slot].values);
        self.slots[slot].row = row;
        self.slots[slot].used = self.clock;
        self.slot_of[row] = slot as u32;
        slot
    }

    /// The kernel row in `slot`.
    pub(super) fn values(&self, slot: usize) -> &[f64] {
        &self.slots[slot].values
    }

    /// A new slot, or the one that was not used for longest.
    fn free_slot(&mut self, length: usize) -> usize {
        if self.slots.len() < self.capacity {
            self.slots.push(Slot { row: 0, used: 0, values: vec![0.0; length] });
            return self.slots.len() - 1;
        }
        let oldest = self.slots.iter().enumerate().min_by_key(|(_, slot)| slot.used);
        let slot = oldest.map_or(0, |(slot, _)| slot);
        self.slot_of[self.slots[slot].row] = NONE;
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_use_stay_and_others_give_way() {
        let mut computed = Vec::new();
        let mut cache = RowCache::new(10, 4, 3 * 8 * 4);
        for row in [1, 2, 1, 3, 1, 4, 1, 2, 1, 1] {
            let slot = cache.fetch(row, 4, |row, values| {
                computed.push(row);
                values.fill(row as f64);
            });
            assert_eq!(cache.values(slot), [row as f64; 4]);
        }
        assert_eq!(computed, [1, 2, 3, 4, 2]);
    }
}
