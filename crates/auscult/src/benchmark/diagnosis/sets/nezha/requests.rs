//! Traces and logs of Nezha's data: which spans a request had, and what was logged in them.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use auscult_diagnose::rank::requests::{
    FaultKind, RequestCase, RequestSuspect, Span, Templates, rank_requests,
};
use auscult_evaluate::{accuracy_at, average_accuracy};
use auscult_telemetry::parse_time;

use super::super::super::sheet::{Sheet, number};
use super::super::super::{Column, Line, Published, Table, column};
use super::{day_of, service_of};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

/// What the method is called on the command line.
pub(super) const NAME: &str = "requests";

/// Share of equal words from which lines have a template in common.
const SIMILARITY: f64 = 0.5;

const COLUMNS: &[Column] = &[
    column("ac1", "AC@1", 3),
    column("ac3", "AC@3", 3),
    column("ac5", "AC@5", 3),
    column("avg5", "Avg@5", 3),
    column("kind_ac1", "service and kind of fault AC@1", 3),
];

/// Measures the ranking by requests.
pub(super) fn measure(
    folder: &Path,
    mark: &str,
    published: &'static [Published],
) -> Result<Table, CallError> {
    let path = folder.join(mark);
    let labels = Sheet::read(&path)?;
    let place = |name| labels.place(name, &path);
    let (case, time) = (place("case")?, place("inject_time_utc")?);
    let (service, fault) = (place("service")?, place("fault")?);
    // One list for all cases, so that a template is the same before and after.
    let mut templates = Templates::new(SIMILARITY);
    let mut days: HashMap<String, Vec<Span>> = HashMap::new();
    let (mut ranks, mut with_kind, mut seconds, mut spans) = (Vec::new(), Vec::new(), 0.0, 0);
    for label in &labels.rows {
        let day = day_of(&label[case], &path)?;
        if !days.contains_key(&day) {
            let reference = folder.join("reference").join(&day);
            days.insert(day.clone(), read(&reference, &mut templates)?);
        }
        let onset = parse_time(&label[time])
            .ok_or_else(|| wrong(&path, format_args!("`{}` is no time", label[time])))?;
        let onset = onset.nanos() as f64 / 1e3;
        let all = read(&folder.join("cases").join(&label[case]), &mut templates)?;
        let abnormal = from(&all, onset);
        let case = RequestCase { normal: days[&day].clone(), abnormal };
        spans += case.normal.len() + case.abnormal.len();
        let start = Instant::now();
        let ranking = rank_requests(&case);
        seconds += start.elapsed().as_secs_f64();
        let rank = ranking.targets.iter().position(|target| target.name == label[service]);
        ranks.push(rank.map(|rank| rank + 1));
        let is_right = |suspect: &RequestSuspect| suspect.kinds[0].0 == kind(&label[fault]);
        with_kind.push(rank.filter(|rank| is_right(&ranking.targets[*rank])).map(|rank| rank + 1));
    }
    let cases = labels.rows.len().max(1) as f64;
    let at = |k| accuracy_at(&ranks, k);
    Ok(Table {
        title: "logs and spans".to_owned(),
        cases: format!("{} incidents; series are spans.", labels.rows.len()),
        columns: COLUMNS,
        lines: vec![Line {
            method: NAME,
            figures: vec![
                at(1),
                at(3),
                at(5),
                average_accuracy(&ranks, 5),
                accuracy_at(&with_kind, 1),
            ],
            seconds: seconds / cases,
            series: spans as f64 / cases,
            refused: None,
        }],
        published,
    })
}

/// The kind of a fault that was injected.
fn kind(fault: &str) -> FaultKind {
    match fault {
        "network_delay" => FaultKind::Delay,
        "cpu_contention" | "cpu_consumed" => FaultKind::Contention,
        _ => FaultKind::Code,
    }
}

/// The spans that began at `onset` or later.
fn from(spans: &[Span], onset: f64) -> Vec<Span> {
    let mut places = vec![None; spans.len()];
    let mut kept = Vec::new();
    for (at, span) in spans.iter().enumerate() {
        if span.start_micros >= onset {
            places[at] = Some(kept.len());
            kept.push(at);
        }
    }
    let renamed = |at: usize| {
        let parent = spans[at].parent.and_then(|parent| places[parent]);
        Span { parent, ..spans[at].clone() }
    };
    kept.into_iter().map(renamed).collect()
}

/// The spans of a folder, with what was logged in them.
fn read(folder: &Path, templates: &mut Templates) -> Result<Vec<Span>, CallError> {
    let path = folder.join("traces.csv.gz");
    let traces = Sheet::read(&path)?;
    let place = |name| traces.place(name, &path);
    let (trace, span, parent) = (place("TraceID")?, place("SpanID")?, place("ParentID")?);
    let (pod, operation) = (place("PodName")?, place("OperationName")?);
    let (start, duration) = (place("StartTimeUnixNano")?, place("DurationMicros")?);
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut requests: HashMap<&str, usize> = HashMap::new();
    let mut spans = Vec::new();
    for (at, row) in traces.rows.iter().enumerate() {
        places.insert((&row[trace], &row[span]), at);
        let next = requests.len();
        spans.push(Span {
            request: *requests.entry(&row[trace]).or_insert(next),
            parent: None,
            target: service_of(&row[pod]),
            operation: row[operation].clone(),
            start_micros: number(&row[start]) / 1e3,
            duration_micros: number(&row[duration]),
            statements: Vec::new(),
        });
    }
    for (row, span) in traces.rows.iter().zip(&mut spans) {
        span.parent = places.get(&(row[trace].as_str(), row[parent].as_str())).copied();
    }
    let path = folder.join("logs.csv.gz");
    let logs = Sheet::read(&path)?;
    let place = |name| logs.place(name, &path);
    let (time, trace, span) = (place("TimeUnixNano")?, place("TraceID")?, place("SpanID")?);
    let log = place("Log")?;
    let mut lines: Vec<&Vec<String>> = logs.rows.iter().collect();
    lines.sort_by(|one, other| number(&one[time]).total_cmp(&number(&other[time])));
    for line in lines {
        if let Some(place) = places.get(&(line[trace].as_str(), line[span].as_str())) {
            spans[*place].statements.push(statement(&line[log], templates));
        }
    }
    Ok(spans)
}

/// Where in the code a line was logged, `class#line`, the third word of these logs; of lines
/// without it, their template.
fn statement(log: &str, templates: &mut Templates) -> String {
    let place = log.split_whitespace().nth(2).filter(|word| word.contains('#'));
    place.map_or_else(|| format!("template {}", templates.learn(log)), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_where_it_stands_in_the_code() {
        let log = "16:42:09.736 INFO  c.s.ContactsServiceImpl#31 TraceID: 6f3c SpanID: 57 FIND: 4";
        let mut templates = Templates::new(SIMILARITY);
        assert_eq!(statement(log, &mut templates), "c.s.ContactsServiceImpl#31");
        for log in ["caught 17 of 20 errors", "caught 3 of 4 errors"] {
            assert_eq!(statement(log, &mut templates), "template 0");
        }
    }
}
