//! Everything that is to be said of a change, computed once for every format.

use std::collections::BTreeMap;

use auscult_core::Timestamp;
use auscult_diagnose::explain::segments::{
    AdtributorOptions, Attribute, Cells, Measure, MixAndRate, ScanOptions, Segment, ValueSet,
    adtributor, mix_and_rate, scan,
};
use auscult_diagnose::explain::{
    Attribution, AttributionOptions, Estimator, Relation, Shift, ShiftError, ShiftOptions,
    Unusable, attribute, relations, shift,
};
use auscult_stats::linear::Rows;

use super::Arguments;
use super::periods::Periods;
use crate::outcome::CallError;

/// What was found.
#[derive(Debug)]
pub(super) struct Findings {
    /// What changed, in words: a column, or a ratio of two.
    pub(super) subject: String,
    /// How it was measured.
    pub(super) measure: Measure,
    /// What the periods are called.
    pub(super) periods: (String, String),
    /// Of the whole, before and after.
    pub(super) totals: (f64, f64),
    /// How much it changed, row by row or moment by moment.
    pub(super) shift: Option<Shift>,
    /// What accounts for it among the inputs.
    pub(super) attribution: Option<Attributed>,
    /// Which pairs of columns go together otherwise than before.
    pub(super) relations: Vec<(String, String, Relation)>,
    /// Which segments carry it.
    pub(super) segments: Option<Segmented>,
    /// How the intervals' confidence was set.
    pub(super) confidence: f64,
    /// What else the person should know.
    pub(super) notes: Vec<String>,
}

/// An attribution with the names of its inputs.
#[derive(Debug)]
pub(super) struct Attributed {
    /// Names by index of input.
    pub(super) names: Vec<String>,
    /// The numbers.
    pub(super) found: Attribution,
    /// How it was regressed.
    pub(super) estimator: Estimator,
}

/// Segments with the names of their attributes and values.
#[derive(Debug)]
pub(super) struct Segmented {
    /// Rows added up.
    pub(super) cells: Cells,
    /// Mix and rate along each attribute; empty for a sum.
    pub(super) mixes: Vec<MixAndRate>,
    /// The best sets of single values.
    pub(super) singles: Vec<ValueSet>,
    /// The best combinations.
    pub(super) combinations: Vec<Segment>,
}

/// One part of the change; all parts add up to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// What it is, short enough for a chart.
    pub(super) label: String,
    /// What it is, with the numbers behind it.
    pub(super) sentence: String,
    /// How much of the change, in its units.
    pub(super) amount: f64,
    /// Where it lies with the confidence asked for.
    pub(super) interval: Option<(f64, f64)>,
    /// For machines.
    pub(super) kind: &'static str,
    /// The input, or the attribute and value.
    pub(super) name: String,
    /// Of the input, the coefficient or the segment.
    pub(super) before: Option<f64>,
    /// The same after.
    pub(super) after: Option<f64>,
    /// Why to take it with care.
    pub(super) caution: Option<&'static str>,
}

impl Part {
    /// Whether the interval, if any, leaves no doubt about the sign.
    pub(super) fn is_clear(&self) -> bool {
        self.interval.is_none_or(|(low, high)| low > 0.0 || high < 0.0)
    }
}

impl Findings {
    pub(super) fn of(periods: &Periods, arguments: &Arguments) -> Result<Self, CallError> {
        let asked = Asked::of(arguments)?;
        let mut notes = Vec::new();
        if periods.outside > 0 {
            notes.push(format!("{} rows are in neither period and were left out", periods.outside));
        }
        let series = asked.series(periods, &mut notes)?;
        let confidence = arguments.confidence;
        let options =
            ShiftOptions { confidence, resamples: arguments.resamples, seed: arguments.seed };
        let shift = match shift(&series.before, &series.after, &options) {
            Ok(shift) => Some(shift),
            Err(error) if asked.measure == Measure::Mean => {
                return Err(CallError::input(format!("column `{}`: {error}", asked.numerator)));
            }
            Err(ShiftError::Constant) => {
                return Err(CallError::input(format!("{}: nothing changed", asked.subject)));
            }
            Err(_) => {
                notes.push(
                    "too few moments in a period to test whether the change is more than chance"
                        .to_owned(),
                );
                None
            }
        };
        let (attribution, relations) = if asked.measure == Measure::Mean {
            attributed(periods, arguments, &asked, &mut notes)?
        } else {
            (None, Vec::new())
        };
        let segments = segmented(periods, arguments, &asked, series.lengths, &mut notes)?;
        if attribution.is_none() && segments.is_none() {
            notes.push("there are no other columns that could account for the change".to_owned());
        }
        Ok(Self {
            subject: asked.subject,
            measure: asked.measure,
            periods: periods.names.clone(),
            totals: series.totals,
            shift,
            attribution,
            relations,
            segments,
            confidence,
            notes,
        })
    }

