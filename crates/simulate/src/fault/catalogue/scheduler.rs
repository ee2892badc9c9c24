//! The scheduler of an engine: faults as turns of dials.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// Faults of this layer.
pub(super) const SCHEDULER: &[Fault] = &[
    Fault {
        id: "S1",
        name: "KV capacity bound",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.kv_need", 0.8, 1.6), turn("replica.reserved_output", 1.0, 1.0)],
            change: Some(ChangeKind::Config),
        }],
    },
    Fault {
        id: "S2",
        name: "preemption storm",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[
            Variant {
                name: "many admitted",
                spread: Spread::One(PartKind::Service),
                turns: &[
                    turn("replica.kv_need", 0.7, 1.1),
                    turn("replica.max_running", 3.0, 6.0),
                    turn("service.output_length", 1.4, 2.0),
                ],
                change: Some(ChangeKind::Config),
            },
            Variant {
                name: "small cache",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("replica.kv_need", 1.0, 1.8)],
                change: Some(ChangeKind::Config),
            },
        ],
    },
    Fault {
        id: "S3",
        name: "prefill starves decode",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[
                turn("replica.step_tokens", 4.0, 16.0),
                turn("service.long_prompts", 0.08, 0.2),
            ],
            change: Some(ChangeKind::Config),
        }],
    },
    Fault {
        id: "S4",
        name: "concurrency cap binding",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.max_running", 0.05, 0.012)],
            change: Some(ChangeKind::Config),
        }],
    },
    Fault {
        id: "S5",
        name: "adapter thrash",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Adapters,
        variants: &[
            Variant {
                name: "more adapters",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("service.adapters", 3.0, 8.0)],
                change: None,
            },
            Variant {
                name: "fewer slots",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("replica.adapter_slots", 0.4, 0.15)],
                change: Some(ChangeKind::Config),
            },
        ],
    },
    Fault {
        id: "S6",
        name: "prefix cache ineffective by design",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.cacheable", 0.1, 0.0)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "S7",
        name: "KV hand-off stalled",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Disaggregation,
        variants: &[
            Variant {
                name: "failing",
                spread: Spread::One(PartKind::Replica),
                turns: &[turn("replica.failed_transfers", 0.3, 0.9)],
                change: None,
            },
            Variant {
                name: "slow",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("replica.transfer_speed", 0.08, 0.02)],
                change: None,
            },
        ],
    },
    Fault {
        id: "S8",
        name: "collapse after retraction",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.collapses", 1.0, 1.0), turn("replica.retracted", 0.3, 0.9)],
            change: None,
        }],
    },
];
