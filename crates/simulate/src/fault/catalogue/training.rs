//! Training: faults as turns of dials.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// Faults of this layer.
pub(super) const TRAINING: &[Fault] = &[
    Fault {
        id: "R1",
        name: "loss spike",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[
            Variant {
                name: "bad batch",
                spread: Spread::One(PartKind::Job),
                turns: &[turn("job.bad_batch", 1.0, 1.0)],
                change: None,
            },
            Variant {
                name: "learning rate",
                spread: Spread::One(PartKind::Job),
                turns: &[turn("job.learning_rate", 4.0, 10.0)],
                change: Some(ChangeKind::Config),
            },
        ],
    },
    Fault {
        id: "R2",
        name: "NaN in training",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Rank),
            turns: &[turn("rank.nan_gradients", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "R3",
        name: "straggler",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Job,
        variants: &[
            Variant {
                name: "one rank",
                spread: Spread::One(PartKind::Rank),
                turns: &[turn("rank.speed", 0.75, 0.3)],
                change: None,
            },
            Variant {
                name: "one host",
                spread: Spread::One(PartKind::Host),
                turns: &[turn("host.cpu_speed", 0.6, 0.25)],
                change: None,
            },
        ],
    },
    Fault {
        id: "R4",
        name: "loader starvation",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Job),
            turns: &[turn("job.loader_speed", 0.35, 0.1)],
            change: None,
        }],
    },
    Fault {
        id: "R5",
        name: "garbage collection pauses",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Job),
            turns: &[turn("job.garbage_pauses", 1.0, 1.0)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "R6",
        name: "training hang",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Rank),
            turns: &[turn("rank.stuck", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "R7",
        name: "checkpoint cost",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[
            Variant {
                name: "larger",
                spread: Spread::One(PartKind::Job),
                turns: &[turn("job.checkpoint_size", 4.0, 12.0)],
                change: Some(ChangeKind::Config),
            },
            Variant {
                name: "more often",
                spread: Spread::One(PartKind::Job),
                turns: &[turn("job.checkpoint_interval", 0.2, 0.06)],
                change: Some(ChangeKind::Config),
            },
        ],
    },
    Fault {
        id: "R8",
        name: "resume replays data",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Job),
            turns: &[turn("job.restarted", 1.0, 1.0), turn("job.replays_data", 1.0, 1.0)],
            change: Some(ChangeKind::Restart),
        }],
    },
    Fault {
        id: "R9",
        name: "slow decline of MFU",
        onsets: &[Onset::Creeping, Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::All(PartKind::Gpu),
            turns: &[turn("gpu.compute", 0.94, 0.85)],
            change: None,
        }],
    },
    Fault {
        id: "R10",
        name: "lemon node",
        onsets: &[Onset::Sudden],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Host),
            turns: &[turn("host.failures_per_day", 100.0, 400.0)],
            change: None,
        }],
    },
    Fault {
        id: "R11",
        name: "workload imbalance",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Job,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Job),
            turns: &[turn("job.imbalance", 0.15, 0.6)],
            change: Some(ChangeKind::Config),
        }],
    },
];
