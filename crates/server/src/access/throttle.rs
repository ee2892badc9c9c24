//! Who guesses secrets waits longer after each wrong one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wait after the first wrong secret; doubled by each further one.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait between two attempts of an address.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Who has been quiet for so long begins anew.
const FORGIVEN_AFTER: Duration = Duration::from_secs(300);
/// Addresses that are remembered at most.
const MOST_ADDRESSES: usize = 10_000;

/// Wrong secrets by address.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    addresses: Mutex<HashMap<IpAddr, Wrong>>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    times: u32,
    last: Instant,
    /// When the address may try again.
    next: Instant,
}

/// When an address may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// After this wait, unless it was wrong again meanwhile: it has been this many times so far.
    In { wait: Duration, wrong: u32 },
    /// So many attempts wait already that this one is not worth keeping.
    TooMany(Duration),
}

impl Throttle {
    /// Gives `address` a turn of its own, so that attempts at once are attempts one after another.
    pub(super) fn turn(&self, address: IpAddr, now: Instant) -> Turn {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let address = source(address);
        let Some(known) = addresses.get_mut(&address) else {
            return Turn::In { wait: Duration::ZERO, wrong: 0 };
        };
        if now.saturating_duration_since(known.last) > FORGIVEN_AFTER {
            addresses.remove(&address);
            return Turn::In { wait: Duration::ZERO, wrong: 0 };
        }
        let wait = known.next.saturating_duration_since(now);
        if wait > LONGEST_WAIT {
            return Turn::TooMany(wait);
        }
        known.next = now + wait + pause(known.times);
        Turn::In { wait, wrong: known.times }
    }

    /// How often `address` was wrong.
    pub(super) fn wrong(&self, address: IpAddr) -> u32 {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.get(&source(address)).map_or(0, |known| known.times)
    }

    /// Notes that `address` was wrong.
    pub(super) fn was_wrong(&self, address: IpAddr, now: Instant) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= MOST_ADDRESSES {
            addresses.retain(|_, known| now.saturating_duration_since(known.last) < LONGEST_WAIT);
            if addresses.len() >= MOST_ADDRESSES {
                // So many at once are an attack by many, each of which gets few attempts.
                addresses.clear();
            }
        }
        let known = addresses.entry(source(address));
        let known = known.or_insert(Wrong { times: 0, last: now, next: now });
        known.times = known.times.saturating_add(1);
        known.last = now;
        known.next = known.next.max(now + pause(known.times));
    }
}

fn pause(times: u32) -> Duration {
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1))).min(LONGEST_WAIT)
}

/// What stands for one sender: whoever has an address of IPv6 has a whole network of 64 bits.
pub(super) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_forgiven() {
        let throttle = Throttle::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let Turn::In { wait, .. } = throttle.turn(one, now) else { panic!("too many") };
            waits.push(wait.as_millis());
            now += wait;
            throttle.was_wrong(one, now);
        }
        assert_eq!(waits, [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000]);
        assert_eq!(throttle.turn(other, now), Turn::In { wait: Duration::ZERO, wrong: 0 });
        // Attempts at once wait for each other, and then there are too many.
        assert!(matches!(throttle.turn(one, now), Turn::In { wrong: 9, .. }));
        assert!(matches!(throttle.turn(one, now), Turn::TooMany(_)));
        now += FORGIVEN_AFTER + Duration::from_secs(1);
        assert_eq!(throttle.turn(one, now), Turn::In { wait: Duration::ZERO, wrong: 0 });
        assert_eq!(throttle.wrong(one), 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_sender_and_mapped_addresses_are_those_of_ipv4() {
        let source = |text: &str| source(text.parse().unwrap()).to_string();
        assert_eq!(source("2001:db8:0:1:2:3:4:5"), "2001:db8:0:1::");
        assert_eq!(source("::ffff:10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for number in 0..30_000_u32 {
            throttle.was_wrong(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(throttle.addresses.lock().unwrap().len() <= MOST_ADDRESSES);
    }
}
