//! The scores of the best candidates beside the data.

use auscult_plot::Point;

use super::{Question, Selection};
use crate::plot::figure::{Figure, Mark, Panel};

/// Candidates that are drawn.
const DRAWN: usize = 3;
/// Columns that are drawn.
const COLUMNS: usize = 4;

/// Some columns of the first series, and under them the scores of the best three.
pub(crate) fn draw(
    question: &Question,
    selection: &Selection,
    columns: &[String],
    is_time: bool,
) -> Figure {
    let series = &question.series[0];
    let x = |row: usize| if is_time { series.times[row].seconds() } else { row as f64 + 1.0 };
    let mut panels: Vec<Panel> = columns
        .iter()
        .take(COLUMNS)
        .enumerate()
        .map(|(channel, name)| {
            let y = |row: usize| series.row(row)[channel];
            let point = |row| Point { x: x(row), y: y(row) };
            let mark = |row| Mark { x: x(row), y: y(row), text: "labelled an anomaly".to_owned() };
            let rows = 0..series.rows();
            Panel {
                title: name.clone(),
                line: rows.clone().map(point).collect(),
                band: Vec::new(),
                marks: rows
                    .filter(|row| question.labelled && series.labels[*row])
                    .map(mark)
                    .collect(),
            }
        })
        .collect();
    for one in selection.ranking.iter().take(DRAWN) {
        let point = |(at, score): (usize, &f64)| Point { x: x(one.from + at), y: *score };
        panels.push(Panel {
            title: format!(
                "score of {} ({}), {} {:.3}",
                one.candidate.title(),
                one.candidate.learning.word(),
                question.metric.name(),
                one.value.mean
            ),
            line: one.scores.iter().enumerate().map(point).collect(),
            band: Vec::new(),
            marks: Vec::new(),
        });
    }
    let judged = if question.labelled { "labelled" } else { "injected" };
    Figure {
        title: "The best methods on this data".to_owned(),
        subtitle: format!("ranked by {judged} anomalies; scores of the rows that were judged"),
        is_time,
        panels,
    }
}
