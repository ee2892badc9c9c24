//! Agreement with PyOD and scikit-learn; the file is written by `golden/density.py`.

use auscult_core::{Estimator, Frame, Model};
use auscult_detect::density::{
    Copod, Ecod, Hbos, HbosSettings, Knn, KnnSettings, Lof, LofSettings,
};
use serde_json::Value;

/// Relative to 1 and the score, after ALGORITHMS: deterministic methods are exact.
const TOLERANCE: f64 = 1e-9;

fn cases() -> Vec<Value> {
    let golden: Value =
        serde_json::from_str(include_str!("golden/density.json")).expect("a JSON file");
    golden["cases"].as_array().expect("a list").clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    let number = |value: &Value| value.as_f64().expect("a number");
    value.as_array().expect("a list").iter().map(number).collect()
}

/// As [`numbers`], where some may be left out.
fn known(value: &Value) -> Vec<Option<f64>> {
    value.as_array().expect("a list").iter().map(Value::as_f64).collect()
}

fn whole(value: &Value) -> usize {
    value.as_u64().expect("a whole number") as usize
}

/// Fits the history of `case`, and compares scores less `offset` with `expected`.
fn agrees<E: Estimator>(
    what: &str,
    method: &E,
    case: &Value,
    expected: &Value,
    offset: impl Fn(&E::Fitted) -> f64,
) {
    let columns = whole(&case["columns"]);
    let (history, new) = (numbers(&case["history"]), numbers(&case["new"]));
    let frame = Frame::new(&history, columns).expect("finite");
    let fit = method.fit(&frame).expect("enough rows");
    let new = fit.model.score(&Frame::new(&new, columns).expect("finite")).expect("same width");
    let offset = offset(&fit.model);
    for (part, got, expected) in
        [("history", &fit.scores, &expected["scores"]), ("new", &new, &expected["new_scores"])]
    {
        let expected = known(expected);
        assert_eq!(got.len(), expected.len());
        assert!(expected.iter().flatten().count() * 2 >= expected.len(), "too few to compare");
        for (row, (got, expected)) in got.iter().zip(expected).enumerate() {
            let Some(expected) = expected else { continue };
            let got = got - offset;
            assert!(
                (got - expected).abs() <= TOLERANCE * (1.0 + expected.abs()),
                "{what}, {columns} columns, {part} row {row}: {got}, expected {expected}"
            );
        }
    }
}

#[test]
fn hbos_equals_pyod() {
    for case in cases() {
        for expected in case["hbos"].as_array().expect("a list") {
            let settings = HbosSettings {
                bins: whole(&expected["bins"]),
                alpha: expected["alpha"].as_f64().expect("a number"),
                tolerance: expected["tolerance"].as_f64().expect("a number"),
                standardise: false,
            };
            let method = Hbos::new(settings).expect("in range");
            agrees("hbos", &method, &case, expected, |model| model.offset);
        }
    }
}

#[test]
fn ecod_and_copod_equal_pyod() {
    for case in cases() {
        agrees("ecod", &Ecod, &case, &case["ecod"], |_| 0.0);
        agrees("copod", &Copod, &case, &case["copod"], |_| 0.0);
    }
}

#[test]
fn knn_equals_pyod() {
    for case in cases() {
        for expected in case["knn"].as_array().expect("a list") {
            let statistic = serde_json::from_value(expected["statistic"].clone());
            let settings = KnnSettings {
                neighbours: whole(&expected["neighbours"]),
                statistic: statistic.expect("a known statistic"),
                standardise: false,
            };
            agrees("knn", &Knn::new(settings).expect("in range"), &case, expected, |_| 0.0);
        }
    }
}

#[test]
fn lof_equals_scikit_learn() {
    for case in cases() {
        for expected in case["lof"].as_array().expect("a list") {
            let neighbours = whole(&expected["neighbours"]);
            let method = Lof::new(LofSettings { neighbours, standardise: false });
            agrees("lof", &method.expect("in range"), &case, expected, |_| 0.0);
        }
    }
}
