//! Parts of a date, in UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A part of the moment that is so many seconds after 1970-01-01T00:00:00Z.
type Part = fn(f64) -> f64;

pub(super) fn find(name: &str) -> Option<Part> {
    Some(match name {
        "days_in_month" => |seconds| part(seconds, |date| date.date().days_in_month().into()),
        "day_of_month" => |seconds| part(seconds, |date| date.day().into()),
        // 0 is Sunday.
        "day_of_week" => {
            |seconds| part(seconds, |date| date.weekday().to_sunday_zero_offset().into())
        }
        "day_of_year" => |seconds| part(seconds, |date| date.day_of_year().into()),
        "hour" => |seconds| part(seconds, |date| date.hour().into()),
        "minute" => |seconds| part(seconds, |date| date.minute().into()),
        "month" => |seconds| part(seconds, |date| date.month().into()),
        "year" => |seconds| part(seconds, |date| date.year().into()),
        _ => return None,
    })
}

/// NaN outside the years -9999 to 9999.
fn part(seconds: f64, of: fn(DateTime) -> f64) -> f64 {
    let whole = seconds.trunc();
    if whole.is_nan() || whole.abs() > 1e15 {
        return f64::NAN;
    }
    let date = Timestamp::from_second(whole as i64).map(|time| Offset::UTC.to_datetime(time));
    date.map_or(f64::NAN, of)
}
