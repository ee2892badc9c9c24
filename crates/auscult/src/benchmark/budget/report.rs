//! The figures on budgets, for people and machines.

use std::fmt::Write;

use auscult_detect::ensemble::BudgetMode;
use serde::Serialize;

use super::super::machine::Machine;
use super::count::{Group, Kept};

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub machine: Machine,
    /// The call, with folders left open.
    pub command: String,
    pub methods: Vec<OfMethod>,
}

/// What was measured of one method.
#[derive(Debug, Serialize)]
pub(crate) struct OfMethod {
    pub method: String,
    pub sets: Vec<OfSet>,
}

/// What was measured on one set.
#[derive(Debug, Serialize)]
pub(crate) struct OfSet {
    pub title: String,
    pub all: Group,
    pub parts: Vec<Group>,
}

impl Report {
    /// A document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        let commit = self.machine.commit.as_deref().unwrap_or("not known");
        put(
            &mut text,
            format_args!(
                "Written by `{}`, auscult {}, commit {commit}.",
                self.command, self.machine.version
            ),
        );
        for one in &self.methods {
            put(&mut text, format_args!("\n## {}\n", one.method));
            one.sets.iter().for_each(|set| set.sentence(&mut text));
            one.table(&mut text);
            for set in one.sets.iter().filter(|set| set.all.name == "health") {
                set.kinds(&mut text);
            }
        }
        text
    }
}

impl OfMethod {
    /// A line for each set and budget, both modes beside each other.
    fn table(&self, text: &mut String) {
        put(
            text,
            format_args!(
                "\n| set | budget | promised | soft | over twice | hard | over twice | by chance | any alarm, soft | found, soft | found, hard |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
            ),
        );
        for set in &self.sets {
            let kept = &set.all.kept;
            for soft in kept.iter().filter(|kept| kept.mode == BudgetMode::Soft) {
                let same =
                    |hard: &&Kept| hard.mode == BudgetMode::Hard && hard.budget == soft.budget;
                let Some(hard) = kept.iter().find(same) else { continue };
                let found = |kept: &Kept| match kept.anomalies {
                    0 => String::new(),
                    all => format!("{} of {all}", kept.found),
                };
                let any = if soft.anomalies > 0 { ratio(soft.all_ratio) } else { String::new() };
                put(
                    text,
                    format_args!(
                        "| {} | {} | {:.0} | {} | {} | {} | {} | {} | {any} | {} | {} |",
                        set.all.name,
                        soft.budget,
                        soft.promised,
                        ratio(soft.ratio),
                        percent(soft.over),
                        ratio(hard.ratio),
                        percent(hard.over),
                        percent(soft.over_by_chance),
                        found(soft),
                        found(hard),
                    ),
                );
            }
        }
    }
}

impl OfSet {
    /// What it is.
    fn sentence(&self, text: &mut String) {
        let all = &self.all;
        let mut more = String::new();
        if all.constant > 0 {
            write!(more, "; constant, so that no alarm can come: {}", all.constant)
                .expect("writing to a string cannot fail");
        }
        for kept in all.kept.iter().filter(|kept| kept.coarse > 0 && kept.mode == BudgetMode::Soft)
        {
            write!(
                more,
                "; at {} {} of them are sampled too rarely and held to one alarm in twelve samples",
                kept.budget, kept.coarse
            )
            .expect("writing to a string cannot fail");
        }
        put(
            text,
            format_args!(
                "- `{}`: {}; {} series, {:.0} series-weeks{more}.",
                all.name, self.title, all.series, all.series_weeks
            ),
        );
    }

    /// Ratios of each kind of simulated health.
    fn kinds(&self, text: &mut String) {
        let of = |mode: BudgetMode| self.all.kept.iter().filter(move |kept| kept.mode == mode);
        let titles: Vec<String> = of(BudgetMode::Soft)
            .map(|kept| format!("{} soft", kept.budget))
            .chain(of(BudgetMode::Hard).map(|kept| format!("{} hard", kept.budget)))
            .collect();
        put(
            text,
            format_args!(
                "\n| simulated health | {} |\n|---|{}",
                titles.join(" | "),
                "---:|".repeat(titles.len())
            ),
        );
        for part in &self.parts {
            let cells = |mode: BudgetMode| {
                part.kept.iter().filter(move |kept| kept.mode == mode).map(|kept| ratio(kept.ratio))
            };
            let cells: Vec<String> =
                cells(BudgetMode::Soft).chain(cells(BudgetMode::Hard)).collect();
            put(text, format_args!("| {} | {} |", part.name, cells.join(" | ")));
        }
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
