//! Troubleshooting of an incident: what its readings answer is looked at step by step, and a person is
//! asked for the rest, down to a cause and its remedy.

use std::fmt::Write as _;

use auscult_core::Timestamp;
use auscult_diagnose::draw::percent;
use auscult_engine::{Consultation, Diagnosis, Step};
use auscult_telemetry::format_time;

use super::super::case::{CaseArguments, Numbered};
use super::super::consult::{Dialogue, asked, cause};
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;

/// Pieces of evidence that are told of the cause.
const EVIDENCE: usize = 4;

/// Walks one incident.
pub(super) fn run(
    arguments: &CaseArguments,
    costs: Option<&str>,
    certainty: Option<f64>,
    quiet: bool,
) -> Result<Outcome, CallError> {
    arguments.leave_input_to_answers()?;
    let handbook = arguments.handbook()?;
    let asked = asked(costs, certainty)?;
    let patients = arguments.open(&handbook, &Progress::new(!quiet))?;
    let (number, patient) = only(&patients)?;
    let now = patient.consult(&asked)?;
    let mut dialogue = Dialogue::new(patient, asked, Box::new(std::io::stdout()), quiet);
    dialogue.say(looks(*number, &now).as_bytes())?;
    let last = dialogue.go_on(now)?;
    dialogue.say(leaf(&last.diagnosis).as_bytes())?;
    Ok(Outcome::Done)
}

/// The one incident there is.
fn only<'p, 'h>(patients: &'p [Numbered<'h>]) -> Result<&'p Numbered<'h>, CallError> {
    match patients {
        [one] => Ok(one),
        [] => Err(CallError::input(
            "there is no incident to troubleshoot; of a service, --incident N takes one that is over",
        )),
        several => {
            let numbers =
                several.iter().filter_map(|(number, _)| number.map(|one| one.to_string()));
            let numbers: Vec<String> = numbers.collect();
            let (count, list) = (several.len(), numbers.join(", "));
            Err(CallError::input(format!(
                "there are {count} incidents: {list}; choose one with --incident N"
            )))
        }
    }
}

/// What readings answered.
fn looks(number: Option<u64>, now: &Consultation) -> String {
    let began = Timestamp::from_nanos((now.diagnosis.began * 1e9) as i64);
    let of = number.map_or_else(String::new, |number| format!("incident {number}, "));
    let mut text = format!("{of}began {}\n\n", format_time(began));
    if now.steps.is_empty() {
        text += "No reading tells causes apart.\n";
    } else {
        text += "What readings answer, the most telling first:\n";
    }
    for (place, step) in now.steps.iter().enumerate() {
        let answer = if step.holding > 0 { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "{}. {}: {} — {answer}, {}: {}",
            place + 1,
            step.kind,
            step.statement,
            at(step),
            step.seen
        );
        let lead = &step.leading;
        let _ = writeln!(text, "   likeliest then: {}, {}", cause(lead), percent(lead.probability));
    }
    if now.others > 0 {
        let _ = writeln!(text, "Beside these, {} other findings count.", now.others);
    }
    let _ = writeln!(text, "With all of it: {}\n", now.diagnosis.sentence);
    text
}

/// Where a step found what it looked for.
fn at(step: &Step) -> String {
    let all = step.holding + step.failing;
    if step.holding == 0 {
        return if all == 1 { "at the only one".to_owned() } else { format!("at none of {all}") };
    }
    let more = step.holding - step.at.len();
    let more = if more > 0 { format!(" and {more} others") } else { String::new() };
    let of = if all > 1 { format!(" ({} of {all})", step.holding) } else { String::new() };
    format!("at {}{more}{of}", step.at.join(", "))
}

/// Where the walk ends: the cause and what to do.
fn leaf(diagnosis: &Diagnosis) -> String {
    let mut text = format!("\nCause: {}\n", diagnosis.sentence);
    let Some(cause) = diagnosis.answer() else {
        return text;
    };
    let _ = writeln!(text, "   {}", cause.about);
    for evidence in cause.supports.iter().take(EVIDENCE) {
        let _ = writeln!(text, "   + {evidence}");
    }
    let remedy = &cause.remedy;
    let now = if remedy.now.is_empty() { "nothing unattended" } else { &remedy.now };
    let _ = writeln!(text, "Remedy: {now}");
    if !remedy.later.is_empty() {
        let _ = writeln!(text, "   later:  {}", remedy.later);
    }
    let _ = writeln!(text, "   risk:   {}; guard: {}", remedy.risk, remedy.guard);
    let _ = writeln!(text, "   helped: {}", remedy.recovered_when);
    text
}
