//! Traces and logs of Nezha's data: which spans a request had, and what was logged in them.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use auscult_diagnose::rank::requests::{
    FaultKind, RequestCase, RequestSuspect, Span, Templates, rank_requests,
};
use auscult_evaluate::{accuracy_at, average_accuracy};
use auscult_telemetry::parse_time;

use super::super::super::aim::Bound::AtLeast;
use super::super::super::sheet::{Sheet, number};
use super::super::super::{Aim, Column, Line, Order, Published, Table, column};
use super::{day_of, service_of};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

/// What the method is called on the command line: as it is, and with the templates of lines
/// instead of their places in the code.
pub(super) const NAMES: [&str; 2] = ["requests", "requests-by-template"];

/// Share of equal words from which lines have a template in common.
const SIMILARITY: f64 = 0.5;

const COLUMNS: &[Column] = &[
    column("ac1", "AC@1", 3),
    column("ac3", "AC@3", 3),
    column("ac5", "AC@5", 3),
    column("avg5", "Avg@5", 3),
    column("kind_ac1", "service and kind of fault AC@1", 3),
];

/// Measures the ranking by requests, as each of `methods`.
pub(super) fn measure(
    folder: &Path,
    mark: &str,
    methods: &[&'static str],
    published: &'static [Published],
) -> Result<Table, CallError> {
    let lines: Vec<(Line, usize)> =
        methods.iter().map(|method| line(folder, mark, method)).collect::<Result<_, _>>()?;
    let incidents = lines.first().map_or(0, |(_, incidents)| *incidents);
    Ok(Table {
        title: "logs and spans".to_owned(),
        cases: format!("{incidents} incidents; series are spans."),
        columns: COLUMNS,
        order: Order::HighestFirst,
        lines: lines.into_iter().map(|(line, _)| line).collect(),
        published,
        aims: vec![Aim { method: NAMES[0], key: "ac1", bound: AtLeast(0.87) }],
    })
}

/// What `method` reaches, and on how many incidents.
fn line(folder: &Path, mark: &str, method: &'static str) -> Result<(Line, usize), CallError> {
    let path = folder.join(mark);
    let labels = Sheet::read(&path)?;
    let place = |name| labels.place(name, &path);
    let (case, time) = (place("case")?, place("inject_time_utc")?);
    let (service, fault) = (place("service")?, place("fault")?);
    // One for all cases, so that a template is the same before and after.
    let mut statements = Statements::new(method == NAMES[0]);
    let mut days: HashMap<String, Vec<Span>> = HashMap::new();
    let (mut ranks, mut with_kind, mut seconds, mut spans) = (Vec::new(), Vec::new(), 0.0, 0);
    for label in &labels.rows {
        let day = day_of(&label[case], &path)?;
        if !days.contains_key(&day) {
            let reference = folder.join("reference").join(&day);
            days.insert(day.clone(), read(&reference, &mut statements)?);
        }
        let onset = parse_time(&label[time])
            .ok_or_else(|| wrong(&path, format_args!("`{}` is no time", label[time])))?;
        let onset = onset.nanos() as f64 / 1e3;
        let all = read(&folder.join("cases").join(&label[case]), &mut statements)?;
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
    let figures =
        vec![at(1), at(3), at(5), average_accuracy(&ranks, 5), accuracy_at(&with_kind, 1)];
    let (seconds, series) = (seconds / cases, spans as f64 / cases);
    Ok((Line { method, figures, seconds, series, refused: None }, labels.rows.len()))
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
fn read(folder: &Path, statements: &mut Statements) -> Result<Vec<Span>, CallError> {
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
            spans[*place].statements.push(statements.of(&line[log]));
        }
    }
    Ok(spans)
}

/// What tells one line of a log from another.
struct Statements {
    /// Whether lines are told by where in the code they were logged, if they say so.
    by_place: bool,
    templates: Templates,
}

impl Statements {
    fn new(by_place: bool) -> Self {
        Self { by_place, templates: Templates::new(SIMILARITY) }
    }

    /// The place in the code, `class#line`, which is the third word of these logs; or else the
    /// template of what follows it and the two identifiers with their names.
    fn of(&mut self, log: &str) -> String {
        let mut words = log.split_whitespace();
        match words.nth(2).filter(|word| word.contains('#')) {
            Some(place) if self.by_place => place.to_owned(),
            place => {
                let told: Vec<&str> = match place {
                    Some(_) => words.skip(4).collect(),
                    None => log.split_whitespace().collect(),
                };
                format!("template {}", self.templates.learn(&told.join(" ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_where_it_stands_in_the_code_or_what_lines_have_in_common() {
        let line = |number: u32| {
            format!("16:42:09 INFO c.s.Contacts#31 TraceID: 6f3c SpanID: 57 find contact {number}")
        };
        let mut statements = Statements::new(true);
        assert_eq!(statements.of(&line(1)), "c.s.Contacts#31");
        for log in ["caught 17 of 20 errors", "caught 3 of 4 errors"] {
            assert_eq!(statements.of(log), "template 0");
        }
        let mut statements = Statements::new(false);
        assert_eq!(statements.of(&line(1)), "template 0");
        assert_eq!(statements.of(&line(2)), "template 0");
        assert_eq!(
            statements.of("16:42:09 INFO c.s.Contacts#34 TraceID: 6 SpanID: 5 none"),
            "template 1"
        );
    }
}
