//! Times and durations as the query API of Prometheus takes them.

use std::time::Duration;

use auscult_telemetry::parse_time;

use crate::clock;
use crate::units::parse_duration;

/// Milliseconds since 1970-01-01T00:00:00Z, now.
pub(super) fn now() -> i64 {
    clock::now().nanos().div_euclid(1_000_000)
}

/// Milliseconds since 1970-01-01T00:00:00Z, of seconds with a fraction or of RFC 3339.
pub(super) fn time(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return whole(seconds);
    }
    // Months for which the date alone is given would be no moment.
    text.contains('T')
        .then(|| parse_time(text))
        .flatten()
        .map(|time| time.nanos().div_euclid(1_000_000))
}

/// Milliseconds, of seconds with a fraction or of a duration such as `5m`.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return whole(seconds);
    }
    parse_duration(text).ok().and_then(|duration| i64::try_from(duration.as_millis()).ok())
}

/// As [`milliseconds`]; above 0.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let milliseconds = u64::try_from(milliseconds(text)?).ok()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// Whole milliseconds; none for what is beyond a hundred million years.
fn whole(seconds: f64) -> Option<i64> {
    let milliseconds = (seconds * 1000.0).round();
    (milliseconds.abs() < 4e18).then_some(milliseconds as i64)
}

/// `11,000`.
pub(super) fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_read_as_prometheus_does() {
        assert_eq!(time("1435781430.781"), Some(1_435_781_430_781));
        assert_eq!(time("2015-07-01T20:10:30.781Z"), Some(1_435_781_430_781));
        assert_eq!(time("2015-07-01T22:10:30.781+02:00"), Some(1_435_781_430_781));
        assert_eq!(time("-1.5"), Some(-1500));
        for wrong in ["", "now", "NaN", "Inf", "1e300", "2015-07-01"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
        assert_eq!(milliseconds("0.5"), Some(500));
        assert_eq!(milliseconds("1h30m"), Some(5_400_000));
        assert_eq!((duration("0"), duration("-5"), duration("5x")), (None, None, None));
        assert_eq!(
            [0, 999, 11_000, 1_234_567].map(with_commas),
            ["0", "999", "11,000", "1,234,567"]
        );
    }
}
