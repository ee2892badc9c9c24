//! The cause of every row of a file.

use std::collections::HashMap;
use std::io::{self, Write};

use auscult_diagnose::draw::percent;
use auscult_diagnose::model::{KnownValues, LearntModel};
use auscult_diagnose::troubleshoot::{Answer, Evidence, reasons};
use auscult_telemetry::{Cells, Column, Input, ReadOptions, Table, TimeColumn, Words, write_csv};

use super::super::learn::{aligned, plain, read};
use crate::outcome::CallError;

/// Probability from which another cause is worth a mention.
const WORTH_MENTION: f64 = 0.05;

/// How to print the causes of rows.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
}

/// Rows to judge.
pub(super) struct Cases {
    /// One answer per feature for each row.
    answers: Vec<Vec<Answer>>,
    /// What the person should know of how they were read.
    pub(super) notes: Vec<String>,
}

/// What is said of a row.
struct Verdict {
    cause: usize,
    beliefs: Vec<f64>,
    reasons: Vec<Evidence>,
}

pub(super) fn read_cases(
    model: &LearntModel,
    input: &Input,
    reading: &ReadOptions,
) -> Result<Cases, CallError> {
    let options = ReadOptions { time: TimeColumn::Without, ..reading.clone() };
    let table = read(std::slice::from_ref(input), &options)?;
    let names: HashMap<String, &Column> =
        table.columns().iter().map(|column| (plain(&column.name), column)).collect();
    let mut answers = vec![vec![Answer::Unknown; model.features().len()]; table.rows()];
    let mut notes = Vec::new();
    let mut absent = Vec::new();
    for (at, feature) in model.features().iter().enumerate() {
        match names.get(feature.name.as_str()) {
            Some(column) => fill(model, at, column, &mut answers, &mut notes)?,
            None => absent.push(format!("`{}`", feature.name)),
        }
    }
    if absent.len() == model.features().len() {
        absent.truncate(5);
        return Err(CallError::input(format!(
            "{input} has none of the columns that the model learnt from: {}",
            absent.join(", ")
        )));
    }
    if !absent.is_empty() {
        let list = absent.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = absent.len().saturating_sub(5);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!("{input} has no column {list}{more}: taken as unknown"));
    }
    if !model.weighs_all() {
        notes.push(
            "answers that the trees do not ask on the way of a row change nothing there: forests \
             and models of older releases have no counts to weigh them by"
                .to_owned(),
        );
    }
    Ok(Cases { answers, notes })
}

/// Takes the cells of `column` as answers to feature `at`.
fn fill(
    model: &LearntModel,
    at: usize,
    column: &Column,
    answers: &mut [Vec<Answer>],
    notes: &mut Vec<String>,
) -> Result<(), CallError> {
    let feature = &model.features()[at];
    // What was often missing in the log has taught something by that.
    let none = if feature.missing > 0 { Answer::Missing } else { Answer::Unknown };
    match (&feature.values, &column.cells) {
        (KnownValues::Numbers { .. }, Cells::Numbers(numbers)) => {
            for (answers, &number) in answers.iter_mut().zip(numbers) {
                answers[at] = if number.is_finite() { Answer::Number(number) } else { none };
            }
        }
        (KnownValues::Numbers { .. }, Cells::Words(words)) => {
            if let Some(word) = words.distinct.first() {
                return Err(CallError::input(format!(
                    "column `{}` holds words such as `{}`, the model learnt it as numbers",
                    feature.name,
                    plain(word)
                )));
            }
            answers.iter_mut().for_each(|answers| answers[at] = none);
        }
        (KnownValues::Words { categories, .. }, cells) => {
            let codes: HashMap<&str, u32> = categories
                .iter()
                .enumerate()
                .map(|(code, name)| (name.as_str(), code as u32))
                .collect();
            let mut unseen = Vec::new();
            for (row, answers) in answers.iter_mut().enumerate() {
                let Some(word) = word(cells, row) else {
                    answers[at] = none;
                    continue;
                };
                match codes.get(word.as_str()) {
                    Some(&code) => answers[at] = Answer::Category(code),
                    None => unseen.push(word),
                }
            }
            note_unseen(&feature.name, unseen, notes);
        }
        (KnownValues::Numbers { .. }, Cells::Times(_)) => {
            return Err(CallError::input(format!(
                "column `{}` holds times, the model learnt it as numbers",
                feature.name
            )));
        }
    }
    Ok(())
}

fn word(cells: &Cells, row: usize) -> Option<String> {
    match cells {
        Cells::Words(words) => words.get(row).map(plain),
        // Codes such as 404 that look like numbers in this file.
        Cells::Numbers(numbers) if numbers[row].is_nan() => None,
        Cells::Numbers(numbers) => Some(numbers[row].to_string()),
        Cells::Times(times) => {
            times[row].map(|time| auscult_telemetry::format_time(time).to_string())
        }
    }
}

