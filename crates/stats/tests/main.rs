//! Statistics and linear models against reference programs.

mod golden_linear;
mod golden_seasonal;
mod golden_two_sample;

use serde_json::Value;

/// The numbers under `key`.
fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list of numbers");
    list.iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// Panics unless `got` and `expected` agree to `relative` of their size.
#[track_caller]
fn close(what: &str, got: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        let apart = (got - expected).abs();
        assert!(apart <= relative * expected.abs(), "{what}[{at}]: {got}, expected {expected}");
    }
}
