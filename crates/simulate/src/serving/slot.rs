//! A request inside a replica: where it is and what it holds.

use crate::workload::Request;

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nobody is here.
    Empty,
    /// At the server before the engine.
    Frontend,
    /// In the engine, waiting for a grammar.
    Grammar,
    /// In the engine, waiting for its cache.
    Transfer,
    /// In the engine, waiting for a place for its adapter.
    Adapter,
    /// In the engine's queue.
    Waiting,
    /// Its prompt is computed.
    Prefill,
    /// Its answer is made.
    Decode,
    /// Its answer is made elsewhere; its cache waits to be fetched.
    Held,
}

/// One request inside a replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) request: Request,
    pub(super) place: Place,
    pub(super) generation: u32,
    /// When the server took it in.
    pub(super) arrived: f64,
    /// When the engine did.
    pub(super) queued: f64,
    /// When it was first run.
    pub(super) scheduled: Option<f64>,
    pub(super) first_token: Option<f64>,
    pub(super) preempted: u32,
    /// Tokens made before it was last preempted.
    pub(super) made: u32,
    /// Tokens of context when it was last run, and how many of them are to be computed still.
    pub(super) context: u32,
    pub(super) to_compute: u32,
    /// Count of the batch when it joined, and the number under which it did.
    pub(super) joined: u64,
    pub(super) ticket: u32,
    /// Blocks of its own, beside the prefixes that it holds.
    pub(super) own: u64,
    pub(super) group: Option<u32>,
    pub(super) prefix: Option<u32>,
    /// Tokens found in the cache when it was first run.
    pub(super) found: u32,
    /// Its cache came from a replica that does prompts.
    pub(super) handed: bool,
    /// That cache never came.
    pub(super) lost: bool,
    /// Some of its cache is not what it should be, and nobody noticed.
    pub(super) stale: bool,
    pub(super) holds_adapter: bool,
    /// Its client gave up while the engine made no steps.
    pub(super) given_up: bool,
}

impl Slot {
    pub(super) fn new(request: Request, arrived: f64, generation: u32) -> Self {
        Self {
            request,
            place: Place::Frontend,
            generation,
            arrived,
            queued: arrived,
            scheduled: None,
            first_token: None,
            preempted: 0,
            made: 0,
            context: 0,
            to_compute: 0,
            joined: 0,
            ticket: 0,
            own: 0,
            group: None,
            prefix: None,
            found: 0,
            handed: false,
            lost: false,
            stale: false,
            holds_adapter: false,
            given_up: false,
        }
    }

    /// The prefix that it shares with its session, or that is its own when it begins with something of its own.
    pub(super) fn prefix_key(&self) -> u64 {
        let request = &self.request;
        let own = request.id ^ (u64::from(request.attempt) << 48) ^ (1 << 62);
        if request.unique { own } else { request.session & !(3 << 62) }
    }

    /// The prefix that it shares with everyone who has the same system prompt.
    pub(super) fn group_key(&self) -> u64 {
        (1 << 63) | u64::from(self.request.group)
    }
}

/// Slots by number; one that is empty is used again, under another generation.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Slots {
    pub(super) fn add(&mut self, request: Request, arrived: f64) -> (u32, u32) {
        if let Some(index) = self.free.pop() {
            let generation = self.slots[index as usize].generation + 1;
            self.slots[index as usize] = Slot::new(request, arrived, generation);
            return (index, generation);
        }
        self.slots.push(Slot::new(request, arrived, 0));
        (self.slots.len() as u32 - 1, 0)
    }

    pub(super) fn remove(&mut self, index: u32) {
        self.slots[index as usize].place = Place::Empty;
        self.slots[index as usize].generation += 1;
        self.free.push(index);
    }

    pub(super) fn get(&self, index: u32) -> &Slot {
        &self.slots[index as usize]
    }

    pub(super) fn get_mut(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    /// The slot, if it still holds the request of that generation.
    pub(super) fn live(&self, index: u32, generation: u32) -> Option<&Slot> {
        let slot = &self.slots[index as usize];
        (slot.generation == generation && slot.place != Place::Empty).then_some(slot)
    }

    /// Whether the slot decodes under this number.
    pub(super) fn decodes(&self, index: u32, ticket: u32) -> bool {
        let slot = &self.slots[index as usize];
        slot.place == Place::Decode && slot.ticket == ticket
    }

    /// Numbers of the slots in use.
    pub(super) fn used(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.slots.len() as u32).filter(|index| self.get(*index).place != Place::Empty)
    }

    pub(super) fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
