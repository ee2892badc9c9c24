//! What there is when there is nothing.

use auscult_core::Labels;
use promql_parser::parser::Expr;

use crate::data::{ABSENT, Row, Steps};
use crate::error::QueryError;
use crate::eval::{Evaluator, Value, bare};
use crate::selector::Selector;

pub(super) fn now(
    evaluator: &mut Evaluator<'_>,
    argument: &Expr,
    steps: Steps,
) -> Result<Value, QueryError> {
    let rows = evaluator.vector(argument, steps)?;
    inverted(&rows, argument, steps)
}

pub(super) fn over_time(
    evaluator: &mut Evaluator<'_>,
    argument: &Expr,
    steps: Steps,
) -> Result<Value, QueryError> {
    let windows = evaluator.windows(argument, steps)?;
    let rows = evaluator.over_windows(windows, |_| Some(1.0))?;
    inverted(&rows, argument, steps)
}

/// One series that reads 1 where none of `rows` is, with the labels that `argument` asks for.
fn inverted(rows: &[Row], argument: &Expr, steps: Steps) -> Result<Value, QueryError> {
    let selector = match bare(argument) {
        Expr::VectorSelector(selector) => Some(Selector::of(selector)?),
        Expr::MatrixSelector(matrix) => Some(Selector::of(&matrix.vs)?),
        _ => None,
    };
    let labels = match &selector {
        Some(selector) => Labels::from_pairs(selector.equalities())?,
        None => Labels::default(),
    };
    let values = (0..steps.count)
        .map(|step| if rows.iter().any(|row| row.get(step).is_some()) { ABSENT } else { 1.0 });
    let row = Row::new(labels, values.collect());
    Ok(Value::Vector(if row.is_empty() { Vec::new() } else { vec![row] }))
}
