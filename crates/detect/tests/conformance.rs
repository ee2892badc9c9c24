//! Every method of the catalogue obeys every law.

use auscult_conformance::{
    DetectorCase, EstimatorCase, Excuse, LabelledCase, detector_failures, estimator_failures,
    labelled_failures,
};
use auscult_core::SettingsMap;
use auscult_detect::{CATALOGUE, Channels, Method};

/// Laws a method need not keep, and why. `(case, law, reason)`.
const EXCUSED: &[(&str, &str, &str)] = &[
    ("hbos", "an unseen outlier stands out", ONLY_RANKS),
    ("ecod", "an unseen outlier stands out", ONLY_RANKS),
    ("copod", "an outlier stands out", ONLY_RANKS),
    ("copod", "an unseen outlier stands out", ONLY_RANKS),
    (
        "isolation-forest",
        "an unseen outlier stands out",
        "cuts lie within the sample, so a row far beyond it is as isolated as the outermost row \
         of the sample",
    ),
    (
        "isolation-forest (online)",
        "an outlier stands out",
        "cuts lie within the samples of the window, so one far beyond them is as isolated as the \
         outermost of them",
    ),
    (
        "half-space-trees (online)",
        "an outlier stands out",
        "half-spaces with a tenth of a window are not halved, so a far outlier scores as the \
         sparse fringe of the window does",
    ),
    ("matrix-profile", "an outlier stands out", SPIKE_IN_NOISE),
    ("matrix-profile (online)", "an outlier stands out", SPIKE_IN_NOISE),
    (
        "peers (online)",
        "an outlier stands out",
        "a member must be odd for five samples in a row, and among two or three nobody can say \
         who is odd",
    ),
];

/// Why methods that compare shapes overlook a single reading.
const SPIKE_IN_NOISE: &str = "a stretch of noise with one spike, brought to deviation 1, is no \
    further from its nearest neighbour than stretches of noise are from theirs";

/// Why methods that look at each column alone may overlook a far outlier.
const ONLY_RANKS: &str = "beyond the extremes of a column it does not tell how far, so that rows \
    somewhat odd in every column score as high as one odd in a single column";

fn excuses(case: &str) -> Vec<Excuse> {
    EXCUSED
        .iter()
        .filter(|(name, _, _)| *name == case)
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
            let name = format!("{} (online)", method.name);
            cases.push(DetectorCase {
                excused: excuses(&name),
                name,
                build: Box::new(move |channels| {
                    build(&SettingsMap::new(), channels).expect("defaults are in range")
                }),
                channels: widths(method),
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
                excused: excuses(method.name),
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
            });
        }
    }
    let failures = estimator_failures(&cases);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_labelled_estimator_obeys_every_law() {
    let mut cases = Vec::new();
    for method in CATALOGUE.iter().copied().flatten() {
        if let Some(build) = method.labelled {
            let name = format!("{} (labelled)", method.name);
            cases.push(LabelledCase {
                excused: excuses(&name),
                name,
                fit: Box::new(move |history, labels| {
                    let estimator = build(&SettingsMap::new()).expect("defaults are in range");
                    estimator.fit_labelled(history, labels)
                }),
                channels: widths(method),
            });
        }
    }
    let failures = labelled_failures(&cases);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
