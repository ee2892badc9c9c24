//! Judging an input that is never held in memory.
//!
//! Online methods pass over the input once, with one detector per series.
//! Batch methods that learn in pieces pass over it twice, to learn and to
//! judge; if their models are valleys (see [`Accumulator::valley`]), nearly
//! always once (see [`Suspects`]). Memory grows with the number of series, not
//! with their length.

use std::collections::HashMap;
use std::sync::Arc;

use super::counters::Counters;
use super::finding::{Finding, SeriesName};
use super::keep::Keep;
use super::plan::{Bar, Mode, Plan};
use super::series::{Series, Split, split};
use super::source::{Source, for_each_batch};
use super::suspects::Suspects;
use super::tally::{SeriesTally, Tally};
use super::whole::{NOTHING_TO_JUDGE, step};
use crate::outcome::CallError;
use crate::progress::Progress;
use auscult_core::{Accumulator, Detector, Model, Sample, Timestamp};
use auscult_detect::Threshold;
use auscult_telemetry::{Reader, Table};

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

/// Judges `source` batch by batch, split into series as `how` says, by the rates of `counters`.
pub(crate) fn judge(
    source: &mut Source,
    how: &Split<'_>,
    plan: &Plan,
    counters: &mut Counters<'_>,
    keep: &mut Keep,
    progress: &Progress,
) -> Result<Tally, CallError> {
    match plan.mode {
        Mode::Online => watch(source, how, plan, counters, keep, progress),
        Mode::Batch | Mode::Labelled => {
            learn_then_rate(source, how, plan, counters, keep, progress)
        }
    }
}

/// Hands every batch, split into series, to `each`; returns the rows read.
fn for_each_series(
    mut reader: Reader,
    how: &Split<'_>,
    counters: &mut Counters<'_>,
    what: &'static str,
    progress: &Progress,
    mut each: impl FnMut(Series) -> Result<(), CallError>,
) -> Result<u64, CallError> {
    let mut rows = 0;
    counters.begin();
    for_each_batch(&mut reader, what, progress, |batch| {
        let first = rows + 1;
        rows += batch.rows() as u64;
        let batch = counters.rates(batch)?;
        split(&batch, first, how)?.into_iter().try_for_each(|series| {
            counters.look(&series);
            each(series)
        })
    })?;
    Ok(rows)
}

/// Something per series, in order of first appearance.
#[derive(Debug)]
pub(super) struct PerSeries<T> {
    places: HashMap<Arc<SeriesName>, usize>,
    pub(super) entries: Vec<T>,
}

impl<T> PerSeries<T> {
    pub(super) fn new() -> Self {
        Self { places: HashMap::new(), entries: Vec::new() }
    }

    pub(super) fn entry(&mut self, name: &Arc<SeriesName>, make: impl FnOnce() -> T) -> &mut T {
        let place = self.place(name, make);
        &mut self.entries[place]
    }

    fn place(&mut self, name: &Arc<SeriesName>, make: impl FnOnce() -> T) -> usize {
        match self.places.get(name) {
            Some(place) => *place,
            None => {
                self.places.insert(name.clone(), self.entries.len());
                self.entries.push(make());
                self.entries.len() - 1
            }
        }
    }
}

/// A series being learnt.
#[derive(Debug)]
pub(super) struct Learning {
    /// What the batches say of themselves.
    counted: SeriesTally,
    pub(super) accumulator: Box<dyn Accumulator>,
    /// Rows to learn from.
    whole_rows: usize,
}

impl Learning {
    pub(super) fn new(name: Arc<SeriesName>, accumulator: Box<dyn Accumulator>) -> Self {
        Self { counted: SeriesTally::new(name), accumulator, whole_rows: 0 }
    }
}

/// A series learnt; without a model if there was nothing to judge.
pub(super) type Learnt = (SeriesTally, Option<Box<dyn Model>>);

/// Adds what the batch `series` says of itself.
fn count(tally: &mut SeriesTally, series: &Series) {
    tally.rows += series.rows_read;
    tally.missing += series.missing;
    tally.infinite += series.infinite;
    note(tally, &series.notes);
}

/// Adds what the batches counted so far say of themselves.
fn add(tally: &mut SeriesTally, counted: &SeriesTally) {
    tally.rows += counted.rows;
    tally.missing += counted.missing;
    tally.infinite += counted.infinite;
    note(tally, &counted.notes);
}

fn note(tally: &mut SeriesTally, notes: &[String]) {
    for note in notes {
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
    counters: &mut Counters<'_>,
    keep: &mut Keep,
    progress: &Progress,
) -> Result<Tally, CallError> {
    let threshold = if plan.budget.is_some() { f64::MAX } else { threshold(plan) };
    let mut watched: PerSeries<(SeriesTally, Box<dyn Detector>, Bar)> = PerSeries::new();
    let rows = for_each_series(source.pass()?, how, counters, "watching", progress, |series| {
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
            let (score, threshold, explanation) =
                step(detector.as_mut(), sample, bar, series.is_anomaly(place), false)?;
            let finding = Finding {
                row: series.rows[place],
                time,
                series: series.name.clone(),
                readings: readings.to_vec(),
                score: score.ready(),
                threshold,
                explanation,
            };
            tally.count_watched(&finding, series.is_anomaly(place));
            if finding.is_anomaly() {
                keep.take(finding);
            }
        }
        tally.threshold = bar.level();
        tally.coarse = bar.coarse();
        Ok(())
    })?;
    let series = watched.entries.into_iter().map(|(tally, ..)| tally).collect();
    Ok(Tally { rows, series })
}

