//! Incidents and what they come to, for people.

use std::io::Write;

use auscult_core::Labels;
use auscult_engine::incident::Member;
use auscult_telemetry::format_time;
use comfy_table::{CellAlignment, Table, presets};

use super::Report;
use super::events::{Judgement, Wanted};
use super::records::members;
use crate::detection::words::{count, counted, number};
use crate::report::capitalised;

/// Samples from which on a series is judged.
const WARM_UP: u64 = 300;

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let mut parts = Vec::new();
    if !report.told.stories.is_empty() {
        parts.push(incidents(report));
    }
    if let Some(judgement) = report.judgement.filter(|judgement| !judgement.events.is_empty()) {
        parts.push(events(judgement));
    }
    if !report.quiet {
        parts.push(summary(report));
    }
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", parts.join("\n\n"))
}

/// A line for each incident and its strangest member, one more for each further member.
fn incidents(report: &Report<'_>) -> String {
    let left = CellAlignment::Left;
    let right = CellAlignment::Right;
    let heads = [
        ("incident", right),
        ("noticed", left),
        ("began", left),
        ("recovered", left),
        ("severity", left),
        ("target", left),
        ("series", left),
        ("reading", right),
        ("expected", right),
        ("range", left),
        ("why", left),
    ];
    let mut rows = Vec::new();
    for story in &report.told.stories {
        let incident = &story.incident;
        let targets = match incident.targets.as_slice() {
            [one] => name(one),
            [one, more @ ..] => format!("{} and {} more", name(one), more.len()),
            [] => String::new(),
        };
        let recovered = story.recovered.map_or_else(|| "open at the end".to_owned(), format_time);
        let recovered = match story.notices.len() {
            0 | 1 => recovered,
            times => format!("{recovered}, {}", counted(times as u64 - 1, "return", "returns")),
        };
        let mut own = vec![
            incident.id.to_string(),
            format_time(incident.noticed),
            format_time(incident.began),
            recovered,
            incident.severity.as_str().to_owned(),
            targets,
        ];
        let is_alone = incident.targets.len() == 1;
        for member in incident.members.iter().take(report.members) {
            own.extend(cells(member, is_alone));
            rows.push(std::mem::replace(&mut own, vec![String::new(); 6]));
        }
        let more = members(story).saturating_sub(report.members as u64);
        if more > 0 {
            own.push(format!("and {} more series", count(more)));
            own.resize(heads.len(), String::new());
            rows.push(own);
        }
    }
    lay_out(&heads, rows)
}

/// What is said of a member; its target too unless it `is_alone`.
fn cells(member: &Member, is_alone: bool) -> [String; 5] {
    let own = member.series.iter().filter(|(label, value)| {
        *label != auscult_core::METRIC_NAME
            && !(is_alone && member.target.get(label) == Some(*value))
    });
    let own: Vec<String> = own.map(|(label, value)| format!("{label}={value}")).collect();
    let metric = member.series.as_ref().metric();
    let series =
        if own.is_empty() { metric.to_owned() } else { format!("{metric}, {}", own.join(", ")) };
    let range = member
        .band
        .map_or_else(String::new, |band| format!("{} to {}", number(band.low), number(band.high)));
    [series, number(member.reading), number(member.expected), range, member.reasons.join(", ")]
}

/// A target in a few words: the values of its labels.
fn name(target: &Labels) -> String {
    target.iter().map(|(_, value)| value).collect::<Vec<_>>().join(", ")
}

fn events(judgement: &Judgement) -> String {
    let left = CellAlignment::Left;
    let has_targets = judgement.events.iter().any(|judged| judged.event.target.is_some());
    let mut heads = vec![("event from", left), ("to", left)];
    if has_targets {
        heads.push(("target", left));
    }
    heads.extend([("found by", left), ("after", left)]);
    let rows = judgement.events.iter().map(|judged| {
        let event = &judged.event;
        let mut cells = vec![format_time(event.from), format_time(event.to)];
        if has_targets {
            cells.push(event.target.as_ref().map_or_else(String::new, Wanted::short));
        }
        cells.push(match (judged.found, judged.open_before) {
            (Some((incident, _)), _) => format!("incident {incident}"),
            (None, Some(open)) => format!("none; incident {open} was open"),
            (None, None) => "none".to_owned(),
        });
        cells.push(judged.delay().map_or_else(String::new, duration));
        cells
    });
    lay_out(&heads, rows.collect())
}

fn lay_out(heads: &[(&str, CellAlignment)], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(heads.iter().map(|(head, _)| *head));
    for row in rows {
        table.add_row(row);
    }
    for (place, (_, alignment)) in heads.iter().enumerate() {
        if let Some(column) = table.column_mut(place) {
            column.set_padding((0, 2)).set_cell_alignment(*alignment);
        }
    }
    table.trim_fmt()
}

