//! The scorecard as a document.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::sets::Column;
use super::{Line, Rival, ScoreTable, Scorecard, aims};

/// Figures of others shown, best first.
const RIVALS: usize = 10;

impl Scorecard {
    /// The document; `picture` is where its picture lies.
    pub(crate) fn markdown(&self, picture: Option<&str>) -> String {
        let mut text = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| {
            writeln!(text, "{line}").expect("writing to a string cannot fail");
        };
        let machine = &self.machine;
        put(format_args!("# Scorecard of anomaly detection\n"));
        put(format_args!(
            "Written by `{}`; `docs/benchmark.md` says what the figures mean.\n",
            self.command
        ));
        let commit = machine.commit.as_deref().unwrap_or("not known");
        let earlier = match &self.other_build {
            Some(build) => format!("results of an earlier build ({build})"),
            None => "results of earlier calls of this build".to_owned(),
        };
        put(format_args!(
            "auscult {}, commit {commit}. {}, {} cores, {}; batch methods may use {} threads. This call took {:.0} seconds; {earlier} were taken over. \
             Time limit: {} seconds a method, data set and mode.\n",
            machine.version,
            machine.processor,
            machine.cores,
            machine.system,
            machine.threads,
            self.seconds,
            self.time_limit
        ));
        put(format_args!(
            "Every method runs with its default settings, the same for every series. Brackets hold 95 % intervals of a \
             bootstrap over series. Curves and volumes take the state where a method tells one beside its score; \
             everything about alarms takes the score. The cost is wall-clock time on a machine that may have had other \
             work, with one thread for streaming methods; the state is counted as stored, in JSON.\n"
        ));
        if let Some(picture) = picture {
            put(format_args!("![The best methods on each data set]({picture})\n"));
        }
        let aims = aims::markdown(&self.tables);
        if !aims.is_empty() {
            put(format_args!("{aims}"));
        }
        let mut last = "";
        for (at, table) in self.tables.iter().enumerate() {
            if table.set.name != last {
                put(format_args!("## {}\n", table.set.title));
                put(format_args!("{} Source: {}.\n", table.set.protocol, table.set.source));
            }
            last = table.set.name;
            put(format_args!("### {}\n", table.mode.title()));
            put(format_args!("{}", table.markdown()));
            let ends = self.tables.get(at + 1).is_none_or(|next| next.set.name != last);
            if ends && !(table.published.is_empty() && table.nothing.is_empty()) {
                put(format_args!("### To compare with\n\n{}", table.rivals()));
            }
        }
        text
    }
}

impl ScoreTable {
    fn markdown(&self) -> String {
        let streaming = self.mode.streams();
        let columns = self.set.columns;
        let mut text = String::new();
        if !self.lines.is_empty() {
            let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
            let state = if streaming { " state, bytes |" } else { "" };
            text += &format!("| method | {} | µs a row |{state}\n", titles.join(" | "));
            let rule = "---:|".repeat(columns.len() + 1 + usize::from(streaming));
            text += &format!("|---|{rule}\n");
            for line in &self.lines {
                let bytes = line.state_bytes.map(|bytes| format!(" {bytes} |")).unwrap_or_default();
                let cells: Vec<String> = columns.iter().map(|column| cell(line, column)).collect();
                let (cells, micros) = (cells.join(" | "), line.micros_per_row);
                text += &format!("| {} | {cells} | {micros:.2} |{bytes}\n", line.method);
            }
            let (series, rows) = (self.series, self.rows);
            text += &format!("\n{series} series, {rows} rows scored.\n\n");
        }
        if !self.absent.is_empty() {
            text += "Without figures: ";
            let words: Vec<String> = self
                .absent
                .iter()
                .map(|absent| format!("{} ({})", absent.method, absent.why))
                .collect();
            text += &format!("{}.\n\n", words.join("; "));
        }
        text
    }

    /// What others reached, in the columns for which there is a figure.
    fn rivals(&self) -> String {
        let known = |column: &&Column| {
            self.published.iter().any(|rival| rival.measures.contains_key(column.key))
                || self.nothing.contains_key(column.key)
        };
        let columns: Vec<&Column> = self.set.columns.iter().filter(known).collect();
        let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
        let mut text = format!("| who | {} | note |\n", titles.join(" | "));
        text += &format!("|---|{}---|\n", "---:|".repeat(columns.len()));
        let mut put = |who: &str, measures: &BTreeMap<String, f64>, note: &str| {
            let cells: Vec<String> = columns
                .iter()
                .map(|column| number(measures.get(column.key), column.decimals))
                .collect();
            text += &format!("| {who} | {} | {note} |\n", cells.join(" | "));
        };
        for Rival { who, measures, note } in self.published.iter().take(RIVALS) {
            put(who, measures, &format!("published; {note}"));
        }
        if !self.nothing.is_empty() {
            put("a score that knows nothing", &self.nothing, "a constant; metrics named at random");
        }
        if self.published.len() > RIVALS {
            text += &format!(
                "\n{} more published figures are weaker.\n",
                self.published.len() - RIVALS
            );
        }
        text + "\n"
    }
}

fn cell(line: &Line, column: &Column) -> String {
    let value = number(line.measures.get(column.key), column.decimals);
    match line.intervals.get(column.key).filter(|_| column.interval) {
        Some((low, high)) => format!("{value} [{low:.3}, {high:.3}]"),
        None => value,
    }
}

fn number(value: Option<&f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}
