//! Aggregations: many series become one for each group.

use std::cmp::Ordering;
use std::collections::HashMap;

use auscult_core::{Labels, METRIC_NAME};
use promql_parser::parser::token::{
    T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV,
    T_STDVAR, T_SUM, T_TOPK,
};
use promql_parser::parser::{AggregateExpr, Expr, LabelModifier};

use super::{Evaluator, mismatch};
use crate::data::{Row, Steps};
use crate::error::QueryError;
use crate::number::format_plain;
use crate::sums;

/// Rows that are aggregated together, by their places.
struct Group {
    labels: Labels,
    members: Vec<usize>,
}

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &mut self,
        aggregate: &AggregateExpr,
        steps: Steps,
    ) -> Result<Vec<Row>, QueryError> {
        let rows = self.vector(&aggregate.expr, steps)?;
        let modifier = aggregate.modifier.as_ref();
        let parameter = || {
            aggregate.param.as_deref().ok_or_else(|| {
                QueryError::Query(format!("parse error: `{}` needs a parameter", aggregate.op))
            })
        };
        match aggregate.op.id() {
            T_TOPK => {
                let most = self.scalar(parameter()?, steps)?;
                self.ranked(rows, modifier, &most, is_above)
            }
            T_BOTTOMK => {
                let most = self.scalar(parameter()?, steps)?;
                self.ranked(rows, modifier, &most, |one, other| is_above(-one, -other))
            }
            T_COUNT_VALUES => {
                let name = self.text(parameter()?, steps)?;
                self.count_values(&rows, modifier, &name, steps)
            }
            T_QUANTILE => {
                let shares = self.scalar(parameter()?, steps)?;
                self.reduced(&rows, modifier, steps, |step, values| {
                    sums::quantile(shares[step], values)
                })
            }
            plain => {
                let Some(of) = reduction(plain) else {
                    return Err(mismatch("aggregation", &Expr::Aggregate(aggregate.clone())));
                };
                self.reduced(&rows, modifier, steps, |_, values| of(values))
            }
        }
    }

    /// One value for each group and step, of the values that are there.
    fn reduced(
        &mut self,
        rows: &[Row],
        modifier: Option<&LabelModifier>,
        steps: Steps,
        of: impl Fn(usize, &mut [f64]) -> f64,
    ) -> Result<Vec<Row>, QueryError> {
        let groups = groups(rows, modifier)?;
        self.hold(groups.len().saturating_mul(steps.count))?;
        let mut column = Vec::new();
        let mut reduced = Vec::with_capacity(groups.len());
        for group in groups {
            self.check()?;
            let mut row = Row::empty(group.labels, steps);
            for step in 0..steps.count {
                column.clear();
                column.extend(group.members.iter().filter_map(|member| rows[*member].get(step)));
                if !column.is_empty() {
                    row.values[step] = of(step, &mut column);
                }
            }
            reduced.push(row);
        }
        Ok(reduced)
    }

    /// Of each group the `most` rows that are above the others, at each step.
    fn ranked(
        &mut self,
        mut rows: Vec<Row>,
        modifier: Option<&LabelModifier>,
        most: &[f64],
        above: impl Fn(f64, f64) -> bool,
    ) -> Result<Vec<Row>, QueryError> {
        let groups = groups(&rows, modifier)?;
        let order = |one: f64, other: f64| match (above(one, other), above(other, one)) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => Ordering::Equal,
        };
        let mut sorted = Vec::with_capacity(rows.len());
        let mut column: Vec<(usize, f64)> = Vec::new();
        for group in &groups {
            self.check()?;
            for (step, most) in most.iter().enumerate() {
                let most = whole(*most)?;
                column.clear();
                column.extend(
                    group
                        .members
                        .iter()
                        .filter_map(|place| Some((*place, rows[*place].get(step)?))),
                );
                // Stable: of equal ones the first stay.
                column.sort_by(|(_, one), (_, other)| order(*one, *other));
                for (place, _) in column.iter().skip(most) {
                    rows[*place].values[step] = crate::data::ABSENT;
                }
                if step == 0 {
                    sorted.extend(column.iter().take(most).map(|(place, _)| *place));
                }
            }
        }
        if most.len() > 1 {
            rows.retain(|row| !row.is_empty());
            return Ok(rows);
        }
        let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
        Ok(sorted.into_iter().filter_map(|place| rows[place].take()).collect())
    }

    /// How many series of each group have which value, which becomes label `name`.
    fn count_values(
        &mut self,
        rows: &[Row],
        modifier: Option<&LabelModifier>,
        name: &str,
        steps: Steps,
    ) -> Result<Vec<Row>, QueryError> {
        if !is_label_name(name) {
            return Err(QueryError::Execution(format!("invalid label name \"{name}\"")));
        }
        let mut counted: Vec<Row> = Vec::new();
        let mut places: HashMap<Labels, usize> = HashMap::new();
        for row in rows {
            self.check()?;
            for step in 0..steps.count {
                let Some(value) = row.get(step) else { continue };
                let named = row.labels.with([(name, format_plain(value).as_str())])?;
                let labels = match modifier {
                    Some(LabelModifier::Include(kept)) => {
                        keep(&named, kept.labels.iter().map(String::as_str).chain([name]))?
                    }
                    None => keep(&named, [name].into_iter())?,
                    Some(without) => grouped(&row.labels, Some(without))?
                        .with([(name, format_plain(value).as_str())])?,
                };
                let place = match places.get(&labels) {
                    Some(place) => *place,
                    None => {
                        self.hold(steps.count)?;
                        counted.push(Row::empty(labels.clone(), steps));
                        places.insert(labels, counted.len() - 1);
                        counted.len() - 1
                    }
                };
                let so_far = counted[place].get(step).unwrap_or(0.0);
                counted[place].values[step] = so_far + 1.0;
            }
        }
        Ok(counted)
    }
}