    /// The change of the whole.
    pub(super) fn change(&self) -> f64 {
        self.totals.1 - self.totals.0
    }

    /// The parts that add up to the change, largest first: those of the inputs,
    /// or else those of the attribute that tells most.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts = match (&self.attribution, &self.segments) {
            (Some(attributed), _) => super::words::input_parts(attributed),
            (None, Some(segmented)) => super::words::segment_parts(segmented),
            (None, None) => Vec::new(),
        };
        parts.sort_by(|one, two| two.amount.abs().total_cmp(&one.amount.abs()));
        parts
    }
}

/// What the person wants explained.
struct Asked {
    measure: Measure,
    subject: String,
    numerator: String,
    denominator: Option<String>,
}

/// The subject over time, and as a whole.
struct Series {
    before: Vec<f64>,
    after: Vec<f64>,
    totals: (f64, f64),
    /// Moments in each period.
    lengths: (f64, f64),
}

impl Asked {
    fn of(arguments: &Arguments) -> Result<Self, CallError> {
        if let Some(ratio) = &arguments.ratio {
            let Some((numerator, denominator)) = ratio.split_once(',') else {
                let sentence = format!("--ratio {ratio}: name two columns, NUMERATOR,DENOMINATOR");
                return Err(CallError::input(sentence));
            };
            return Ok(Self {
                measure: Measure::Ratio,
                subject: format!("{numerator} / {denominator}"),
                numerator: numerator.to_owned(),
                denominator: Some(denominator.to_owned()),
            });
        }
        let column = arguments.column.clone().unwrap_or_default();
        let (measure, subject) = if arguments.sum {
            (Measure::Sum, format!("sum of {column}"))
        } else {
            (Measure::Mean, column.clone())
        };
        Ok(Self { measure, subject, numerator: column, denominator: None })
    }

    /// Numerator and denominator of every row of both periods; NaN where either
    /// is missing.
    fn columns(&self, periods: &Periods) -> Result<[Vec<(f64, f64)>; 2], CallError> {
        let numerators = periods.numbers(&self.numerator)?;
        let Some(denominator) = &self.denominator else {
            let alone = |column: Vec<f64>| column.into_iter().map(|x| (x, 1.0)).collect();
            return Ok([alone(numerators.0), alone(numerators.1)]);
        };
        let denominators = periods.numbers(denominator)?;
        let both = |one: Vec<f64>, two: Vec<f64>| one.into_iter().zip(two).collect::<Vec<_>>();
        let sides = [both(numerators.0, denominators.0), both(numerators.1, denominators.1)];
        if sides.iter().flatten().any(|(_, denominator)| *denominator < 0.0) {
            let sentence =
                format!("column `{denominator}` has negative numbers, need counts or sizes");
            return Err(CallError::input(sentence));
        }
        Ok(sides)
    }

