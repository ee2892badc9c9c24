//! Every function there is, by what it takes.

mod absent;
mod dates;
mod histogram;
mod label_rules;
mod over_time;
mod plain;
mod rates;
mod trend;

use promql_parser::parser::{Call, Expr};

use crate::data::{Row, Sample, Steps, is_absent};
use crate::error::QueryError;
use crate::eval::{Evaluator, Value, Window, bare, merged, nameless};

/// What a function makes of one window.
type OfWindow = fn(&Window<'_>) -> Option<f64>;
/// What a function makes of one value.
type OfValue = fn(f64) -> f64;

/// Functions with shapes of their own.
const SPECIAL: [&str; 27] = [
    "absent",
    "absent_over_time",
    "clamp",
    "clamp_max",
    "clamp_min",
    "histogram_quantile",
    "label_join",
    "label_replace",
    "last_over_time",
    "pi",
    "predict_linear",
    "quantile_over_time",
    "round",
    "scalar",
    "sort",
    "sort_desc",
    "time",
    "timestamp",
    "vector",
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "hour",
    "minute",
    "month",
    "year",
];

/// Whether there is a function `name`.
pub(crate) fn is_known(name: &str) -> bool {
    SPECIAL.contains(&name) || of_window(name).is_some() || plain::find(name).is_some()
}

fn of_window(name: &str) -> Option<OfWindow> {
    over_time::find(name).or_else(|| rates::find(name)).or_else(|| trend::find(name))
}

/// The arguments of a call.
struct Arguments<'c>(&'c Call);

impl Arguments<'_> {
    fn get(&self, place: usize) -> Option<&Expr> {
        self.0.args.args.get(place).map(|argument| &**argument)
    }

    fn need(&self, place: usize) -> Result<&Expr, QueryError> {
        self.get(place).ok_or_else(|| {
            let name = self.0.func.name;
            QueryError::Query(format!("parse error: call to `{name}` lacks argument {}", place + 1))
        })
    }
}

/// Calls a function for all steps.
pub(crate) fn call(
    evaluator: &mut Evaluator<'_>,
    call: &Call,
    steps: Steps,
) -> Result<Value, QueryError> {
    let arguments = Arguments(call);
    let name = call.func.name;
    if let Some(of) = of_window(name) {
        let windows = evaluator.windows(arguments.need(0)?, steps)?;
        let rows = evaluator.over_windows(windows, |window| of(&window))?;
        return renamed(rows);
    }
    if let Some(of) = plain::find(name) {
        let rows = evaluator.vector(arguments.need(0)?, steps)?;
        return mapped(rows, |_, value| Some(of(value)));
    }
    if let Some(part) = dates::find(name) {
        let Some(argument) = arguments.get(0) else {
            let labels = auscult_core::Labels::default();
            let now = steps.times().map(|time| part(time as f64 / 1000.0));
            return Ok(Value::Vector(vec![Row::new(labels, now.collect())]));
        };
        let rows = evaluator.vector(argument, steps)?;
        return mapped(rows, |_, value| Some(part(value)));
    }
    match name {
        "pi" => Ok(Value::Scalar(vec![std::f64::consts::PI; steps.count])),
        "time" => Ok(Value::Scalar(steps.times().map(|time| time as f64 / 1000.0).collect())),
        "vector" => {
            let values = evaluator.scalar(arguments.need(0)?, steps)?;
            Ok(Value::Vector(vec![Row::new(auscult_core::Labels::default(), values)]))
        }
        "scalar" => {
            let rows = evaluator.vector(arguments.need(0)?, steps)?;
            Ok(Value::Scalar(only_values(&rows, steps)))
        }
        "timestamp" => timestamps(evaluator, arguments.need(0)?, steps),
        "last_over_time" => {
            let windows = evaluator.windows(arguments.need(0)?, steps)?;
            let rows = evaluator
                .over_windows(windows, |window| window.samples.last().map(|sample| sample.value))?;
            Ok(Value::Vector(rows))
        }
        "quantile_over_time" => {
            let shares = evaluator.scalar(arguments.need(0)?, steps)?;
            let windows = evaluator.windows(arguments.need(1)?, steps)?;
            let rows = evaluator.over_windows(windows, |window| {
                Some(over_time::quantile(shares[window.step], &window))
            })?;
            renamed(rows)
        }
        "predict_linear" => {
            let windows = evaluator.windows(arguments.need(0)?, steps)?;
            let ahead = evaluator.scalar(arguments.need(1)?, steps)?;
            let rows = evaluator.over_windows(windows, |window| {
                trend::predicted(&window, steps.at(window.step), ahead[window.step])
            })?;
            renamed(rows)
        }
        "clamp" | "clamp_min" | "clamp_max" => clamped(evaluator, name, &arguments, steps),
        "round" => {
            let rows = evaluator.vector(arguments.need(0)?, steps)?;
            let nearest = match arguments.get(1) {
                Some(argument) => evaluator.scalar(argument, steps)?,
                None => vec![1.0; steps.count],
            };
            mapped(rows, |step, value| Some(plain::rounded(value, nearest[step])))
        }
        "sort" | "sort_desc" => {
            let mut rows = evaluator.vector(arguments.need(0)?, steps)?;
            // Over a range there is no order of values.
            if steps.count == 1 {
                plain::sort(&mut rows, name == "sort_desc");
            }
            Ok(Value::Vector(rows))
        }
        "absent" => absent::now(evaluator, arguments.need(0)?, steps),
        "absent_over_time" => absent::over_time(evaluator, arguments.need(0)?, steps),
        "histogram_quantile" => {
            let shares = evaluator.scalar(arguments.need(0)?, steps)?;
            let rows = evaluator.vector(arguments.need(1)?, steps)?;
            histogram::quantiles(evaluator, &rows, &shares, steps).map(Value::Vector)
        }
        "label_replace" => label_rules::replace(evaluator, &arguments, steps),
        "label_join" => label_rules::join(evaluator, &arguments, steps),
        _ => Err(QueryError::Query(format!("function `{name}` is not supported here"))),
    }
}

