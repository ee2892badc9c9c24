//! Durations and sizes as Prometheus spells them: `1m30s`, `10MB`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Units of time, largest first, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A duration such as `15s`, `1h30m` or `1d`: whole numbers with units from years to
/// milliseconds, each unit once, larger ones first.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(auscult_core::units::parse_duration("1m30s"), Ok(Duration::from_secs(90)));
/// assert!(auscult_core::units::parse_duration("90").is_err());
/// ```
///
/// # Errors
///
/// A sentence that says what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let refuse = || format!("`{text}` is no duration: expected one such as 15s, 1h30m or 1d");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut units) = (text, UNITS.as_slice());
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| refuse())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let place = units.iter().position(|(unit, _)| *unit == &rest[..letters]);
        let place = place.ok_or_else(refuse)?;
        let more = number.checked_mul(units[place].1);
        total = more.and_then(|more| total.checked_add(more)).ok_or_else(refuse)?;
        units = &units[place + 1..];
        rest = &rest[letters..];
    }
    if text.is_empty() { Err(refuse()) } else { Ok(Duration::from_millis(total)) }
}

/// Bytes such as `512KB` or `10MB`; a kilobyte is 1,024 bytes, as for Prometheus.
///
/// ```
/// assert_eq!(auscult_core::units::parse_bytes("10MB"), Ok(10 << 20));
/// assert!(auscult_core::units::parse_bytes("ten").is_err());
/// ```
///
/// # Errors
///
/// A sentence that says what was expected.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let refuse = || format!("`{text}` is no size: expected one such as 512KB, 10MB or 0");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| refuse())?;
    let shift = match &text[digits..] {
        "" | "B" => 0,
        "KB" | "KiB" => 10,
        "MB" | "MiB" => 20,
        "GB" | "GiB" => 30,
        "TB" | "TiB" => 40,
        _ => return Err(refuse()),
    };
    number.checked_mul(1 << shift).ok_or_else(refuse)
}

/// The text that [`parse_duration`] reads as `duration`, to a millisecond.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(auscult_core::units::format_duration(Duration::from_secs(5400)), "1h30m");
/// ```
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, milliseconds) in UNITS {
        if rest >= milliseconds {
            text.push_str(&format!("{}{unit}", rest / milliseconds));
            rest %= milliseconds;
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

/// For `#[serde(serialize_with = "…")]`: as [`format_duration`] writes.
///
/// # Errors
///
/// The serializer's.
pub fn write_some_duration<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_str(&format_duration(*duration)),
        None => serializer.serialize_none(),
    }
}

/// For `#[serde(deserialize_with = "…")]`: as [`parse_duration`] reads.
///
/// # Errors
///
/// The deserializer's, with a sentence that says what was expected.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(serde::de::Error::custom)
}

/// As [`duration`], of a field that may be missing.
///
/// # Errors
///
/// As [`duration`].
pub fn some_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

/// For `#[serde(deserialize_with = "…")]`: as [`parse_bytes`] reads.
///
/// # Errors
///
/// As [`duration`].
pub fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_bytes(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_or_refused_in_words() {
        let milliseconds = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(milliseconds("1d2h3m4s5ms"), Ok(93_784_005));
        assert_eq!(milliseconds("0"), Ok(0));
        for text in ["0", "15s", "1y2w3d4h5m6s7ms"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        for wrong in ["", "15", "s", "1s1m", "1.5s", "-1s", "1s1s", "99999999999999y"] {
            assert!(milliseconds(wrong).unwrap_err().contains("expected one such as"), "{wrong}");
        }
        assert_eq!(parse_bytes("10MB"), Ok(10 << 20));
        assert_eq!(parse_bytes("0"), Ok(0));
        assert!(parse_bytes("ten").is_err() && parse_bytes("1TB2").is_err());
    }
}
