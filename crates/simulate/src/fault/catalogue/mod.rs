//! Every fault of the catalogue as turns of dials, one file a layer, and what only looks like one.

mod device;
mod engine;
mod lookalike;
mod model;
mod network;
mod scheduler;
mod traffic;
mod training;

pub use lookalike::LOOKALIKES;

use super::{Fault, Turn};

const fn turn(dial: &'static str, mild: f64, severe: f64) -> Turn {
    Turn { dial, mild, severe }
}

/// All 72 faults, layer by layer.
pub fn faults() -> impl Iterator<Item = &'static Fault> {
    let layers = [
        traffic::TRAFFIC,
        scheduler::SCHEDULER,
        engine::ENGINE,
        device::DEVICE,
        network::NETWORK,
        model::MODEL,
        training::TRAINING,
    ];
    layers.into_iter().flatten()
}

/// The fault or look-alike with this number.
pub fn fault(id: &str) -> Option<&'static Fault> {
    faults().chain(LOOKALIKES).find(|fault| fault.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fault::{dials, find_dial};
    use crate::place::PartKind;

    #[test]
    fn the_catalogue_has_all_faults_once() {
        let ids: BTreeSet<&str> = faults().map(|fault| fault.id).collect();
        assert_eq!((faults().count(), ids.len()), (72, 72));
        let counts = [
            ('T', 8),
            ('S', 8),
            ('E', 12),
            ('G', 14),
            ('H', 3),
            ('N', 4),
            ('D', 3),
            ('M', 9),
            ('R', 11),
        ];
        for (layer, count) in counts {
            assert_eq!(ids.iter().filter(|id| id.starts_with(layer)).count(), count, "{layer}");
        }
    }

    #[test]
    fn every_turn_leaves_the_healthy_place_of_a_dial_that_is_there() {
        for fault in faults().chain(LOOKALIKES) {
            for turn in fault.variants.iter().flat_map(|variant| variant.turns) {
                let (kind, dial) =
                    find_dial(turn.dial).unwrap_or_else(|| panic!("{}: {}", fault.id, turn.dial));
                let healthy = dials(kind)[dial].healthy;
                let (mild, severe) = (turn.mild - healthy, turn.severe - healthy);
                assert!(
                    mild * severe > 0.0 && severe.abs() >= mild.abs(),
                    "{}: {}",
                    fault.id,
                    turn.dial
                );
            }
        }
    }

    #[test]
    fn every_dial_is_turned_by_something() {
        let turned: BTreeSet<&str> = faults()
            .chain(LOOKALIKES)
            .flat_map(|fault| fault.variants)
            .flat_map(|variant| variant.turns)
            .map(|turn| turn.dial)
            .collect();
        let all = PartKind::ALL.into_iter().flat_map(dials).map(|dial| dial.name);
        let idle: Vec<&str> = all.filter(|name| !turned.contains(name)).collect();
        assert_eq!(idle, IDLE);
    }

    /// Dials for scenarios of one's own.
    const IDLE: [&str; 2] = ["replica.kv_blocks", "rank.crashes_per_hour"];
}
