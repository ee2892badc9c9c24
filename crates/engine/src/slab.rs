//! Entries that stay where they are while others come and go.

/// Entries in a chunk: growing costs at most so many places. The first chunk grows with what is in
/// it, so that a slab of a few is small; the others never move an entry.
const CHUNK: usize = 256;

/// A place in a [`Slab`]; one that was freed and used again is another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    place: u32,
    generation: u32,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

/// Entries by key, in chunks. Inserting moves none but those of the first chunk.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<Entry<T>>>,
    free: Vec<u32>,
    taken: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), taken: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.taken
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.taken += 1;
        if let Some(place) = self.free.pop() {
            let entry = self.entry_mut(place).expect("a freed place is there");
            entry.value = Some(value);
            return Key { place, generation: entry.generation };
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            let room = if self.chunks.is_empty() { 1 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(room));
        }
        let chunk = self.chunks.last_mut().expect("one was pushed");
        chunk.push(Entry { generation: 0, value: Some(value) });
        let place = (self.chunks.len() - 1) * CHUNK + self.chunks[self.chunks.len() - 1].len() - 1;
        Key { place: u32::try_from(place).expect("fewer than 2^32 series"), generation: 0 }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let place = key.place as usize;
        let entry = self.chunks.get(place / CHUNK)?.get(place % CHUNK)?;
        entry.value.as_ref().filter(|_| entry.generation == key.generation)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entry_mut(key.place)?;
        let generation = entry.generation;
        entry.value.as_mut().filter(|_| generation == key.generation)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entry_mut(key.place).filter(|entry| entry.generation == key.generation)?;
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(key.place);
        self.taken -= 1;
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.chunks.iter().flatten().enumerate().filter_map(|(place, entry)| {
            let key = Key { place: place as u32, generation: entry.generation };
            entry.value.as_ref().map(|value| (key, value))
        })
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.chunks.iter_mut().flatten().enumerate().filter_map(|(place, entry)| {
            let key = Key { place: place as u32, generation: entry.generation };
            entry.value.as_mut().map(|value| (key, value))
        })
    }

    fn entry_mut(&mut self, place: u32) -> Option<&mut Entry<T>> {
        let place = place as usize;
        self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_used_again_is_another_key() {
        let mut slab = Slab::new();
        let keys: Vec<Key> = (0..1000).map(|value| slab.insert(value)).collect();
        assert_eq!(slab.remove(keys[300]), Some(300));
        assert_eq!(slab.remove(keys[300]), None);
        let again = slab.insert(-1);
        assert_eq!((slab.get(again), slab.get(keys[300])), (Some(&-1), None));
        assert_eq!((slab.len(), slab.iter().count()), (1000, 1000));
        assert!(slab.iter().all(|(key, value)| slab.get(key) == Some(value)));
    }
}
