//! The answers to a feature that differ, as far as the trees can tell.

use auscult_trees::{Answer, Question, Split};

use crate::model::{FeatureInfo, KnownValues, LearntModel, number};

/// Cells are told apart in the bits of one word.
pub(super) const MOST_CELLS: usize = 64;
/// Thresholds that are kept of the many that a forest has; thinned evenly.
const MOST_THRESHOLDS: usize = 31;

/// A set of answers that lead the same way.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// One of them.
    pub(super) answer: Answer,
    /// Share of the rows of the log with such an answer, before any question.
    pub(super) share: f64,
    /// What they are.
    pub(super) span: Span,
}

/// The answers of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Span {
    /// Numbers above the first, up to and including the second.
    Between(Option<f64>, Option<f64>),
    /// A category.
    Word(u32),
    /// No value.
    Missing,
}

/// The cells of `feature`, given the splits on it that can still be reached, or
/// as the model counted them; at most [`MOST_CELLS`], shares summing to 1.
pub(super) fn cells<'s>(
    model: &LearntModel,
    feature: usize,
    splits: impl Iterator<Item = &'s Split>,
) -> Vec<Cell> {
    let info = &model.features()[feature];
    let mut cells = match (&info.values, &model.companions) {
        (KnownValues::Numbers { quantiles }, Some(companions)) => {
            between(companions.bounds(feature), quantiles)
        }
        (KnownValues::Numbers { quantiles }, None) => between(&thresholds(splits), quantiles),
        (KnownValues::Words { rows, .. }, _) => words(rows),
    };
    let rows = model.training().rows.max(1) as f64;
    let missing = (info.missing as f64 / rows).clamp(0.0, 1.0);
    let total: f64 = cells.iter().map(|cell| cell.share).sum();
    for cell in &mut cells {
        cell.share *= (1.0 - missing) / total;
    }
    if missing > 0.0 {
        cells.push(Cell { answer: Answer::Missing, share: missing, span: Span::Missing });
    }
    cells
}

fn thresholds<'s>(splits: impl Iterator<Item = &'s Split>) -> Vec<f64> {
    let threshold = |split: &Split| match split.question {
        Question::AtMost { threshold } => Some(threshold),
        _ => None,
    };
    let mut all: Vec<f64> = splits.filter_map(threshold).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    if all.len() <= MOST_THRESHOLDS {
        return all;
    }
    let last = all.len() - 1;
    (0..MOST_THRESHOLDS).map(|at| all[at * last / (MOST_THRESHOLDS - 1)]).collect()
}

fn between(thresholds: &[f64], quantiles: &[f64]) -> Vec<Cell> {
    let bound = |at: usize| thresholds.get(at).copied();
    let below = |at: Option<f64>, otherwise: f64| at.map_or(otherwise, |at| rank(quantiles, at));
    let cell = |at: usize| {
        let (above, upto) = (at.checked_sub(1).and_then(bound), bound(at));
        Cell {
            answer: Answer::Number(upto.unwrap_or(f64::MAX)),
            // No cell is impossible: the next case need not look like the log.
            share: (below(upto, 1.0) - below(above, 0.0)).max(1e-6),
            span: Span::Between(above, upto),
        }
    };
    (0..=thresholds.len()).map(cell).collect()
}

/// Share of values at most `value`, straight between the quantiles.
fn rank(quantiles: &[f64], value: f64) -> f64 {
    let steps = (quantiles.len() - 1) as f64;
    let at = quantiles.partition_point(|quantile| *quantile <= value);
    match (at.checked_sub(1), quantiles.get(at)) {
        (None, _) => 0.0,
        (Some(_), None) => 1.0,
        (Some(below), Some(above)) => {
            let low = quantiles[below];
            // Halves, lest the difference of two huge numbers overflow.
            let part = (value / 2.0 - low / 2.0) / (above / 2.0 - low / 2.0);
            (below as f64 + part.clamp(0.0, 1.0)) / steps
        }
    }
}

/// The most frequent categories.
fn words(rows: &[u64]) -> Vec<Cell> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&code| std::cmp::Reverse(rows[code]));
    let cell = |&code: &usize| Cell {
        answer: Answer::Category(code as u32),
        share: (rows[code] as f64).max(1e-6),
        span: Span::Word(code as u32),
    };
    let mut kept: Vec<usize> = order.into_iter().take(MOST_CELLS - 1).collect();
    kept.sort_unstable();
    kept.iter().map(cell).collect()
}

/// What `spans`, which lie side by side, are in words.
pub(super) fn name(feature: &FeatureInfo, spans: &[Span]) -> String {
    let mut parts = Vec::new();
    let mut words = Vec::new();
    let mut open: Option<(Option<f64>, Option<f64>)> = None;
    for span in spans {
        match *span {
            Span::Between(above, upto) => {
                open = Some((open.map_or(above, |(first, _)| first), upto));
            }
            Span::Word(code) => words.push(code),
            Span::Missing => parts.push("missing".to_owned()),
        }
    }
    if let Some(bounds) = open {
        parts.insert(
            0,
            match bounds {
                (None, None) => "any number".to_owned(),
                (None, Some(upto)) => format!("<= {}", number(upto)),
                (Some(above), None) => format!("> {}", number(above)),
                (Some(above), Some(upto)) => format!("> {} and <= {}", number(above), number(upto)),
            },
        );
    }
    if let KnownValues::Words { categories, .. } = &feature.values {
        const LISTED: usize = 4;
        let more = words.len().saturating_sub(LISTED);
        let named = words.iter().take(LISTED).map(|&code| categories[code as usize].clone());
        let mut list: Vec<String> = named.collect();
        if more > 0 {
            list.push(format!("{more} more"));
        }
        list.append(&mut parts);
        parts = list;
    }
    parts.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_lie_on_the_quantiles() {
        let quantiles = [0.0, 10.0, 10.0, 30.0, 40.0];
        let ranks =
            [(-1.0, 0.0), (0.0, 0.0), (5.0, 0.125), (10.0, 0.5), (20.0, 0.625), (99.0, 1.0)];
        for (value, share) in ranks {
            assert_eq!(rank(&quantiles, value), share, "{value}");
        }
        assert_eq!(rank(&[f64::MIN, f64::MAX], 0.0), 0.5);
    }

    #[test]
    fn neighbouring_spans_join_in_words() {
        let feature = FeatureInfo {
            name: "x".to_owned(),
            values: KnownValues::Numbers { quantiles: vec![0.0, 1.0] },
            missing: 0,
            price: 1.0,
        };
        let low = Span::Between(None, Some(1.0));
        let middle = Span::Between(Some(1.0), Some(2.5));
        assert_eq!(name(&feature, &[low]), "<= 1");
        assert_eq!(name(&feature, &[low, middle]), "<= 2.5");
        assert_eq!(name(&feature, &[middle, Span::Missing]), "> 1 and <= 2.5 or missing");
    }
}
