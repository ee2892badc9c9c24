//! GPUs: faults as turns of dials.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// Faults of this layer.
pub(super) const DEVICE: &[Fault] = &[
    Fault {
        id: "G1",
        name: "thermal throttle",
        onsets: &[Onset::Creeping, Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[
            Variant {
                name: "one card",
                spread: Spread::One(PartKind::Gpu),
                turns: &[turn("gpu.cooling", 0.32, 0.18)],
                change: None,
            },
            Variant {
                name: "warm air",
                spread: Spread::All(PartKind::Gpu),
                turns: &[turn("gpu.inlet", 25.0, 35.0), turn("gpu.cooling", 0.5, 0.35)],
                change: None,
            },
        ],
    },
    Fault {
        id: "G2",
        name: "power cap or brake",
        onsets: &[Onset::Sudden, Onset::Intermittent],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::All(PartKind::Gpu),
            turns: &[turn("gpu.power_brake", 0.6, 0.35)],
            change: None,
        }],
    },
    Fault {
        id: "G3",
        name: "clock setting",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.clock_limit", 0.7, 0.4)],
            change: Some(ChangeKind::Maintenance),
        }],
    },
    Fault {
        id: "G4",
        name: "contained memory error",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.contained_error", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "G5",
        name: "uncontained memory error",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.uncontained_error", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "G6",
        name: "no spare rows left",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.no_spare_rows", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "G7",
        name: "GPU off the bus",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.off_bus", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "G8",
        name: "GSP timeout",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.gsp_timeout", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "G9",
        name: "NVLink or fabric down",
        onsets: &[Onset::Sudden, Onset::Intermittent],
        needs: Needs::Links,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.nvlinks_down", 0.3, 1.0), turn("gpu.nvlink_errors", 20.0, 400.0)],
            change: None,
        }],
    },
    Fault {
        id: "G10",
        name: "application fault",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::Some(PartKind::Gpu),
            turns: &[turn("gpu.application_faults_per_hour", 8.0, 40.0)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "G11",
        name: "PCIe degraded",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.pcie_lanes", 0.25, 0.0625), turn("gpu.pcie_replays", 2.0, 40.0)],
            change: None,
        }],
    },
    Fault {
        id: "G12",
        name: "silent corruption",
        onsets: &[Onset::Sudden, Onset::Intermittent],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.corruption", 0.02, 0.3)],
            change: None,
        }],
    },
    Fault {
        id: "G13",
        name: "driver wedge",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.wedged_driver", 1.0, 1.0)],
            change: None,
        }],
    },
    Fault {
        id: "G14",
        name: "orphan process",
        onsets: &[Onset::Sudden],
        needs: Needs::Hardware,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Gpu),
            turns: &[turn("gpu.orphan_bytes", 1.0e10, 3.0e10)],
            change: None,
        }],
    },
];
