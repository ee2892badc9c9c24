//! What only looks like a fault.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// What a healthy fleet does that may be taken for a fault.
pub const LOOKALIKES: &[Fault] = &[
    Fault {
        id: "L1",
        name: "KV cache nearly full, nothing waits",
        onsets: &[Onset::Sudden],
        needs: Needs::Unshared,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.kv_peak", 0.75, 0.95)],
            change: Some(ChangeKind::Config),
        }],
    },
    Fault {
        id: "L2",
        name: "software power cap at work",
        onsets: &[Onset::Sudden, Onset::Intermittent],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::All(PartKind::Gpu),
            turns: &[turn("gpu.power_limit", 0.75, 0.6)],
            change: None,
        }],
    },
    Fault {
        id: "L3",
        name: "planned restart",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.restarted", 1.0, 1.0)],
            change: Some(ChangeKind::Restart),
        }],
    },
    Fault {
        id: "L4",
        name: "traffic peak within capacity",
        onsets: &[Onset::Creeping],
        needs: Needs::Room,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.arrivals", 1.1, 2.2)],
            change: None,
        }],
    },
    Fault {
        id: "L5",
        name: "rows remapped, spares left",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.remaps_per_hour", 6.0, 30.0)],
            change: None,
        }],
    },
    Fault {
        id: "L6",
        name: "compile pause after a start",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.restarted", 1.0, 1.0), turn("replica.start_time", 1.5, 2.0)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "L7",
        name: "a checkpoint and planned restart of the job",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Job),
            turns: &[turn("job.restarted", 1.0, 1.0)],
            change: Some(ChangeKind::Restart),
        }],
    },
    Fault {
        id: "L8",
        name: "longer answers by one class of users",
        onsets: &[Onset::Creeping],
        needs: Needs::Room,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.output_length", 1.1, 1.8)],
            change: None,
        }],
    },
    Fault {
        id: "L9",
        name: "workers of a drained replica say that they wait",
        onsets: &[Onset::Sudden],
        needs: Needs::Workers,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.routing_weight", 0.0, 0.0)],
            change: Some(ChangeKind::Maintenance),
        }],
    },
];
