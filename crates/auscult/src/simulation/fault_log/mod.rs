//! A labelled fault log, as `auscult learn` reads it: what could be known in each of many simulated cases, and the true fault.

mod features;
mod row;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use auscult_knowledge::Knowledge;
use auscult_simulate::fault::{LOOKALIKES, faults};
use auscult_telemetry::{Cells, Column, Format, Table, TableWriter, Words};

use crate::outcome::CallError;
use crate::progress::Progress;
use row::HEALTHY;

/// What cannot be said of a case, as its fleet does not show it.
const NOT_SHOWN: &str = "not shown";
/// Scenarios that one seed may have of each fault; the next seed has others.
const A_SEED: u64 = 1_000_000;

/// Which cases are simulated.
#[derive(Debug)]
pub(crate) struct FaultLog<'a> {
    /// Cases of each fault, of each look-alike and of the healthy fleet.
    pub(crate) count: u64,
    /// Only these: faults, look-alikes, `healthy`; all if there are none.
    pub(crate) only: &'a [String],
    /// Which cases: others with another seed.
    pub(crate) seed: u64,
    /// Seconds after the beginning of a fault that are looked at.
    pub(crate) window: u64,
}

impl FaultLog<'_> {
    /// Simulates the cases and writes them to `path`; gives the number of rows.
    pub(crate) fn write(&self, path: &Path, progress: &Progress) -> Result<u64, CallError> {
        let shown = path.display().to_string();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let format = match ending {
            Some("csv") => Format::Csv,
            Some("parquet") => Format::Parquet,
            _ => {
                return Err(CallError::input(format!(
                    "--fault-log {shown}: expected a name that ends in .csv or .parquet"
                )));
            }
        };
        let ids = self.ids()?;
        // Said before anything is simulated.
        let file = File::create(path).map_err(CallError::write(&shown))?;
        let knowledge = Knowledge::embedded();
        let count = self.count * ids.len() as u64;
        progress.steps("simulating", count);
        let mut cases = Vec::new();
        for number in 1..=self.count {
            for id in &ids {
                let number = self.seed.wrapping_mul(A_SEED).wrapping_add(number).max(1);
                let case = row::case(id, number, self.window, &knowledge);
                cases.push(case.map_err(CallError::input)?);
                progress.at(cases.len() as u64);
            }
        }
        let mut writer = TableWriter::new(BufWriter::new(file), format);
        let rows = cases.iter().map(|case| (case.scenario.clone(), &case.features, case.fault));
        writer.write(&table(&rows.collect::<Vec<_>>())).map_err(CallError::write(&shown))?;
        writer.finish().map_err(CallError::write(&shown))?;
        progress.done();
        Ok(count)
    }

    fn ids(&self) -> Result<Vec<&'static str>, CallError> {
        let all = faults().chain(LOOKALIKES).map(|fault| fault.id).chain([HEALTHY]);
        let all: Vec<&'static str> = all.collect();
        if self.only.is_empty() {
            return Ok(all);
        }
        let known = |wanted: &String| {
            all.iter().copied().find(|id| id == wanted).ok_or_else(|| {
                let nearest = auscult_core::nearest(wanted, all.iter().copied());
                let hint = nearest.map_or_else(
                    || "`auscult simulate --list` shows the faults".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                CallError::input(format!("there is no fault `{wanted}`; {hint}"))
            })
        };
        self.only.iter().map(known).collect()
    }
}

/// What a case is called, what could be known of it, and its fault.
pub(crate) type CaseRow<'a> = (String, &'a BTreeMap<String, String>, &'a str);

/// `scenario`, what could be known, and last `fault`.
pub(crate) fn table(cases: &[CaseRow<'_>]) -> Table {
    let names: BTreeSet<&String> = cases.iter().flat_map(|(_, known, _)| known.keys()).collect();
    let said = |name: &String, known: &BTreeMap<String, String>| {
        known.get(name).cloned().unwrap_or_else(|| NOT_SHOWN.to_owned())
    };
    let scenario = column("scenario", cases.iter().map(|(scenario, ..)| scenario.clone()));
    let features = names
        .into_iter()
        .map(|name| column(name, cases.iter().map(|(_, known, _)| said(name, known))));
    let fault = column("fault", cases.iter().map(|(.., fault)| (*fault).to_owned()));
    Table::new([scenario].into_iter().chain(features).chain([fault]).collect())
}

fn column(name: &str, words: impl Iterator<Item = String>) -> Column {
    let mut distinct: Vec<String> = Vec::new();
    let rows = words.map(|word| {
        let place = distinct.iter().position(|known| *known == word).unwrap_or_else(|| {
            distinct.push(word);
            distinct.len() - 1
        });
        u32::try_from(place).ok()
    });
    let rows = rows.collect();
    Column { name: name.to_owned(), cells: Cells::Words(Words { rows, distinct }) }
}