/// What happened, in one paragraph.
pub(super) fn summary(report: &Report<'_>) -> String {
    let told = report.told;
    let (from, to) = told.span;
    let (series, targets) = (told.series as u64, told.targets as u64);
    let incidents = match told.stories.len() {
        0 => "no incident".to_owned(),
        some => counted(some as u64, "incident", "incidents"),
    };
    let mut sentences = vec![format!(
        "{incidents} in {} of {} of {}, {} from {} to {}",
        counted(report.samples(), "sample", "samples"),
        counted(series, "series", "series"),
        counted(targets, "target", "targets"),
        duration(to.seconds() - from.seconds()),
        format_time(from),
        format_time(to),
    )];
    if let Some(rate) = report.alarms_per_target_week() {
        let alarms = counted(told.alarms() as u64, "alarm", "alarms");
        let bearable = round(report.budget_per_week());
        let one = if bearable == 1.0 { "false one" } else { "false ones" };
        sentences.push(format!(
            "{alarms}, {} a target-week; the budget of {} bears {} {one}",
            number(round(rate)),
            report.budget,
            number(bearable),
        ));
    }
    let open = told.stories.iter().filter(|story| story.recovered.is_none()).count();
    if open > 0 {
        let verb = if open == 1 { "is" } else { "are" };
        sentences.push(format!("{} {verb} open at the end", count(open as u64)));
    }
    let weeks = told.target_weeks();
    sentences.extend(report.judgement.map(|judgement| judged(judgement, weeks)));
    if series > 0 && report.samples() / series < WARM_UP {
        sentences.push(format!(
            "a series is judged by its history from its {WARM_UP}th sample on, and these have {} on average",
            count(report.samples() / series)
        ));
    }
    let counts = &told.counts;
    for (number, what) in [
        (counts.late, "late"),
        (counts.duplicate, "at the time of the one before"),
        (counts.invalid, "not finite, or a counter below 0"),
        (counts.unwatched, "of series beyond the most that are watched"),
    ] {
        if number > 0 {
            sentences.push(format!("{} not judged: {what}", counted(number, "sample", "samples")));
        }
    }
    if told.untimed > 0 {
        sentences.push(format!(
            "{} left out, for they do not say when",
            counted(told.untimed, "record", "records")
        ));
    }
    sentences.extend(report.notes.iter().cloned());
    sentences.iter().map(|sentence| capitalised(sentence)).collect::<Vec<_>>().join(" ")
}

/// How incidents meet events.
fn judged(judgement: &Judgement, weeks: f64) -> String {
    let Some(recall) = judgement.recall() else {
        return "no event lies in the time that was replayed".to_owned();
    };
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let mut text = format!(
        "{} of {} found ({})",
        count(judgement.found() as u64),
        counted(judgement.events.len() as u64, "event", "events"),
        percent(recall)
    );
    if let Some(delay) = judgement.median_delay() {
        text.push_str(&format!(", half of those within {}", duration(delay)));
    }
    if let Some(precision) = judgement.precision() {
        let times = judgement.inside + judgement.outside;
        text.push_str(&format!(
            "; people would have been told {}, {} in the time of an event ({})",
            counted(times as u64, "time", "times"),
            count(judgement.inside as u64),
            percent(precision)
        ));
    }
    if weeks > 0.0 {
        let rate = judgement.outside as f64 / weeks;
        text.push_str(&format!(" and {} outside a target-week", number(round(rate))));
    }
    text
}

/// Two digits that matter.
fn round(value: f64) -> f64 {
    if value == 0.0 {
        return value;
    }
    let unit = 10_f64.powf(value.abs().log10().floor() - 1.0);
    (value / unit).round() * unit
}

/// So many seconds, in the largest unit that fits.
fn duration(seconds: f64) -> String {
    const UNITS: [(f64, &str); 4] =
        [(86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")];
    let fits = UNITS.iter().find(|(unit, _)| seconds >= 2.0 * unit);
    let (unit, name) = fits.unwrap_or(&UNITS[3]);
    let amount = (seconds / unit * 10.0).round() / 10.0;
    let plural = if amount == 1.0 { "" } else { "s" };
    format!("{} {name}{plural}", number(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_rates_read_as_a_person_writes_them() {
        let cases = [(0.0, "0 seconds"), (1.0, "1 second"), (90.0, "90 seconds")];
        let longer = [(150.0, "2.5 minutes"), (7200.0, "2 hours"), (1_209_600.0, "14 days")];
        for (seconds, words) in cases.into_iter().chain(longer) {
            assert_eq!(duration(seconds), words);
        }
        assert_eq!([round(0.0), round(0.123), round(1.26), round(123.4)], [0.0, 0.12, 1.3, 120.0]);
    }
}