fn learn_then_rate(
    source: &mut Source,
    how: &Split<'_>,
    plan: &Plan,
    counters: &mut Counters<'_>,
    keep: &mut Keep,
    progress: &Progress,
) -> Result<Tally, CallError> {
    let threshold = threshold(plan);
    let mut suspects = has_valleys(how, plan).then(|| Suspects::new(threshold));
    let (rows, learning) = learn(source, how, plan, counters, suspects.as_mut(), progress)?;
    let mut models = PerSeries::new();
    let mut all_counted = Vec::with_capacity(learning.entries.len());
    for series in learning.entries {
        let name = series.counted.name.clone();
        let learnt = finish(series.accumulator, series.whole_rows, &name, plan)?;
        models.entry(&name, || learnt);
        all_counted.push(series.counted);
    }
    match suspects {
        Some(suspects) if suspects.are_all(&models.entries)? => {
            for ((tally, model), counted) in models.entries.iter_mut().zip(&all_counted) {
                add(tally, counted);
                tally.threshold = model.as_ref().map(|_| threshold);
            }
            suspects.judge(&mut models.entries, keep)?;
        }
        _ => judge_again(source, how, counters, &mut models, threshold, keep, progress)?,
    }
    let series = models.entries.into_iter().map(|(tally, _)| tally).collect();
    Ok(Tally { rows, series })
}

/// A fresh accumulator of the planned method.
fn accumulator(plan: &Plan, channels: usize) -> Box<dyn Accumulator> {
    let build = plan.method.pieces.expect("`can` asks for a method that learns in pieces");
    build(&plan.settings, channels).expect("settings were checked when the plan was made")
}

/// Whether rows can be judged while they are learnt from.
fn has_valleys(how: &Split<'_>, plan: &Plan) -> bool {
    let channels = if how.joint { how.columns.len() } else { 1 };
    channels == 1 && accumulator(plan, 1).valley().is_some()
}

/// Passes over `source` to learn, and to gather `suspects` if they are given.
fn learn(
    source: &mut Source,
    how: &Split<'_>,
    plan: &Plan,
    counters: &mut Counters<'_>,
    mut suspects: Option<&mut Suspects>,
    progress: &Progress,
) -> Result<(u64, PerSeries<Learning>), CallError> {
    let mut learning: PerSeries<Learning> = PerSeries::new();
    let begin =
        |name: &Arc<SeriesName>| Learning::new(name.clone(), accumulator(plan, name.columns.len()));
    let timeless = Split { time: None, ..how.clone() };
    let (mut reader, what) = match suspects {
        Some(_) => (source.pass()?, "judging"),
        // Rates need the times.
        None if counters.are_declared() => (source.pass()?, "learning"),
        None => (source.pass_without_times()?, "learning"),
    };
    let mut rows = 0;
    counters.begin();
    for_each_batch(&mut reader, what, progress, |batch: Table| {
        let first = rows + 1;
        rows += batch.rows() as u64;
        let batch = counters.rates(batch)?;
        let suspects = suspects.as_deref_mut().filter(|suspects| suspects.are_wanted());
        let timed = match suspects {
            Some(_) => split(&batch, first, how)?,
            None => Vec::new(),
        };
        // Learnt is in the order of the input, whatever the times say.
        let in_order = suspects.is_some() && timed.iter().all(|series| !series.reordered);
        let again = if in_order { Vec::new() } else { split(&batch, first, &timeless)? };
        for series in if in_order { &timed } else { &again } {
            counters.look(series);
            let learning = learning.entry(&series.name, || begin(&series.name));
            learning.whole_rows += series.rows.len();
            learning.accumulator.observe(&series.frame()).map_err(CallError::input)?;
        }
        if let Some(suspects) = suspects {
            for series in &timed {
                let place = learning.place(&series.name, || begin(&series.name));
                count(&mut learning.entries[place].counted, series);
                suspects.take(series, place, &learning)?;
            }
        }
        Ok(())
    })?;
    Ok((rows, learning))
}

/// The end of learning series `name` from `whole_rows` rows.
fn finish(
    accumulator: Box<dyn Accumulator>,
    whole_rows: usize,
    name: &Arc<SeriesName>,
    plan: &Plan,
) -> Result<Learnt, CallError> {
    let mut tally = SeriesTally::new(name.clone());
    if whole_rows == 0 {
        tally.notes.push(NOTHING_TO_JUDGE.to_owned());
        return Ok((tally, None));
    }
    let model = accumulator.finish().map_err(|error| {
        let (title, method) = (name.title(), plan.method.name);
        CallError::input(format!("{title}: method `{method}`: {error}"))
    })?;
    tally.notes.extend(model.describe());
    Ok((tally, Some(model)))
}

/// Passes over `source` once more to judge it by `models`.
fn judge_again(
    source: &mut Source,
    how: &Split<'_>,
    counters: &mut Counters<'_>,
    models: &mut PerSeries<Learnt>,
    threshold: f64,
    keep: &mut Keep,
    progress: &Progress,
) -> Result<(), CallError> {
    for_each_series(source.pass()?, how, counters, "judging", progress, |series| {
        let place = *models.places.get(&series.name).ok_or_else(|| {
            CallError::input("the input changed between the two passes over it; try again")
        })?;
        let (tally, model) = &mut models.entries[place];
        count(tally, &series);
        let Some(model) = model else { return Ok(()) };
        tally.threshold = Some(threshold);
        rate(&series, model.as_ref(), threshold, tally, keep)
    })?;
    Ok(())
}

/// Judges a batch of a series.
pub(super) fn rate(
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
