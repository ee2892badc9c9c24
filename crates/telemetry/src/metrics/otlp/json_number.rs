//! Numbers as the JSON mapping of protobuf writes them: 64-bit ones as strings.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A number that may stand in quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number<T>(pub(super) T);

/// What a [`Number`] may hold.
pub(super) trait Numeric: Sized {
    /// What is expected, in words.
    const EXPECTED: &'static str;

    fn of_whole(number: i128) -> Option<Self>;

    fn of_double(number: f64) -> Option<Self>;

    fn of_text(text: &str) -> Option<Self>;
}

macro_rules! whole_numbers {
    ($($kind:ty, $expected:literal;)+) => {
        $(
            impl Numeric for $kind {
                const EXPECTED: &'static str = $expected;

                fn of_whole(number: i128) -> Option<Self> {
                    Self::try_from(number).ok()
                }

                /// As in `1.0` and `1e3`.
                fn of_double(number: f64) -> Option<Self> {
                    let is_whole = number.fract() == 0.0 && number.abs() < 1e19;
                    if is_whole { Self::of_whole(number as i128) } else { None }
                }

                fn of_text(text: &str) -> Option<Self> {
                    text.parse().ok()
                }
            }
        )+
    };
}

whole_numbers! {
    u64, "a whole number from 0, in quotes or not";
    i64, "a whole number, in quotes or not";
}

impl Numeric for f64 {
    const EXPECTED: &'static str =
        "a number, or one in quotes, or \"NaN\", \"Infinity\", \"-Infinity\"";

    fn of_whole(number: i128) -> Option<Self> {
        Some(number as Self)
    }

    fn of_double(number: f64) -> Option<Self> {
        Some(number)
    }

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl<'de, T: Numeric> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor(PhantomData))
    }
}

struct NumberVisitor<T>(PhantomData<T>);

impl<T: Numeric> NumberVisitor<T> {
    fn or_refuse<E: Error>(number: Option<T>, got: impl fmt::Display) -> Result<Number<T>, E> {
        let refuse = || E::custom(format!("expected {}, got {got}", T::EXPECTED));
        number.map(Number).ok_or_else(refuse)
    }
}

impl<T: Numeric> Visitor<'_> for NumberVisitor<T> {
    type Value = Number<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number<T>, E> {
        Self::or_refuse(T::of_whole(number.into()), number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number<T>, E> {
        Self::or_refuse(T::of_whole(number.into()), number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number<T>, E> {
        Self::or_refuse(T::of_double(number), number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number<T>, E> {
        Self::or_refuse(T::of_text(text), format_args!("`{}`", text.escape_debug()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Numeric>(json: &str) -> Result<T, String> {
        let number: Result<Number<T>, _> = serde_json::from_str(json);
        number.map(|number| number.0).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_stand_in_quotes_or_not() {
        assert_eq!(read::<u64>("\"18446744073709551615\""), Ok(u64::MAX));
        assert_eq!(read::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(read::<i64>("\"-9223372036854775808\""), Ok(i64::MIN));
        assert_eq!(read::<i64>("-1e3"), Ok(-1000));
        assert_eq!(read::<f64>("3"), Ok(3.0));
        assert_eq!(read::<f64>("\"-Infinity\""), Ok(f64::NEG_INFINITY));
        assert!(read::<f64>("\"NaN\"").unwrap().is_nan());
    }

    #[test]
    fn what_is_none_is_told() {
        let expected = "expected a whole number from 0, in quotes or not, got -1";
        assert!(read::<u64>("-1").unwrap_err().starts_with(expected));
        for json in ["0.5", "1e300", "\"\"", "\"0x1\"", "true", "[]"] {
            assert!(read::<u64>(json).unwrap_err().contains("a whole number from 0"), "{json}");
        }
    }
}
