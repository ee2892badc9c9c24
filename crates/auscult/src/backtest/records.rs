//! Incidents as a table of plain columns: a row for each member.

use auscult_core::{Labels, Timestamp};
use auscult_engine::incident::Member;
use auscult_server::Story;
use auscult_telemetry::{Cells, Column, Table};

use super::Report;
use crate::cells::words;

/// The columns, in order, with what each holds.
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("incident", "number of the incident, from 1, in the order of opening"),
    ("noticed", "when people would have been told first"),
    ("began", "when it truly began: the earliest onset of its members"),
    ("recovered", "when all was as usual again; missing if it is open at the end"),
    ("reopened", "how often it came back soon after it had recovered"),
    ("severity", "`info`, `warning` or `critical`, the highest of its members"),
    ("surprise", "how surprising it is, in nats"),
    ("targets", "what is odd, as selectors, joined by `;`"),
    ("members", "series that are odd"),
    ("rank", "place of the member among them, from 1, strangest first"),
    ("series", "the member"),
    ("target", "the target that it belongs to"),
    ("onset", "when its departure began"),
    ("time", "when it was strangest"),
    ("reading", "what it read then; counters by their rates per second"),
    ("expected", "what would have been normal"),
    ("low", "lowest reading that would not have been odd; missing where there is none"),
    ("high", "highest reading that would not have been odd; missing likewise"),
    ("score", "how unusual it was, as the detector scores"),
    ("return_seconds", "it tells of something so odd once in so many seconds"),
    ("reason", "why, in words, strongest first, joined by `; `"),
];

/// A member of an incident.
type Row<'a> = (&'a Story, usize, &'a Member);

/// All members that are wanted as a table with the columns of [`FIELDS`].
pub(super) fn table(report: &Report<'_>) -> Table {
    let rows: Vec<Row<'_>> = report
        .told
        .stories
        .iter()
        .flat_map(|story| {
            let members = story.incident.members.iter().take(report.members);
            members.zip(1..).map(move |(member, rank)| (story, rank, member))
        })
        .collect();
    let numbers = |of: &dyn Fn(&Row<'_>) -> f64| Cells::Numbers(rows.iter().map(of).collect());
    let times =
        |of: &dyn Fn(&Row<'_>) -> Option<Timestamp>| Cells::Times(rows.iter().map(of).collect());
    let texts = |of: &dyn Fn(&Row<'_>) -> String| words(rows.iter().map(|row| Some(of(row))));
    let column = |name: &str| {
        let cells = match name {
            "incident" => numbers(&|(story, ..)| story.incident.id as f64),
            "noticed" => times(&|(story, ..)| Some(story.incident.noticed)),
            "began" => times(&|(story, ..)| Some(story.incident.began)),
            "recovered" => times(&|(story, ..)| story.recovered),
            "reopened" => numbers(&|(story, ..)| f64::from(story.incident.reopened)),
            "severity" => texts(&|(story, ..)| story.incident.severity.as_str().to_owned()),
            "surprise" => numbers(&|(story, ..)| story.incident.surprise),
            "targets" => texts(&|(story, ..)| selectors(&story.incident.targets)),
            "members" => numbers(&|(story, ..)| members(story) as f64),
            "rank" => numbers(&|(_, rank, _)| *rank as f64),
            "series" => texts(&|(.., member)| member.series.to_string()),
            "target" => texts(&|(.., member)| member.target.to_string()),
            "onset" => times(&|(.., member)| Some(member.onset)),
            "time" => times(&|(.., member)| Some(member.time)),
            "reading" => numbers(&|(.., member)| member.reading),
            "expected" => numbers(&|(.., member)| member.expected),
            "low" => numbers(&|(.., member)| member.band.map_or(f64::NAN, |band| band.low)),
            "high" => numbers(&|(.., member)| member.band.map_or(f64::NAN, |band| band.high)),
            "score" => numbers(&|(.., member)| member.score),
            "return_seconds" => numbers(&|(.., member)| member.return_seconds),
            "reason" => texts(&|(.., member)| member.reasons.join("; ")),
            other => unreachable!("field `{other}` has no cells"),
        };
        Column { name: name.to_owned(), cells }
    };
    Table::new(FIELDS.iter().map(|(name, _)| column(name)).collect())
}

/// Series of an incident, with those that it does not name.
pub(super) fn members(story: &Story) -> u64 {
    story.incident.members.len() as u64 + story.incident.more_members
}

fn selectors(targets: &[Labels]) -> String {
    targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_stands_in_the_manual() {
        let manual = include_str!("../../../../docs/backtest.md");
        for (name, meaning) in FIELDS {
            let line = format!("| `{name}` | {meaning} |");
            assert!(manual.contains(&line), "docs/backtest.md lacks: {line}");
        }
    }
}
