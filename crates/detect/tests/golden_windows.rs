//! Agreement with scikit-learn on lag windows; the file is written by `golden/windows.py`.

use auscult_core::{Estimator, Frame};
use auscult_detect::subsequence::{KMeansAd, KMeansAdSettings, SubPca, SubPcaSettings};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/windows.json")).expect("a JSON file")
}

fn cases(kind: &str) -> Vec<Value> {
    golden()[kind].as_array().expect("a list").clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn whole(value: &Value) -> usize {
    value.as_u64().expect("a whole number") as usize
}

/// Compares to `tolerance`, relative to the number expected.
fn close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (row, (got, expected)) in got.iter().zip(expected).enumerate() {
        let apart = (got - expected).abs();
        assert!(apart <= tolerance * expected, "{what}, row {row}: {got}, expected {expected}");
    }
}

/// To 1e-8 relative.
#[test]
fn sub_pca_scores_are_those_by_the_components_of_scikit_learn() {
    for case in cases("sub_pca") {
        let window = whole(&case["window"]);
        let values = numbers(&case["values"]);
        let settings = SubPcaSettings {
            window: Some(window),
            noise: golden()["noise"].as_f64().expect("a number"),
        };
        let method = SubPca::new(settings).expect("in range");
        let fit = method.fit(&Frame::of_column(&values).expect("finite")).expect("enough rows");
        close(&format!("window {window}"), &fit.scores, &numbers(&case["scores"]), 1e-8);
    }
}

/// To 1e-9 relative, from whatever beginning: the groups are clear.
#[test]
fn kmeans_ad_scores_are_those_by_the_clusters_of_scikit_learn() {
    for case in cases("kmeans") {
        let (window, clusters) = (whole(&case["window"]), whole(&case["clusters"]));
        let values = numbers(&case["values"]);
        let frame = Frame::new(&values, whole(&case["channels"])).expect("whole rows");
        for seed in 0..3 {
            let method = KMeansAd::new(KMeansAdSettings { window: Some(window), clusters, seed });
            let fit = method.expect("in range").fit(&frame).expect("enough rows");
            assert_eq!(fit.model.clusters(), clusters);
            let what = format!("window {window}, seed {seed}");
            close(&what, &fit.scores, &numbers(&case["scores"]), 1e-9);
        }
    }
}
