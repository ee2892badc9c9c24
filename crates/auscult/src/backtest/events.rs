//! What a person knows to have happened, held against what would have been told.

use std::path::Path;

use auscult_core::{Labels, Timestamp};
use auscult_server::{Backtested, Story};
use auscult_telemetry::{Cells, Input, ReadOptions, Table, TimeColumn, parse_time, read_table};

use crate::outcome::CallError;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// What it happened to; any target without.
    pub(crate) target: Option<Wanted>,
}

/// What an event happened to: `r1`, a value of a label of the target, or `pod=r1&namespace=ai`, labels
/// that the target or one of its odd series has; several behind each other with `|`, of which any will do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// As it was written.
    pub(crate) text: String,
    /// Pairs of label and value; none for what is a value only.
    any: Vec<(String, Vec<(String, String)>)>,
}

impl Wanted {
    fn new(text: &str) -> Self {
        let pairs = |one: &str| {
            let pairs = one.split('&').map(|pair| pair.split_once('='));
            let pairs: Option<Vec<(&str, &str)>> = pairs.collect();
            let owned = |(label, value): (&str, &str)| (label.to_owned(), value.to_owned());
            pairs.into_iter().flatten().map(owned).collect()
        };
        let any = text.split('|').map(|one| (one.to_owned(), pairs(one))).collect();
        Self { text: text.to_owned(), any }
    }

    /// In a few words.
    pub(crate) fn short(&self) -> String {
        match self.any.as_slice() {
            [] | [_] => self.text.clone(),
            [(first, _), more @ ..] => format!("{first} or {} more", more.len()),
        }
    }

    fn is_on(&self, story: &Story) -> bool {
        let incident = &story.incident;
        let targets = || incident.targets.iter();
        let values = || targets().flat_map(|target| target.iter()).map(|(_, value)| value);
        let labels = || targets().chain(incident.members.iter().map(|member| &member.series));
        self.any.iter().any(|(value, pairs)| {
            let has = |labels: &Labels| {
                pairs.iter().all(|(name, value)| labels.get(name) == Some(value.as_str()))
            };
            values().any(|known| known == value) || (!pairs.is_empty() && labels().any(has))
        })
    }
}

/// An event, and what would have been told of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub(crate) event: Event,
    /// The first incident that was told of in its time, and when.
    pub(crate) found: Option<(u64, Timestamp)>,
    /// An incident that was open already when it began: people knew, but not of this.
    pub(crate) open_before: Option<u64>,
}

/// All events together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) events: Vec<Judged>,
    /// Times that people were told, in and outside the time of events.
    pub(crate) inside: usize,
    pub(crate) outside: usize,
    /// Seconds after the end of an event in which it is found still.
    pub(crate) grace: f64,
}

impl Event {
    fn is_on(&self, story: &Story) -> bool {
        self.target.as_ref().is_none_or(|wanted| wanted.is_on(story))
    }

    fn holds(&self, time: Timestamp, grace: f64) -> bool {
        time >= self.from && time.seconds() <= self.to.seconds() + grace
    }
}

impl Judgement {
    /// Of `events` that lie in the time that was replayed, an alarm up to `grace` seconds after
    /// the end of one counted for it.
    pub(crate) fn new(events: Vec<Event>, told: &Backtested, grace: f64) -> Self {
        let (first, last) = told.span;
        let replayed = events.into_iter().filter(|event| event.to >= first && event.from <= last);
        let events: Vec<Judged> = replayed.map(|event| judge(event, told, grace)).collect();
        let (mut inside, mut outside) = (0, 0);
        for story in &told.stories {
            for notice in &story.notices {
                let holds = |judged: &Judged| {
                    judged.event.is_on(story) && judged.event.holds(*notice, grace)
                };
                let is_inside = events.iter().any(holds);
                inside += usize::from(is_inside);
                outside += usize::from(!is_inside);
            }
        }
        Self { events, inside, outside, grace }
    }

    pub(crate) fn found(&self) -> usize {
        self.events.iter().filter(|judged| judged.found.is_some()).count()
    }

    /// Share of the events that were found; `None` without any.
    pub(crate) fn recall(&self) -> Option<f64> {
        share(self.found(), self.events.len())
    }

    /// Share of the times that people were told that lie in events; `None` if there were none.
    pub(crate) fn precision(&self) -> Option<f64> {
        share(self.inside, self.inside + self.outside)
    }

    /// Half of the found events were found in so many seconds or fewer.
    pub(crate) fn median_delay(&self) -> Option<f64> {
        let mut delays: Vec<f64> = self.events.iter().filter_map(Judged::delay).collect();
        delays.sort_by(f64::total_cmp);
        delays.get(delays.len().checked_sub(1)? / 2).copied()
    }
}

impl Judged {
    /// Seconds from its beginning until people would have been told.
    pub(crate) fn delay(&self) -> Option<f64> {
        self.found.map(|(_, noticed)| noticed.seconds() - self.event.from.seconds())
    }
}

fn share(part: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

fn judge(event: Event, told: &Backtested, grace: f64) -> Judged {
    let stories = || told.stories.iter().filter(|story| event.is_on(story));
    let notices =
        stories().flat_map(|story| story.notices.iter().map(|notice| (*notice, story.incident.id)));
    let found = notices.filter(|(notice, _)| event.holds(*notice, grace)).min();
    let is_open = |story: &&Story| {
        let is_before = story.notices.first().is_some_and(|notice| *notice < event.from);
        is_before && story.recovered.is_none_or(|recovered| recovered >= event.from)
    };
    let open_before = stories().find(is_open).map(|story| story.incident.id);
    Judged { found: found.map(|(notice, id)| (id, notice)), open_before, event }
}

/// The events in a file with the columns `from`, `to` and, if wanted, `target`.
pub(crate) fn read(path: &Path) -> Result<Vec<Event>, CallError> {
    let name = path.display();
    let table = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let columns = Some(words.clone());
        let options =
            ReadOptions { words, columns, time: TimeColumn::Without, ..ReadOptions::default() };
        read_table(&[Input::Path(path.to_owned())], &options)
    };
    // A file without targets is as good.
    let table = match table(&["from", "to", "target"]) {
        Ok(table) => table,
        Err(_) => table(&["from", "to"]).map_err(CallError::input)?,
    };
    let events = (0..table.rows()).map(|row| {
        let time = |column: &str| {
            let text = cell(&table, column, row).unwrap_or_default();
            let refuse = || {
                let number = row + 1;
                CallError::input(format!(
                    "{name}: `{text}` in column `{column}` of event {number} is no time; expected one such as 2024-05-01T00:00:00Z"
                ))
            };
            parse_time(text).ok_or_else(refuse)
        };
        let (from, to) = (time("from")?, time("to")?);
        if to < from {
            let number = row + 1;
            return Err(CallError::input(format!("{name}: event {number} ends before it begins")));
        }
        Ok(Event { from, to, target: cell(&table, "target", row).map(Wanted::new) })
    });
    events.collect()
}

fn cell<'a>(table: &'a Table, column: &str, row: usize) -> Option<&'a str> {
    match &table.column(column)?.cells {
        Cells::Words(words) => words.get(row),
        _ => None,
    }
}
