//! Which series of two vectors belong together.

use std::collections::HashMap;

use auscult_core::{Labels, METRIC_NAME};
use promql_parser::parser::token::{T_LAND, T_LOR};
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::aggregate::keep;
use super::binary::Operator;
use super::{Evaluator, merged};
use crate::data::{ABSENT, Row};
use crate::error::QueryError;

/// Places of rows, by what they are matched by.
type Places = HashMap<Labels, Vec<usize>>;

/// What a row is matched by.
fn signature(labels: &Labels, modifier: Option<&BinModifier>) -> Result<Labels, QueryError> {
    match modifier.and_then(|modifier| modifier.matching.as_ref()) {
        Some(LabelModifier::Include(on)) => keep(labels, on.labels.iter().map(String::as_str)),
        Some(LabelModifier::Exclude(ignored)) => {
            let names = ignored.labels.iter().map(String::as_str).chain([METRIC_NAME]);
            Ok(labels.with(names.map(|name| (name, "")))?)
        }
        None => Ok(labels.with([(METRIC_NAME, "")])?),
    }
}

fn places(rows: &[Row], modifier: Option<&BinModifier>) -> Result<Places, QueryError> {
    let mut places = Places::new();
    for (place, row) in rows.iter().enumerate() {
        places.entry(signature(&row.labels, modifier)?).or_default().push(place);
    }
    Ok(places)
}

impl Evaluator<'_> {
    /// `and`, `or`, `unless`.
    pub(super) fn set(
        &mut self,
        binary: &BinaryExpr,
        mut left: Vec<Row>,
        mut right: Vec<Row>,
    ) -> Result<Vec<Row>, QueryError> {
        let modifier = binary.modifier.as_ref();
        let is_there = |rows: &[Row], places: Option<&Vec<usize>>, step: usize| {
            places.is_some_and(|places| places.iter().any(|place| rows[*place].get(step).is_some()))
        };
        // Of one side values stay where the other side has a match, or where it has none.
        let (kept, other, wanted) = match binary.op.id() {
            T_LAND => (&mut left, &right, true),
            T_LOR => (&mut right, &left, false),
            _ => (&mut left, &right, false),
        };
        let others = places(other, modifier)?;
        for row in kept.iter_mut() {
            self.check()?;
            let matches = others.get(&signature(&row.labels, modifier)?);
            row.map(|step, value| (is_there(other, matches, step) == wanted).then_some(value));
        }
        kept.retain(|row| !row.is_empty());
        if binary.op.id() == T_LOR {
            left.append(&mut right);
            return merged(left, QueryError::same_labels);
        }
        Ok(left)
    }

    /// Arithmetic and comparisons between series that match.
    pub(super) fn matched(
        &mut self,
        binary: &BinaryExpr,
        operator: Operator,
        left: Vec<Row>,
        right: Vec<Row>,
    ) -> Result<Vec<Row>, QueryError> {
        let modifier = binary.modifier.as_ref();
        let says_bool = binary.return_bool();
        let card = modifier.map_or(&VectorMatchCardinality::OneToOne, |modifier| &modifier.card);
        let is_swapped = matches!(card, VectorMatchCardinality::OneToMany(_));
        let is_grouped = is_swapped || matches!(card, VectorMatchCardinality::ManyToOne(_));
        let (many, one, one_side) =
            if is_swapped { (right, left, "left") } else { (left, right, "right") };
        let ones = places(&one, modifier)?;
        for (signature, places) in ones.iter().filter(|(_, places)| places.len() > 1) {
            self.check()?;
            alone(signature, places, &one, one_side)?;
        }
        let mut results: Vec<Row> = Vec::with_capacity(many.len());
        // Where one to one matches have a result already.
        let mut taken: HashMap<Labels, Vec<bool>> = HashMap::new();
        for row in many {
            self.check()?;
            let signature = signature(&row.labels, modifier)?;
            let Some(matches) = ones.get(&signature) else { continue };
            for place in matches {
                let match_row = &one[*place];
                let labels = result_labels(
                    &row.labels,
                    &match_row.labels,
                    modifier,
                    operator.renames(says_bool),
                )?;
                self.hold(row.values.len())?;
                let mut result = Row { labels, values: row.values.clone() };
                result.map(|step, value| {
                    let other = match_row.get(step)?;
                    if is_swapped {
                        operator.apply(other, value, says_bool)
                    } else {
                        operator.apply(value, other, says_bool)
                    }
                });
                if result.is_empty() {
                    continue;
                }
                if !is_grouped {
                    let taken = taken
                        .entry(signature.clone())
                        .or_insert_with(|| vec![false; result.values.len()]);
                    for (step, taken) in taken.iter_mut().enumerate() {
                        let is_there = result.values[step].to_bits() != ABSENT.to_bits();
                        if is_there && *taken {
                            return Err(QueryError::Execution(
                                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".to_owned(),
                            ));
                        }
                        *taken |= is_there;
                    }
                }
                results.push(result);
            }
        }
        merged(results, || {
            QueryError::Execution(
                "multiple matches for labels: grouping labels must ensure unique matches"
                    .to_owned(),
            )
        })
    }
}

/// Refuses rows of one signature that have values at the same step.
fn alone(signature: &Labels, places: &[usize], rows: &[Row], side: &str) -> Result<(), QueryError> {
    let steps = rows[places[0]].values.len();
    for step in 0..steps {
        let mut there = places.iter().filter(|place| rows[**place].get(step).is_some());
        if let (Some(first), Some(second)) = (there.next(), there.next()) {
            let (first, second) = (&rows[*first].labels, &rows[*second].labels);
            return Err(QueryError::Execution(format!(
                "found duplicate series for the match group {signature} on the {side} hand-side of the operation: [{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
            )));
        }
    }
    Ok(())
}

/// What the result of two matched series is called.
fn result_labels(
    many: &Labels,
    one: &Labels,
    modifier: Option<&BinModifier>,
    is_renamed: bool,
) -> Result<Labels, QueryError> {
    let named = if is_renamed { many.with([(METRIC_NAME, "")])? } else { many.clone() };
    let Some(modifier) = modifier else { return Ok(named) };
    let labels = match (&modifier.card, &modifier.matching) {
        (VectorMatchCardinality::OneToOne, Some(LabelModifier::Include(on))) => {
            keep(&named, on.labels.iter().map(String::as_str))?
        }
        (VectorMatchCardinality::OneToOne, Some(LabelModifier::Exclude(ignored))) => {
            named.with(ignored.labels.iter().map(|name| (name.as_str(), "")))?
        }
        _ => named,
    };
    let Some(included) = modifier.card.labels() else { return Ok(labels) };
    let included =
        included.labels.iter().map(|name| (name.as_str(), one.get(name).unwrap_or_default()));
    Ok(labels.with(included)?)
}
