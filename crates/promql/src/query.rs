//! A query: parsed, checked, and asked.

use std::panic::catch_unwind;
use std::time::Duration;

use promql_parser::parser::token::{T_LIMIT_RATIO, T_LIMITK};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{BinModifier, Expr};

use crate::answer::Answer;
use crate::data::{Source, Steps};
use crate::error::QueryError;
use crate::eval::Evaluator;
use crate::functions;
use crate::selector::Selector;

/// Longest query, in bytes.
const MOST_BYTES: usize = 128 << 10;
/// Deepest nesting of brackets.
const MOST_NESTED: usize = 100;
/// Most operators, each of which may nest too.
const MOST_OPERATORS: usize = 1000;

/// Why an evaluation has to end before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It took too long.
    TimedOut,
    /// Nobody waits for it.
    Cancelled,
}

/// What an evaluation may take.
pub struct Limits<'a> {
    /// How long after its last sample a series still counts, in milliseconds.
    pub lookback: i64,
    /// Step of a subquery that names none, in milliseconds.
    pub subquery_step: i64,
    /// Most samples in memory at a time, those of results included: 16 bytes each at most.
    pub most_samples: usize,
    /// Asked often; tells when to stop.
    pub stop: &'a dyn Fn() -> Option<Stop>,
}

impl Default for Limits<'_> {
    /// A look-back of five minutes, subqueries by the minute, 50,000,000 samples, no end.
    fn default() -> Self {
        Self { lookback: 300_000, subquery_step: 60_000, most_samples: 50_000_000, stop: &|| None }
    }
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Limits")
            .field("lookback", &self.lookback)
            .field("subquery_step", &self.subquery_step)
            .field("most_samples", &self.most_samples)
            .finish_non_exhaustive()
    }
}

/// A query that can be asked.
#[derive(Debug, Clone)]
pub struct Query(Expr);

impl Query {
    /// Reads PromQL.
    ///
    /// # Errors
    ///
    /// [`QueryError::Query`] for what is not PromQL, and for what of it is not here, by name.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let expression = parse(text)?;
        check(&expression)?;
        Ok(Self(expression))
    }

    /// The query laid out over lines, where it is long.
    #[must_use]
    pub fn pretty(&self) -> String {
        self.0.prettify()
    }

    /// What it yields at `time`, in milliseconds. Time: that of one [`Source::select`] for each
    /// selector, then linear in the samples (for windows, samples times overlapping windows).
    ///
    /// # Errors
    ///
    /// [`QueryError`] when the series do not fit the query, or a limit is reached.
    pub fn instant(
        &self,
        source: &dyn Source,
        time: i64,
        limits: &Limits<'_>,
    ) -> Result<Answer, QueryError> {
        Evaluator::new(source, limits, time, time).instant(&self.0, time)
    }

    /// What it yields from `start` to `end`, both inclusive, every `step` milliseconds.
    ///
    /// # Errors
    ///
    /// As [`Query::instant`]; [`QueryError::Query`] if it yields neither numbers nor series, or
    /// if there are no such steps.
    pub fn range(
        &self,
        source: &dyn Source,
        (start, end, step): (i64, i64, i64),
        limits: &Limits<'_>,
    ) -> Result<Answer, QueryError> {
        let refuse = |reason: String| Err(QueryError::Query(reason));
        let kind = self.0.value_type();
        if !matches!(kind, ValueType::Scalar | ValueType::Vector) {
            return refuse(format!(
                "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                named(kind)
            ));
        }
        let Some(steps) = Steps::between(start, end, step) else {
            return refuse(
                "no steps: expected a start before the end, and a step above 0".to_owned(),
            );
        };
        Evaluator::new(source, limits, start, end).range(&self.0, steps)
    }
}

/// What kinds of value are called in messages.
pub(crate) fn named(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Scalar => "scalar",
        ValueType::String => "string",
        ValueType::Vector => "instant vector",
        ValueType::Matrix => "range vector",
    }
}

