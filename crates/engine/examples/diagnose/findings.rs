//! Every statement's verdict at every target, as lines of JSON.

use std::collections::BTreeMap;

use auscult_diagnose::diagnosis::{Cause, Diagnosis, Doctor};
use auscult_knowledge::Knowledge;

use crate::case::Case;

/// The statements that are looked at, by kind of target.
pub(crate) fn head(knowledge: &Knowledge, doctor: &Doctor<'_>) -> String {
    let kinds = knowledge.faults().iter().map(|fault| fault.place.as_str());
    let said = kinds.map(|kind| {
        let texts = doctor.vocabulary(kind).iter().map(|statement| statement.text.clone());
        (kind, texts.collect())
    });
    let said: BTreeMap<&str, Vec<String>> = said.collect();
    format!("{}\n", serde_json::json!(said))
}

/// The verdicts of a case, in the order of the statements: `1` holds, `0` does not, `.` unknown or explained;
/// of several causes, once more beside each of them that `diagnosis` has found, as they are asked for.
pub(crate) fn lines(
    doctor: &Doctor<'_>,
    case: &Case,
    number: usize,
    diagnosis: &Diagnosis,
) -> String {
    let mut text = line(doctor, case, number, &[]);
    let truths: Vec<&str> = case.fault.split('+').collect();
    for truth in truths.iter().filter(|_| truths.len() > 1) {
        let mut causes = diagnosis.causes.iter().filter(|cause| cause.fault == *truth);
        if let Some(cause) = causes.find(|cause| case.is_where(cause)) {
            text += &line(doctor, case, number, std::slice::from_ref(cause));
        }
    }
    text
}

/// The same beside causes that are known.
fn line(doctor: &Doctor<'_>, case: &Case, number: usize, known: &[Cause]) -> String {
    let targets = case.scene.targets();
    let findings = doctor.findings(&case.scene, case.window, known).into_iter();
    let verdict = |holds| match holds {
        Some(true) => '1',
        Some(false) => '0',
        None => '.',
    };
    let findings = findings.map(|(place, findings)| {
        let target = &targets[place];
        let verdicts: String = findings.into_iter().map(verdict).collect();
        serde_json::json!([target.kind, target.name, case.is_at(target), verdicts])
    });
    let known: Vec<&str> = known.iter().map(|cause| cause.fault.as_str()).collect();
    let line = serde_json::json!({
        "number": number, "truth": case.fault, "known": known, "places": case.places,
        "targets": findings.collect::<Vec<_>>(),
    });
    format!("{line}\n")
}
