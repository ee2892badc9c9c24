//! Which part of the engine a series belongs to: the same in every run.

use auscult_core::LabelsRef;

use crate::signals::{part_of, shared_labels};

/// A number that depends on the labels only, now and in later releases: files of state rely
/// on it. Not for tables that strangers fill: they could make many labels share one.
pub(crate) fn placement(labels: LabelsRef<'_>) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (eights, rest) = labels.bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = eights.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
    let sum = words.fold(labels.bytes().len() as u64, |sum, word| {
        ((sum.rotate_left(23) ^ word).wrapping_mul(ODD)).rotate_left(29)
    });
    (sum ^ (sum >> 32)).wrapping_mul(ODD) >> 16
}

/// The placement of a series that comes from outside: all parts of a histogram have that of
/// the histogram.
pub(crate) fn home(labels: LabelsRef<'_>, shared: &mut Vec<u8>) -> u64 {
    let family = part_of(&labels).and_then(|(_, family)| {
        shared_labels(labels, family, shared).ok()?;
        LabelsRef::decode(shared)
    });
    placement(family.unwrap_or(labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Labels;

    #[test]
    fn parts_are_about_equal_and_the_same_as_ever() {
        let mut counts = [0; 16];
        for gpu in 0..16_000 {
            let gpu = gpu.to_string();
            let labels = Labels::from_pairs([("__name__", "power_watts"), ("gpu", &gpu)]).unwrap();
            counts[home(labels.as_ref(), &mut Vec::new()) as usize % 16] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
        let labels = Labels::from_pairs([("__name__", "power_watts"), ("gpu", "3")]).unwrap();
        assert_eq!(placement(labels.as_ref()), 253_837_388_697_915);
    }
}
