//! Selectors: what of the samples counts at which step.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::Labels;
use promql_parser::parser::{AtModifier, Expr, Offset, SubqueryExpr, VectorSelector};

use super::{Evaluator, Value, bare, mismatch};
use crate::data::{Row, Sample, Series, Steps, is_absent};
use crate::error::QueryError;
use crate::selector::Selector;

/// Windows evaluated before the time is looked at again.
const BETWEEN_CHECKS: usize = 512;

/// The moments that a selector looks back from: one for each step, or the same for all.
#[derive(Debug, Clone, Copy)]
struct Anchors {
    steps: Steps,
    fixed: Option<i64>,
    offset: i64,
}

impl Anchors {
    fn at(self, place: usize) -> i64 {
        self.fixed.unwrap_or_else(|| self.steps.at(place)).saturating_sub(self.offset)
    }

    fn first(self) -> i64 {
        self.at(0)
    }

    fn last(self) -> i64 {
        self.at(self.steps.count - 1)
    }
}

/// Series of a range selector or subquery, to be looked at window by window.
pub(crate) struct Windows {
    pub(crate) series: Vec<Series>,
    anchors: Anchors,
    range: i64,
}

/// The samples that a range selector has at one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// By time, at least one; without marks of an end.
    pub(crate) samples: &'a [Sample],
    /// From where it reaches, exclusive, and to where, inclusive, in milliseconds.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Which step it is.
    pub(crate) step: usize,
}

