//! Results on disk, so that a call that was cut short goes on where it ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::outcome::CallError;

/// Changes when the protocols or the records do.
const LAYOUT: u32 = 1;

/// What is known of one method on one series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Record {
    /// Rows that counted.
    pub rows: usize,
    /// Why the method would not judge the series.
    pub refused: Option<String>,
    /// Measures by name; one that the series cannot have is absent.
    pub measures: BTreeMap<String, f64>,
    /// Rows between onset and alarm of each anomaly found, in minutes.
    pub delays: Vec<f64>,
    /// Alarms that began on normal rows.
    pub false_alarms: usize,
    /// Time that normal rows cover, in weeks.
    pub series_weeks: f64,
    /// Time that the method took, learning included, for each row it saw.
    pub micros_per_row: f64,
    /// Bytes of a streaming method's state, as stored.
    pub state_bytes: Option<usize>,
    /// The score above which there was an alarm.
    pub threshold: f64,
}

/// The results of one unit: a method on a data set in one mode.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Unit {
    /// Name of the method.
    pub method: String,
    /// Its settings.
    pub settings: auscult_core::SettingsMap,
    /// Name of the data set.
    pub set: String,
    /// How the method looked at it.
    pub mode: Mode,
}

/// The folder of results of one build of the program.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Results of the program with fingerprint `build`, below `folder`.
    pub(crate) fn new(folder: &Path, build: &str) -> Self {
        Self { root: folder.join(format!("{build}-{LAYOUT}")) }
    }

    /// The result of `unit` on `series`, if it is there and whole.
    pub(crate) fn record(&self, unit: &Unit, series: &str) -> Option<Record> {
        read(&self.place(unit, series, "json"))
    }

    /// Keeps the result of `unit` on `series`.
    pub(crate) fn keep(&self, unit: &Unit, series: &str, record: &Record) -> Result<(), CallError> {
        write(&self.place(unit, series, "json"), &json(record))
    }

    /// The scores of `unit` on `series`, if they are there.
    pub(crate) fn scores(&self, unit: &Unit, series: &str) -> Option<Vec<f64>> {
        let bytes = std::fs::read(self.place(unit, series, "scores")).ok()?;
        let (numbers, rest) = bytes.as_chunks::<8>();
        rest.is_empty().then(|| numbers.iter().copied().map(f64::from_le_bytes).collect())
    }

    /// Keeps the scores of `unit` on `series`.
    pub(crate) fn keep_scores(
        &self,
        unit: &Unit,
        series: &str,
        scores: &[f64],
    ) -> Result<(), CallError> {
        let bytes: Vec<u8> = scores.iter().flat_map(|score| score.to_le_bytes()).collect();
        write(&self.place(unit, series, "scores"), &bytes)
    }

    /// The measures of `unit` that pool `series`, if they are there.
    pub(crate) fn pooled(&self, unit: &Unit, series: &[String]) -> Option<BTreeMap<String, f64>> {
        read(&self.place_of_all(unit, series, "pooled"))
    }

    /// Keeps the measures of `unit` that pool `series`.
    pub(crate) fn keep_pooled(
        &self,
        unit: &Unit,
        series: &[String],
        pooled: &BTreeMap<String, f64>,
    ) -> Result<(), CallError> {
        write(&self.place_of_all(unit, series, "pooled"), &json(pooled))
    }

    /// The longest time limit, in seconds, that `unit` is known to go over on `series`.
    pub(crate) fn over(&self, unit: &Unit, series: &[String]) -> Option<u64> {
        read(&self.place_of_all(unit, series, "over"))
    }

    /// Keeps that `unit` went over a limit of `seconds` on `series`.
    pub(crate) fn keep_over(
        &self,
        unit: &Unit,
        series: &[String],
        seconds: u64,
    ) -> Result<(), CallError> {
        write(&self.place_of_all(unit, series, "over"), &json(&seconds))
    }

    /// How many series of `unit` are done.
    pub(crate) fn done(&self, unit: &Unit, series: &[String]) -> usize {
        series.iter().filter(|series| self.place(unit, series, "json").exists()).count()
    }

    fn folder(&self, unit: &Unit) -> PathBuf {
        let settings = serde_json::to_string(&unit.settings).expect("settings are plain data");
        let method = if unit.settings.is_empty() {
            unit.method.clone()
        } else {
            format!("{}-{}", unit.method, fingerprint(settings.as_bytes()))
        };
        self.root.join(&unit.set).join(unit.mode.name()).join(method)
    }

    /// What holds for these series together says nothing of fewer or more.
    fn place_of_all(&self, unit: &Unit, series: &[String], ending: &str) -> PathBuf {
        let which = fingerprint(series.join("\n").as_bytes());
        self.folder(unit).join(format!("all-{which}.{ending}"))
    }

    fn place(&self, unit: &Unit, series: &str, ending: &str) -> PathBuf {
        self.folder(unit).join(format!("{}.{ending}", series.replace(['/', '\\'], "~")))
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("results are plain data")
}

/// What `path` holds; a damaged or older file counts as none.
fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Writes all of `bytes` or nothing: a worker may be ended at any moment.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CallError> {
    let name = path.display().to_string();
    let folder = path.parent().expect("a result lies in a folder");
    std::fs::create_dir_all(folder).map_err(CallError::write(&name))?;
    let half = path.with_extension(format!("{}.half", std::process::id()));
    std::fs::write(&half, bytes).map_err(CallError::write(&name))?;
    std::fs::rename(&half, path).map_err(CallError::write(&name))
}

/// A short name for `bytes`: FNV-1a, which is enough to tell builds apart.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
