//! Numbers and times as a page writes them.

use auscult_core::Timestamp;
use auscult_diagnose::diagnosis::ToldEvidence;
use auscult_diagnose::evidence::unit_of_axis;
use auscult_knowledge::{Form, Statement, Subject};
use auscult_telemetry::format_time;

use crate::handbook::Handbook;

/// Date and time of day, to the second: `2026-03-05 05:21:00`.
pub(super) fn moment(seconds: f64) -> String {
    let time = Timestamp::from_seconds(seconds.round() as i64);
    format_time(time).replace('T', " ").trim_end_matches('Z').to_owned()
}

/// A probability; certainty is never said.
pub(super) fn percent(share: f64) -> String {
    match 100.0 * share.min(0.999) {
        small if small < 0.1 => "below 0.1 %".to_owned(),
        percent if !(1.0..99.0).contains(&percent) => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// With a capital letter at its beginning.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// What is put behind numbers that [`quantity`](auscult_diagnose::evidence::quantity) writes: a unit that is
/// a word, and whether it is so much a second.
pub(super) fn behind(unit: &str, per_second: bool) -> String {
    let (_, word) = unit_of_axis(1.0, unit);
    let word = if word == unit && !word.is_empty() { format!(" {word}") } else { String::new() };
    if per_second && unit != "ratio" { word + "/s" } else { word }
}

/// What was seen, with the unit of the signal that it is about.
pub(super) fn seen(evidence: &ToldEvidence) -> String {
    let subject = evidence.statement.parse::<Statement>().map(|statement| statement.subject);
    let Ok(Subject::Signal { name, per: None, .. }) = subject else { return evidence.seen.clone() };
    // Of a signal of one's own the unit is not told again.
    let signal = Handbook::embedded().knowledge().signal(&name);
    let Some(signal) = signal else { return evidence.seen.clone() };
    if !evidence.seen.contains('→') {
        return evidence.seen.clone();
    }
    if signal.unit == "seconds" {
        let words = evidence.seen.split(' ').map(|word| match word.parse() {
            Ok(time) if is_time(time) => moment(time),
            _ => word.to_owned(),
        });
        return words.collect::<Vec<_>>().join(" ");
    }
    evidence.seen.clone() + &behind(&signal.unit, signal.form == Form::Rate)
}

/// Whether so many seconds are a time since 1970 rather than how long something took.
pub(super) fn is_time(seconds: f64) -> bool {
    seconds > 1e9
}

/// By how much evidence changes the odds, from the change of their logarithm.
pub(super) fn odds(weight: f64) -> String {
    let factor = weight.abs().exp();
    let sign = if weight >= 0.0 { '×' } else { '÷' };
    if factor >= 10.0 {
        format!("odds {sign} {factor:.0}")
    } else {
        format!("odds {sign} {factor:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(moment(1_772_688_060.4), "2026-03-05 05:21:00");
        let shares = [0.0, 0.004, 0.5, 0.994, 1.0].map(percent);
        assert_eq!(shares, ["below 0.1 %", "0.4 %", "50 %", "99.4 %", "99.9 %"]);
        assert_eq!(capitalised("état"), "État");
        let units = [("requests", true), ("celsius", false), ("bytes", true), ("state", false)];
        let units = units.map(|(unit, per_second)| behind(unit, per_second));
        assert_eq!(units, [" requests/s", "", "/s", ""]);
        let shown = |statement: &str, told: &str| {
            let statement = statement.to_owned();
            let (seen_then, at) = (told.to_owned(), Vec::new());
            seen(&ToldEvidence { statement, holds: true, seen: seen_then, at, weight: 1.0 })
        };
        assert_eq!(shown("replica: requests_failed rises", "0 → 2"), "0 → 2 requests/s");
        assert_eq!(shown("gpu_temperature rises", "50 °C → 84 °C"), "50 °C → 84 °C");
        assert_eq!(shown("requests_failed is present", "no readings"), "no readings");
        assert_eq!(shown("a per b rises", "1 → 2"), "1 → 2");
        let restart = shown("process_start resets", "1772688060 → 1772688090");
        assert_eq!(restart, "2026-03-05 05:21:00 → 2026-03-05 05:21:30");
        assert_eq!((odds(0.0), odds(-3.0)), ("odds × 1.0".to_owned(), "odds ÷ 20".to_owned()));
    }
}
