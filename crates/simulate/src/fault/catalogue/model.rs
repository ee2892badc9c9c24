//! Model and data: faults as turns of dials.

use super::turn;
use crate::fault::{ChangeKind, Fault, Needs, Onset, Spread, Variant};
use crate::place::PartKind;

/// Faults of this layer.
pub(super) const MODEL: &[Fault] = &[
    Fault {
        id: "M1",
        name: "bad quantised weights or kernel",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.bad_weights", 0.3, 1.0)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "M2",
        name: "template, tokeniser or end token wrong",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.bad_template", 0.3, 1.0)],
            change: Some(ChangeKind::Config),
        }],
    },
    Fault {
        id: "M3",
        name: "NaN logits",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Replica),
            turns: &[turn("replica.nan_logits", 0.02, 0.3)],
            change: None,
        }],
    },
    Fault {
        id: "M4",
        name: "numerics bug on one platform",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::Some(PartKind::Replica),
            turns: &[turn("replica.wrong_tokens", 0.05, 0.4)],
            change: Some(ChangeKind::Deploy),
        }],
    },
    Fault {
        id: "M5",
        name: "input drift",
        onsets: &[Onset::Creeping, Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.input_drift", 0.6, 2.0)],
            change: None,
        }],
    },
    Fault {
        id: "M6",
        name: "concept drift",
        onsets: &[Onset::Creeping],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.concept_drift", 0.1, 0.4)],
            change: None,
        }],
    },
    Fault {
        id: "M7",
        name: "over-refusal",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.over_refusal", 0.1, 0.6)],
            change: Some(ChangeKind::Config),
        }],
    },
    Fault {
        id: "M8",
        name: "sensor or codec degraded",
        onsets: &[Onset::Sudden, Onset::Creeping],
        needs: Needs::Sources,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Source),
            turns: &[turn("source.degraded", 0.3, 0.9)],
            change: None,
        }],
    },
    Fault {
        id: "M9",
        name: "misroute to wrong variant",
        onsets: &[Onset::Sudden],
        needs: Needs::Service,
        variants: &[Variant {
            name: "",
            spread: Spread::One(PartKind::Service),
            turns: &[turn("service.misrouted", 0.08, 0.5)],
            change: Some(ChangeKind::Config),
        }],
    },
];
