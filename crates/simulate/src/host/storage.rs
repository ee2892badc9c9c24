//! Storage that hosts share: fair shares, a backlog, and the time that requests wait.

use crate::conditions::StorageConditions;
use crate::random::Random;
use crate::supply::HostDemand;

/// Bytes of one request.
pub(super) const REQUEST: f64 = 1_048_576.0;
/// Requests that one host may have under way.
const SLOTS: f64 = 128.0;
/// Seconds that a request takes when nobody else is there.
const SERVICE: f64 = 1.5e-3;

/// What the storage has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StorageSettings {
    /// Bytes a second for all hosts together, reads and writes.
    pub bandwidth: f64,
    /// Bytes a second that one host can move at most.
    pub client: f64,
}

impl Default for StorageSettings {
    /// A parallel file system of 40 GB/s, 8 GB/s for each client.
    fn default() -> Self {
        Self { bandwidth: 40.0e9, client: 8.0e9 }
    }
}

/// What one host gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StorageShare {
    /// Bytes a second.
    pub bytes: f64,
    /// Seconds that a request takes from being sent to its answer.
    pub response: f64,
    /// Seconds that a request of a host which wants more than its share waits to be sent.
    pub queue: f64,
}

impl Default for StorageShare {
    fn default() -> Self {
        Self { bytes: 8.0e9, response: SERVICE, queue: 0.0 }
    }
}

/// The storage in steps of a second or a few.
#[derive(Debug, Clone)]
pub struct Storage {
    settings: StorageSettings,
    random: Random,
    /// What each host was given last.
    given: Vec<f64>,
    /// Bytes taken beyond what it can move: newcomers are let in before they are counted.
    overdrawn: f64,
}

impl Storage {
    /// The storage of the run `seed`, at rest.
    pub fn new(settings: StorageSettings, seed: u64) -> Self {
        Self { settings, random: Random::new(seed, "storage"), given: Vec::new(), overdrawn: 0.0 }
    }

    /// Goes on by `seconds` in which host `i` moved what `hosts[i]` says; writes the shares of
    /// the step to come into `shares`, one for each host.
    ///
    /// Shares are max-min fair: hosts that took less than their share leave the rest to those
    /// that took all of it.
    pub fn advance(
        &mut self,
        seconds: f64,
        hosts: &[HostDemand],
        conditions: &StorageConditions,
        shares: &mut Vec<StorageShare>,
    ) {
        self.given.resize(hosts.len(), self.settings.client);
        let capacity = self.settings.bandwidth * conditions.bandwidth.max(1.0e-6);
        let (mut modest, mut hungry, mut moved): (f64, f64, f64) = (0.0, 0.0, 0.0);
        for (host, given) in hosts.iter().zip(&self.given) {
            let rate = (host.read_bytes + host.written_bytes) / seconds;
            moved += rate;
            if rate > 0.85 * given { hungry += 1.0 } else { modest += rate }
        }
        self.overdrawn = (self.overdrawn + (moved - capacity) * seconds).clamp(0.0, 5.0 * capacity);
        let left = (capacity - modest - 0.2 * self.overdrawn).max(0.02 * capacity);
        let used = (moved / capacity).min(0.98);
        let wait = 1.0 + conditions.backlog.max(0.0);
        let response = SERVICE * wait * (1.0 + 0.5 * used / (1.0 - used));
        // Requests under way bound what a host moves (Little).
        let ceiling = self.settings.client.min(SLOTS * REQUEST / response);
        shares.clear();
        for (host, given) in hosts.iter().zip(&mut self.given) {
            let rate = (host.read_bytes + host.written_bytes) / seconds;
            let takes_all = rate > 0.85 * *given;
            let fair = left / if takes_all { hungry } else { hungry + 1.0 };
            // Who took less than its share keeps at least what it took.
            let fair = if takes_all { fair } else { fair.max(rate.min(left)) };
            *given = fair.min(ceiling) * (1.0 - 0.05 * self.random.uniform());
            let queue = if takes_all { SLOTS * REQUEST / given.max(1.0) } else { 0.0 };
            shares.push(StorageShare { bytes: *given, response, queue });
        }
    }
}
