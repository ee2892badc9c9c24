//! Times from text and back.

mod civil;
mod epoch;
mod iso;

use auscult_core::Timestamp;
use jiff::fmt::{rfc2822, temporal};

pub(crate) use epoch::{
    is_plausible_epoch, of_integer as epoch_of_integer, of_number as epoch_of_number, parse_epoch,
};
pub(crate) use iso::IsoParser;

/// The moment that `text` spells; without a zone it is taken as UTC.
///
/// Read are ISO 8601 and RFC 3339 (`2024-05-01T13:00:00.25+02:00`, with a space
/// or a `T`, with or without seconds, fraction and zone), dates alone,
/// `2024/05/01 13:00`, the compact `20240501T130000`, RFC 2822 (`Wed, 01 May
/// 2024 13:00:00 +0000`) and the form of web-server logs
/// (`01/May/2024:13:00:00 +0000`). Dates whose order of day and month is a
/// guess are not read; neither are bare numbers, which could be anything.
///
/// A leap second counts as the second before it. `None` also for moments
/// outside the years 1678 to 2261.
///
/// ```
/// # use auscult_telemetry::{format_time, parse_time};
/// let time = parse_time("2024-05-01 13:00:00.250").expect("a time");
/// assert_eq!(format_time(time), "2024-05-01T13:00:00.25Z");
/// assert_eq!(parse_time("2024-05-01T15:00:00.25+02:00"), Some(time));
/// assert_eq!(parse_time("soon"), None);
/// ```
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    IsoParser::default().parse(text.as_bytes())
}

/// `time` as RFC 3339 in UTC, with as many decimals as it needs.
///
/// ```
/// # use auscult_telemetry::format_time;
/// # use auscult_core::Timestamp;
/// assert_eq!(format_time(Timestamp::from_seconds(0)), "1970-01-01T00:00:00Z");
/// ```
#[must_use]
pub fn format_time(time: Timestamp) -> String {
    let mut text = String::with_capacity(30);
    push_time(&mut text, time);
    text
}

