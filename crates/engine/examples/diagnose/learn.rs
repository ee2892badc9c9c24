//! What a case adds to past incidents.

use std::collections::BTreeMap;

use auscult_diagnose::diagnosis::{Doctor, Experience};
use auscult_diagnose::evidence::Judge;
use auscult_diagnose::scene::Target;
use auscult_knowledge::Knowledge;

use crate::case::Case;

/// What was found at a target: statement by statement of the vocabulary of its kind.
pub(crate) struct Found {
    kind: String,
    is_ill: bool,
    weight: f64,
    holds: Vec<Option<bool>>,
}

/// What was found at every target of a case.
pub(crate) fn found(doctor: &Doctor<'_>, knowledge: &Knowledge, case: &Case) -> Vec<Found> {
    let mut judge = Judge::new(&case.scene, knowledge, case.window);
    let mut kinds: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let fault = knowledge.faults().iter().find(|fault| fault.fault == case.fault);
    let is_ill = |target: &Target| {
        fault.is_some_and(|fault| fault.place == target.kind) && case.is_at(target)
    };
    for target in case.scene.targets() {
        *kinds.entry((&target.kind, is_ill(target))).or_default() += 1;
    }
    let mut all = Vec::new();
    for (number, target) in case.scene.targets().iter().enumerate() {
        let is_ill = is_ill(target);
        if !is_ill && case.fault != "healthy" {
            continue;
        }
        let weight = 1.0 / kinds[&(target.kind.as_str(), is_ill)] as f64;
        let vocabulary = doctor.vocabulary(&target.kind).iter();
        let holds = vocabulary.map(|statement| judge.judge(statement, number).holds).collect();
        all.push(Found { kind: target.kind.clone(), is_ill, weight, holds });
    }
    all
}

/// Adds it to past incidents.
pub(crate) fn remember(doctor: &Doctor<'_>, fault: &str, found: &[Found], learnt: &mut Experience) {
    for Found { kind, is_ill, weight, holds } in found {
        for (statement, holds) in doctor.vocabulary(kind).iter().zip(holds) {
            let Some(holds) = *holds else { continue };
            if *is_ill {
                learnt.learn_fault(fault, &statement.text, holds, *weight);
            } else {
                learnt.learn_health(kind, &statement.text, holds, *weight);
            }
        }
    }
}
