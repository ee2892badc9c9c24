//! What the golden tests share.

use auscult_core::{Detector, Sample, Timestamp};

/// The score of every value that a fresh stream gives, `None` while it warms up.
pub(crate) fn scores_or_gaps(method: &mut dyn Detector, values: &[f64]) -> Vec<Option<f64>> {
    let mut rate = |(at, value): (usize, &f64)| {
        let sample = [*value];
        let sample = Sample::new(Timestamp::from_seconds(at as i64), &sample).expect("finite");
        method.update(sample).expect("one channel").ready()
    };
    values.iter().enumerate().map(&mut rate).collect()
}

/// The scores after the warm-up.
pub(crate) fn scores(method: &mut dyn Detector, values: &[f64]) -> Vec<f64> {
    scores_or_gaps(method, values).into_iter().flatten().collect()
}

/// Fails unless every number is within `tolerance` of the expected one: in
/// proportion above 1, absolutely below.
pub(crate) fn agree(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let apart = (found - expected).abs() / expected.abs().max(1.0);
        assert!(apart <= tolerance, "{what} {at}: {found}, expected {expected}");
    }
}
