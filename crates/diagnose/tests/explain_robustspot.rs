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

/// A case, and its true causes.
struct Case {
    cells: Cells,
    truth: Vec<Combination>,
}

/// All cases in the order of their names; `None` where the data are absent.
fn cases() -> Option<Vec<Case>> {
    let Some(folder) = folder() else {
        eprintln!("skipped: the RobustSpot data are not on this machine");
        return None;
    };
    let labels = std::fs::read_to_string(folder.join("labels.json")).expect("labels");
    let mut labels: Vec<Value> = serde_json::from_str(&labels).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    labels.sort_by_key(|label| text(&label["case"]));
    let case = |label: &Value| {
        let attributes: Vec<String> =
            label["attributes"].as_array().expect("attributes").iter().map(text).collect();
        let truth = serde_json::from_value(label["cause"].clone()).expect("combinations");
        let moment = label["timestamp"].as_i64().expect("a time");
        let file = folder.join(format!("cases/{}.csv.gz", text(&label["case"])));
        Case { cells: cells(&file, &attributes, moment), truth }
    };
    Some(labels.iter().map(case).collect())
}

/// Shares of the cases whose cause is named first, and among the first three.
fn shares<'c>(
    cases: impl Iterator<Item = &'c Case>,
    answer: impl Fn(&Cells) -> Vec<Combination>,
) -> [f64; 2] {
    let (mut hits, mut count) = ([0, 0], 0);
    for case in cases {
        let rank = answer(&case.cells).iter().position(|answer| case.truth.contains(answer));
        hits[0] += usize::from(rank == Some(0));
        hits[1] += usize::from(rank.is_some_and(|rank| rank < 3));
        count += 1;
    }
    hits.map(|hits| f64::from(hits as u32) / f64::from(count))
}

fn scanned(unevenness: f64) -> impl Fn(&Cells) -> Vec<Combination> {
    move |cells| {
        let options = ScanOptions { unevenness, ..ScanOptions::default() };
        let segments = scan(cells, &options).into_iter();
        segments.map(|segment| named(cells, segment.values)).collect()
    }
}

/// The unevenness that names most causes first, then most among three; of
/// several the one in the middle.
fn chosen(cases: &[&Case]) -> f64 {
    let steps: Vec<f64> = (1..=20).map(|step| f64::from(step) * 0.05).collect();
    let score = |unevenness: &f64| {
        let [first, three] = shares(cases.iter().copied(), scanned(*unevenness));
        (first * 1e6).round() + three
    };
    let scores: Vec<f64> = steps.iter().map(score).collect();
    let best = scores.iter().copied().fold(f64::MIN, f64::max);
    let good: Vec<f64> =
        steps.into_iter().zip(scores).filter(|(_, score)| *score == best).map(|(s, _)| s).collect();
    good[good.len() / 2]
}

/// The one constant of the scan is chosen on every other case, in the order of
/// their names, and judged on the rest; then the other way round.
#[test]
fn segments_are_found_on_cases_that_had_no_part_in_the_choice_of_the_constant() {
    let Some(cases) = cases() else { return };
    let half = |parity: usize| -> Vec<&Case> { cases.iter().skip(parity).step_by(2).collect() };
    let halves = [half(0), half(1)];
    let mut held_out = [0.0, 0.0];
    for (at, other) in [(0, 1), (1, 0)] {
        let unevenness = chosen(&halves[at]);
        let [first, three] = shares(halves[other].iter().copied(), scanned(unevenness));
        println!(
            "chosen on half {at}: {unevenness:.2}; on the other {} cases AC@1 {first:.3}, AC@3 \
             {three:.3}",
            halves[other].len()
        );
        held_out[0] += first / 2.0;
        held_out[1] += three / 2.0;
    }
    println!("held out, both halves: AC@1 {:.3}, AC@3 {:.3}", held_out[0], held_out[1]);
    for unevenness in [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.75, 1.0] {
        let [first, three] = shares(cases.iter(), scanned(unevenness));
        println!("all cases, unevenness {unevenness}: AC@1 {first:.3}, AC@3 {three:.3}");
    }
    // Measured: 0.750 and 0.853; RobustSpot itself has 0.66 and 0.85.
    assert!(held_out[0] >= 0.74 && held_out[1] >= 0.85, "{held_out:?}");
}

#[test]
fn single_values_of_real_incidents_are_found_as_often_as_published() {
    let Some(cases) = cases() else { return };
    let single = |cells: &Cells| -> Vec<Combination> {
        let sets = adtributor(cells, &AdtributorOptions::default()).into_iter();
        sets.flat_map(|set| set.values.into_iter().map(move |value| (set.attribute, value.value)))
            .map(|value| named(cells, [value]))
            .collect()
    };
    let [first, three] = shares(cases.iter(), single);
    println!("adtributor AC@1 {first:.2} AC@3 {three:.2}");
    assert!(first >= 0.35 && three >= 0.49 - 0.005);
}
