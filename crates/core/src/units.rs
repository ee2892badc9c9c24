//! Durations and sizes as Prometheus spells them: `1m30s`, `10MB`.

use std::borrow::Cow;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

const DAY: u64 = 86_400_000;

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
        // People say 30d, not 4w2d.
        let is_odd = milliseconds > DAY && !rest.is_multiple_of(milliseconds);
        if rest >= milliseconds && !is_odd {
            text.push_str(&format!("{}{unit}", rest / milliseconds));
            rest %= milliseconds;
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

/// The text that [`parse_bytes`] reads as `bytes`, in the largest unit that leaves nothing over.
///
/// ```
/// assert_eq!(auscult_core::units::format_bytes(10 << 20), "10MB");
/// assert_eq!(auscult_core::units::format_bytes(1025), "1025B");
/// ```
#[must_use]
pub fn format_bytes(bytes: u64) -> String {
    let units = [(40, "TB"), (30, "GB"), (20, "MB"), (10, "KB"), (0, "B")];
    let fits = |(shift, _): &&(u32, &str)| bytes != 0 && bytes.is_multiple_of(1 << *shift);
    match units.iter().find(fits) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => "0".to_owned(),
    }
}

/// Any value that is written as a text, for `#[serde(with = "AsText::<T>")]`.
#[derive(Debug, Clone, Copy)]
pub struct AsText<T>(PhantomData<T>);

impl<T: FromStr<Err: Display> + Display> AsText<T> {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The deserializer's, with what the text is refused for.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        read(from, |text| text.parse().map_err(|error: T::Err| error.to_string()))
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// The serializer's.
    pub fn serialize<S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }
}

impl<T> JsonSchema for AsText<T> {
    fn schema_name() -> Cow<'static, str> {
        "AsText".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

/// A path, for `#[schemars(with = "AsPath")]`: one that is not absolute starts at the folder of
/// the document that it stands in.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "it is never made")]
pub struct AsPath;

impl JsonSchema for AsPath {
    fn schema_name() -> Cow<'static, str> {
        "AsPath".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": PATH})
    }
}

/// The format of a path in a JSON schema.
pub const PATH: &str = "auscult-path";

/// Says, in a sentence, what is wrong with a text.
pub type Check = fn(&str) -> Result<(), String>;

/// What a text must be, by the name of its format in a JSON schema.
pub const FORMATS: &[(&str, Check)] = &[
    (DURATION, |text| parse_duration(text).map(drop)),
    (BYTES, |text| parse_bytes(text).map(drop)),
];

const DURATION: &str = "auscult-duration";
const BYTES: &str = "auscult-bytes";

/// For editors; the formats say more.
const DURATION_PATTERN: &str =
    "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$";
const BYTES_PATTERN: &str = "^[0-9]+(B|[KMGT]i?B)?$";

/// A kind of text for `#[serde(with = "…")]` that describes itself in a JSON schema.
macro_rules! text {
    ($(#[doc = $doc:literal])+ $name:ident: $type:ty, $read:expr, $write:expr, $schema:expr) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        #[expect(clippy::exhaustive_structs, reason = "it is never made")]
        pub struct $name;

        impl $name {
            /// Reads it.
            ///
            /// # Errors
            ///
            /// The deserializer's, with a sentence that says what was expected.
            pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                let read: fn(D) -> Result<$type, D::Error> = $read;
                read(from)
            }

            /// Writes it.
            ///
            /// # Errors
            ///
            /// The serializer's.
            pub fn serialize<S: Serializer>(value: &$type, to: S) -> Result<S::Ok, S::Error> {
                let write: fn(&$type, S) -> Result<S::Ok, S::Error> = $write;
                write(value, to)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

/// A text, which may be a number without a unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Number(u64),
}

impl Text {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

fn read<'de, T, D: Deserializer<'de>>(
    from: D,
    parse: fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    parse(&Text::deserialize(from)?.into_text()).map_err(serde::de::Error::custom)
}

fn read_some<'de, T, D: Deserializer<'de>>(
    from: D,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = Option::<Text>::deserialize(from)?;
    text.map(|text| parse(&text.into_text())).transpose().map_err(serde::de::Error::custom)
}

text! {
    /// A duration as [`parse_duration`] reads it.
    AsDuration: Duration,
    |from| read(from, parse_duration),
    |value, to| to.serialize_str(&format_duration(*value)),
    json_schema!({"type": "string", "format": DURATION, "pattern": DURATION_PATTERN})
}

text! {
    /// A duration that may be missing.
    AsSomeDuration: Option<Duration>,
    |from| read_some(from, parse_duration),
    |value, to| value.map(format_duration).serialize(to),
    json_schema!({"type": ["string", "null"], "format": DURATION, "pattern": DURATION_PATTERN})
}

text! {
    /// A number of bytes as [`parse_bytes`] reads it.
    AsBytes: u64,
    |from| read(from, parse_bytes),
    |value, to| to.serialize_str(&format_bytes(*value)),
    json_schema!({"type": ["string", "integer"], "format": BYTES, "pattern": BYTES_PATTERN})
}

text! {
    /// A number of bytes that may be missing.
    AsSomeBytes: Option<u64>,
    |from| read_some(from, parse_bytes),
    |value, to| value.map(format_bytes).serialize(to),
    json_schema!({"type": ["string", "integer", "null"], "format": BYTES, "pattern": BYTES_PATTERN})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_or_refused_in_words() {
        let milliseconds = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(milliseconds("1d2h3m4s5ms"), Ok(93_784_005));
        assert_eq!(milliseconds("0"), Ok(0));
        for text in ["0", "15s", "1h30m", "8w", "30d", "3d4h5m6s7ms"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        for wrong in ["", "15", "s", "1s1m", "1.5s", "-1s", "1s1s", "99999999999999y"] {
            assert!(milliseconds(wrong).unwrap_err().contains("expected one such as"), "{wrong}");
        }
        assert_eq!(parse_bytes("10MB"), Ok(10 << 20));
        assert_eq!(parse_bytes("0"), Ok(0));
        for bytes in [0, 1, 1024, 1536, 3 << 40] {
            assert_eq!(parse_bytes(&format_bytes(bytes)), Ok(bytes));
        }
        assert!(parse_bytes("ten").is_err() && parse_bytes("1TB2").is_err());
    }
}
