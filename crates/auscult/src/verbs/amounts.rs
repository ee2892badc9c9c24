//! Amounts with a unit, as people write them: `30d`, `10GB`.

use std::time::Duration;

const TIMES: [(&str, u64); 5] =
    [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400)];
const BYTES: [(&str, u64); 7] = [
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("B", 1),
];

/// A time, such as `12h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let seconds =
        amount(text, &TIMES).ok_or("expected a whole number with s, m, h, d or w, such as 30d")?;
    Ok(Duration::from_secs(seconds))
}

/// A number of bytes, such as `10GB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let bytes = amount(text, &BYTES);
    bytes.ok_or_else(|| {
        "expected a whole number with KB, MB, GB, TB, MiB or GiB, such as 10GB".to_owned()
    })
}

/// A whole number above 0 with one of `units`.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let (_, size) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*size).filter(|amount| *amount > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_need_a_number_and_a_unit() {
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(bytes("10GB"), Ok(10_000_000_000));
        assert_eq!(bytes("2 GiB"), Ok(2 << 30));
        for wrong in ["", "d", "30", "-3d", "0h", "1.5h", "99999999999999999999d", "3x"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
