//! Walks over an expression; every part is evaluated once, for all steps.

mod aggregate;
mod binary;
mod matching;
mod merge;
mod select;

use auscult_core::{Labels, METRIC_NAME};
use promql_parser::parser::Expr;
use promql_parser::parser::value::ValueType;

use crate::answer::{Answer, Instant};
use crate::data::{Row, Sample, Source, Steps};
use crate::error::QueryError;
use crate::functions;
use crate::query::{Limits, Stop, named};

pub(crate) use aggregate::is_label_name;
pub(crate) use merge::merged;
pub(crate) use select::Window;

/// What a part of an expression yields, for all steps.
pub(crate) enum Value {
    Scalar(Vec<f64>),
    Vector(Vec<Row>),
    Text(String),
}

/// Evaluates one query.
pub(crate) struct Evaluator<'a> {
    source: &'a dyn Source,
    pub(crate) limits: &'a Limits<'a>,
    /// What `start()` and `end()` mean.
    start: i64,
    end: i64,
    /// Samples and values in memory.
    held: usize,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        source: &'a dyn Source,
        limits: &'a Limits<'a>,
        start: i64,
        end: i64,
    ) -> Self {
        Self { source, limits, start, end, held: 0 }
    }

    pub(crate) fn instant(mut self, expression: &Expr, time: i64) -> Result<Answer, QueryError> {
        let steps = Steps::one(time);
        if expression.value_type() == ValueType::Matrix {
            return Ok(Answer::Matrix(self.windows(expression, steps)?.into_only_window()));
        }
        Ok(match self.value(expression, steps)? {
            Value::Scalar(values) => Answer::Scalar(Sample { time, value: values[0] }),
            Value::Text(text) => Answer::Text(time, text),
            Value::Vector(rows) => {
                let present = rows.into_iter().filter_map(|row| {
                    let value = row.get(0)?;
                    Some(Instant { labels: row.labels, sample: Sample { time, value } })
                });
                Answer::Vector(present.collect())
            }
        })
    }

    pub(crate) fn range(mut self, expression: &Expr, steps: Steps) -> Result<Answer, QueryError> {
        let mut rows = match self.value(expression, steps)? {
            Value::Scalar(values) => vec![Row::new(Labels::default(), values)],
            Value::Vector(rows) => rows,
            Value::Text(_) => return Err(mismatch("scalar or instant vector", expression)),
        };
        rows.retain(|row| !row.is_empty());
        rows.sort_by(|one, other| one.labels.cmp(&other.labels));
        Ok(Answer::Range(steps, rows))
    }

    /// Whether to go on.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        match (self.limits.stop)() {
            None => Ok(()),
            Some(Stop::TimedOut) => Err(QueryError::TimedOut),
            Some(Stop::Cancelled) => Err(QueryError::Cancelled),
        }
    }

    /// Counts `more` samples or values that are about to be held.
    pub(crate) fn hold(&mut self, more: usize) -> Result<(), QueryError> {
        self.held = self.held.saturating_add(more);
        let most = self.limits.most_samples;
        if self.held > most { Err(QueryError::TooMany { most }) } else { Ok(()) }
    }

    /// Evaluates `expression` at all `steps`. What its parts held is free again.
    pub(crate) fn value(&mut self, expression: &Expr, steps: Steps) -> Result<Value, QueryError> {
        self.check()?;
        let before = self.held;
        let value = self.node(expression, steps)?;
        self.held = before;
        self.hold(match &value {
            Value::Scalar(values) => values.len(),
            Value::Vector(rows) => rows.len().saturating_mul(steps.count),
            Value::Text(_) => 0,
        })?;
        Ok(value)
    }

    fn node(&mut self, expression: &Expr, steps: Steps) -> Result<Value, QueryError> {
        match expression {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; steps.count])),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(paren) => self.value(&paren.expr, steps),
            Expr::Unary(unary) => match self.value(&unary.expr, steps)? {
                Value::Scalar(mut values) => {
                    values.iter_mut().for_each(|value| *value = -*value);
                    Ok(Value::Scalar(values))
                }
                Value::Vector(mut rows) => {
                    for row in &mut rows {
                        row.labels = nameless(&row.labels)?;
                        row.map(|_, value| Some(-value));
                    }
                    merged(rows, QueryError::same_labels).map(Value::Vector)
                }
                Value::Text(_) => Err(mismatch("scalar or instant vector", expression)),
            },
            Expr::VectorSelector(selector) => {
                self.select(selector, steps, |sample| sample.value).map(Value::Vector)
            }
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, steps).map(Value::Vector),
            Expr::Binary(binary) => self.binary(binary, steps),
            Expr::Call(call) => functions::call(self, call, steps),
            Expr::MatrixSelector(_) | Expr::Subquery(_) | Expr::Extension(_) => {
                Err(mismatch("scalar or instant vector", expression))
            }
        }
    }

    /// An operand or argument that is a vector.
    pub(crate) fn vector(
        &mut self,
        expression: &Expr,
        steps: Steps,
    ) -> Result<Vec<Row>, QueryError> {
        match self.value(expression, steps)? {
            Value::Vector(rows) => Ok(rows),
            _ => Err(mismatch("instant vector", expression)),
        }
    }

    /// An operand or argument that is a number, at all steps.
    pub(crate) fn scalar(
        &mut self,
        expression: &Expr,
        steps: Steps,
    ) -> Result<Vec<f64>, QueryError> {
        match self.value(expression, steps)? {
            Value::Scalar(values) => Ok(values),
            _ => Err(mismatch("scalar", expression)),
        }
    }

    /// An argument that is text.
    pub(crate) fn text(&mut self, expression: &Expr, steps: Steps) -> Result<String, QueryError> {
        match self.value(expression, steps)? {
            Value::Text(text) => Ok(text),
            _ => Err(mismatch("string", expression)),
        }
    }
}

pub(crate) fn mismatch(expected: &str, expression: &Expr) -> QueryError {
    let got = named(expression.value_type());
    QueryError::Query(format!("parse error: expected type {expected}, got {got}"))
}

/// The expression within brackets.
pub(crate) fn bare(mut expression: &Expr) -> &Expr {
    while let Expr::Paren(paren) = expression {
        expression = &paren.expr;
    }
    expression
}

/// Without the name of the metric, as results of arithmetic are.
pub(crate) fn nameless(labels: &Labels) -> Result<Labels, QueryError> {
    Ok(labels.with([(METRIC_NAME, "")])?)
}
