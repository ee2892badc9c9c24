//! The engine and its process: faults as turns of dials.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// Faults of this layer.
pub(super) const ENGINE: &[Fault] = &[
    Fault {
        id: "E1",
        name: "engine alive but hung",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[
            Variant {
                name: "no step ends",
                spread: Spread::One(PartKind::Replica),
                turns: &[turn("replica.hung", 1.0, 1.0)],
                change: None,
            },
            Variant {
                name: "stopped process",
                spread: Spread::One(PartKind::Replica),
                turns: &[turn("replica.stopped", 1.0, 1.0)],
                change: None,
            },
        ],
    },
    Fault {
        id: "E2",
        name: "false hang",
        onsets: &[Onset::Sudden, Onset::Intermittent],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[
                turn("replica.blocked_health", 1.0, 1.0),
                turn("replica.step_tokens", 8.0, 16.0),
                turn("service.long_prompts", 0.1, 0.2),
            ],
            change: None,
        }],
    },
    Fault {
        id: "E3",
        name: "engine crash",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.crashes_per_hour", 12.0, 60.0)],
            change: None,
        }],
    },
    Fault {
        id: "E4",
        name: "CUDA out of memory in service",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.media", 0.15, 0.4), turn("service.media_bytes", 4.0e9, 1.2e10)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "E5",
        name: "host memory leak",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.leak_bytes", 1.5e8, 6.0e8)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "E6",
        name: "front end bound by CPU",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.frontend_cores", 0.04, 0.01)],
            change: Some(ChangeKind::Config),
        }],
    },
    Fault {
        id: "E7",
        name: "engine core bound by CPU",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.step_overhead", 6.0, 20.0)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "E8",
        name: "speculation stopped paying",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Speculation,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("replica.acceptance", 0.4, 0.05)],
            change: None,
        }],
    },
    Fault {
        id: "E9",
        name: "slow cold start",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.restarted", 1.0, 1.0), turn("replica.start_time", 4.0, 10.0)],
            change: Some(ChangeKind::Scale),
        }],
    },
    Fault {
        id: "E10",
        name: "corrupted KV with status 200",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Disaggregation,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.stale_transfers", 0.1, 0.5)],
            change: None,
        }],
    },
    Fault {
        id: "E11",
        name: "expert imbalance",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Experts,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.input_drift", 0.3, 0.6), turn("replica.expert_skew", 0.35, 0.8)],
            change: None,
        }],
    },
    Fault {
        id: "E12",
        name: "telemetry broken",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[
            Variant {
                name: "counted twice",
                spread: Spread::One(PartKind::Replica),
                turns: &[turn("replica.double_counting", 1.0, 1.0)],
                change: Some(ChangeKind::Deploy),
            },
            Variant {
                name: "frozen",
                spread: Spread::One(PartKind::Replica),
                turns: &[turn("replica.frozen_exporter", 1.0, 1.0)],
                change: None,
            },
            Variant {
                name: "failing",
                spread: Spread::One(PartKind::Replica),
                turns: &[turn("replica.failing_exporter", 0.5, 1.0)],
                change: None,
            },
        ],
    },
];
