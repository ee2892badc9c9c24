//! Hosts, network and storage: faults as turns of dials.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// Faults of this layer.
pub(super) const NETWORK: &[Fault] = &[
    Fault {
        id: "H1",
        name: "CPU starvation",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Hardware,
        variants: &[
            Variant {
                name: "neighbour",
                spread: Spread::One(PartKind::Host),
                turns: &[turn("host.neighbour_cores", 110.0, 400.0)],
                change: None,
            },
            Variant {
                name: "quota",
                spread: Spread::One(PartKind::Host),
                turns: &[turn("host.cpu_quota", 0.1, 0.03)],
                change: Some(ChangeKind::Config),
            },
        ],
    },
    Fault {
        id: "H2",
        name: "node lost",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Host),
            turns: &[turn("host.down", 1.0, 1.0)],
            change: Some(ChangeKind::Maintenance),
        }],
    },
    Fault {
        id: "H3",
        name: "clock skew",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Host),
            turns: &[turn("host.clock_offset", 0.4, 20.0)],
            change: None,
        }],
    },
    Fault {
        id: "N1",
        name: "link down or flapping",
        onsets: &[Onset::Sudden],
        needs: Needs::Fabric,
        variants: &[
            Variant {
                name: "down",
                spread: Spread::One(PartKind::Port),
                turns: &[turn("port.down", 1.0, 1.0)],
                change: None,
            },
            Variant {
                name: "flapping",
                spread: Spread::One(PartKind::Port),
                turns: &[turn("port.flaps_per_hour", 60.0, 300.0)],
                change: None,
            },
        ],
    },
    Fault {
        id: "N2",
        name: "congestion or hash collision",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Fabric,
        variants: &[Variant {
            name: "",
            spread: Spread::Some(PartKind::Port),
            turns: &[turn("port.path", 0.4, 0.12)],
            change: None,
        }],
    },
    Fault {
        id: "N3",
        name: "symbol errors",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Fabric,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Port),
            turns: &[turn("port.symbol_errors", 15.0, 400.0)],
            change: None,
        }],
    },
    Fault {
        id: "N4",
        name: "collective hang",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Rank),
            turns: &[turn("rank.deadlock", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "D1",
        name: "checkpoint storage saturated",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Storage),
            turns: &[turn("storage.bandwidth", 0.3, 0.08), turn("storage.backlog", 4.0, 40.0)],
            change: None,
        }],
    },
    Fault {
        id: "D2",
        name: "disk full",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Host),
            turns: &[turn("host.disk_fill", 1.5e9, 5.0e9)],
            change: None,
        }],
    },
    Fault {
        id: "D3",
        name: "slow weight load",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.restarted", 1.0, 1.0), turn("replica.weight_speed", 0.1, 0.03)],
            change: Some(ChangeKind::Scale),
        }],
    },
];
