//! The columns of a fault log, of a scene.

use std::collections::BTreeMap;

use auscult_knowledge::Knowledge;

use super::{CHANGE, Change, Groups, PARTS, QUOTIENTS, SCRAPE, Side, scrape};
use crate::evidence::{CHANGED_AFTER, CHANGED_BEFORE, Window};
use crate::scene::{Scene, Target};

/// The signal by which a target says whether it answers.
const ANSWERS: &str = "target_up";
/// Programs that serve models count as one.
const ENGINES: [&str; 2] = ["vllm", "sglang"];

/// What can be said of a scene around the onset of `window`, in the columns and words of the fault
/// logs of `auscult simulate`. What logs say is left out, and scrapes where nothing tells of them.
pub fn features(knowledge: &Knowledge, scene: &Scene, window: Window) -> BTreeMap<String, String> {
    let mut groups = Groups::default();
    let mut scrapes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (number, target) in scene.targets().iter().enumerate() {
        // A group of peers is known by its first member.
        let peers = scene.peers(number).first().copied().unwrap_or(number).to_string();
        for (column, signal, label) in parts(target) {
            let Some(readings) = scene.readings(knowledge, number, signal, label) else { continue };
            let (before, after) = sides(&readings, window);
            if let Some(change) = Change::of(&before, &after) {
                groups.add(&column, &peers, change);
            }
            if let Some(program) = program(target).filter(|_| signal == ANSWERS && after.count > 0)
            {
                scrapes.entry(program).or_default().push(1.0 - after.mean);
            }
        }
        for (name, above, below) in QUOTIENTS {
            let means = |signal: &str| {
                // What others tell for it is told at these.
                target.tracks.iter().find(|track| track.signal == signal)?;
                let readings = scene.readings(knowledge, number, signal, None)?;
                let (before, after) = sides(&readings, window);
                Some([before.mean, after.mean])
            };
            let both = means(above).zip(means(below));
            let quotient = both.and_then(|(above, below)| Change::of_quotient((&above, &below)));
            if let Some(change) = quotient {
                groups.add(name, &peers, change);
            }
        }
    }
    let mut columns = groups.columns();
    for (program, failed) in scrapes {
        columns.insert(format!("{SCRAPE}{program}"), scrape(&failed).to_owned());
    }
    let began = scene.start() + window.onset as f64 * scene.step();
    let around = began - CHANGED_BEFORE..=began + CHANGED_AFTER;
    let change = scene.events().iter().find(|event| around.contains(&event.time));
    let change = change.map_or("none", |event| event.kind.as_str());
    columns.insert(CHANGE.to_owned(), change.to_owned());
    columns
}

/// What a target is scraped as, by the label `job` of the series that says whether it answers.
fn program(target: &Target) -> Option<&str> {
    let track = target.tracks.iter().find(|track| track.signal == ANSWERS)?;
    let job = track.labels.get("job")?;
    Some(if ENGINES.contains(&job) { "engine" } else { job })
}

/// The name and the value of a label.
type Label<'t> = (&'t str, &'t str);
/// A column, the signal that it tells of, and the label of its series, if it is a part of it.
type Part<'t> = (String, &'t str, Option<Label<'t>>);

/// The columns that the series of a target are told in.
fn parts(target: &Target) -> Vec<Part<'_>> {
    // By signal and value of the label: the label.
    let mut parts: BTreeMap<(&str, Option<&str>), Option<Label<'_>>> = BTreeMap::new();
    for track in &target.tracks {
        let label = track.labels.iter().find(|(name, _)| PARTS.contains(name));
        let value = label.map(|(_, value)| value);
        parts.entry((&track.signal, value)).or_insert(label);
    }
    let each = parts.into_iter().map(|((signal, value), label)| {
        let column = value.map_or_else(|| signal.to_owned(), |value| format!("{signal} {value}"));
        (column, signal, label)
    });
    each.collect()
}

/// Readings before the onset of `window` and after it.
fn sides(readings: &[f64], window: Window) -> (Side, Side) {
    let end = window.end.min(readings.len());
    let onset = window.onset.min(end);
    let mut before = side(&readings[window.from.min(onset)..onset]);
    let mut after = side(&readings[onset..end]);
    // A grid may be finer than what was scraped: what is there before says how much there should be.
    let whole = onset - window.from.min(onset);
    if before.came > 0 && whole > 0 {
        let expected = (end - onset) as f64 * before.came as f64 / whole as f64;
        after.missing = (expected - after.came as f64).max(0.0) as u64;
    }
    before.missing = 0;
    (before, after)
}

fn side(readings: &[f64]) -> Side {
    let there: Vec<f64> = readings.iter().copied().filter(|value| value.is_finite()).collect();
    let count = there.len() as f64;
    let mean = if there.is_empty() { 0.0 } else { there.iter().sum::<f64>() / count };
    let squares: f64 = there.iter().map(|value| (value - mean).powi(2)).sum();
    Side {
        count: there.len() as u64,
        came: there.len() as u64,
        missing: (readings.len() - there.len()) as u64,
        not_finite: 0,
        mean,
        least: there.iter().copied().fold(f64::INFINITY, f64::min),
        greatest: there.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        deviation: if there.len() < 2 { 0.0 } else { (squares / (count - 1.0)).sqrt() },
    }
}
