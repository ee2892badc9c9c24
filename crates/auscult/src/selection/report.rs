//! The answer of `select`, for people and for machines.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value, json};

use super::choice::{Choice, Columns};
use super::trust::{MEASURED, Trust};
use super::{Question, Selection, Tried, records};
use crate::detection::words::{counted, score};
use crate::outcome::CallError;
use crate::report::Format;

/// Candidates that a table shows.
const SHOWN: usize = 10;
/// Below this agreement with itself a method is said to be shaky.
const SHAKY: f64 = 0.5;

/// Writes the whole answer in `format` to `out`.
pub(crate) fn write(
    question: &Question,
    selection: &Selection,
    columns: &Columns,
    format: Format,
    quiet: bool,
    out: &mut (impl io::Write + Send),
) -> Result<(), CallError> {
    match format {
        Format::Table => out
            .write_all(table(question, selection, quiet).as_bytes())
            .map_err(CallError::write("the table")),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &json(question, selection, columns))
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(CallError::write("JSON"))
        }
        Format::Csv => auscult_telemetry::write_csv(&records::table(selection), out)
            .map_err(CallError::write("CSV")),
        Format::Parquet => auscult_telemetry::write_parquet(&records::table(selection), out)
            .map_err(CallError::write("Parquet")),
    }
}

/// The configuration of the best candidate.
pub(crate) fn choice(question: &Question, selection: &Selection, columns: &Columns) -> Choice {
    let best = &selection.ranking[0];
    Choice {
        method: best.candidate.method.name.to_owned(),
        settings: best.candidate.settings.clone(),
        learning: Some(best.candidate.learning),
        threshold: best.threshold,
        columns: columns.judged.clone(),
        counters: columns.counters.clone(),
        reasons: reasons(question, selection),
    }
}

/// Why the best is the best, a sentence each.
pub(crate) fn reasons(question: &Question, selection: &Selection) -> Vec<String> {
    let best = &selection.ranking[0];
    let metric = question.metric.name();
    let over = if question.labelled {
        counted(selection.tries as u64, "stretch of the future", "stretches of the future")
    } else {
        counted(selection.tries as u64, "try of injected anomalies", "tries of injected anomalies")
    };
    let higher = selection.ranking.iter().filter(|one| one.value.mean > best.value.mean).count();
    let rank = if higher == 0 {
        format!("has the highest {metric}")
    } else if question.labelled {
        format!("is chosen by {metric}, for no variant is better than chance explains")
    } else {
        let most = selection
            .ranking
            .iter()
            .max_by(|one, other| one.value.mean.total_cmp(&other.value.mean));
        let most = most.expect("a ranking has a candidate");
        format!(
            "is what one takes without labels; `{}` finds more of what was injected ({:.3}), but \
             such leads have not carried over to real anomalies. It has a {metric}",
            most.candidate.title(),
            most.value.mean
        )
    };
    let mut reasons = vec![format!(
        "`{}` ({}) {rank}: {:.3}, probably {:.3} to {:.3}, over {over} with {}.",
        best.candidate.title(),
        best.candidate.learning.word(),
        best.value.mean,
        best.value.low,
        best.value.high,
        counted(selection.anomalies as u64, "anomaly", "anomalies"),
    )];
    if let Some(next) = selection.ranking.get(1) {
        let apart = best.value.low > next.value.high;
        let tells =
            if apart { "the two are told apart" } else { "the data do not tell the two apart" };
        reasons.push(format!(
            "Next is `{}` ({}) with {:.3}; {tells}.",
            next.candidate.title(),
            next.candidate.learning.word(),
            next.value.mean
        ));
    }
    reasons.push(alarms(best, question.labelled));
    if let (Some(consensus), Some(stability)) = (best.consensus, best.stability) {
        let shaky = if stability < SHAKY { ", which is little" } else { "" };
        reasons.push(format!(
            "On the data as it is, it agrees with the other finalists to {consensus:.2} and with \
             itself after a shorter history to {stability:.2} (rank correlation){shaky}."
        ));
    }
    reasons.push(trust(question));
    reasons
}

