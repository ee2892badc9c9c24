//! The figures on diagnosis, for people and machines.

use std::fmt::Write;

use serde::Serialize;

use super::super::machine::Machine;
use super::aim::{Judged, judge};
use super::{Line, Order, Table};

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub machine: Machine,
    /// The call, with folders left open.
    pub command: String,
    /// What was wanted, and whether it was reached.
    aims: Vec<Judged>,
    sets: Vec<OfSet>,
}

/// What was measured on one set.
#[derive(Debug, Serialize)]
pub(crate) struct OfSet {
    pub name: &'static str,
    pub title: &'static str,
    pub source: &'static str,
    pub protocol: &'static str,
    pub tables: Vec<Table>,
}

impl Report {
    /// Gathers figures, and holds them against what was wanted.
    pub(crate) fn new(machine: Machine, command: String, sets: Vec<OfSet>) -> Self {
        let aims = sets.iter().flat_map(|set| set.tables.iter().map(move |table| (set, table)));
        let aims = aims.flat_map(|(set, table)| judge(set.name, table)).collect();
        Self { machine, command, aims, sets }
    }

    /// A document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        let commit = machine.commit.as_deref().unwrap_or("not known");
        put(&mut text, format_args!("# Scorecard of diagnosis\n"));
        put(
            &mut text,
            format_args!(
                "Written by `{}`; `docs/diagnosis-benchmark.md` says what the figures mean.\n\n\
                 auscult {}, commit {commit}. {}, {} cores, {}.",
                self.command, machine.version, machine.processor, machine.cores, machine.system
            ),
        );
        self.put_aims(&mut text);
        for set in &self.sets {
            put(&mut text, format_args!("\n## {}: {}\n", set.name, set.title));
            put(&mut text, format_args!("{} Source: {}.", set.protocol, set.source));
            set.tables.iter().for_each(|table| table.markdown(&mut text));
        }
        text
    }

    fn put_aims(&self, text: &mut String) {
        if self.aims.is_empty() {
            return;
        }
        let reached = self.aims.iter().filter(|aim| aim.reached).count();
        put(text, format_args!("\n## Aims: {reached} of {} reached\n", self.aims.len()));
        put(text, format_args!("{AIMS_HEAD}\n|---|---|---|---:|---:|---:|---|"));
        self.aims.iter().for_each(|aim| put(text, format_args!("{}", aim.row())));
    }
}

/// Headings of the table of aims.
const AIMS_HEAD: &str = "| set | method | figure | aim | measured | best of others | reached |";

impl Table {
    fn markdown(&self, text: &mut String) {
        if !self.title.is_empty() {
            put(text, format_args!("\n### {}", self.title));
        }
        put(text, format_args!("\n{}\n", self.cases));
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
        put(text, format_args!("| method | {} | ms a case | series |", titles.join(" | ")));
        put(text, format_args!("|---|{}", "---:|".repeat(titles.len() + 2)));
        for line in self.sorted() {
            if let Some(why) = &line.refused {
                let blank = " |".repeat(self.columns.len() + 2);
                put(text, format_args!("| {} ({why}) |{blank}", line.method));
                continue;
            }
            let cells: Vec<String> = (line.figures.iter().zip(self.columns))
                .map(|(figure, column)| cell(*figure, column.decimals))
                .collect();
            put(
                text,
                format_args!(
                    "| {} | {} | {:.1} | {:.0} |",
                    line.method,
                    cells.join(" | "),
                    line.seconds * 1e3,
                    line.series
                ),
            );
        }
        for published in self.published {
            let figure = |key: &str| {
                published.figures.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
            };
            let cells: Vec<String> = (self.columns.iter())
                .map(|column| as_printed(figure(column.key), column.decimals))
                .collect();
            put(text, format_args!("| *{}* | {} | | |", published.who, cells.join(" | ")));
        }
        let mut notes: Vec<&str> = self.published.iter().map(|published| published.note).collect();
        notes.dedup();
        for note in notes {
            let whose = self.published.iter().filter(|published| published.note == note);
            let whose: Vec<&str> = whose.map(|published| published.who).collect();
            put(text, format_args!("\nFigures of {}: {note}.", whose.join(", ")));
        }
    }

    /// Best first; those without figures last.
    fn sorted(&self) -> Vec<&Line> {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        let sign = match self.order {
            Order::HighestFirst => 1.0,
            Order::LowestFirst => -1.0,
        };
        let key = |line: &Line, at: usize| {
            line.figures
                .get(at)
                .copied()
                .flatten()
                .map_or(f64::NEG_INFINITY, |figure| sign * figure)
        };
        lines.sort_by(|one, other| {
            let first = key(other, 0).total_cmp(&key(one, 0));
            // Of equals the one that is better on average.
            first.then(key(other, 3).total_cmp(&key(one, 3)))
        });
        lines
    }
}

/// A figure; one that these decimals would make a zero has its power of ten.
pub(super) fn cell(figure: Option<f64>, decimals: usize) -> String {
    let Some(figure) = figure else { return String::new() };
    let is_lost = figure != 0.0 && figure.abs() < 0.5 * 0.1_f64.powi(decimals as i32);
    if is_lost { format!("{figure:.1e}") } else { format!("{figure:.decimals$}") }
}

/// A figure of others, with the digits that it is known to, two decimals at least.
pub(super) fn as_printed(figure: Option<f64>, decimals: usize) -> String {
    let Some(figure) = figure else { return String::new() };
    let known = figure.to_string().split_once('.').map_or(0, |(_, digits)| digits.len());
    let decimals = if decimals == 0 { 0 } else { known.max(2) };
    format!("{figure:.decimals$}")
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}
