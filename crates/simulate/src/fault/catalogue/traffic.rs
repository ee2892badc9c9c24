//! Traffic: faults as turns of dials.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// Faults of this layer.
pub(super) const TRAFFIC: &[Fault] = &[
    Fault {
        id: "T1",
        name: "request surge",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Busy,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.arrivals", 1.8, 3.5)],
            change: None,
        }],
    },
    Fault {
        id: "T2",
        name: "long-prompt surge",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.long_prompts", 0.08, 0.35)],
            change: None,
        }],
    },
    Fault {
        id: "T3",
        name: "output-length explosion",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[
            Variant {
                name: "longer answers",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("service.output_length", 2.5, 6.0)],
                change: None,
            },
            Variant {
                name: "missed ends",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("service.missed_ends", 0.15, 0.7)],
                change: Some(ChangeKind::Deploy),
            },
        ],
    },
    Fault {
        id: "T4",
        name: "abort and retry storm",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[
            Variant {
                name: "many clients",
                spread: Spread::One(PartKind::Service),
                turns: &[
                    turn("service.client_timeout", 20.0, 6.0),
                    turn("service.client_retries", 2.0, 4.0),
                    turn("service.arrivals", 1.25, 1.6),
                ],
                change: Some(ChangeKind::Config),
            },
            // What clients are set to is not in the books of those who serve.
            Variant {
                name: "impatient clients",
                spread: Spread::One(PartKind::Service),
                turns: &[
                    turn("service.client_timeout", 7.0, 3.0),
                    turn("service.client_retries", 3.0, 8.0),
                ],
                change: None,
            },
        ],
    },
    Fault {
        id: "T5",
        name: "prefix locality lost",
        onsets: &[Onset::Sudden],
        needs: Needs::Sessions,
        variants: &[
            Variant {
                name: "changing beginning",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("service.unique_beginnings", 0.7, 1.0)],
                change: Some(ChangeKind::Deploy),
            },
            Variant {
                name: "scattered sessions",
                spread: Spread::One(PartKind::Service),
                turns: &[turn("service.scattered_sessions", 0.7, 1.0)],
                change: Some(ChangeKind::Config),
            },
        ],
    },
    Fault {
        id: "T6",
        name: "hot replica",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.routing_weight", 2.5, 6.0)],
            change: None,
        }],
    },
    Fault {
        id: "T7",
        name: "multimodal burst",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.media", 0.25, 0.8)],
            change: None,
        }],
    },
    Fault {
        id: "T8",
        name: "grammar burst",
        onsets: &[Onset::Sudden, Onset::Creeping, Onset::Intermittent],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.grammars", 0.4, 0.9), turn("service.fresh_grammars", 0.4, 1.0)],
            change: None,
        }],
    },
];
