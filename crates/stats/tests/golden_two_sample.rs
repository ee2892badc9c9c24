//! Comparisons of two samples against SciPy and statsmodels.

use auscult_stats::two_sample::{
    Independence, brown_forsythe, kolmogorov_smirnov, long_run_variance, mann_whitney, mean_shift,
};
use serde_json::Value;

use crate::{close, numbers};

#[test]
fn tests_of_independent_rows_agree_with_scipy() {
    let golden: Value = serde_json::from_str(include_str!("golden/two_sample.json")).expect("JSON");
    let (before, after) = (numbers(&golden["before"]), numbers(&golden["after"]));
    let number = |test: &str, key: &str| golden[test][key].as_f64().expect("a number");
    let assumed = Independence::Assumed;

    let welch = mean_shift(&before, &after, assumed).expect("rows");
    for (key, got) in [
        ("t", welch.t),
        ("degrees", welch.degrees),
        ("p_value", welch.p_value),
        ("low", welch.interval.0),
        ("high", welch.interval.1),
    ] {
        close(key, &[got], &[number("welch", key)], 1e-9);
    }
    let mann = mann_whitney(&before, &after, assumed).expect("rows");
    close("u", &[mann.u], &[number("mann_whitney", "u")], 1e-12);
    close("p of u", &[mann.p_value], &[number("mann_whitney", "p_value")], 1e-9);
    let smirnov = kolmogorov_smirnov(&before, &after, assumed).expect("rows");
    close("distance", &[smirnov.distance], &[number("kolmogorov_smirnov", "distance")], 1e-12);
    close("p", &[smirnov.p_value], &[number("kolmogorov_smirnov", "p_value")], 1e-9);
    let spread = brown_forsythe(&before, &after, assumed).expect("rows");
    close("f", &[spread.f], &[number("brown_forsythe", "f")], 1e-9);
    close("p of f", &[spread.p_value], &[number("brown_forsythe", "p_value")], 1e-9);
    let expected = golden["long_run_variance"].as_f64().expect("a number");
    close("long-run variance", &[long_run_variance(&before, 7)], &[expected], 1e-9);
}
