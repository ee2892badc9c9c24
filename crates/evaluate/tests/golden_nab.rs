//! The scorer of the Numenta Anomaly Benchmark against the published outcomes of 16
//! detectors; skipped, in words, where the data are not at hand.
//! `AUSCULT_SHARED_DATA` names the folder.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use auscult_evaluate::*;
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("AUSCULT_SHARED_DATA").map_or(beside, PathBuf::from);
    let folder = folder.join("anomaly/nab");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA to try it", folder.display());
    None
}

fn unpacked(path: &Path) -> String {
    let file = std::fs::File::open(path).expect("a file of the data set");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzipped text");
    text
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a file of the data set");
    serde_json::from_str(&text).expect("JSON")
}

/// For each file, in alphabetical order: its name, rows, and windows.
fn files(folder: &Path) -> Vec<(String, usize, Vec<Segment>)> {
    let windows = json(&folder.join("labels/combined_windows.json"));
    let windows = windows.as_object().expect("a list of windows for each file");
    let mut files: Vec<_> = windows
        .iter()
        .map(|(name, windows)| {
            let text = unpacked(&folder.join("data").join(format!("{name}.gz")));
            let times: Vec<&str> =
                text.lines().skip(1).map(|line| line.split(',').next().expect("a time")).collect();
            let row = |time: &Value| {
                // Times of windows carry fractions of a second, all zero.
                let time = time.as_str().expect("a time").split('.').next();
                times.iter().position(|other| Some(*other) == time).expect("the time of a row")
            };
            let windows = windows.as_array().expect("windows");
            let windows = windows
                .iter()
                .map(|window| Segment { start: row(&window[0]), end: row(&window[1]) })
                .collect();
            (name.clone(), times.len(), windows)
        })
        .collect();
    files.sort();
    files
}

/// The scores of one detector, for each file.
fn scores(path: &Path) -> HashMap<String, Vec<f64>> {
    let text = unpacked(path);
    let mut lines = text.lines();
    let mut scores = HashMap::new();
    while let Some((name, rows)) = lines.next().and_then(|line| line.rsplit_once(',')) {
        let rows: usize = rows.parse().expect("a number of rows");
        let file = lines.by_ref().take(rows).map(|line| line.parse().expect("a score"));
        scores.insert(name.to_owned(), file.collect());
    }
    scores
}

#[test]
fn published_detectors_get_their_published_scores() {
    let Some(folder) = folder() else { return };
    let files = files(&folder);
    let expected = json(&folder.join("golden/expected.json"));
    let mut compared = 0;
    for detector in ["ARTime", "numenta", "randomCutForest", "relativeEntropy", "windowedGaussian"]
    {
        let mut scores = scores(&folder.join(format!("golden/scores_{detector}.txt.gz")));
        let series: Vec<NabSeries> = files
            .iter()
            .map(|(name, rows, windows)| {
                let scores = scores.remove(name).expect("scores for the file");
                assert_eq!(scores.len(), *rows, "{name}");
                NabSeries::new(scores, windows.clone(), nab_probation(*rows)).expect(name)
            })
            .collect();
        for profile in &NAB_PROFILES {
            let best = nab_sweep(&series, profile);
            let expected = &expected["detectors"][detector][profile.name];
            for (key, got) in [
                ("best_threshold", best.threshold),
                ("raw_score", best.raw),
                ("normalised", best.normalised),
            ] {
                let want = expected[key].as_f64().expect("a number");
                assert!(
                    (got - want).abs() < 1e-9,
                    "{detector} {} {key}: {got}, want {want}",
                    profile.name
                );
                compared += 1;
            }
            let again = nab_at_threshold(&series, profile, best.threshold);
            assert!((again.raw - best.raw).abs() < 1e-9);
            let held_out = nab_cross_halves(&series, profile);
            assert!(held_out <= best.normalised, "{detector}: an oracle cannot be beaten");
        }
    }
    assert_eq!(compared, 45);
}

/// For the eleven detectors whose rows are not at hand: the scale of their raw
/// scores is that of [`nab_sweep`], which starts from the same perfect and null.
#[test]
fn the_scale_is_that_of_all_published_detectors() {
    let Some(folder) = folder() else { return };
    let expected = json(&folder.join("golden/expected.json"));
    let windows: Vec<Vec<Segment>> =
        files(&folder).into_iter().map(|(_, _, windows)| windows).collect();
    let detectors = expected["detectors"].as_object().expect("detectors");
    assert_eq!(detectors.len(), 16);
    for profile in &NAB_PROFILES {
        // No alarm at all is 0; an alarm on each first row of a window is 100.
        let outcome = |alarmed: bool| {
            let series: Vec<NabSeries> = windows
                .iter()
                .map(|windows| {
                    let rows = windows.last().map_or(10, |window| window.end + 1);
                    let mut scores = vec![0.0; rows];
                    for window in windows.iter().filter(|_| alarmed) {
                        scores[window.start] = 1.0;
                    }
                    NabSeries::new(scores, windows.clone(), 0).expect("windows in order")
                })
                .collect();
            nab_at_threshold(&series, profile, 0.5)
        };
        let (nothing, everything) = (outcome(false), outcome(true));
        assert!(nothing.normalised.abs() < 1e-9 && (everything.normalised - 100.0).abs() < 1e-9);
        for (name, outcomes) in detectors {
            let number = |key: &str| outcomes[profile.name][key].as_f64().expect("a number");
            let share = (number("raw_score") - nothing.raw) / (everything.raw - nothing.raw);
            assert!((100.0 * share - number("normalised")).abs() < 1e-9, "{name}");
        }
    }
}