/// What its alarms came to.
fn alarms(best: &Tried, labelled: bool) -> String {
    let summary = &best.summary;
    let threshold = if labelled { "a threshold learnt from the past" } else { "its own threshold" };
    let mut text = format!(
        "With {threshold} it finds {} of {}",
        summary.found,
        counted(summary.anomalies as u64, "anomaly", "anomalies")
    );
    match summary.precision() {
        None => text.push_str(" and raises no alarm"),
        Some(precision) => {
            let _ =
                write!(text, "; {:.0} % of the rows with an alarm lie in one", 100.0 * precision);
        }
    }
    if let Some(delay) = summary.delay() {
        let rows = counted(delay.round() as u64, "row", "rows");
        let _ = write!(text, "; the first alarm comes {rows} after the beginning (median)");
    }
    let _ = write!(text, ". It takes {} µs a row.", score(best.micros_per_row));
    text
}

/// How far the choice can be trusted.
fn trust(question: &Question) -> String {
    if question.labelled {
        return "Every figure is of rows that lie after all that the method had learnt from; the \
                same anomalies decided which method is named, so expect somewhat less."
            .to_owned();
    }
    let mut text =
        "No labels: what is measured is how well injected anomalies are found".to_owned();
    let figures: Vec<String> = MEASURED
        .iter()
        .filter(|trust| trust.online == question.online)
        .map(|trust| {
            format!(
                "on {} such choices reached {:.0} % of what the best choice per series would have, \
                 and the orders correlate to {:.2}",
                trust.set,
                100.0 * trust.reached(),
                trust.correlation
            )
        })
        .collect();
    if !figures.is_empty() {
        let _ = write!(text, "; {}", figures.join("; "));
    }
    text.push_str(". Look at the picture (--plot) before you rely on it.");
    text
}

/// For people.
fn table(question: &Question, selection: &Selection, quiet: bool) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "method",
        "learns",
        question.metric.name(),
        "95 % interval",
        "precision",
        "recall",
        "delay",
        "µs/row",
    ]);
    for one in selection.ranking.iter().take(SHOWN) {
        let part = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
        table.add_row([
            one.candidate.title(),
            one.candidate.learning.word().to_owned(),
            format!("{:.3}", one.value.mean),
            format!("{:.3} to {:.3}", one.value.low, one.value.high),
            part(one.summary.precision()),
            part(one.summary.recall()),
            one.summary.delay().map_or("-".to_owned(), |delay| format!("{delay:.0}")),
            score(one.micros_per_row),
        ]);
    }
    let mut text = table.trim_fmt() + "\n";
    if quiet {
        return text;
    }
    let hidden = selection.ranking.len().saturating_sub(SHOWN);
    if hidden > 0 {
        let _ = writeln!(text, "and {} below", counted(hidden as u64, "other", "others"));
    }
    text.push('\n');
    for reason in reasons(question, selection) {
        text.push_str(&reason);
        text.push('\n');
    }
    if !selection.absent.is_empty() {
        let _ = writeln!(
            text,
            "Not ranked: {}.",
            selection
                .absent
                .iter()
                .map(|(candidate, why)| format!("`{}` ({why})", candidate.title()))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    text
}

/// One document.
fn json(question: &Question, selection: &Selection, columns: &Columns) -> Value {
    let one = |tried: &Tried| {
        json!({
            "method": tried.candidate.method.name,
            "settings": tried.candidate.settings,
            "learning": tried.candidate.learning,
            "value": tried.value.mean,
            "low": tried.value.low,
            "high": tried.value.high,
            "precision": tried.summary.precision(),
            "recall": tried.summary.recall(),
            "anomalies": tried.summary.anomalies,
            "found": tried.summary.found,
            "delay_rows": tried.summary.delay(),
            "threshold": tried.threshold,
            "consensus": tried.consensus,
            "stability": tried.stability,
            "micros_per_row": tried.micros_per_row,
        })
    };
    let absent = |(candidate, why): &(super::Candidate, String)| {
        json!({
            "method": candidate.method.name,
            "settings": candidate.settings,
            "learning": candidate.learning,
            "why": why,
        })
    };
    let trusted: Vec<&Trust> =
        MEASURED.iter().filter(|trust| trust.online == question.online).collect();
    json!({
        "metric": question.metric.name(),
        "labelled": question.labelled,
        "tries": selection.tries,
        "anomalies": selection.anomalies,
        "choice": choice(question, selection, columns),
        "ranking": selection.ranking.iter().map(one).collect::<Vec<_>>(),
        "absent": selection.absent.iter().map(absent).collect::<Vec<_>>(),
        "trust": trusted,
    })
}
