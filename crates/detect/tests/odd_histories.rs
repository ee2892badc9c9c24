//! Seasonal and subsequence methods take any history, however odd.

use auscult_core::{Frame, SettingsMap, Timestamp, serde_json};
use auscult_detect::find;
use proptest::prelude::*;

/// Readings among which equal, tiny and huge ones are common.
fn readings() -> impl Strategy<Value = Vec<f64>> {
    let reading = prop_oneof![
        4 => (-3..3_i32).prop_map(f64::from),
        2 => -1e3..1e3,
        1 => prop::sample::select(vec![0.0, 1e-300, -1e-300, 1e100, -1e100, 1e300, 1e-9]),
    ];
    prop::collection::vec(reading, 3..80)
}

fn settings() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("seasonal-trend", "{}"),
        ("seasonal-trend", r#"{"period": 2, "seasonal_window": 3, "trend_window": 3}"#),
        ("seasonal-trend", r#"{"period": 5, "robust_rounds": 0}"#),
        ("seasonal-trend", r#"{"period": 0, "trend_window": 1000000}"#),
        ("holt-winters", "{}"),
        ("holt-winters", r#"{"period": 3, "damping": 1.0, "level_rate": 1.0, "trend_rate": 1.0}"#),
        ("holt-winters", r#"{"clip": 1e300, "level_rate": 0.9, "trend_rate": 0.9}"#),
        ("matrix-profile", "{}"),
        ("matrix-profile", r#"{"window": 3}"#),
    ])
}

proptest! {
    #[test]
    fn scores_and_explanations_are_finite(
        (name, map) in settings(),
        values in readings(),
        later in readings(),
        gaps in prop::collection::vec(0..4_i64, 80),
    ) {
        let map: SettingsMap = serde_json::from_str(map).expect("an object");
        let build = find(name).and_then(|method| method.batch).expect("a batch method");
        let estimator = build(&map).expect("in range");
        let mut second = 0;
        let times: Vec<Timestamp> = gaps[..values.len()]
            .iter()
            .map(|gap| {
                second += gap;
                Timestamp::from_seconds(second)
            })
            .collect();
        let history = Frame::of_column(&values).and_then(|frame| frame.with_times(&times));
        let history = history.expect("finite");
        let Ok(fit) = estimator.fit(&history) else { return Ok(()) };
        prop_assert_eq!(fit.scores.len(), values.len());
        let later = Frame::of_column(&later).expect("finite");
        let scores = fit.model.score(&later).expect("one channel");
        prop_assert_eq!(scores.len(), later.rows());
        for score in fit.scores.iter().chain(&scores) {
            prop_assert!(score.is_finite() && *score >= 0.0, "{name} scores {score}");
        }
        let own = fit.model.explain_history(&history, values.len() - 1, 4.0);
        let new = fit.model.explain(&later, later.rows() - 1, 4.0);
        for explanation in [own, new] {
            let explanation = explanation.expect("one channel").expect("always explained");
            prop_assert!(explanation.expected[0].is_finite(), "{name}: {explanation:?}");
            for band in explanation.band.iter().flatten() {
                prop_assert!(band.low <= band.high, "{name}: {explanation:?}");
            }
        }
    }
}
