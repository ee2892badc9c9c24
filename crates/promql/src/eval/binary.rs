//! Arithmetic, comparisons and sets between two operands.

use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LSS, T_LTE, T_MOD, T_MUL, T_NEQ, T_POW, T_SUB,
    TokenId,
};
use promql_parser::parser::{BinaryExpr, Expr};

use super::{Evaluator, Value, merged, mismatch, nameless};
use crate::data::{Row, Steps};
use crate::error::QueryError;

/// What an operator does with two numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operator {
    /// Yields a number.
    Arithmetic(fn(f64, f64) -> f64),
    /// Keeps the left number, or not.
    Comparison(fn(&f64, &f64) -> bool),
}

impl Operator {
    fn of(token: TokenId) -> Option<Self> {
        use Operator::{Arithmetic, Comparison};
        Some(match token {
            T_ADD => Arithmetic(|one, other| one + other),
            T_SUB => Arithmetic(|one, other| one - other),
            T_MUL => Arithmetic(|one, other| one * other),
            T_DIV => Arithmetic(|one, other| one / other),
            T_MOD => Arithmetic(|one, other| one % other),
            T_POW => Arithmetic(f64::powf),
            T_ATAN2 => Arithmetic(f64::atan2),
            T_EQLC => Comparison(|one, other| one == other),
            T_NEQ => Comparison(|one, other| one != other),
            T_GTR => Comparison(|one, other| one > other),
            T_GTE => Comparison(|one, other| one >= other),
            T_LSS => Comparison(|one, other| one < other),
            T_LTE => Comparison(|one, other| one <= other),
            _ => return None,
        })
    }

    /// What comes of it; `None` where a comparison that filters fails.
    pub(super) fn apply(self, left: f64, right: f64, says_bool: bool) -> Option<f64> {
        match self {
            Self::Arithmetic(of) => Some(of(left, right)),
            Self::Comparison(holds) if says_bool => Some(f64::from(u8::from(holds(&left, &right)))),
            Self::Comparison(holds) => holds(&left, &right).then_some(left),
        }
    }

    /// Whether what comes of it is another quantity, so that the name of the metric goes.
    pub(super) fn renames(self, says_bool: bool) -> bool {
        matches!(self, Self::Arithmetic(_)) || says_bool
    }
}

impl Evaluator<'_> {
    pub(super) fn binary(
        &mut self,
        binary: &BinaryExpr,
        steps: Steps,
    ) -> Result<Value, QueryError> {
        let left = self.value(&binary.lhs, steps)?;
        let right = self.value(&binary.rhs, steps)?;
        let says_bool = binary.return_bool();
        if binary.op.is_set_operator() {
            let (Value::Vector(left), Value::Vector(right)) = (left, right) else {
                return Err(mismatch("instant vector", &Expr::Binary(binary.clone())));
            };
            return self.set(binary, left, right).map(Value::Vector);
        }
        let Some(operator) = Operator::of(binary.op.id()) else {
            return Err(mismatch("operator", &Expr::Binary(binary.clone())));
        };
        match (left, right) {
            (Value::Scalar(mut left), Value::Scalar(right)) => {
                for (left, right) in left.iter_mut().zip(right) {
                    // Comparisons of two numbers say `bool`: the parser sees to it.
                    *left = operator.apply(*left, right, true).unwrap_or(f64::NAN);
                }
                Ok(Value::Scalar(left))
            }
            (Value::Vector(rows), Value::Scalar(numbers)) => {
                with_numbers(rows, operator, says_bool, |step, value| {
                    operator.apply(value, numbers[step], says_bool)
                })
            }
            (Value::Scalar(numbers), Value::Vector(rows)) => {
                with_numbers(rows, operator, says_bool, |step, value| {
                    let result = operator.apply(numbers[step], value, says_bool)?;
                    // A filter keeps what the series has, on whichever side it stands.
                    Some(if operator.renames(says_bool) { result } else { value })
                })
            }
            (Value::Vector(left), Value::Vector(right)) => {
                self.matched(binary, operator, left, right).map(Value::Vector)
            }
            _ => Err(mismatch("scalar or instant vector", &Expr::Binary(binary.clone()))),
        }
    }
}

fn with_numbers(
    mut rows: Vec<Row>,
    operator: Operator,
    says_bool: bool,
    of: impl Fn(usize, f64) -> Option<f64>,
) -> Result<Value, QueryError> {
    for row in &mut rows {
        if operator.renames(says_bool) {
            row.labels = nameless(&row.labels)?;
        }
        row.map(&of);
    }
    rows.retain(|row| !row.is_empty());
    merged(rows, QueryError::same_labels).map(Value::Vector)
}
