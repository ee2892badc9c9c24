//! Places for adapters in GPU memory: which are loaded, which can be replaced.

/// What a request for an adapter meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It is loaded.
    Ready,
    /// It can be loaded into a place that nobody uses.
    Load,
    /// All places are in use by running requests.
    Full,
}

/// The places of one replica.
#[derive(Debug, Default)]
pub struct Adapters {
    /// Adapter, running requests that use it, when it was last asked for.
    places: Vec<(u32, u32, u64)>,
    asked: u64,
}

impl Adapters {
    /// Takes a place among `slots` for a running request, or says that there is none.
    pub fn take(&mut self, adapter: u32, slots: usize) -> Lease {
        self.asked += 1;
        if let Some(place) = self.places.iter_mut().find(|place| place.0 == adapter) {
            place.1 += 1;
            place.2 = self.asked;
            return Lease::Ready;
        }
        while self.places.len() > slots.max(1) {
            let Some(idle) = self.places.iter().position(|place| place.1 == 0) else {
                return Lease::Full;
            };
            self.places.swap_remove(idle);
        }
        if self.places.len() < slots.max(1) {
            self.places.push((adapter, 1, self.asked));
            return Lease::Load;
        }
        let oldest =
            self.places.iter_mut().filter(|place| place.1 == 0).min_by_key(|place| place.2);
        match oldest {
            Some(place) => {
                *place = (adapter, 1, self.asked);
                Lease::Load
            }
            None => Lease::Full,
        }
    }

    /// A running request is done with its adapter; true when its place can be taken now.
    pub fn release(&mut self, adapter: u32) -> bool {
        let Some(place) = self.places.iter_mut().find(|place| place.0 == adapter) else {
            return false;
        };
        place.1 -= 1;
        place.1 == 0
    }

    /// Places in use or loaded.
    pub fn loaded(&self) -> usize {
        self.places.len()
    }

    /// Adapters that running requests use, by number.
    pub fn running(&self) -> impl Iterator<Item = u32> {
        self.places.iter().filter(|place| place.1 > 0).map(|place| place.0)
    }

    /// None is loaded.
    pub fn clear(&mut self) {
        self.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_only_from_adapters_that_nobody_uses() {
        let mut adapters = Adapters::default();
        assert_eq!(adapters.take(1, 2), Lease::Load);
        assert_eq!(adapters.take(2, 2), Lease::Load);
        assert_eq!(adapters.take(1, 2), Lease::Ready);
        assert_eq!(adapters.take(3, 2), Lease::Full);
        assert!(!adapters.release(1));
        assert!(adapters.release(2));
        assert_eq!(adapters.take(3, 2), Lease::Load);
        assert_eq!(adapters.running().collect::<Vec<_>>(), [1, 3]);
    }
}
