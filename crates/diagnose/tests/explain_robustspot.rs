//! Segments against the labelled incidents of a video service (RobustSpot).

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use auscult_diagnose::explain::segments::{
    AdtributorOptions, Attribute, Cells, Measure, ScanOptions, adtributor, scan,
};
use serde_json::Value;

/// The data, which we may test on but not pass on: below `AUSCULT_SHARED_DATA`,
/// or below `../shared/data` seen from the root of the repository.
fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let root = std::env::var_os("AUSCULT_SHARED_DATA").map_or_else(|| beside.into(), PathBuf::from);
    let folder = root.join("diagnosis/robustspot");
    folder.is_dir().then_some(folder)
}

/// The four minutes before the anomaly, and the anomaly.
fn cells(file: &Path, attributes: &[String], moment: i64) -> Cells {
    let mut text = String::new();
    let bytes = std::fs::File::open(file).expect("a case");
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).expect("text");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let place = |name: &str| header.iter().position(|column| *column == name).expect("a column");
    let places: Vec<usize> = attributes.iter().map(|name| place(name)).collect();
    let (minute, value, count) = (place("min"), place("value"), place("cnt"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let time = |row: &[&str]| row[minute].parse::<i64>().expect("a time");
    let mut earlier: Vec<i64> = rows.iter().map(|row| time(row)).filter(|t| *t < moment).collect();
    earlier.sort_unstable();
    earlier.dedup();
    let start = earlier[earlier.len().saturating_sub(4)];
    let mut codes: Vec<HashMap<&str, u32>> = vec![HashMap::new(); places.len()];
    let mut known: Vec<Attribute> = attributes
        .iter()
        .map(|name| Attribute { name: name.clone(), values: Vec::new() })
        .collect();
    let mut coded = Vec::new();
    for row in &rows {
        let code = |(at, place): (usize, &usize)| {
            let next = known[at].values.len() as u32;
            *codes[at].entry(row[*place]).or_insert_with(|| {
                known[at].values.push(row[*place].to_owned());
                next
            })
        };
        coded.push(places.iter().enumerate().map(code).collect::<Vec<u32>>());
    }
    let mut cells = Cells::new(Measure::Ratio, known, (4.0, 1.0));
    for (row, codes) in rows.iter().zip(&coded) {
        if time(row) >= start && time(row) <= moment {
            let number = |at: usize| row[at].parse::<f64>().expect("a number");
            cells.add(codes, time(row) == moment, number(value), number(count));
        }
    }
    cells
}

type Combination = BTreeMap<String, String>;

fn named(cells: &Cells, values: impl IntoIterator<Item = (usize, usize)>) -> Combination {
    let name = |(attribute, value): (usize, usize)| {
        let attribute = &cells.attributes()[attribute];
        (attribute.name.clone(), attribute.values[value].clone())
    };
    values.into_iter().map(name).collect()
}

#[test]
fn segments_of_real_incidents_are_found_as_often_as_published() {
    let Some(folder) = folder() else {
        eprintln!("skipped: the RobustSpot data are not on this machine");
        return;
    };
    let labels = std::fs::read_to_string(folder.join("labels.json")).expect("labels");
    let labels: Vec<Value> = serde_json::from_str(&labels).expect("JSON");
    let (mut ours, mut theirs) = ([0, 0], [0, 0]);
    for label in &labels {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let attributes: Vec<String> =
            label["attributes"].as_array().expect("attributes").iter().map(text).collect();
        let truth: Vec<Combination> =
            serde_json::from_value(label["cause"].clone()).expect("combinations");
        let case = text(&label["case"]);
        let moment = label["timestamp"].as_i64().expect("a time");
        let cells = cells(&folder.join(format!("cases/{case}.csv.gz")), &attributes, moment);
        let found: Vec<Combination> = scan(&cells, &ScanOptions::default())
            .into_iter()
            .map(|segment| named(&cells, segment.values))
            .collect();
        let single: Vec<Combination> = adtributor(&cells, &AdtributorOptions::default())
            .into_iter()
            .flat_map(|set| set.values.into_iter().map(move |value| (set.attribute, value.value)))
            .map(|value| named(&cells, [value]))
            .collect();
        for (answers, hits) in [(&found, &mut ours), (&single, &mut theirs)] {
            let rank = answers.iter().position(|answer| truth.contains(answer));
            hits[0] += usize::from(rank == Some(0));
            hits[1] += usize::from(rank.is_some_and(|rank| rank < 3));
        }
    }
    let share = |hits: usize| hits as f64 / labels.len() as f64;
    eprintln!("scan AC@1 {:.2} AC@3 {:.2}", share(ours[0]), share(ours[1]));
    eprintln!("adtributor AC@1 {:.2} AC@3 {:.2}", share(theirs[0]), share(theirs[1]));
    assert!(share(ours[0]) >= 0.66 && share(ours[1]) >= 0.85);
    assert!(share(theirs[0]) >= 0.35 && share(theirs[1]) >= 0.49 - 0.005);
}