/// Appends what [`format_time`] would return.
pub(crate) fn push_time(text: &mut String, time: Timestamp) {
    use std::fmt::Write;
    const NANOS_PER_DAY: i64 = 86_400_000_000_000;
    let (days, nanos) =
        (time.nanos().div_euclid(NANOS_PER_DAY), time.nanos().rem_euclid(NANOS_PER_DAY));
    let (year, month, day) = civil::date_of(days);
    let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        .expect("a string takes everything");
    if fraction != 0 {
        let digits = format!(".{fraction:09}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
}

/// The rarer forms, for which a general library is the right tool.
fn parse_general(text: &str) -> Option<Timestamp> {
    // A bare number is a number; it takes a letter to make it a time here.
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) || text.len() > 100 {
        return None;
    }
    let at = temporal::DateTimeParser::new()
        .parse_timestamp(text)
        .or_else(|_| rfc2822::DateTimeParser::new().parse_timestamp(text))
        .or_else(|_| jiff::Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", text))
        .or_else(|_| {
            let civil: jiff::civil::DateTime = text.parse()?;
            jiff::tz::Offset::UTC.to_timestamp(civil)
        })
        .ok()?;
    i64::try_from(at.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> Option<i64> {
        parse_time(text).map(Timestamp::nanos)
    }

    #[test]
    fn every_documented_form_is_the_same_moment() {
        let forms = [
            "2024-05-01T13:00:00Z",
            "2024-05-01T13:00:00z",
            "2024-05-01 13:00:00",
            "2024-05-01 13:00",
            "2024-05-01T13:00:00.000",
            "2024-05-01T13:00:00,000",
            "2024-05-01T15:00:00+02:00",
            "2024-05-01T15:00:00+0200",
            "2024-05-01 15:00:00+02",
            "2024-05-01 07:30:00 -05:30",
            "2024-05-01 13:00:00 UTC",
            "2024/05/01 13:00:00",
            "20240501T130000",
            "20240501T130000Z",
            "2024-05-01T15:00:00+02:00[Europe/Berlin]",
            "Wed, 01 May 2024 13:00:00 +0000",
            "Wed, 1 May 2024 13:00:00 GMT",
            "01/May/2024:15:00:00 +0200",
        ];
        for form in forms {
            assert_eq!(nanos(form), Some(1_714_568_400_000_000_000), "{form}");
        }
    }

    #[test]
    fn fractions_are_exact_to_the_nanosecond() {
        assert_eq!(nanos("1970-01-01T00:00:00.123456789Z"), Some(123_456_789));
        assert_eq!(nanos("1970-01-01T00:00:00.9799600"), Some(979_960_000));
        assert_eq!(nanos("1969-12-31T23:59:59.5Z"), Some(-500_000_000));
        assert_eq!(nanos("1970-01-01T00:00:00.1234567899999"), Some(123_456_789));
    }

    #[test]
    fn what_is_no_time_is_none() {
        let cells = [
            "",
            "5",
            "20240501",
            "1714568400",
            "2024",
            "2024-05",
            "05/01/2024",
            "2024-13-01",
            "2024-02-30",
            "2023-02-29",
            "2024-05-01T25:00",
            "2024-05-01T13:60",
            "2024-05-01T13:00:61",
            "2024-05-01T13:00:00.",
            "2024-05-01x13:00",
            "2024-05/01",
            "2024-05-01T13:00:00+27:00",
            "2024-05-01T13:00:00 +",
            "1600-01-01",
            "9999-12-31",
            "hello",
            "00:00:00",
            "2024-05-01 ",
            "٢٠٢٤-٠٥-٠١",
        ];
        for cell in cells {
            assert_eq!(nanos(cell), None, "{cell}");
        }
    }

    #[test]
    fn leap_days_and_leap_seconds() {
        assert_eq!(nanos("2000-02-29"), Some(951_782_400_000_000_000));
        assert_eq!(nanos("2016-12-31T23:59:60Z"), nanos("2016-12-31T23:59:59Z"));
        assert!(nanos("2016-12-31T23:59:60Z").is_some());
        assert_eq!(nanos("1900-02-29"), None);
    }

    #[test]
    fn the_ends_of_the_range_are_kept() {
        for end in [i64::MIN, i64::MAX] {
            let text = format_time(Timestamp::from_nanos(end));
            assert_eq!(nanos(&text), Some(end), "{text}");
        }
        assert_eq!(nanos("2262-04-11T23:47:16.854775808Z"), None);
        assert_eq!(nanos("1677-09-21T00:12:43.145224191Z"), None);
    }

    proptest! {
        #[test]
        fn every_moment_goes_there_and_back(nanos in any::<i64>()) {
            let time = Timestamp::from_nanos(nanos);
            prop_assert_eq!(parse_time(&format_time(time)), Some(time));
        }

        #[test]
        fn we_agree_with_a_general_library(seconds in -9_000_000_000_i64..9_000_000_000) {
            let theirs = jiff::Timestamp::from_second(seconds).expect("in range").to_string();
            prop_assert_eq!(format_time(Timestamp::from_seconds(seconds)), theirs);
        }

        #[test]
        fn what_was_read_before_does_not_matter(
            texts in prop::collection::vec("2024-05-0[12]([T ]1[23]:0[01](:[0-6][01])?(\\.5)?(Z|\\+02:00)?)?|soon", 1..20),
        ) {
            let mut parser = IsoParser::default();
            for text in texts {
                prop_assert_eq!(parser.parse(text.as_bytes()), parse_time(&text), "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC*") {
            let _ = parse_time(&text);
        }

        #[test]
        fn no_near_miss_is_too_odd(text in "[0-9]{1,5}[-/][0-9]{1,3}[-/][0-9]{1,3}[T ]?[0-9:.,+Zz-]{0,30}") {
            let _ = parse_time(&text);
        }
    }
}
