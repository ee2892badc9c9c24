//! The data of a timed run.

/// The first `count` little-endian `f64` of the file at `path`.
pub(crate) fn read(path: &str, count: usize) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    assert!(bytes.len() >= count * 8, "{path} holds {} numbers, need {count}", bytes.len() / 8);
    bytes[..count * 8]
        .chunks_exact(8)
        .map(|number| f64::from_le_bytes(number.try_into().expect("eight bytes")))
        .collect()
}