    fn series(&self, periods: &Periods, notes: &mut Vec<String>) -> Result<Series, CallError> {
        let sides = self.columns(periods)?;
        let missing = sides.iter().flatten().filter(|(n, d)| n.is_nan() || d.is_nan()).count();
        if missing > 0 {
            notes.push(format!("{missing} rows without a value of {} were left out", self.subject));
        }
        if self.measure == Measure::Mean {
            let present = |side: &[(f64, f64)]| -> Vec<f64> {
                side.iter().map(|(value, _)| *value).filter(|value| !value.is_nan()).collect()
            };
            let (before, after) = (present(&sides[0]), present(&sides[1]));
            let mean = |values: &[f64]| auscult_stats::moments::Moments::of(values).mean();
            let totals = (mean(&before), mean(&after));
            let lengths = (before.len() as f64, after.len() as f64);
            return Ok(Series { before, after, totals, lengths });
        }
        let times = periods.times();
        if times.is_none() {
            notes.push(
                "no column of times: the periods count as equally long, and no test is possible"
                    .to_owned(),
            );
        }
        let side = |at: usize| {
            let times = times.as_ref().map(|times| if at == 0 { &times.0 } else { &times.1 });
            by_moment(&sides[at], times.map(Vec::as_slice))
        };
        let (old, new) = (side(0), side(1));
        let value = |(numerator, denominator): (f64, f64)| match self.measure {
            Measure::Sum => Some(numerator),
            Measure::Mean | Measure::Ratio => (denominator > 0.0).then(|| numerator / denominator),
        };
        let whole = |moments: &[(f64, f64)]| {
            let sum = moments.iter().fold((0.0, 0.0), |sum, m| (sum.0 + m.0, sum.1 + m.1));
            match self.measure {
                Measure::Sum => Some(sum.0 / moments.len().max(1) as f64),
                Measure::Mean | Measure::Ratio => value(sum),
            }
        };
        let (Some(before), Some(after)) = (whole(&old), whole(&new)) else {
            let denominator = self.denominator.as_deref().unwrap_or_default();
            let sentence =
                format!("column `{denominator}` sums to 0 in a period, so there is no ratio");
            return Err(CallError::input(sentence));
        };
        Ok(Series {
            before: old.iter().copied().filter_map(value).collect(),
            after: new.iter().copied().filter_map(value).collect(),
            totals: (before, after),
            lengths: (old.len() as f64, new.len() as f64),
        })
    }
}

/// Sums of numerator and denominator at every moment; all rows are one moment
/// where nothing tells them apart.
fn by_moment(rows: &[(f64, f64)], times: Option<&[Option<Timestamp>]>) -> Vec<(f64, f64)> {
    let mut moments: BTreeMap<Option<Timestamp>, (f64, f64)> = BTreeMap::new();
    for (at, (numerator, denominator)) in rows.iter().enumerate() {
        if numerator.is_nan() || denominator.is_nan() {
            continue;
        }
        let sum = moments.entry(times.and_then(|times| times[at])).or_default();
        sum.0 += numerator;
        sum.1 += denominator;
    }
    moments.into_values().collect()
}

type Related = Vec<(String, String, Relation)>;

/// What the inputs account for, and how columns go together.
fn attributed(
    periods: &Periods,
    arguments: &Arguments,
    asked: &Asked,
    notes: &mut Vec<String>,
) -> Result<(Option<Attributed>, Related), CallError> {
    let names = match &arguments.inputs {
        Some(names) if names.contains(&asked.numerator) => {
            let sentence = format!("--inputs: `{}` cannot explain itself", asked.numerator);
            return Err(CallError::input(sentence));
        }
        Some(names) => names.clone(),
        None => periods.number_columns(&[&asked.numerator]),
    };
    let target = periods.numbers(&asked.numerator)?;
    let mut columns = Vec::new();
    let mut kept = Vec::new();
    for name in names {
        let column = periods.numbers(&name)?;
        let present = |side: &[f64]| side.iter().filter(|x| !x.is_nan()).count() * 2 > side.len();
        if present(&column.0) && present(&column.1) {
            columns.push(column);
            kept.push(name);
        } else {
            notes.push(format!("{name} is missing in most rows of a period and was not used"));
        }
    }
    if kept.is_empty() {
        return Ok((None, Vec::new()));
    }
    let side = |at: usize| {
        let pick =
            |pair: &(Vec<f64>, Vec<f64>)| if at == 0 { pair.0.clone() } else { pair.1.clone() };
        let all: Vec<Vec<f64>> = columns.iter().chain([&target]).map(pick).collect();
        let rows = all[0].len();
        let whole: Vec<usize> =
            (0..rows).filter(|row| all.iter().all(|column| !column[*row].is_nan())).collect();
        let keep = |column: Vec<f64>| whole.iter().map(|row| column[*row]).collect::<Vec<f64>>();
        (rows - whole.len(), all.into_iter().map(keep).collect::<Vec<Vec<f64>>>())
    };
    let ((old_gaps, old), (new_gaps, new)) = (side(0), side(1));
    if old_gaps + new_gaps > 0 {
        let gaps = old_gaps + new_gaps;
        notes.push(format!("{gaps} rows with a missing cell were left out of the regression"));
    }
    let inputs = |columns: &[Vec<f64>]| -> Vec<f64> {
        let (target, inputs) = columns.split_last().expect("the target is the last column");
        (0..target.len()).flat_map(|row| inputs.iter().map(move |column| column[row])).collect()
    };
    let (old_inputs, new_inputs) = (inputs(&old), inputs(&new));
    let width = kept.len();
    let estimator = arguments.estimator();
    let options = AttributionOptions {
        estimator,
        confidence: arguments.confidence,
        resamples: arguments.resamples,
        seed: arguments.seed,
    };
    let found = attribute(
        (Rows::new(&old_inputs, width), &old[width]),
        (Rows::new(&new_inputs, width), &new[width]),
        &options,
    );
    let slices = |columns: &[Vec<f64>]| -> Vec<Vec<f64>> { columns.to_vec() };
    let (old, new) = (slices(&old), slices(&new));
    let old: Vec<&[f64]> = old.iter().map(Vec::as_slice).collect();
    let new: Vec<&[f64]> = new.iter().map(Vec::as_slice).collect();
    let name = |at: usize| kept.get(at).unwrap_or(&asked.numerator).clone();
    let related = relations(&old, &new)
        .into_iter()
        .map(|relation| (name(relation.columns.0), name(relation.columns.1), relation))
        .collect();
    match found {
        Ok(found) => Ok((Some(Attributed { names: kept, found, estimator }), related)),
        Err(error) => {
            notes.push(format!("no regression: {error}"));
            Ok((None, related))
        }
    }
}

