//! Times in which nothing is judged.

use auscult_core::Timestamp;
use auscult_telemetry::{format_time, parse_time};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    #[serde(rename = "mon", alias = "monday")]
    Monday,
    #[serde(rename = "tue", alias = "tuesday")]
    Tuesday,
    #[serde(rename = "wed", alias = "wednesday")]
    Wednesday,
    #[serde(rename = "thu", alias = "thursday")]
    Thursday,
    #[serde(rename = "fri", alias = "friday")]
    Friday,
    #[serde(rename = "sat", alias = "saturday")]
    Saturday,
    #[serde(rename = "sun", alias = "sunday")]
    Sunday,
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

const DAY: i64 = 86_400;

/// A window in which a series is not judged: again and again, by weekday and time of day, or once.
///
/// Written with `from` and `to`, and `days` and `time_zone` if need be; or with `starts` and
/// `ends`. Clocks are followed through summer time: a window from 02:00 to 03:00 does not come
/// in the night in which that hour is left out, and comes twice when it is repeated.
///
/// Time O(1), or O(log transitions) in a zone.
///
/// ```
/// use auscult_core::Timestamp;
/// use auscult_engine::Maintenance;
/// let window: Maintenance = serde_json::from_str(
///     r#"{"days": ["thu"], "from": "23:00", "to": "01:30", "time_zone": "Asia/Tokyo"}"#,
/// )?;
/// // The first of January 1970 was a Thursday; Tokyo is nine hours ahead.
/// assert!(window.holds(Timestamp::from_seconds(16 * 3600)));
/// assert!(!window.holds(Timestamp::from_seconds(17 * 3600)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct Maintenance(When);

#[derive(Debug, Clone, PartialEq)]
enum When {
    Weekly {
        /// From Monday; the day on which the window begins.
        days: [bool; 7],
        /// Seconds of the day.
        from: i64,
        /// Seconds since the same midnight, above `from`; beyond a day: on the next.
        to: i64,
        time_zone: TimeZone,
    },
    Once {
        starts: Timestamp,
        ends: Timestamp,
    },
}

/// Why a maintenance window was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MaintenanceError(String);

impl Maintenance {
    /// On `days` (every day if there are none) from second `from` of the day to second `to`,
    /// on the next day if that is not later, in `time_zone` by its IANA name.
    ///
    /// # Errors
    ///
    /// [`MaintenanceError`] for seconds beyond a day, two that are equal, or a zone that is
    /// not known.
    pub fn weekly(
        days: &[Weekday],
        from: u32,
        to: u32,
        time_zone: &str,
    ) -> Result<Self, MaintenanceError> {
        let (from, to) = (i64::from(from), i64::from(to));
        if from >= DAY || to > DAY || from == to {
            let error = "a maintenance window goes from a time of day to another one";
            return Err(MaintenanceError(error.to_owned()));
        }
        let zone = TimeZone::get(time_zone).map_err(|_| {
            let expected = "expected a name such as UTC or Europe/Berlin";
            MaintenanceError(format!("`{time_zone}` is no time zone: {expected}"))
        })?;
        let days = WEEK.map(|day| days.is_empty() || days.contains(&day));
        let to = if to > from { to } else { to + DAY };
        Ok(Self(When::Weekly { days, from, to, time_zone: zone }))
    }

    /// From `starts` until before `ends`.
    ///
    /// # Errors
    ///
    /// [`MaintenanceError`] if it ends before it starts.
    pub fn once(starts: Timestamp, ends: Timestamp) -> Result<Self, MaintenanceError> {
        if starts >= ends {
            let error = "a maintenance window must start before it ends";
            return Err(MaintenanceError(error.to_owned()));
        }
        Ok(Self(When::Once { starts, ends }))
    }

    /// Whether `time` lies in it.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        match &self.0 {
            When::Once { starts, ends } => (*starts..*ends).contains(&time),
            When::Weekly { days, from, to, time_zone } => {
                let seconds = time.nanos().div_euclid(1_000_000_000);
                let Ok(instant) = jiff::Timestamp::from_second(seconds) else { return false };
                let local = seconds + i64::from(time_zone.to_offset(instant).seconds());
                let (day, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
                // The first day of the epoch was a Thursday.
                let is_day = |day: i64| days[(day + 3).rem_euclid(7) as usize];
                (is_day(day) && (*from..*to).contains(&second))
                    || (is_day(day - 1) && second + DAY < *to)
            }
        }
    }
}

/// A window as a person writes it.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Written {
    /// Days on which it begins: `mon` to `sun`; every day where it is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    days: Vec<Weekday>,
    /// Time of day at which it begins, such as `22:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Time of day at which it ends, up to `24:00`; on the next day if that is not later.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Where its clock hangs, such as `Europe/Berlin`; `UTC` where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    /// When it begins once, as a date and time with offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts: Option<String>,
    /// When it ends once.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<String>,
}

impl TryFrom<Written> for Maintenance {
    type Error = MaintenanceError;

