//! Every statement's verdict at every target, as lines of JSON.

use std::collections::BTreeMap;

use auscult_diagnose::diagnosis::Doctor;
use auscult_diagnose::evidence::Judge;
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

/// The verdicts of a case, in the order of the statements: `1` holds, `0` does not, `.` unknown.
pub(crate) fn line(
    doctor: &Doctor<'_>,
    knowledge: &Knowledge,
    case: &Case,
    number: usize,
) -> String {
    let mut judge = Judge::new(&case.scene, knowledge, case.window);
    let mut targets = Vec::new();
    for (place, target) in case.scene.targets().iter().enumerate() {
        let vocabulary = doctor.vocabulary(&target.kind);
        if vocabulary.is_empty() {
            continue;
        }
        let is_ill = case.is_at(target);
        let verdict = |holds| match holds {
            Some(true) => '1',
            Some(false) => '0',
            None => '.',
        };
        let verdicts: String = vocabulary
            .iter()
            .map(|statement| verdict(judge.judge(statement, place).holds))
            .collect();
        targets.push(serde_json::json!([target.kind, target.name, is_ill, verdicts]));
    }
    let line = serde_json::json!({
        "number": number, "truth": case.fault, "places": case.places, "targets": targets,
    });
    format!("{line}\n")
}
