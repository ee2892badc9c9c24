//! Methods obey the laws with other settings than the defaults, too.

use auscult_conformance::{EstimatorCase, Excuse, PiecesFn, estimator_failures};
use auscult_core::SettingsMap;
use auscult_detect::{Channels, find};

const NO_FAR: &str = "rows somewhat odd in every column score as high";
const MASKED: &str = "an outlier in the history bends the subspace towards itself";

/// Method, settings as JSON, excuses.
const VARIANTS: &[(&str, &str, &[Excuse])] = &[
    ("mahalanobis", r#"{"covariance": "empirical"}"#, &[]),
    ("mahalanobis", r#"{"covariance": "oas"}"#, &[]),
    ("mahalanobis", r#"{"covariance": "shrunk", "shrinkage": 0.5}"#, &[]),
    ("mahalanobis", r#"{"covariance": "robust"}"#, &[]),
    ("mahalanobis", r#"{"standardise": false}"#, &[]),
    ("mahalanobis", r#"{"covariance": "empirical", "standardise": false}"#, &[]),
    ("pca", r#"{"statistic": "residual"}"#, &[("an outlier stands out", MASKED)]),
    ("pca", r#"{"statistic": "t2"}"#, &[]),
    ("pca", r#"{"components": 1, "standardise": false}"#, &[]),
    ("knn", r#"{"statistic": "mean", "standardise": false}"#, &[]),
    ("knn", r#"{"statistic": "median", "neighbours": 50}"#, &[]),
    ("lof", r#"{"standardise": false}"#, &[]),
    ("hbos", r#"{"bins": 50}"#, &[("an unseen outlier stands out", NO_FAR)]),
];

#[test]
fn other_settings_obey_every_law() {
    let mut cases = Vec::new();
    for (name, settings, excused) in VARIANTS {
        let method = find(name).expect("in the catalogue");
        let map: SettingsMap = serde_json::from_str(settings).expect("a JSON object");
        let in_pieces = method.pieces.filter(|_| !settings.contains("robust"));
        let pieces_map = map.clone();
        cases.push(EstimatorCase {
            name: format!("{name} {settings}"),
            fit: Box::new(move |history| {
                method.batch.expect("a batch method")(&map).expect("in range").fit(history)
            }),
            pieces: in_pieces.map(|build| -> PiecesFn {
                Box::new(move |channels| build(&pieces_map, channels).expect("in range"))
            }),
            channels: if method.channels == Channels::Several { vec![2, 3] } else { vec![1, 3] },
            excused: excused.to_vec(),
        });
    }
    let failures = estimator_failures(&cases);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
