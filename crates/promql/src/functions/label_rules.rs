//! Functions that change labels.

use auscult_core::Labels;
use regex::Regex;

use super::Arguments;
use crate::data::{Row, Steps};
use crate::error::QueryError;
use crate::eval::{Evaluator, Value, is_label_name, merged};

/// `label_replace(v, destination, replacement, source, pattern)`.
pub(super) fn replace(
    evaluator: &mut Evaluator<'_>,
    arguments: &Arguments<'_>,
    steps: Steps,
) -> Result<Value, QueryError> {
    let mut text = |place| evaluator.text(arguments.need(place)?, steps);
    let (destination, replacement) = (text(1)?, text(2)?);
    let (source, pattern) = (text(3)?, text(4)?);
    let whole = Regex::new(&format!("^(?s:{pattern})$"));
    let whole = whole.map_err(|_| {
        QueryError::Execution(format!("invalid regular expression in label_replace(): {pattern}"))
    })?;
    destined("label_replace", &destination)?;
    relabelled(evaluator, arguments, steps, |labels| {
        let value = labels.get(&source).unwrap_or_default();
        let Some(found) = whole.captures(value) else { return Ok(labels.clone()) };
        let mut new = String::new();
        found.expand(&replacement, &mut new);
        Ok(labels.with([(destination.as_str(), new.as_str())])?)
    })
}

/// `label_join(v, destination, separator, source…)`.
pub(super) fn join(
    evaluator: &mut Evaluator<'_>,
    arguments: &Arguments<'_>,
    steps: Steps,
) -> Result<Value, QueryError> {
    let mut text = |place| evaluator.text(arguments.need(place)?, steps);
    let (destination, separator) = (text(1)?, text(2)?);
    let sources: Result<Vec<String>, QueryError> = (3..arguments.0.args.len()).map(text).collect();
    let sources = sources?;
    destined("label_join", &destination)?;
    relabelled(evaluator, arguments, steps, |labels| {
        let parts = sources.iter().map(|source| labels.get(source).unwrap_or_default());
        let joined = parts.collect::<Vec<&str>>().join(&separator);
        Ok(labels.with([(destination.as_str(), joined.as_str())])?)
    })
}

fn destined(function: &str, name: &str) -> Result<(), QueryError> {
    if is_label_name(name) {
        return Ok(());
    }
    let reason = format!("invalid destination label name in {function}(): {name}");
    Err(QueryError::Execution(reason))
}

fn relabelled(
    evaluator: &mut Evaluator<'_>,
    arguments: &Arguments<'_>,
    steps: Steps,
    of: impl Fn(&Labels) -> Result<Labels, QueryError>,
) -> Result<Value, QueryError> {
    let mut rows: Vec<Row> = evaluator.vector(arguments.need(0)?, steps)?;
    for row in &mut rows {
        row.labels = of(&row.labels)?;
    }
    merged(rows, QueryError::same_labels).map(Value::Vector)
}
