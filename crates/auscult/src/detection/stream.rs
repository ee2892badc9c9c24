//! Judging an input that is never held in memory.
//!
//! Online methods pass over the input once, with one detector per series.
//! Batch methods that learn in pieces pass over it twice: to learn, and to
//! judge. Memory grows with the number of series, not with their length.

use std::collections::HashMap;
use std::sync::Arc;

use super::finding::{Finding, SeriesName};
use super::keep::Keep;
use super::plan::{Bar, Mode, Plan};
use super::series::{Series, Split, split};
use super::source::{Source, for_each_batch};
use super::tally::{SeriesTally, Tally};
use super::whole::{NOTHING_TO_JUDGE, step};
use crate::outcome::CallError;
use crate::progress::Progress;
use auscult_core::{Accumulator, Detector, Model, Sample, Timestamp};
use auscult_detect::Threshold;
use auscult_telemetry::Reader;

/// Whether `plan` can be carried out on `source` without holding it.
pub(crate) fn can(plan: &Plan, source: &Source) -> bool {
    // A share refers to all scores, which only the whole input has.
    let fixed = matches!(plan.threshold, Threshold::Score(_));
    match plan.mode {
        Mode::Online => fixed || plan.budget.is_some(),
        Mode::Batch => fixed && source.is_repeatable() && plan.method.pieces.is_some(),
        Mode::Labelled => false,
    }
}

/// Judges `source` batch by batch, split into series as `how` says.
pub(crate) fn judge(
    source: &mut Source,
    how: &Split<'_>,
    plan: &Plan,
    keep: &mut Keep,
    progress: &Progress,
) -> Result<Tally, CallError> {
    match plan.mode {
        Mode::Online => watch(source, how, plan, keep, progress),
        Mode::Batch | Mode::Labelled => learn_then_rate(source, how, plan, keep, progress),
    }
}

/// Hands every batch, split into series, to `each`; returns the rows read.
fn for_each_series(
    mut reader: Reader,
    how: &Split<'_>,
    what: &'static str,
    progress: &Progress,
    mut each: impl FnMut(Series) -> Result<(), CallError>,
) -> Result<u64, CallError> {
    let mut rows = 0;
    for_each_batch(&mut reader, what, progress, |batch| {
        let first = rows + 1;
        rows += batch.rows() as u64;
        split(&batch, first, how)?.into_iter().try_for_each(&mut each)
    })?;
    Ok(rows)
}

/// Something per series, in order of first appearance.
#[derive(Debug)]
struct PerSeries<T> {
    places: HashMap<Arc<SeriesName>, usize>,
    entries: Vec<T>,
}

impl<T> PerSeries<T> {
    fn new() -> Self {
        Self { places: HashMap::new(), entries: Vec::new() }
    }

    fn entry(&mut self, name: &Arc<SeriesName>, make: impl FnOnce() -> T) -> &mut T {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                self.places.insert(name.clone(), self.entries.len());
                self.entries.push(make());
                self.entries.len() - 1
            }
        };
        &mut self.entries[place]
    }
}

/// Adds what the batch `series` says of itself.
fn count(tally: &mut SeriesTally, series: &Series) {
    tally.rows += series.rows_read;
    tally.missing += series.missing;
    tally.infinite += series.infinite;
    for note in &series.notes {
        if !tally.notes.contains(note) {
            tally.notes.push(note.clone());
        }
    }
}

fn threshold(plan: &Plan) -> f64 {
    match plan.threshold {
        Threshold::Score(score) => score,
        Threshold::Share(_) => unreachable!("`can` refuses shares"),
    }
}