/// Parses what is not too long or too nested to be walked over.
pub(crate) fn parse(text: &str) -> Result<Expr, QueryError> {
    let refuse = |reason: String| Err(QueryError::Query(reason));
    if text.trim().is_empty() {
        return refuse("no expression found in input".to_owned());
    }
    if text.len() > MOST_BYTES {
        return refuse(format!("a query of {} bytes; at most {MOST_BYTES} are read", text.len()));
    }
    let (nested, operators) = shape(text);
    if nested > MOST_NESTED || operators > MOST_OPERATORS {
        return refuse(format!(
            "{operators} operators, brackets nested {nested} deep; at most {MOST_OPERATORS} and {MOST_NESTED} are read"
        ));
    }
    // The parser panics on a few numbers, such as a duration of 1e300 seconds.
    match catch_unwind(|| promql_parser::parser::parse(text)) {
        Ok(Ok(expression)) => Ok(expression),
        Ok(Err(reason)) => refuse(format!("parse error: {reason}")),
        Err(_) => refuse("parse error: a number in it is out of range".to_owned()),
    }
}

/// How deep brackets nest and how many operators there are, outside of quotes and comments.
fn shape(text: &str) -> (usize, usize) {
    let (mut depth, mut deepest, mut operators) = (0_usize, 0, 0);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\'' | '`' => {
                while let Some(inside) = letters.next() {
                    if inside == '\\' && letter != '`' {
                        letters.next();
                    } else if inside == letter {
                        break;
                    }
                }
            }
            '#' => drop(letters.by_ref().find(|letter| *letter == '\n')),
            '(' | '[' | '{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '=' | '!' => operators += 1,
            _ => {}
        }
    }
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let words = words.filter(|word| {
        ["and", "or", "unless", "atan2"].iter().any(|other| word.eq_ignore_ascii_case(other))
    });
    (deepest, operators + words.count())
}

/// Refuses by name what the language has and is not here.
fn check(expression: &Expr) -> Result<(), QueryError> {
    let refuse = |reason: String| Err(QueryError::Query(reason));
    // The parser refuses `0s`, and takes a bare 0 for a duration.
    let lasts = |duration: Duration| match duration.is_zero() {
        true => refuse("parse error: duration must be greater than 0".to_owned()),
        false => Ok(()),
    };
    match expression {
        Expr::Aggregate(aggregate) => {
            if matches!(aggregate.op.id(), T_LIMITK | T_LIMIT_RATIO) {
                return refuse(format!("aggregation `{}` is not supported here", aggregate.op));
            }
            if let Some(parameter) = &aggregate.param {
                check(parameter)?;
            }
            check(&aggregate.expr)
        }
        Expr::Unary(unary) => check(&unary.expr),
        Expr::Binary(binary) => {
            let fills = |modifier: &BinModifier| {
                modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some()
            };
            if binary.modifier.as_ref().is_some_and(fills) {
                return refuse("`fill` between vectors is not supported here".to_owned());
            }
            check(&binary.lhs)?;
            check(&binary.rhs)
        }
        Expr::Paren(paren) => check(&paren.expr),
        Expr::Subquery(subquery) => {
            lasts(subquery.range)?;
            subquery.step.map_or(Ok(()), lasts)?;
            check(&subquery.expr)
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(()),
        Expr::VectorSelector(selector) => Selector::of(selector).map(drop),
        Expr::MatrixSelector(matrix) => {
            lasts(matrix.range)?;
            Selector::of(&matrix.vs).map(drop)
        }
        Expr::Call(call) => {
            if !functions::is_known(call.func.name) {
                return refuse(format!("function `{}` is not supported here", call.func.name));
            }
            call.args.args.iter().try_for_each(|argument| check(argument))
        }
        Expr::Extension(_) => refuse("extensions of PromQL are not supported here".to_owned()),
    }
}
