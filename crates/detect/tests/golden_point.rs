//! Agreement of the point methods with SciPy and pandas, and with Rosner's
//! formulas; see `golden/point.py`.

use auscult_core::{Estimator, Frame};
use auscult_detect::point::{
    Gesd, GesdSettings, Iqr, IqrSettings, Mad, MadSettings, RollingMedian, RollingMedianSettings,
    RollingZScore, RollingZScoreSettings, ZScore, ZScoreDetector, ZScoreSettings,
};
use serde::Deserialize;

use crate::agreement::{agree, scores};

#[derive(Deserialize)]
struct Golden {
    point: Vec<Point>,
    mostly_one: MostlyOne,
    gesd: Vec<GesdCase>,
    rolling: Vec<Rolling>,
    running: Running,
}

#[derive(Deserialize)]
struct Point {
    values: Vec<f64>,
    zscore0: Vec<f64>,
    zscore1: Vec<f64>,
    mad: Vec<f64>,
    iqr: Vec<f64>,
}

#[derive(Deserialize)]
struct MostlyOne {
    values: Vec<f64>,
    mad: Vec<f64>,
}

#[derive(Deserialize)]
struct GesdCase {
    values: Vec<f64>,
    alpha: f64,
    max_anomalies: f64,
    /// `R / λ` of each step.
    ratios: Vec<f64>,
    /// The row that each step takes out.
    rows: Vec<usize>,
    anomalies: usize,
}

#[derive(Deserialize)]
struct Rolling {
    values: Vec<f64>,
    window: usize,
    zscore0: Vec<f64>,
    zscore1: Vec<f64>,
    median: Vec<f64>,
}

#[derive(Deserialize)]
struct Running {
    values: Vec<f64>,
    warmup: usize,
    zscore0: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/point.json")).expect("as golden/point.py wrote it")
}

fn fit<E: Estimator>(method: &E, values: &[f64]) -> Vec<f64> {
    method.fit(&Frame::of_column(values).expect("finite")).expect("enough rows").scores
}

#[test]
fn batch_scores_agree_with_scipy() {
    for Point { values, zscore0, zscore1, mad, iqr } in golden().point {
        // At an offset of 1e9 the mean itself is only good to 1e-7.
        let tolerance = if values[0] > 1e8 { 1e-6 } else { 1e-12 };
        for (ddof, expected) in [(0, zscore0), (1, zscore1)] {
            let zscore = ZScore::new(ZScoreSettings { ddof, ..Default::default() });
            agree("zscore", &fit(&zscore.expect("in range"), &values), &expected, tolerance);
        }
        let method = Mad::new(MadSettings::default()).expect("in range");
        agree("mad", &fit(&method, &values), &mad, 1e-12);
        let method = Iqr::new(IqrSettings::default()).expect("in range");
        agree("iqr", &fit(&method, &values), &iqr, 1e-12);
    }
}

#[test]
fn mad_falls_back_on_the_mean_deviation() {
    let MostlyOne { values, mad } = golden().mostly_one;
    let method = Mad::new(MadSettings::default()).expect("in range");
    agree("mad", &fit(&method, &values), &mad, 1e-12);
}

#[test]
fn gesd_makes_the_decisions_of_rosner() {
    for case in golden().gesd {
        let GesdCase { alpha, max_anomalies, values, ratios, rows, anomalies } = case;
        let gesd = Gesd::new(GesdSettings { alpha, max_anomalies }).expect("in range");
        let fit = gesd.fit(&Frame::of_column(&values).expect("finite")).expect("enough rows");
        assert_eq!(fit.model.anomalies(), anomalies);
        let mut called: Vec<usize> =
            (0..values.len()).filter(|row| fit.scores[*row] > 1.0).collect();
        let mut expected = rows[..anomalies].to_vec();
        (called.sort_unstable(), expected.sort_unstable());
        assert_eq!(called, expected);

        // The row of the last significant step scores `R / λ` of that step, or
        // its distance from the rows left, whichever is larger; the first row
        // left scores `R / λ` of the step after.
        let last = fit.scores[rows[anomalies - 1]];
        assert!(last >= ratios[anomalies - 1] * (1.0 - 1e-9), "{last}");
        let next = fit.scores[rows[anomalies]];
        agree("gesd", &[next], &[ratios[anomalies]], 1e-9);
    }
}

#[test]
fn rolling_scores_agree_with_pandas() {
    for Rolling { values, window, zscore0, zscore1, median } in golden().rolling {
        for (ddof, expected) in [(0, zscore0), (1, zscore1)] {
            let settings = RollingZScoreSettings { window, warmup: window, ddof };
            let mut method = RollingZScore::new(settings).expect("in range");
            // Pandas subtracts what leaves the window, we do not.
            agree("rolling-zscore", &scores(&mut method, &values), &expected, 1e-9);
        }
        let settings = RollingMedianSettings { window, warmup: window };
        let mut method = RollingMedian::new(settings).expect("in range");
        agree("rolling-median", &scores(&mut method, &values), &median, 1e-12);
    }
}

#[test]
fn running_zscore_agrees_with_pandas() {
    let Running { values, warmup, zscore0 } = golden().running;
    let mut method = ZScoreDetector::new(ZScoreSettings { warmup, ddof: 0 }).expect("in range");
    agree("zscore", &scores(&mut method, &values), &zscore0, 1e-10);
}
