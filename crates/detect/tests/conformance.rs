//! Every method of the catalogue obeys every law.

use auscult_conformance::{
    DetectorCase, EstimatorCase, Excuse, detector_failures, estimator_failures,
};
use auscult_core::SettingsMap;
use auscult_detect::{CATALOGUE, Channels, Method};

/// Laws a method need not keep, and why. `(method, law, reason)`.
const EXCUSED: &[(&str, &str, &str)] = &[
    (
        "isolation-forest",
        "an unseen outlier stands out",
        "cuts lie within the sample, so a row far beyond it is as isolated as the outermost row of the sample",
    ),
    (
        "half-space-trees",
        "an outlier stands out",
        "half-spaces with a tenth of a window are not halved, so a far outlier scores as the sparse fringe of the window does",
    ),
];

fn excuses(method: &Method) -> Vec<Excuse> {
    EXCUSED
        .iter()
        .filter(|(name, _, _)| *name == method.name)
        .map(|(_, law, reason)| (*law, *reason))
        .collect()
}

fn widths(method: &Method) -> Vec<usize> {
    match method.channels {
        Channels::One => vec![1],
        Channels::Any => vec![1, 3],
        Channels::Several => vec![2, 3],
    }
}

#[test]
fn every_detector_obeys_every_law() {
    let mut cases = Vec::new();
    for method in CATALOGUE.iter().copied().flatten() {
        if let Some(build) = method.online {
            cases.push(DetectorCase {
                name: format!("{} (online)", method.name),
                build: Box::new(move |channels| {
                    build(&SettingsMap::new(), channels).expect("defaults are in range")
                }),
                channels: widths(method),
                excused: excuses(method),
            });
        }
    }
    let failures = detector_failures(&cases);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_estimator_obeys_every_law() {
    let mut cases = Vec::new();
    for method in CATALOGUE.iter().copied().flatten() {
        if let Some(build) = method.batch {
            cases.push(EstimatorCase {
                name: method.name.to_owned(),
                fit: Box::new(move |history| {
                    build(&SettingsMap::new()).expect("defaults are in range").fit(history)
                }),
                pieces: method.pieces.map(|build| -> auscult_conformance::PiecesFn {
                    Box::new(move |channels| {
                        build(&SettingsMap::new(), channels).expect("defaults are in range")
                    })
                }),
                channels: widths(method),
                excused: excuses(method),
            });
        }
    }
    let failures = estimator_failures(&cases);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
