//! One port of a host on the fabric.

use crate::conditions::PortConditions;
use crate::random::Random;

/// Ticks in which a port that may not send counts its waiting: four bytes at 400 Gb/s and lane.
const TICKS: f64 = 1.0e8;
/// Share of the load that waits even on paths of its own: bursts of collectives.
const BURSTS: f64 = 0.004;
/// Packets that a path drops in a second for each share of load it cannot carry.
const DROPS: f64 = 900.0;
/// Seconds that a flap lasts, at least and at most.
const FLAP: (f64, f64) = (3.0, 9.0);

/// What the port counted since the host started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PortCounters {
    /// Times the link went down.
    pub link_downed: u64,
    /// Times the link came or went.
    pub carrier_changes: u64,
    /// Times it recovered from errors without going down.
    pub recoveries: u64,
    /// Errors on the wire.
    pub symbol_errors: u64,
    /// Ticks with data to send and no credit to send it.
    pub transmit_wait: u64,
    /// Packets dropped because the port was down or congested.
    pub transmit_discards: u64,
    /// Packets received with an error.
    pub receive_errors: u64,
    /// Acknowledgements that did not come in time.
    pub ack_timeouts: u64,
    /// Packets whose sequence was wrong: something before them was lost.
    pub sequence_errors: u64,
    /// Answers that the receiver was not ready.
    pub not_ready: u64,
    /// Bytes sent.
    pub sent_bytes: f64,
    /// Bytes received.
    pub received_bytes: f64,
}

/// One port in steps of a second or a few; a step costs some 20 ns.
#[derive(Debug, Clone)]
pub struct Port {
    bandwidth: f64,
    random: Random,
    now: f64,
    up: bool,
    flap_ends: f64,
    /// Whether a program used it in the last step before it went down.
    in_use: bool,
    counters: PortCounters,
}

impl Port {
    /// Port number `index` of the run `seed`, with `bandwidth` bytes a second each way.
    pub fn new(bandwidth: f64, seed: u64, index: u64) -> Self {
        Self {
            bandwidth,
            random: Random::member(seed, "port", index),
            now: 0.0,
            up: true,
            flap_ends: 0.0,
            in_use: false,
            counters: PortCounters::default(),
        }
    }

    /// Goes on by `seconds` in which `bytes` were sent and as many received.
    /// Says which share of its bandwidth it gives next.
    pub fn advance(&mut self, seconds: f64, bytes: f64, conditions: &PortConditions) -> f64 {
        self.now += seconds;
        self.link(seconds, conditions);
        let counters = &mut self.counters;
        let load = bytes / (self.bandwidth * seconds);
        counters.sent_bytes += bytes;
        counters.received_bytes += bytes;
        if conditions.symbol_errors > 0.0 && self.up {
            let errors = self.random.poisson(conditions.symbol_errors * seconds);
            counters.symbol_errors += errors;
            counters.receive_errors += errors / 8;
            counters.recoveries += errors / 64;
            if self.in_use {
                counters.sequence_errors += errors / 8;
            }
        }
        if !self.up {
            // Whoever used it sends again until the transport gives up.
            if self.in_use {
                counters.ack_timeouts += self.random.poisson(2.0 * seconds);
            }
            return 0.0;
        }
        self.in_use = load > 1.0e-6;
        if self.in_use {
            let path = conditions.path.clamp(0.01, 1.0);
            let waiting = BURSTS * load + (1.0 - path) * (load / path).min(1.0);
            counters.transmit_wait += (waiting * TICKS * seconds) as u64;
            let dropped = (0.8 - path).max(0.0) * (load / path).min(1.0) * DROPS * seconds;
            if dropped > 0.0 {
                let dropped = self.random.poisson(dropped);
                counters.transmit_discards += dropped;
                counters.sequence_errors += dropped;
            }
        }
        conditions.path.clamp(0.0, 1.0) / (1.0 + 2.0e-3 * conditions.symbol_errors)
    }

    /// What it counted.
    pub fn counters(&self) -> &PortCounters {
        &self.counters
    }

    /// Whether its link is up.
    pub fn up(&self) -> bool {
        self.up
    }

    /// Bytes a second, each way.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// The host started anew.
    pub(crate) fn reset(&mut self) {
        self.counters = PortCounters::default();
    }

    fn link(&mut self, seconds: f64, conditions: &PortConditions) {
        let rate = conditions.flaps_per_hour;
        if rate > 0.0 && self.up && self.random.chance(rate * seconds / 3600.0) {
            self.flap_ends = self.now + self.random.between(FLAP.0, FLAP.1);
        }
        let up = conditions.down < 0.5 && self.now >= self.flap_ends;
        if up != self.up {
            self.counters.carrier_changes += 1;
            self.counters.link_downed += u64::from(!up);
        }
        self.up = up;
    }
}