fn watch(
    source: &mut Source,
    how: &Split<'_>,
    plan: &Plan,
    keep: &mut Keep,
    progress: &Progress,
) -> Result<Tally, CallError> {
    let threshold = if plan.budget.is_some() { f64::MAX } else { threshold(plan) };
    let mut watched: PerSeries<(SeriesTally, Box<dyn Detector>, Bar)> = PerSeries::new();
    let rows = for_each_series(source.pass()?, how, "watching", progress, |series| {
        let channels = series.name.columns.len();
        let (tally, detector, bar) = watched.entry(&series.name, || {
            let bar = Bar::new(plan.budget, threshold);
            (SeriesTally::new(series.name.clone()), plan.detector(channels), bar)
        });
        count(tally, &series);
        for (place, readings) in series.readings.chunks_exact(channels).enumerate() {
            if series.filled[place] {
                continue;
            }
            let time = series.times.as_ref().map(|times| times[place]);
            let clock = time.unwrap_or(Timestamp::from_seconds(series.rows[place] as i64));
            let sample = Sample::new(clock, readings).map_err(CallError::input)?;
            let (score, threshold, explanation) = step(detector.as_mut(), sample, bar, false)?;
            let finding = Finding {
                row: series.rows[place],
                time,
                series: series.name.clone(),
                readings: readings.to_vec(),
                score: score.ready(),
                threshold,
                explanation,
            };
            tally.count(&finding);
            if finding.is_anomaly() {
                keep.take(finding);
            }
        }
        tally.threshold = bar.level();
        Ok(())
    })?;
    let series = watched.entries.into_iter().map(|(tally, ..)| tally).collect();
    Ok(Tally { rows, series })
}

fn learn_then_rate(
    source: &mut Source,
    how: &Split<'_>,
    plan: &Plan,
    keep: &mut Keep,
    progress: &Progress,
) -> Result<Tally, CallError> {
    let build = plan.method.pieces.expect("`can` asks for a method that learns in pieces");
    let mut learnt: PerSeries<(Arc<SeriesName>, Box<dyn Accumulator>, usize)> = PerSeries::new();
    let timeless = Split { time: None, ..how.clone() };
    let reader = source.pass_without_times()?;
    let rows = for_each_series(reader, &timeless, "learning", progress, |series| {
        let (_, accumulator, whole_rows) = learnt.entry(&series.name, || {
            let accumulator = build(&plan.settings, series.name.columns.len());
            let accumulator = accumulator.expect("settings were checked when the plan was made");
            (series.name.clone(), accumulator, 0)
        });
        *whole_rows += series.rows.len();
        accumulator.observe(&series.frame()).map_err(CallError::input)
    })?;
    let mut models: PerSeries<(SeriesTally, Option<Box<dyn Model>>)> = PerSeries::new();
    for (name, accumulator, whole_rows) in learnt.entries {
        let mut tally = SeriesTally::new(name.clone());
        let model = if whole_rows == 0 {
            tally.notes.push(NOTHING_TO_JUDGE.to_owned());
            None
        } else {
            let model = accumulator.finish().map_err(|error| {
                let (title, method) = (name.title(), plan.method.name);
                CallError::input(format!("{title}: method `{method}`: {error}"))
            })?;
            tally.notes.extend(model.describe());
            Some(model)
        };
        models.entry(&name, || (tally, model));
    }
    let threshold = threshold(plan);
    for_each_series(source.pass()?, how, "judging", progress, |series| {
        let place = *models.places.get(&series.name).ok_or_else(|| {
            CallError::input("the input changed between the two passes over it; try again")
        })?;
        let (tally, model) = &mut models.entries[place];
        count(tally, &series);
        let Some(model) = model else { return Ok(()) };
        tally.threshold = Some(threshold);
        rate(&series, model.as_ref(), threshold, tally, keep)
    })?;
    let series = models.entries.into_iter().map(|(tally, _)| tally).collect();
    Ok(Tally { rows, series })
}

/// Judges a batch of a series.
fn rate(
    series: &Series,
    model: &dyn Model,
    threshold: f64,
    tally: &mut SeriesTally,
    keep: &mut Keep,
) -> Result<(), CallError> {
    let frame = series.frame();
    let scores = model.score(&frame).map_err(CallError::input)?;
    for (place, score) in scores.into_iter().enumerate() {
        tally.judged += 1;
        if score <= threshold {
            continue;
        }
        tally.anomalies += 1;
        let is_strangest = tally.strangest.as_ref().is_none_or(|before| before.score < Some(score));
        if !is_strangest && !keep.wants(score) {
            keep.leave_out();
            continue;
        }
        let finding = Finding {
            row: series.rows[place],
            time: series.times.as_ref().map(|times| times[place]),
            series: series.name.clone(),
            readings: frame.row(place).to_vec(),
            score: Some(score),
            threshold,
            explanation: model.explain(&frame, place, threshold).map_err(CallError::input)?,
        };
        if is_strangest {
            tally.strangest = Some(finding.clone());
        }
        keep.take(finding);
    }
    Ok(())
}
