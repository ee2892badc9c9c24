//! The figures on budgets, for people and machines.

use std::fmt::Write;

use auscult_detect::ensemble::BudgetMode;
use serde::Serialize;

use super::super::machine::Machine;
use super::count::{Group, Kept};
use super::service::Served;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub machine: Machine,
    /// The call, with folders left open.
    pub command: String,
    pub methods: Vec<OfMethod>,
    /// Of the service.
    pub served: Vec<Served>,
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
        if !self.served.is_empty() {
            service(&self.served, &mut text);
        }
        text
    }
}

/// A line for each set, kind of target and budget.
fn service(all: &[Served], text: &mut String) {
    put(
        text,
        format_args!(
            "\n## The service\n\nA *machine* is all series of one that are sampled together; of simulated health, those of a kind. *Confirmed*: people said of each incident in a labelled anomaly that it was true.\n\n\
             | set | a target is | targets | budget | promised | alarms over the promise | over twice | by chance | found |\n\
             |---|---|---:|---|---:|---:|---:|---:|---:|"
        ),
    );
    for one in all {
        let target = match (one.together, one.told) {
            (true, _) => "a machine",
            (false, false) => "a series",
            (false, true) => "a series, confirmed",
        };
        let kept = (one.promised > 0.0).then(|| f64::from(one.alarms) / one.promised);
        let found = found(one.found, one.anomalies);
        put(
            text,
            format_args!(
                "| {} | {target} | {} | {} | {:.0} | {} | {} | {} | {found} |",
                one.set,
                one.targets,
                one.budget,
                one.promised,
                ratio(kept),
                percent(one.over),
                percent(one.over_by_chance),
            ),
        );
    }
}

impl OfMethod {
    /// A line for each set and budget, both modes beside each other; below, the same with anomalies
    /// confirmed, of sets that have any.
    fn table(&self, text: &mut String) {
        put(
            text,
            format_args!(
                "\n| set | budget | promised | soft | over twice | hard | over twice | by chance | any alarm, soft | found, soft | found, hard |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
            ),
        );
        for set in &self.sets {
            for (soft, hard) in set.all.pairs(false) {
                let any = if soft.anomalies > 0 { ratio(soft.all_ratio) } else { String::new() };
                put(
                    text,
                    format_args!(
                        "{} | {} | {any} | {} | {} |",
                        beginning(&set.all.name, soft, hard),
                        percent(soft.over_by_chance),
                        found(soft.found, soft.anomalies),
                        found(hard.found, hard.anomalies),
                    ),
                );
            }
        }
        let labelled: Vec<&OfSet> = self
            .sets
            .iter()
            .filter(|set| set.all.kept.iter().any(|kept| kept.anomalies > 0))
            .collect();
        if labelled.is_empty() {
            return;
        }
        put(
            text,
            format_args!(
                "\n| anomalies confirmed | budget | promised | soft | over twice | hard | over twice | found, soft | found, hard |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|"
            ),
        );
        for set in labelled {
            for (soft, hard) in set.all.pairs(true) {
                put(
                    text,
                    format_args!(
                        "{} | {} | {} |",
                        beginning(&set.all.name, soft, hard),
                        found(soft.found, soft.anomalies),
                        found(hard.found, hard.anomalies),
                    ),
                );
            }
        }
    }
}

impl Group {
    /// Soft and hard of the same budget, with anomalies confirmed or not.
    fn pairs(&self, told: bool) -> impl Iterator<Item = (&Kept, &Kept)> {
        let of = move |mode: BudgetMode| {
            self.kept.iter().filter(move |kept| kept.mode == mode && kept.told == told)
        };
        of(BudgetMode::Soft).zip(of(BudgetMode::Hard))
    }
}

/// The cells that every line on both modes begins with.
fn beginning(set: &str, soft: &Kept, hard: &Kept) -> String {
    format!(
        "| {set} | {} | {:.0} | {} | {} | {} | {}",
        soft.budget,
        soft.promised,
        ratio(soft.ratio),
        percent(soft.over),
        ratio(hard.ratio),
        percent(hard.over)
    )
}

/// How many of how many anomalies; nothing where there are none.
fn found(found: u32, anomalies: u32) -> String {
    if anomalies == 0 { String::new() } else { format!("{found} of {anomalies}") }
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
        for (kept, _) in all.pairs(false).filter(|(kept, _)| kept.coarse > 0) {
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
        let is = |kept: &&Kept, mode: BudgetMode| kept.mode == mode && !kept.told;
        let of = |mode: BudgetMode| self.all.kept.iter().filter(move |kept| is(kept, mode));
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
                part.kept.iter().filter(move |kept| is(kept, mode)).map(|kept| ratio(kept.ratio))
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