/// Which segments carry the change; `None` without labels.
fn segmented(
    periods: &Periods,
    arguments: &Arguments,
    asked: &Asked,
    lengths: (f64, f64),
    notes: &mut Vec<String>,
) -> Result<Option<Segmented>, CallError> {
    let names = match &arguments.labels {
        Some(names) => names.clone(),
        None => usable_labels(periods, notes)?,
    };
    let columns = names.iter().map(|name| periods.words(name)).collect::<Result<Vec<_>, _>>()?;
    if columns.is_empty() {
        return Ok(None);
    }
    let attributes = names
        .iter()
        .zip(&columns)
        .map(|(name, words)| {
            let mut values = words.distinct.clone();
            values.push("(missing)".to_owned());
            Attribute { name: name.clone(), values }
        })
        .collect();
    let mut cells = Cells::new(asked.measure, attributes, lengths);
    let sides = asked.columns(periods)?;
    let mut key = vec![0; columns.len()];
    for (after, (rows, side)) in
        [(false, (&periods.rows.0, &sides[0])), (true, (&periods.rows.1, &sides[1]))]
    {
        for (row, (numerator, denominator)) in rows.iter().zip(side) {
            if numerator.is_nan() || denominator.is_nan() {
                continue;
            }
            for (slot, words) in key.iter_mut().zip(&columns) {
                *slot = words.rows[*row].unwrap_or(words.distinct.len() as u32);
            }
            cells.add(&key, after, *numerator, *denominator);
        }
    }
    let mixes = (0..names.len()).filter_map(|attribute| mix_and_rate(&cells, attribute)).collect();
    let singles = adtributor(&cells, &AdtributorOptions::default());
    let combinations = scan(&cells, &ScanOptions::default());
    Ok(Some(Segmented { cells, mixes, singles, combinations }))
}

/// Columns of labels that make segments: not those that name single rows.
fn usable_labels(periods: &Periods, notes: &mut Vec<String>) -> Result<Vec<String>, CallError> {
    let rows = periods.rows.0.len() + periods.rows.1.len();
    let mut usable = Vec::new();
    for name in periods.label_columns(&[]) {
        let distinct = periods.words(&name)?.distinct.len();
        if distinct > 1000 || distinct * 2 > rows {
            notes.push(format!("{name} has {distinct} values, too many for segments; not used"));
        } else {
            usable.push(name);
        }
    }
    Ok(usable)
}

/// The index of an input that could not be used.
pub(super) fn unusable_input(unusable: &Unusable) -> usize {
    match unusable {
        Unusable::Constant { input, .. }
        | Unusable::Stepped { input, .. }
        | Unusable::Collinear { input } => *input,
    }
}

impl Segmented {
    /// What each value of `attribute` sums to per moment, before and after; of
    /// a sum only.
    pub(super) fn sums(&self, attribute: usize) -> Vec<(f64, f64)> {
        let lengths = (self.cells.total(false).denominator, self.cells.total(true).denominator);
        let mut sums = vec![(0.0, 0.0); self.cells.attributes()[attribute].values.len()];
        for cell in self.cells.cells() {
            let sum = &mut sums[cell.values[attribute] as usize];
            sum.0 += cell.before.numerator / lengths.0;
            sum.1 += cell.after.numerator / lengths.1;
        }
        sums
    }
}
