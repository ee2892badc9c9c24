//! What holds for the point and change methods whatever the readings.

use auscult_core::{Frame, SettingsMap};
use auscult_detect::{BuildDetector, find};
use proptest::prelude::*;

use crate::agreement::scores_or_gaps;

/// Methods whose scores do not depend on the unit of the readings.
const BATCH: &[&str] = &["zscore", "mad", "iqr", "gesd"];
const ONLINE: &[&str] =
    &["zscore", "mad", "iqr", "rolling-zscore", "rolling-median", "cusum", "page-hinkley", "bocpd"];

fn batch(name: &str, readings: &[f64]) -> Vec<f64> {
    let build = find(name).and_then(|method| method.batch).expect("learns from a history");
    let method = build(&SettingsMap::new()).expect("defaults are in range");
    method.fit(&Frame::of_column(readings).expect("finite")).expect("enough rows").scores
}

fn online(name: &str, readings: &[f64]) -> Vec<Option<f64>> {
    let build: BuildDetector =
        find(name).and_then(|method| method.online).expect("watches streams");
    let mut method = build(&SettingsMap::new(), 1).expect("defaults are in range");
    scores_or_gaps(method.as_mut(), readings)
}

/// Readings in steps of 1/64, so that shifts and scales by whole numbers are exact.
fn readings(least: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-6400_i32..6400).prop_map(|step| f64::from(step) / 64.0), least..300)
}

fn moved(readings: &[f64], shift: i32, scale: f64) -> Vec<f64> {
    readings.iter().map(|reading| (reading + f64::from(shift)) * scale).collect()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-6 * left.abs().max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn batch_scores_do_not_depend_on_the_unit(
        readings in readings(20),
        shift in -1000..1000,
        scale in prop::sample::select(vec![-1.0, 3.0, 0.125, -1024.0]),
    ) {
        let moved = moved(&readings, shift, scale);
        for name in BATCH {
            for (row, (left, right)) in
                batch(name, &readings).into_iter().zip(batch(name, &moved)).enumerate()
            {
                prop_assert!(close(left, right), "{name}, row {row}: {left}, moved {right}");
            }
        }
    }

    #[test]
    fn online_scores_do_not_depend_on_the_unit(
        readings in readings(20),
        shift in -1000..1000,
        scale in prop::sample::select(vec![-1.0, 3.0, 0.125, -1024.0]),
    ) {
        let moved = moved(&readings, shift, scale);
        for name in ONLINE {
            let pairs = online(name, &readings).into_iter().zip(online(name, &moved));
            for (row, (left, right)) in pairs.enumerate() {
                let (left, right) = (left.unwrap_or(0.0), right.unwrap_or(0.0));
                prop_assert!(close(left, right), "{name}, row {row}: {left}, moved {right}");
            }
        }
    }

    #[test]
    fn the_future_does_not_change_the_past(past in readings(1), future in readings(1)) {
        let whole = [past.clone(), future].concat();
        for name in ONLINE.iter().chain(&["ewma"]) {
            let alone = online(name, &past);
            prop_assert_eq!(&alone[..], &online(name, &whole)[..past.len()], "{}", name);
        }
    }
}
