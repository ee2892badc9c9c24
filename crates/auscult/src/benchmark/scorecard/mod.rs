//! All results side by side: a document, a picture, or data.

mod aims;
mod markdown;
mod picture;

use std::collections::BTreeMap;

use auscult_evaluate::{AlarmRate, Interval, bootstrap_mean};
use serde::Serialize;

use super::Mode;
use super::cache::{Cache, Record, Unit};
use super::machine::Machine;
use super::schedule::End;
use super::sets::Set;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Scorecard {
    /// Where and with what.
    pub machine: Machine,
    /// The call, without folders.
    pub command: String,
    /// The build of the program whose results were asked for, if it is another.
    pub other_build: Option<String>,
    /// Seconds that the call took; less when results of earlier calls were taken.
    pub seconds: f64,
    /// Seconds that a method had for a data set in one mode.
    pub time_limit: u64,
    /// One for each data set and mode.
    pub tables: Vec<ScoreTable>,
}

/// The methods on one data set in one mode, best first.
#[derive(Debug, Serialize)]
pub(crate) struct ScoreTable {
    /// The data set.
    #[serde(serialize_with = "set_name")]
    pub set: &'static Set,
    /// The mode.
    pub mode: Mode,
    /// How many series there are.
    pub series: usize,
    /// Rows that count in all of them.
    pub rows: usize,
    /// Those that judged every series.
    pub lines: Vec<Line>,
    /// Those that did not, and why.
    pub absent: Vec<Absent>,
    /// Figures of others, best first.
    pub published: Vec<Rival>,
    /// What a score that knows nothing gets.
    pub nothing: BTreeMap<String, f64>,
}

/// A method that judged every series.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// The method.
    pub method: String,
    /// Measures over all series.
    pub measures: BTreeMap<String, f64>,
    /// For means over series: the 95 % interval of a bootstrap over series.
    pub intervals: BTreeMap<String, (f64, f64)>,
    /// Microseconds a row, learning included.
    pub micros_per_row: f64,
    /// Bytes of a streaming method's state, the mean over series.
    pub state_bytes: Option<usize>,
}

/// A method without figures.
#[derive(Debug, Serialize)]
pub(crate) struct Absent {
    /// The method.
    pub method: String,
    /// Why, in words.
    pub why: String,
}

/// A figure of others.
#[derive(Debug, Serialize)]
pub(crate) struct Rival {
    /// Whose.
    pub who: String,
    /// Measures.
    pub measures: BTreeMap<String, f64>,
    /// What to know about it.
    pub note: String,
}

fn set_name<S: serde::Serializer>(set: &&'static Set, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(set.name)
}

/// Resamples of series for an interval, and their seed.
const RESAMPLES: usize = 2000;
const SEED: u64 = 20_180_501;

/// What a unit came to: figures, or why there are none.
pub(crate) fn line(
    cache: &Cache,
    unit: &Unit,
    series: &[String],
    pools: bool,
    end: &End,
) -> Result<(Line, usize), Absent> {
    let absent = |why: String| Absent { method: unit.method.clone(), why };
    let records: Vec<Record> = series.iter().filter_map(|name| cache.record(unit, name)).collect();
    let refused: Vec<&String> =
        records.iter().filter_map(|record| record.refused.as_ref()).collect();
    if let Some(why) = refused.first() {
        let count = refused.len();
        return Err(absent(if count == series.len() {
            (*why).clone()
        } else {
            format!("refused {count} of {} series: {why}", series.len())
        }));
    }
    let pooled = cache.pooled(unit, series);
    if records.len() < series.len() || (pools && pooled.is_none()) {
        return Err(absent(match end {
            End::Broken(why) => why.clone(),
            _ => format!("time was up after {} of {} series", records.len(), series.len()),
        }));
    }
    let mut measures = pooled.unwrap_or_default();
    let mut intervals = BTreeMap::new();
    let keys: std::collections::BTreeSet<&String> =
        records.iter().flat_map(|record| record.measures.keys()).collect();
    for key in keys {
        let values: Vec<f64> =
            records.iter().filter_map(|record| record.measures.get(key).copied()).collect();
        if let Some(Interval { mean, low, high }) = bootstrap_mean(&values, RESAMPLES, 0.95, SEED) {
            measures.insert(key.clone(), mean);
            intervals.insert(key.clone(), (low, high));
        }
    }
    let mut delays: Vec<f64> = records.iter().flat_map(|record| record.delays.clone()).collect();
    if !delays.is_empty() {
        let median = auscult_stats::quantile::median(&mut delays);
        measures.insert("delay_minutes".to_owned(), median);
    }
    let rate = records.iter().fold(AlarmRate::default(), |rate, record| {
        rate + AlarmRate { alarms: record.false_alarms, series_weeks: record.series_weeks }
    });
    measures.extend(rate.per_week().map(|rate| ("alarms_per_week".to_owned(), rate)));
    let rows: usize = records.iter().map(|record| record.rows).sum();
    let micros = records.iter().map(|record| record.micros_per_row * record.rows as f64);
    let bytes: Vec<usize> = records.iter().filter_map(|record| record.state_bytes).collect();
    let line = Line {
        method: unit.method.clone(),
        micros_per_row: micros.sum::<f64>() / rows.max(1) as f64,
        state_bytes: (!bytes.is_empty()).then(|| bytes.iter().sum::<usize>() / bytes.len()),
        measures,
        intervals,
    };
    Ok((line, rows))
}

impl ScoreTable {
    /// Puts the best first.
    pub(crate) fn sort(&mut self) {
        let key = self.set.columns[0].key;
        let value = |measures: &BTreeMap<String, f64>| {
            measures.get(key).copied().unwrap_or(f64::NEG_INFINITY)
        };
        self.lines.sort_by(|one, other| {
            value(&other.measures)
                .total_cmp(&value(&one.measures))
                .then(one.method.cmp(&other.method))
        });
        self.published
            .sort_by(|one, other| value(&other.measures).total_cmp(&value(&one.measures)));
    }
}
