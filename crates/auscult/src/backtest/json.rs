//! What a backtest found as one JSON document.

use std::io::Write;

use auscult_engine::incident::Incident;
use auscult_server::Story;
use auscult_telemetry::format_time;
use serde::Serialize;

use super::Report;
use super::events::Judgement;

#[derive(Debug, Serialize)]
struct Document<'a> {
    incidents: Vec<Told>,
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Events>,
    notes: &'a [String],
}

/// An incident as the service's API has it, and more.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    incident: Incident,
    notices: Vec<String>,
    recovered: Option<String>,
}

#[derive(Debug, Serialize)]
struct Summary {
    from: String,
    to: String,
    tick_seconds: f64,
    series: usize,
    targets: usize,
    samples: u64,
    judged: u64,
    not_judged: u64,
    unwatched: u64,
    late: u64,
    duplicate: u64,
    invalid: u64,
    stale: u64,
    untimed_records: u64,
    incidents: usize,
    open: usize,
    alarms: usize,
    target_weeks: f64,
    alarms_per_target_week: Option<f64>,
    budget: String,
    budget_per_week: f64,
}

#[derive(Debug, Serialize)]
struct Events {
    grace_seconds: f64,
    found: usize,
    missed: usize,
    recall: Option<f64>,
    median_delay_seconds: Option<f64>,
    alarms_inside: usize,
    alarms_outside: usize,
    precision: Option<f64>,
    outside_per_target_week: Option<f64>,
    list: Vec<Event>,
}

#[derive(Debug, Serialize)]
struct Event {
    from: String,
    to: String,
    target: Option<String>,
    incident: Option<u64>,
    noticed: Option<String>,
    delay_seconds: Option<f64>,
    open_before: Option<u64>,
}

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let document = Document {
        incidents: report.told.stories.iter().map(|story| told(story, report.members)).collect(),
        summary: summary(report),
        events: report.judgement.map(|judgement| events(judgement, report.told.target_weeks())),
        notes: report.notes,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn told(story: &Story, members: usize) -> Told {
    let mut incident = story.incident.clone();
    let left_out = incident.members.len().saturating_sub(members);
    incident.members.truncate(members);
    incident.more_members += left_out as u64;
    Told {
        incident,
        notices: story.notices.iter().copied().map(format_time).collect(),
        recovered: story.recovered.map(format_time),
    }
}

fn summary(report: &Report<'_>) -> Summary {
    let told = report.told;
    let counts = &told.counts;
    Summary {
        from: format_time(told.span.0),
        to: format_time(told.span.1),
        tick_seconds: told.tick.as_secs_f64(),
        series: told.series,
        targets: told.targets,
        samples: report.samples(),
        judged: counts.judged,
        not_judged: counts.not_judged,
        unwatched: counts.unwatched,
        late: counts.late,
        duplicate: counts.duplicate,
        invalid: counts.invalid,
        stale: counts.stale,
        untimed_records: told.untimed,
        incidents: told.stories.len(),
        open: told.stories.iter().filter(|story| story.recovered.is_none()).count(),
        alarms: told.alarms(),
        target_weeks: told.target_weeks(),
        alarms_per_target_week: report.alarms_per_target_week(),
        budget: report.budget.to_string(),
        budget_per_week: report.budget_per_week(),
    }
}

fn events(judgement: &Judgement, weeks: f64) -> Events {
    let list = judgement.events.iter().map(|judged| Event {
        from: format_time(judged.event.from),
        to: format_time(judged.event.to),
        target: judged.event.target.as_ref().map(|wanted| wanted.text.clone()),
        incident: judged.found.map(|(incident, _)| incident),
        noticed: judged.found.map(|(_, noticed)| format_time(noticed)),
        delay_seconds: judged.delay(),
        open_before: judged.open_before,
    });
    Events {
        grace_seconds: judgement.grace,
        found: judgement.found(),
        missed: judgement.events.len() - judgement.found(),
        recall: judgement.recall(),
        median_delay_seconds: judgement.median_delay(),
        alarms_inside: judgement.inside,
        alarms_outside: judgement.outside,
        precision: judgement.precision(),
        outside_per_target_week: (weeks > 0.0).then(|| judgement.outside as f64 / weeks),
        list: list.collect(),
    }
}
