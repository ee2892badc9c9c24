//! AI4I 2020: modes in which a milling machine fails.

use std::f64::consts::PI;
use std::path::Path;

use auscult_diagnose::learn::{FaultLog, FeatureColumn, Validation};

use super::super::aim::Bound::AtLeast;
use super::super::learnt::{self, COLUMNS};
use super::super::sheet::{Sheet, number};
use super::super::{Aim, Order, Published, Set, Table};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "ai4i",
    title: "AI4I 2020, failures of a milling machine",
    source: "UCI, AI4I 2020 Predictive Maintenance Dataset, 7,000 of its rows",
    mark: "ai4i2020_public.csv.gz",
    protocol: "Classes none, TWF, HDF, PWF and OSF, the first that applies; RNF is chance and left out. Five folds, row number modulo \
               5, predictions pooled. Ways of learning as in `openstack`, forests of 300 trees. The second table adds three inputs that who \
               knows the machine would make: power, difference of temperatures, wear times torque.",
    methods: || learnt::METHODS.to_vec(),
    measure,
};

const MODES: [&str; 4] = ["TWF", "HDF", "PWF", "OSF"];

const FOLDS: usize = 5;

const TREES: usize = 300;

const PUBLISHED: &[Published] = &[
    Published {
        who: "scikit-learn, tree",
        figures: &[("macro_f1", 0.59)],
        note: "its defaults, five folds on these rows, inputs as recorded",
    },
    Published {
        who: "scikit-learn, forest of 300",
        figures: &[("macro_f1", 0.60)],
        note: "its defaults, five folds on these rows, inputs as recorded",
    },
];

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let path = folder.join(SET.mark);
    let sheet = Sheet::read(&path)?;
    let mut tables = Vec::new();
    for (title, knows, published) in [
        ("inputs as recorded", false, PUBLISHED),
        ("with inputs that knowledge makes", true, &[][..]),
    ] {
        let log = load(&sheet, &path, knows)?;
        let folds = Validation::Given((0..log.rows()).map(|row| row % FOLDS).collect());
        let aims = vec![
            Aim { method: "auto", key: "macro_f1", bound: AtLeast(0.59) },
            Aim { method: "forest", key: "macro_f1", bound: AtLeast(0.60) },
        ];
        tables.push(Table {
            title: title.to_owned(),
            cases: format!("{} rows; series are inputs.", log.rows()),
            columns: COLUMNS,
            order: Order::HighestFirst,
            lines: learnt::measure(&log, Some("none"), &folds, TREES, methods)?,
            published,
            aims,
        });
    }
    Ok(tables)
}

fn load(sheet: &Sheet, path: &Path, knows: bool) -> Result<FaultLog, CallError> {
    let place = |name: &str| sheet.place(name, path);
    let column = |name: &str| -> Result<Vec<f64>, CallError> {
        let at = place(name)?;
        let values: Vec<f64> = sheet.rows.iter().map(|row| number(&row[at])).collect();
        match values.iter().position(|value| value.is_nan()) {
            Some(row) => Err(wrong(path, format_args!("`{name}` in row {} is no number", row + 1))),
            None => Ok(values),
        }
    };
    let kind = place("Type")?;
    let kinds: Vec<&str> = sheet.rows.iter().map(|row| row[kind].as_str()).collect();
    let mut columns = vec![learnt::words("Type", &kinds)];
    let recorded = [
        "Air temperature [K]",
        "Process temperature [K]",
        "Rotational speed [rpm]",
        "Torque [Nm]",
        "Tool wear [min]",
    ];
    let [air, process, speed, torque, wear] = recorded.map(column);
    let (air, process, speed, torque, wear) = (air?, process?, speed?, torque?, wear?);
    if knows {
        let both =
            |name: &str, one: &[f64], other: &[f64], of: fn(f64, f64) -> f64| -> FeatureColumn {
                let values = one.iter().zip(other).map(|(one, other)| of(*one, *other));
                learnt::numbers(name, values.collect())
            };
        columns
            .push(both("power, W", &torque, &speed, |torque, rpm| torque * 2.0 * PI * rpm / 60.0));
        columns.push(both("process less air, K", &process, &air, |process, air| process - air));
        columns.push(both("wear times torque", &wear, &torque, |wear, torque| wear * torque));
    }
    for (name, values) in recorded.into_iter().zip([air, process, speed, torque, wear]) {
        columns.push(learnt::numbers(name, values));
    }
    let modes: Vec<(usize, &str)> =
        MODES.into_iter().map(|mode| Ok((place(mode)?, mode))).collect::<Result<_, CallError>>()?;
    let cause = |row: &Vec<String>| {
        modes.iter().find(|(at, _)| row[*at] == "1").map_or("none", |(_, mode)| *mode)
    };
    let causes: Vec<&str> = sheet.rows.iter().map(cause).collect();
    learnt::log("mode", &causes, columns)
}
