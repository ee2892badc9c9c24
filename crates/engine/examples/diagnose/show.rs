//! Prints answers, and what moved.

use std::fmt::Write as _;

use auscult_diagnose::diagnosis::Diagnosis;
use auscult_diagnose::evidence::Judge;
use auscult_diagnose::laws::Laws;
use auscult_knowledge::{Knowledge, Subject};

use crate::case::Case;

/// Prints an answer with its evidence.
pub(crate) fn print(
    text: &mut String,
    fault: &str,
    number: usize,
    case: &Case,
    diagnosis: &Diagnosis,
) {
    let _ = writeln!(
        text,
        "{fault}/{number} at {}: healthy {:.3}, unknown {:.3}",
        case.places.join(" "),
        diagnosis.healthy,
        diagnosis.unknown
    );
    for cause in diagnosis.causes.iter().take(3) {
        let _ = writeln!(
            text,
            "  {:.3} {} {} at {} ({:.2})",
            cause.probability, cause.fault, cause.name, cause.place, cause.here
        );
    }
    let is_true = |name: &str| case.fault.split('+').any(|fault| fault == name);
    let (first, others) = diagnosis.causes.split_at(diagnosis.causes.len().min(1));
    let truths = others.iter().filter(|cause| is_true(&cause.fault));
    for ruled_out in diagnosis.ruled_out.iter().filter(|one| is_true(&one.fault)) {
        let _ = writeln!(text, "  {} is ruled out: {}", ruled_out.fault, ruled_out.reason);
    }
    for cause in first.iter().chain(truths) {
        let _ = writeln!(text, "  {} ({:.3}):", cause.fault, cause.probability);
        for evidence in cause.evidence.iter().take(14) {
            let _ = writeln!(
                text,
                "    {:+.2} {} {:?} {}",
                evidence.weight, evidence.statement, evidence.finding.holds, evidence.finding.seen
            );
        }
    }
}

/// Prints which laws are broken, which exclude the true cause, and how many hold.
pub(crate) fn print_laws(
    text: &mut String,
    knowledge: &Knowledge,
    number: usize,
    case: &Case,
    laws: &Laws,
) {
    let mut held = 0;
    for verdict in laws.verdicts() {
        let part = &knowledge.laws()[verdict.law].parts[verdict.part];
        let target = &case.scene.targets()[verdict.target];
        let mut print = |what: &str| {
            let _ = writeln!(
                text,
                "law {}/{number} {what}: {} at {} {}: before {:?}, now {:?}",
                case.fault, part.part, target.kind, target.name, verdict.before, verdict.now
            );
        };
        let is_true = |faults: &[String]| {
            let place = knowledge.faults().iter().find(|fault| fault.fault == case.fault);
            let is_here = || place.is_none_or(|fault| fault.place != part.of) || case.is_at(target);
            faults.contains(&case.fault) && is_here()
        };
        if is_true(&part.holds_excludes) && verdict.holds() == Some(true)
            || is_true(&part.broken.excludes) && verdict.breaks() == Some(true)
        {
            print("wrongly excludes");
        }
        match verdict.holds() {
            Some(true) => held += 1,
            Some(false) if !part.either => print("broken"),
            Some(false) | None => {}
        }
    }
    let not = laws.trust().distrusted();
    for (target, signal, why) in &not {
        let target = &case.scene.targets()[*target];
        let _ = writeln!(text, "  not trusted: {signal} of {}: {}", target.name, why.why);
    }
    let _ = writeln!(text, "law {}/{number} held {held}, not trusted {}", case.fault, not.len());
}

/// Prints what moved, target by target.
pub(crate) fn print_signals(text: &mut String, knowledge: &Knowledge, case: &Case) {
    let _ = writeln!(text, "== {} at {}", case.fault, case.places.join(" "));
    let mut judge = Judge::new(&case.scene, knowledge, case.window);
    for (number, target) in case.scene.targets().iter().enumerate() {
        let mut names: Vec<(String, Option<(String, String)>)> = Vec::new();
        for track in &target.tracks {
            let mut add = |label| {
                let name = (track.signal.clone(), label);
                if !names.contains(&name) {
                    names.push(name);
                }
            };
            add(None);
            for (label, value) in track.labels.iter() {
                if matches!(
                    label,
                    "finished_reason"
                        | "reason"
                        | "outcome"
                        | "served"
                        | "class"
                        | "error_type"
                        | "mode"
                        | "device"
                        | "mountpoint"
                        | "kind"
                        | "category"
                        | "worker"
                ) {
                    add(Some((label.to_owned(), value.to_owned())));
                }
            }
        }
        for (name, label) in names {
            let subject = Subject::Signal { name: name.clone(), label: label.clone(), per: None };
            let Some(numbers) = judge.numbers(number, &subject) else { continue };
            let (rise, fall) = (numbers.rise(), numbers.fall());
            let gone = numbers.there_before > 0.5 && numbers.there_at_end < 0.2;
            if rise.max(fall) >= 2.5 || gone {
                let label =
                    label.map(|(name, value)| format!("{{{name}={value}}}")).unwrap_or_default();
                let _ = writeln!(
                    text,
                    "  {} {} {name}{label}: {:.4} → {:.4} (end {:.4}) rise {rise:.1} fall {fall:.1} there {:.2}",
                    target.kind,
                    target.name,
                    numbers.before[2],
                    numbers.after[2],
                    numbers.tail,
                    numbers.there_at_end
                );
            }
        }
    }
}
