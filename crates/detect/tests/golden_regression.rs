//! Agreement of the regression methods with scikit-learn and SciPy; see
//! `golden/regression.py`.

use auscult_core::{Estimator as _, Frame};
use auscult_detect::regression::{Estimator, Regression, RegressionSettings, Trend, TrendSettings};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/regression.json")).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

#[track_caller]
fn close(what: &str, got: &[f64], expected: &Value, tolerance: f64) {
    let expected = numbers(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    for (row, (got, expected)) in got.iter().zip(&expected).enumerate() {
        let apart = (got - expected).abs();
        assert!(apart <= tolerance * (1.0 + expected), "{what}, row {row}: {got}, not {expected}");
    }
}

/// Least squares to 1e-9; Huber to 1e-4, for scikit-learn stops by its own rule.
#[test]
fn residuals_against_other_columns_agree_with_scikit_learn() {
    let golden = golden();
    let readings = numbers(&golden["x"]);
    let frame = Frame::new(&readings, 3).expect("whole rows");
    let penalty = golden["penalty"].as_f64().expect("a number");
    for (name, estimator, tolerance) in [
        ("ols", Estimator::Ols, 1e-9),
        ("ridge", Estimator::Ridge, 1e-9),
        ("huber", Estimator::Huber, 1e-4),
    ] {
        let settings = RegressionSettings { estimator, penalty, ..Default::default() };
        let fit = Regression::new(settings).expect("in range").fit(&frame).expect("rows");
        close(name, &fit.scores, &golden[name], tolerance);
    }
}

#[test]
fn residuals_against_time_agree_with_scikit_learn_and_scipy() {
    let golden = golden();
    let readings = numbers(&golden["y"]);
    let frame = Frame::of_column(&readings).expect("finite");
    for (name, estimator) in [("ols", Estimator::Ols), ("theil-sen", Estimator::TheilSen)] {
        let settings = TrendSettings { estimator, ..Default::default() };
        let fit = Trend::new(settings).expect("in range").fit(&frame).expect("rows");
        close(name, &fit.scores, &golden["trend"][name], 1e-9);
    }
}