    fn try_from(written: Written) -> Result<Self, MaintenanceError> {
        let Written { days, from, to, time_zone, starts, ends } = written;
        match (from, to, starts, ends) {
            (Some(from), Some(to), None, None) => {
                let zone = time_zone.as_deref().unwrap_or("UTC");
                Self::weekly(&days, time_of_day(&from)?, time_of_day(&to)?, zone)
            }
            (None, None, Some(starts), Some(ends)) if days.is_empty() && time_zone.is_none() => {
                let time = |text: &str| {
                    parse_time(text).ok_or_else(|| {
                        let expected = "expected one such as 2026-03-01T22:00:00+01:00";
                        MaintenanceError(format!("`{text}` is no time: {expected}"))
                    })
                };
                Self::once(time(&starts)?, time(&ends)?)
            }
            _ => Err(MaintenanceError(
                "a maintenance window has `from` and `to`, with `days` and `time_zone` if need \
                 be, or only `starts` and `ends`"
                    .to_owned(),
            )),
        }
    }
}

impl From<Maintenance> for Written {
    fn from(window: Maintenance) -> Self {
        match window.0 {
            When::Once { starts, ends } => Self {
                starts: Some(format_time(starts)),
                ends: Some(format_time(ends)),
                ..Self::default()
            },
            When::Weekly { days, from, to, time_zone } => {
                let all = days.iter().all(|day| *day);
                let named = WEEK.into_iter().zip(days).filter(|(_, is_on)| *is_on && !all);
                Self {
                    days: named.map(|(day, _)| day).collect(),
                    from: Some(write_time_of_day(from)),
                    to: Some(write_time_of_day(if to > DAY { to - DAY } else { to })),
                    time_zone: time_zone.iana_name().map(str::to_owned),
                    ..Self::default()
                }
            }
        }
    }
}

/// Seconds of the day that `text`, such as `22:00` or `22:00:30`, says.
fn time_of_day(text: &str) -> Result<u32, MaintenanceError> {
    let refuse = || {
        let expected = "expected one such as 22:00, up to 24:00";
        MaintenanceError(format!("`{text}` is no time of day: {expected}"))
    };
    let number = |text: &str| {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_two { text.parse::<u32>().map_err(|_| refuse()) } else { Err(refuse()) }
    };
    let mut parts = text.split(':');
    let hours = number(parts.next().unwrap_or_default())?;
    let minutes = number(parts.next().unwrap_or_default())?;
    let seconds = parts.next().map_or(Ok(0), number)?;
    let total = 3600 * hours + 60 * minutes + seconds;
    let is_sound = minutes < 60 && seconds < 60 && total <= DAY as u32 && parts.next().is_none();
    if is_sound { Ok(total) } else { Err(refuse()) }
}

fn write_time_of_day(second: i64) -> String {
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    let text = format!("{hours:02}:{minutes:02}");
    if seconds == 0 { text } else { format!("{text}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(json: &str) -> Result<Maintenance, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn windows_follow_the_clock_of_their_zone_over_midnight_and_summer_time() {
        let night = r#"{"days": ["sat", "sun"], "from": "22:00", "to": "02:30",
            "time_zone": "Europe/Berlin"}"#;
        let night = window(night).unwrap();
        for (time, expected) in [
            ("2026-01-10T21:59:59+01:00", false),
            ("2026-01-10T22:00:00+01:00", true),
            ("2026-01-11T02:29:59+01:00", true),
            ("2026-01-11T02:30:00+01:00", false),
            ("2026-01-12T01:00:00+01:00", true),
            // The window of Friday does not exist.
            ("2026-01-10T01:00:00+01:00", false),
            // In summer the clock is two hours ahead.
            ("2026-07-11T19:59:59Z", false),
            ("2026-07-11T20:00:00Z", true),
        ] {
            assert_eq!(night.holds(parse_time(time).unwrap()), expected, "{time}");
        }
        let always = window(r#"{"from": "00:00", "to": "24:00"}"#).unwrap();
        assert!((0..40).all(|step| always.holds(Timestamp::from_seconds(step * 12_345))));
        let once = r#"{"starts": "2026-03-01T00:00:00Z", "ends": "2026-03-01T06:00:00Z"}"#;
        let once = window(once).unwrap();
        assert!(once.holds(parse_time("2026-03-01T05:59:59Z").unwrap()));
        assert!(!once.holds(parse_time("2026-03-01T06:00:00Z").unwrap()));
        for window in [night, always, once] {
            let again = serde_json::to_string(&window).unwrap();
            assert_eq!(serde_json::from_str::<Maintenance>(&again).unwrap(), window, "{again}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused_in_words() {
        for (wrong, expected) in [
            (r#"{"from": "22:00"}"#, "has `from` and `to`"),
            (r#"{"from": "22:00", "to": "22:00"}"#, "to another one"),
            (r#"{"from": "9:00", "to": "10:00"}"#, "`9:00` is no time of day"),
            (r#"{"from": "09:60", "to": "10:00"}"#, "`09:60` is no time of day"),
            (r#"{"from": "09:00", "to": "24:01"}"#, "`24:01` is no time of day"),
            (r#"{"from": "09:00", "to": "10:00", "time_zone": "Mars"}"#, "`Mars` is no time zone"),
            (r#"{"starts": "2026-03-01T00:00:00Z"}"#, "has `from` and `to`"),
            (r#"{"starts": "soon", "ends": "later"}"#, "`soon` is no time"),
            (
                r#"{"starts": "2026-03-02T00:00:00Z", "ends": "2026-03-01T00:00:00Z"}"#,
                "must start before",
            ),
            (r#"{"days": ["fry"], "from": "09:00", "to": "10:00"}"#, "fry"),
        ] {
            let error = window(wrong).expect_err(wrong);
            assert!(error.contains(expected), "{wrong}: {error}");
        }
    }
}