impl Evaluator<'_> {
    fn anchors(&self, at: Option<&AtModifier>, offset: Option<&Offset>, steps: Steps) -> Anchors {
        let fixed = at.map(|at| match at {
            AtModifier::Start => self.start,
            AtModifier::End => self.end,
            AtModifier::At(time) => since_epoch(*time),
        });
        let offset = match offset {
            None => 0,
            Some(Offset::Pos(by)) => milliseconds(*by),
            Some(Offset::Neg(by)) => -milliseconds(*by),
        };
        Anchors { steps, fixed, offset }
    }

    fn ask(
        &mut self,
        selector: &VectorSelector,
        from: i64,
        to: i64,
    ) -> Result<Vec<Series>, QueryError> {
        let selector = Selector::of(selector)?;
        let most = self.limits.most_samples;
        let room = most.saturating_sub(self.held);
        let found = self.source.select(&selector, from, to, room);
        self.check()?;
        let found = found.map_err(|error| QueryError::of_source(error, most))?;
        self.hold(found.iter().map(|series| series.samples.len()).sum())?;
        Ok(found)
    }

    /// The newest sample of each series at each step, as `pick` has it, unless it is older than
    /// the look-back or says that the series has ended.
    pub(crate) fn select(
        &mut self,
        selector: &VectorSelector,
        steps: Steps,
        pick: impl Fn(Sample) -> f64,
    ) -> Result<Vec<Row>, QueryError> {
        let anchors = self.anchors(selector.at.as_ref(), selector.offset.as_ref(), steps);
        let lookback = self.limits.lookback;
        let from = anchors.first().saturating_sub(lookback).saturating_add(1);
        let found = self.ask(selector, from, anchors.last())?;
        self.hold(found.len().saturating_mul(steps.count))?;
        let mut rows = Vec::with_capacity(found.len());
        for series in found {
            self.check()?;
            let mut row = Row::empty(series.labels, steps);
            let mut next = 0;
            for (place, value) in row.values.iter_mut().enumerate() {
                let anchor = anchors.at(place);
                while series.samples.get(next).is_some_and(|sample| sample.time <= anchor) {
                    next += 1;
                }
                let Some(newest) = next.checked_sub(1).map(|newest| series.samples[newest]) else {
                    continue;
                };
                if newest.time > anchor.saturating_sub(lookback) && !is_absent(newest.value) {
                    *value = pick(newest);
                }
            }
            if !row.is_empty() {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// The series of a range selector or a subquery.
    pub(crate) fn windows(
        &mut self,
        expression: &Expr,
        steps: Steps,
    ) -> Result<Windows, QueryError> {
        match bare(expression) {
            Expr::MatrixSelector(matrix) => {
                let selector = &matrix.vs;
                let anchors = self.anchors(selector.at.as_ref(), selector.offset.as_ref(), steps);
                let range = milliseconds(matrix.range);
                let from = anchors.first().saturating_sub(range).saturating_add(1);
                let mut series = self.ask(selector, from, anchors.last())?;
                for one in &mut series {
                    one.samples.retain(|sample| !is_absent(sample.value));
                }
                series.retain(|one| !one.samples.is_empty());
                Ok(Windows { series, anchors, range })
            }
            Expr::Subquery(subquery) => self.subquery(subquery, steps),
            other => Err(mismatch("range vector", other)),
        }
    }

    /// Evaluates a subquery once, at all multiples of its step that any window reaches.
    fn subquery(&mut self, subquery: &SubqueryExpr, steps: Steps) -> Result<Windows, QueryError> {
        let anchors = self.anchors(subquery.at.as_ref(), subquery.offset.as_ref(), steps);
        let range = milliseconds(subquery.range);
        let step = subquery.step.map_or(self.limits.subquery_step, milliseconds).max(1);
        let from = anchors.first().saturating_sub(range);
        let first = from.div_euclid(step).saturating_add(1).saturating_mul(step);
        let Some(inner) = Steps::between(first, anchors.last(), step) else {
            return Ok(Windows { series: Vec::new(), anchors, range });
        };
        // Values at steps are held as long as the samples that are made of them.
        self.hold(inner.count)?;
        let rows = match self.value(&subquery.expr, inner)? {
            Value::Vector(rows) => rows,
            Value::Scalar(values) => vec![Row::new(Labels::default(), values)],
            Value::Text(_) => return Err(mismatch("instant vector", &subquery.expr)),
        };
        let mut series: Vec<Series> = Vec::with_capacity(rows.len());
        for row in rows {
            let samples: Vec<Sample> = row.samples(inner).collect();
            self.hold(samples.len())?;
            if !samples.is_empty() {
                series.push(Series { labels: row.labels, samples });
            }
        }
        Ok(Windows { series, anchors, range })
    }

    /// What `of` makes of each window that has samples; names stay.
    pub(crate) fn over_windows(
        &mut self,
        windows: Windows,
        of: impl Fn(Window<'_>) -> Option<f64>,
    ) -> Result<Vec<Row>, QueryError> {
        let Windows { series, anchors, range } = windows;
        let steps = anchors.steps;
        self.hold(series.len().saturating_mul(steps.count))?;
        let mut rows = Vec::with_capacity(series.len());
        for series in series {
            self.check()?;
            let samples = &series.samples;
            let mut row = Row::empty(series.labels, steps);
            let (mut low, mut high) = (0, 0);
            for (step, value) in row.values.iter_mut().enumerate() {
                if step % BETWEEN_CHECKS == BETWEEN_CHECKS - 1 {
                    self.check()?;
                }
                let to = anchors.at(step);
                let from = to.saturating_sub(range);
                while samples.get(high).is_some_and(|sample| sample.time <= to) {
                    high += 1;
                }
                while low < high && samples[low].time <= from {
                    low += 1;
                }
                if low == high {
                    continue;
                }
                let found = of(Window { samples: &samples[low..high], from, to, step });
                if let Some(found) = found {
                    *value = found;
                }
            }
            if !row.is_empty() {
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

impl Windows {
    /// The samples of the only step there is.
    pub(crate) fn into_only_window(self) -> Vec<Series> {
        let (from, to) = (self.anchors.first().saturating_sub(self.range), self.anchors.first());
        let mut series = self.series;
        for one in &mut series {
            one.samples.retain(|sample| sample.time > from && sample.time <= to);
        }
        series.retain(|one| !one.samples.is_empty());
        series
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => milliseconds(since),
        Err(before) => -milliseconds(before.duration()),
    }
}
