//! Agreement of the change methods with pandas, river and plain numpy; see
//! `golden/change.py`.

use std::collections::BTreeMap;

use auscult_core::{Detector, Sample, SettingsMap, Timestamp};
use auscult_detect::change::{Bocpd, BocpdSettings, EwmaSettings, EwmaZScore};
use serde::Deserialize;
use serde_json::json;

use crate::agreement::{agree, scores, scores_or_gaps};

#[derive(Deserialize)]
struct Golden {
    ewma: Vec<Ewma>,
    cusum: Vec<Cusum>,
    page_hinkley: Vec<PageHinkley>,
    bocpd: Vec<BocpdCase>,
}

#[derive(Deserialize)]
struct Ewma {
    values: Vec<f64>,
    weight: f64,
    adjust: bool,
    scores: Vec<f64>,
}

#[derive(Deserialize)]
struct Cusum {
    values: Vec<f64>,
    k: f64,
    h: f64,
    warmup: usize,
    reference: String,
    restart: bool,
    scores: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct PageHinkley {
    values: Vec<f64>,
    min_instances: usize,
    delta: f64,
    threshold: f64,
    alpha: f64,
    mode: String,
    /// `None` where river does not test.
    statistics: Vec<Option<f64>>,
    changes: Vec<usize>,
}

#[derive(Deserialize)]
struct BocpdCase {
    values: Vec<f64>,
    between: f64,
    warmup: usize,
    prior: [f64; 4],
    lag: u64,
    scores: Vec<f64>,
    /// After so many values, the probability of each run length from 0 on.
    posteriors: BTreeMap<usize, Vec<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/change.json")).expect("as golden/change.py wrote it")
}

/// The method of the catalogue, with settings as a person would give them.
fn build(method: &str, settings: serde_json::Value) -> Box<dyn Detector> {
    let settings: SettingsMap = serde_json::from_value(settings).expect("an object");
    let build = auscult_detect::find(method).and_then(|method| method.online);
    build.expect("watches streams")(&settings, 1).expect("in range")
}

#[test]
fn ewma_agrees_with_pandas() {
    for Ewma { values, weight, adjust, scores: expected } in golden().ewma {
        let settings = EwmaSettings { weight, adjust, warmup: 2, ..Default::default() };
        let mut method = EwmaZScore::new(settings, 1).expect("in range");
        agree("ewma", &scores(&mut method, &values), &expected, 1e-10);
    }
}

#[test]
fn cusum_agrees_with_the_textbook() {
    for case in golden().cusum {
        let Cusum { values, k, h, warmup, reference, restart, scores: expected } = case;
        let settings = json!({
            "k": k, "h": h, "warmup": warmup, "reference": reference, "restart": restart,
        });
        let found = scores_or_gaps(build("cusum", settings).as_mut(), &values);
        let (found, expected): (Vec<f64>, Vec<f64>) = found
            .iter()
            .zip(&expected)
            .map(|(found, expected)| {
                assert_eq!(found.is_some(), expected.is_some());
                (found.unwrap_or(0.0), expected.unwrap_or(0.0))
            })
            .unzip();
        agree("cusum", &found, &expected, 1e-10);
    }
}

#[test]
fn page_hinkley_agrees_with_river() {
    for case in golden().page_hinkley {
        let settings = json!({
            "delta": case.delta, "lambda": case.threshold, "alpha": case.alpha,
            "warmup": case.min_instances, "side": case.mode, "standardise": false,
        });
        let found = scores_or_gaps(build("page-hinkley", settings).as_mut(), &case.values);
        let found: Vec<f64> =
            found.iter().map(|score| score.unwrap_or(0.0) * case.threshold).collect();
        let expected: Vec<f64> =
            case.statistics.iter().map(|statistic| statistic.unwrap_or(0.0)).collect();
        agree("page-hinkley", &found, &expected, 1e-9);
        let changes: Vec<usize> =
            (0..found.len()).filter(|row| found[*row] > case.threshold).collect();
        assert_eq!(changes, case.changes);
    }
}

#[test]
fn bocpd_agrees_with_the_whole_posterior() {
    for case in golden().bocpd {
        let [prior_mean, prior_weight, prior_shape, prior_scale] = case.prior;
        let settings = BocpdSettings {
            between: case.between,
            lag: case.lag,
            warmup: case.warmup,
            prior_mean,
            prior_weight,
            prior_shape,
            prior_scale,
            max_runs: 1000,
            min_probability: 0.0,
            ..Default::default()
        };
        let mut method = Bocpd::new(settings).expect("in range");
        let mut found = Vec::new();
        for (at, value) in case.values.iter().enumerate() {
            let sample = [*value];
            let sample = Sample::new(Timestamp::from_seconds(at as i64), &sample).expect("finite");
            found.extend(method.update(sample).expect("one channel").ready());
            if let Some(expected) = case.posteriors.get(&(at + 1)) {
                let mut posterior = vec![0.0; at + 2];
                for (length, probability) in method.run_lengths() {
                    posterior[length as usize] = probability;
                }
                agree("bocpd posterior", &posterior, expected, 1e-9);
            }
        }
        agree("bocpd", &found, &case.scores, 1e-9);
    }
}