/// Changes values and drops the name of the metric.
fn mapped(
    mut rows: Vec<Row>,
    mut of: impl FnMut(usize, f64) -> Option<f64>,
) -> Result<Value, QueryError> {
    rows.iter_mut().for_each(|row| row.map(&mut of));
    renamed(rows)
}

/// Drops the name of the metric.
fn renamed(mut rows: Vec<Row>) -> Result<Value, QueryError> {
    for row in &mut rows {
        row.labels = nameless(&row.labels)?;
    }
    merged(rows, QueryError::same_labels).map(Value::Vector)
}

/// The value of the only series there is at each step; NaN where there are none or several.
fn only_values(rows: &[Row], steps: Steps) -> Vec<f64> {
    let mut values = vec![f64::NAN; steps.count];
    let mut counts = vec![0_u8; steps.count];
    for row in rows {
        for (step, value) in row.values.iter().enumerate().filter(|(_, value)| !is_absent(**value))
        {
            counts[step] = counts[step].saturating_add(1);
            values[step] = if counts[step] == 1 { *value } else { f64::NAN };
        }
    }
    values
}

/// When each value was read; of what is computed, the step.
fn timestamps(
    evaluator: &mut Evaluator<'_>,
    argument: &Expr,
    steps: Steps,
) -> Result<Value, QueryError> {
    if let Expr::VectorSelector(selector) = bare(argument) {
        let read = |sample: Sample| sample.time as f64 / 1000.0;
        return renamed(evaluator.select(selector, steps, read)?);
    }
    let rows = evaluator.vector(argument, steps)?;
    mapped(rows, |step, _| Some(steps.at(step) as f64 / 1000.0))
}

fn clamped(
    evaluator: &mut Evaluator<'_>,
    name: &str,
    arguments: &Arguments<'_>,
    steps: Steps,
) -> Result<Value, QueryError> {
    let rows = evaluator.vector(arguments.need(0)?, steps)?;
    let bound = evaluator.scalar(arguments.need(1)?, steps)?;
    match name {
        "clamp_min" => mapped(rows, |step, value| Some(plain::larger(value, bound[step]))),
        "clamp_max" => mapped(rows, |step, value| Some(plain::smaller(value, bound[step]))),
        _ => {
            let most = evaluator.scalar(arguments.need(2)?, steps)?;
            mapped(rows, |step, value| {
                let (low, high) = (bound[step], most[step]);
                let is_void = high < low;
                (!is_void).then(|| plain::larger(plain::smaller(value, high), low))
            })
        }
    }
}
