//! Memory of methods that people assigned, held to a limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// What takes the same: a method with settings, for a number of channels.
type Kind = (String, usize);

/// How much all methods together may take, and do.
///
/// Each kind counts for as much as the largest of it was seen to take: those of a kind grow alike.
#[derive(Debug)]
pub(crate) struct Room(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    limit: usize,
    kinds: HashMap<Kind, Taken>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Taken {
    each: usize,
    count: usize,
}

impl Held {
    fn used(&self) -> usize {
        let bytes = self.kinds.values().map(|taken| taken.each.saturating_mul(taken.count));
        bytes.fold(0, usize::saturating_add)
    }
}

impl Room {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        let room = Self(Mutex::default());
        room.set_limit(limit);
        Arc::new(room)
    }

    pub(crate) fn set_limit(&self, limit: u64) {
        self.held().limit = usize::try_from(limit).unwrap_or(usize::MAX);
    }

    /// Bytes that all take.
    pub(crate) fn used(&self) -> usize {
        self.held().used()
    }

    /// Room for one more of `kind`, which takes so many bytes at first; `None` if there is none.
    pub(crate) fn enter(self: &Arc<Self>, kind: Kind, bytes: usize) -> Option<Ticket> {
        let mut held = self.held();
        let taken = held.kinds.entry(kind.clone()).or_default();
        let before = *taken;
        taken.each = taken.each.max(bytes);
        taken.count += 1;
        if held.used() > held.limit {
            held.kinds.insert(kind, before);
            return None;
        }
        Some(Ticket { room: Arc::clone(self), kind })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the room, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    room: Arc<Room>,
    kind: Kind,
}

impl Ticket {
    /// It takes so many bytes now; false if that is more than there is room for.
    pub(crate) fn grow(&self, bytes: usize) -> bool {
        let mut held = self.room.held();
        if let Some(taken) = held.kinds.get_mut(&self.kind) {
            taken.each = taken.each.max(bytes);
        }
        held.used() <= held.limit
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut held = self.room.held();
        if let Some(taken) = held.kinds.get_mut(&self.kind) {
            taken.count = taken.count.saturating_sub(1);
        }
        held.kinds.retain(|_, taken| taken.count > 0);
    }
}

/// Bytes that a state takes in memory, about: eight a number, and three words for each list or
/// map.
pub(crate) fn state_bytes(state: &Value) -> usize {
    const HEAD: usize = 24;
    match state {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => HEAD + text.len(),
        Value::Array(items) => HEAD + items.iter().map(state_bytes).sum::<usize>(),
        Value::Object(entries) => HEAD + entries.values().map(state_bytes).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_by_the_largest_of_a_kind_and_given_back() {
        let room = Room::new(1000);
        let kind = || ("zscore".to_owned(), 1);
        let first = room.enter(kind(), 100).expect("room");
        let second = room.enter(kind(), 100).expect("room");
        assert!(first.grow(400));
        assert_eq!(room.used(), 800);
        assert!(room.enter(kind(), 100).is_none(), "a third would grow as the first did");
        assert_eq!(room.used(), 800);
        assert!(!second.grow(600));
        drop((first, second));
        assert_eq!(room.used(), 0);
        assert!(room.enter(kind(), 1001).is_none());
    }
}
