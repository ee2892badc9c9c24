//! STL and autocorrelation agree with statsmodels; see `golden/seasonal.py`.

use auscult_stats::autocorrelation::autocorrelation;
use auscult_stats::loess::Loess;
use auscult_stats::stl::Stl;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/seasonal.json")).expect("a JSON file")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|n| n.as_f64().expect("a number")).collect()
}

fn whole(value: &Value) -> usize {
    value.as_u64().expect("a whole number") as usize
}

fn loess(value: &Value) -> Loess {
    Loess {
        window: whole(&value[0]),
        degree: u8::try_from(whole(&value[1])).expect("0 or 1"),
        jump: whole(&value[2]),
    }
}

/// Relative to the size of the readings, about 20.
const TOLERANCE: f64 = 1e-6;

#[test]
fn stl_equals_statsmodels() {
    let golden = golden();
    let cases = golden["stl"].as_array().expect("cases");
    assert_eq!(cases.len(), 5);
    for (number, case) in cases.iter().enumerate() {
        let stl = Stl {
            period: whole(&case["period"]),
            seasonal: loess(&case["seasonal"]),
            trend: loess(&case["trend"]),
            low_pass: loess(&case["low_pass"]),
            inner: whole(&case["inner"]),
            outer: whole(&case["outer"]),
        };
        let parts = stl.decompose(&numbers(&case["values"]));
        for (ours, theirs) in
            [(parts.season, "season"), (parts.trend, "trend_values"), (parts.weights, "weights")]
        {
            for (row, (ours, expected)) in ours.iter().zip(numbers(&case[theirs])).enumerate() {
                assert!(
                    (ours - expected).abs() < TOLERANCE,
                    "case {number}, {theirs} of row {row}: {ours} and {expected}"
                );
            }
        }
    }
}

#[test]
fn autocorrelation_equals_statsmodels() {
    let golden = golden();
    let expected = numbers(&golden["autocorrelation"]["correlation"]);
    let values = numbers(&golden["autocorrelation"]["values"]);
    let ours = autocorrelation(&values, expected.len() - 1);
    for (lag, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
        assert!((ours - expected).abs() < 1e-12, "lag {lag}: {ours} and {expected}");
    }
}
