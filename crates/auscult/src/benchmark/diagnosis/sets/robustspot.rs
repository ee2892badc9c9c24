//! RobustSpot's incidents of a video service: which attribute values carry a drop.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Instant;

use auscult_diagnose::explain::segments::{
    AdtributorOptions, Attribute, Cells, Measure, ScanOptions, ValueSet, adtributor, scan,
};
use auscult_evaluate::{accuracy_at, average_accuracy};
use serde::Deserialize;

use super::super::aim::Bound::AtLeast;
use super::super::ranked::SERVICE;
use super::super::sheet::{Sheet, number};
use super::super::{Aim, Line, Order, Published, Set, Table};
use crate::benchmark::files::{text, wrong};
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "robustspot",
    title: "RobustSpot, success counts of a video service by three to five attributes",
    source: "github shaido987/riskloc, folder data/RS",
    mark: "labels.json",
    protocol: "A method sees the minute of the anomaly and the four before, and names combinations of attribute values; a \
               hit is the exact combination. The one constant of `segment-scan` was chosen on these incidents, see its \
               test: chosen on either half and judged on the other it has AC@1 0.750 and AC@3 0.853.",
    methods: || vec!["segment-scan", "adtributor"],
    measure,
};

const PUBLISHED: &[Published] = &[
    Published {
        who: "RobustSpot",
        figures: &[("ac1", 0.66), ("ac3", 0.85)],
        note: "its own code on these incidents, k = 3, λ = 100, confidence 0.8, 600 ms a case",
    },
    Published {
        who: "Adtributor",
        figures: &[("ac1", 0.35), ("ac3", 0.49)],
        note: "on these incidents, 40 ms a case; single attributes only",
    },
];

/// Minutes before the anomaly whose mean is the forecast.
const BEFORE: usize = 4;

/// A combination of attribute values.
type Combination = BTreeMap<String, String>;

/// A line of the labels.
#[derive(Deserialize)]
struct Label {
    case: String,
    timestamp: i64,
    attributes: Vec<String>,
    cause: Vec<Combination>,
}

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let (cases, labels) = load(folder)?;
    let leaves: usize = cases.iter().map(|cells| cells.cells().len()).sum();
    let line = |method: &&'static str| {
        let start = Instant::now();
        let answers: Vec<Vec<Combination>> =
            cases.iter().map(|cells| answer(method, cells)).collect();
        let seconds = start.elapsed().as_secs_f64() / cases.len().max(1) as f64;
        let ranks: Vec<Option<usize>> = (answers.iter().zip(&labels))
            .map(|(answers, label)| {
                let place = answers.iter().position(|answer| label.cause.contains(answer));
                place.map(|place| place + 1)
            })
            .collect();
        let at = |k| accuracy_at(&ranks, k);
        Line {
            method,
            figures: vec![at(1), at(3), at(5), average_accuracy(&ranks, 5)],
            seconds,
            series: leaves as f64 / cases.len().max(1) as f64,
            refused: None,
        }
    };
    Ok(vec![Table {
        title: String::new(),
        cases: format!("{} incidents; series are cells of all attributes.", cases.len()),
        columns: SERVICE,
        order: Order::HighestFirst,
        lines: methods.iter().map(line).collect(),
        published: PUBLISHED,
        aims: vec![
            Aim { method: "segment-scan", key: "ac1", bound: AtLeast(0.66) },
            Aim { method: "segment-scan", key: "ac3", bound: AtLeast(0.85) },
        ],
    }])
}

/// The cells of every incident, in order of their names, and what is to be found in them.
fn load(folder: &Path) -> Result<(Vec<Cells>, Vec<Label>), CallError> {
    let path = folder.join(SET.mark);
    let mut labels: Vec<Label> =
        serde_json::from_str(&text(&path)?).map_err(|error| wrong(&path, error))?;
    labels.sort_by(|one, other| one.case.cmp(&other.case));
    let of =
        |label: &Label| cells(&folder.join("cases").join(format!("{}.csv.gz", label.case)), label);
    let cases = labels.iter().map(of).collect::<Result<_, _>>()?;
    Ok((cases, labels))
}

/// The cells of every incident.
pub(super) fn incidents(folder: &Path) -> Result<Vec<Cells>, CallError> {
    Ok(load(folder)?.0)
}

fn answer(method: &str, cells: &Cells) -> Vec<Combination> {
    let named = |values: Vec<(usize, usize)>| -> Combination {
        let name = |(attribute, value): (usize, usize)| {
            let attribute = &cells.attributes()[attribute];
            (attribute.name.clone(), attribute.values[value].clone())
        };
        values.into_iter().map(name).collect()
    };
    if method == "adtributor" {
        let sets = adtributor(cells, &AdtributorOptions::default()).into_iter();
        let single = |set: ValueSet| {
            set.values.into_iter().map(move |value| vec![(set.attribute, value.value)])
        };
        return sets.flat_map(single).map(named).collect();
    }
    scan(cells, &ScanOptions::default()).into_iter().map(|segment| named(segment.values)).collect()
}

/// The four minutes before the anomaly, and the anomaly.
fn cells(path: &Path, label: &Label) -> Result<Cells, CallError> {
    let sheet = Sheet::read(path)?;
    let places: Vec<usize> =
        (label.attributes.iter()).map(|name| sheet.place(name, path)).collect::<Result<_, _>>()?;
    let (minute, value, count) =
        (sheet.place("min", path)?, sheet.place("value", path)?, sheet.place("cnt", path)?);
    let time = |row: &[String]| number(&row[minute]) as i64;
    let mut earlier: Vec<i64> =
        sheet.rows.iter().map(|row| time(row)).filter(|time| *time < label.timestamp).collect();
    earlier.sort_unstable();
    earlier.dedup();
    let start = earlier.get(earlier.len().saturating_sub(BEFORE)).copied();
    let start = start.ok_or_else(|| wrong(path, "expected minutes before the anomaly"))?;
    let mut codes: Vec<HashMap<&str, u32>> = vec![HashMap::new(); places.len()];
    let mut attributes: Vec<Attribute> = (label.attributes.iter())
        .map(|name| Attribute { name: name.clone(), values: Vec::new() })
        .collect();
    // The codes of all rows, so that a value keeps its code whichever minutes are looked at.
    let mut coded = Vec::with_capacity(sheet.rows.len());
    for row in &sheet.rows {
        let mut of_row = Vec::with_capacity(places.len());
        for (at, place) in places.iter().enumerate() {
            let next = attributes[at].values.len() as u32;
            let code = *codes[at].entry(&row[*place]).or_insert(next);
            if code == next {
                attributes[at].values.push(row[*place].clone());
            }
            of_row.push(code);
        }
        coded.push(of_row);
    }
    let mut cells = Cells::new(Measure::Ratio, attributes, (BEFORE as f64, 1.0));
    for (row, codes) in sheet.rows.iter().zip(&coded) {
        if (start..=label.timestamp).contains(&time(row)) {
            let is_after = time(row) == label.timestamp;
            cells.add(codes, is_after, number(&row[value]), number(&row[count]));
        }
    }
    Ok(cells)
}