fn reduction(operator: promql_parser::parser::token::TokenId) -> Option<fn(&[f64]) -> f64> {
    let of: fn(&[f64]) -> f64 = match operator {
        T_SUM => |values| sums::sum(values.iter().copied()),
        T_AVG => |values| sums::mean(values.iter().copied()),
        // NaN only where there is nothing else.
        T_MIN => |values| values.iter().copied().fold(f64::NAN, f64::min),
        T_MAX => |values| values.iter().copied().fold(f64::NAN, f64::max),
        T_COUNT => |values| values.len() as f64,
        T_GROUP => |_| 1.0,
        T_STDDEV => |values| sums::variance(values.iter().copied()).sqrt(),
        T_STDVAR => |values| sums::variance(values.iter().copied()),
        _ => return None,
    };
    Some(of)
}

/// Whether `one` comes before `other`; NaN is last.
fn is_above(one: f64, other: f64) -> bool {
    one > other || (other.is_nan() && !one.is_nan())
}

/// How many `topk` may keep.
fn whole(most: f64) -> Result<usize, QueryError> {
    if most.is_nan() || most.abs() >= 9.2e18 {
        let reason = format!("Scalar value {} overflows int64", format_plain(most));
        return Err(QueryError::Execution(reason));
    }
    Ok(most.max(0.0) as usize)
}

/// The groups of `rows`, in the order in which they first appear.
fn groups(rows: &[Row], modifier: Option<&LabelModifier>) -> Result<Vec<Group>, QueryError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for (member, row) in rows.iter().enumerate() {
        let labels = grouped(&row.labels, modifier)?;
        match places.get(&labels) {
            Some(place) => groups[*place].members.push(member),
            None => {
                places.insert(labels.clone(), groups.len());
                groups.push(Group { labels, members: vec![member] });
            }
        }
    }
    Ok(groups)
}

/// What the group is called that a series belongs to.
fn grouped(labels: &Labels, modifier: Option<&LabelModifier>) -> Result<Labels, QueryError> {
    match modifier {
        None => Ok(Labels::default()),
        Some(LabelModifier::Include(kept)) => keep(labels, kept.labels.iter().map(String::as_str)),
        Some(LabelModifier::Exclude(left_out)) => {
            let names = left_out.labels.iter().map(String::as_str).chain([METRIC_NAME]);
            Ok(labels.with(names.map(|name| (name, "")))?)
        }
    }
}

/// Only the labels that are named.
pub(super) fn keep<'n>(
    labels: &Labels,
    names: impl Iterator<Item = &'n str>,
) -> Result<Labels, QueryError> {
    let names: Vec<&str> = names.collect();
    Ok(Labels::from_pairs(labels.iter().filter(|(name, _)| names.contains(name)))?)
}

/// Whether labels may be called so.
pub(crate) fn is_label_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