fn note_unseen(feature: &str, unseen: Vec<String>, notes: &mut Vec<String>) {
    let rows = unseen.len();
    let Some(first) = unseen.into_iter().next() else { return };
    let unit = if rows == 1 { "row" } else { "rows" };
    notes.push(format!(
        "`{feature}` has words that the log did not, such as `{first}`, in {rows} {unit}: taken as \
         unknown"
    ));
}

/// Writes a verdict for every row.
pub(super) fn write(
    model: &LearntModel,
    cases: &Cases,
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let verdicts: Vec<Verdict> =
        cases.answers.iter().map(|answers| Verdict::of(model, answers)).collect();
    match format {
        Format::Table => write_table(model, &verdicts, out),
        Format::Json => write_json(model, &verdicts, out),
        Format::Csv => {
            let mut csv = Vec::new();
            write_csv(&as_table(model, &verdicts), &mut csv)?;
            out.write_all(&csv)
        }
    }
}

impl Verdict {
    fn of(model: &LearntModel, answers: &[Answer]) -> Self {
        let beliefs = model.probabilities(answers);
        let better = |best, at| if beliefs[at] > beliefs[best] { at } else { best };
        let cause = (1..beliefs.len()).fold(0, better);
        Self { cause, reasons: reasons(model, answers, cause), beliefs }
    }

    fn reason(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        reasons.join(", ")
    }

    /// Other causes that are worth a mention, the likeliest first.
    fn alternatives(&self) -> Vec<usize> {
        let is_other = |&cause: &usize| cause != self.cause && self.beliefs[cause] >= WORTH_MENTION;
        let mut others: Vec<usize> = (0..self.beliefs.len()).filter(is_other).collect();
        others.sort_by(|&a, &b| self.beliefs[b].total_cmp(&self.beliefs[a]));
        others
    }

    fn alternatives_text(&self, model: &LearntModel) -> String {
        let name = |&cause: &usize| {
            format!("{} {}", model.causes()[cause].name, percent(self.beliefs[cause]))
        };
        self.alternatives().iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

fn write_table(model: &LearntModel, verdicts: &[Verdict], out: &mut impl Write) -> io::Result<()> {
    let mut rows =
        vec![["row", "cause", "sure", "otherwise", "because"].map(str::to_owned).to_vec()];
    for (row, verdict) in verdicts.iter().enumerate() {
        rows.push(vec![
            (row + 1).to_string(),
            model.causes()[verdict.cause].name.clone(),
            percent(verdict.beliefs[verdict.cause]),
            verdict.alternatives_text(model),
            verdict.reason(),
        ]);
    }
    out.write_all(aligned(&rows, 5).as_bytes())?;
    let mut counts = vec![0_usize; model.causes().len()];
    verdicts.iter().for_each(|verdict| counts[verdict.cause] += 1);
    let mut order: Vec<usize> = (0..counts.len()).filter(|&cause| counts[cause] > 0).collect();
    order.sort_by_key(|&cause| std::cmp::Reverse(counts[cause]));
    let said: Vec<String> = order
        .iter()
        .map(|&cause| format!("{} {}", model.causes()[cause].name, counts[cause]))
        .collect();
    writeln!(out, "\n{} rows: {}", verdicts.len(), said.join(", "))
}

fn write_json(model: &LearntModel, verdicts: &[Verdict], out: &mut impl Write) -> io::Result<()> {
    let evidence = |evidence: &Evidence| {
        serde_json::json!({
            "feature": evidence.feature,
            "answer": evidence.answer,
            "bound": evidence.bound,
            "weight": evidence.weight,
        })
    };
    let named = |verdict: &Verdict, cause: usize| {
        let probability = verdict.beliefs[cause];
        serde_json::json!({"cause": model.causes()[cause].name, "probability": probability})
    };
    let verdict = |(row, verdict): (usize, &Verdict)| {
        serde_json::json!({
            "row": row + 1,
            "cause": model.causes()[verdict.cause].name,
            "confidence": verdict.beliefs[verdict.cause],
            "reasons": verdict.reasons.iter().map(evidence).collect::<Vec<_>>(),
            "alternatives": verdict
                .alternatives()
                .into_iter()
                .map(|cause| named(verdict, cause))
                .collect::<Vec<_>>(),
        })
    };
    let all: Vec<serde_json::Value> = verdicts.iter().enumerate().map(verdict).collect();
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

fn as_table(model: &LearntModel, verdicts: &[Verdict]) -> Table {
    let words = |word: &dyn Fn(&Verdict) -> String| {
        let rows = (0..verdicts.len()).map(|row| Some(row as u32)).collect();
        Cells::Words(Words { rows, distinct: verdicts.iter().map(word).collect() })
    };
    let column = |name: &str, cells| Column { name: name.to_owned(), cells };
    let confidence = verdicts.iter().map(|verdict| verdict.beliefs[verdict.cause]).collect();
    Table::new(vec![
        column("row", Cells::Numbers((1..=verdicts.len()).map(|row| row as f64).collect())),
        column("cause", words(&|verdict| model.causes()[verdict.cause].name.clone())),
        column("confidence", Cells::Numbers(confidence)),
        column("reason", words(&Verdict::reason)),
        column("alternatives", words(&|verdict| verdict.alternatives_text(model))),
    ])
}
