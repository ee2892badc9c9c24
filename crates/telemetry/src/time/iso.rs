//! ISO 8601 and RFC 3339, and what people write instead.

use auscult_core::Timestamp;

use super::civil;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Reads times, remembering the last minute: a column seldom changes it.
#[derive(Debug, Default, Clone)]
pub(crate) struct IsoParser {
    /// As the last time spelt it, and the seconds from the epoch to its beginning.
    minute: Option<([u8; 16], i64)>,
    /// The same of its date.
    date: Option<([u8; 10], i64)>,
}

impl IsoParser {
    /// The moment that `cell` spells; see [`crate::parse_time`].
    #[inline]
    pub(crate) fn parse(&mut self, cell: &[u8]) -> Option<Timestamp> {
        match self.fixed(cell) {
            Some(time) => Some(time),
            None => super::parse_general(std::str::from_utf8(cell).ok()?),
        }
    }

    /// `2024-05-01`, alone or with a time of day and a zone.
    #[inline]
    fn fixed(&mut self, cell: &[u8]) -> Option<Timestamp> {
        if let Some((minute, rest)) = cell.split_first_chunk()
            && let Some((last, start)) = &self.minute
            && minute == last
        {
            return within_minute(*start, rest);
        }
        self.another_minute(cell)
    }

    fn another_minute(&mut self, cell: &[u8]) -> Option<Timestamp> {
        let (date, rest) = cell.split_first_chunk()?;
        let midnight = match self.date {
            Some((last, midnight)) if last == *date => midnight,
            _ => midnight(date)?,
        };
        self.date = Some((*date, midnight));
        let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
            return if rest.is_empty() { join(midnight, 0) } else { None };
        };
        let (in_day, rest) = hour_and_minute(rest)?;
        let start = midnight + in_day;
        self.minute = cell.first_chunk().map(|minute| (*minute, start));
        within_minute(start, rest)
    }
}

/// The moment that `[:SS[.fraction]][zone]` spells in the minute that begins at `start`.
#[inline]
fn within_minute(start: i64, text: &[u8]) -> Option<Timestamp> {
    let (second, rest) = match text {
        [b':', s1, s0, rest @ ..] => (two_digits(*s1, *s0)?, rest),
        rest => (0, rest),
    };
    if second > 60 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    join(start + second.min(59) - zone(rest)?, nanos)
}

/// Overflows only where the result does.
#[inline]
fn join(seconds: i64, nanos: i64) -> Option<Timestamp> {
    let joined = match seconds.checked_mul(NANOS_PER_SECOND) {
        Some(whole) => whole.checked_add(nanos)?,
        // The first second of the range begins before the range does.
        None => {
            (seconds + 1).checked_mul(NANOS_PER_SECOND)?.checked_add(nanos - NANOS_PER_SECOND)?
        }
    };
    Some(Timestamp::from_nanos(joined))
}

/// Seconds from the epoch to the beginning of `YYYY-MM-DD` or `YYYY/MM/DD`.
fn midnight(date: &[u8; 10]) -> Option<i64> {
    let &[y0, y1, y2, y3, first @ (b'-' | b'/'), m0, m1, second, d0, d1] = date else {
        return None;
    };
    if first != second {
        return None;
    }
    let year = two_digits(y0, y1)? * 100 + two_digits(y2, y3)?;
    let days = civil::days_of(year, two_digits(m0, m1)?, two_digits(d0, d1)?)?;
    Some(days * 86_400)
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens * 10 + ones))
}

/// Seconds into the day from `HH:MM`, and what follows.
fn hour_and_minute(text: &[u8]) -> Option<(i64, &[u8])> {
    let (&[h0, h1, colon, m0, m1], rest) = text.split_first_chunk::<5>()?;
    let (hour, minute) = (two_digits(h0, h1)?, two_digits(m0, m1)?);
    (colon == b':' && hour <= 23 && minute <= 59).then_some((hour * 3600 + minute * 60, rest))
}

/// Nanoseconds from `.123`, and what follows; digits beyond the ninth are dropped.
#[inline]
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', digits)) = text.split_first() else {
        return Some((0, text));
    };
    let mut nanos = 0;
    let mut scale = NANOS_PER_SECOND;
    let mut count = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        scale /= 10;
        nanos += i64::from(digit) * scale;
        count += 1;
    }
    (count > 0).then(|| (nanos, &digits[count..]))
}

/// Seconds east of UTC; none given is UTC.
#[inline]
fn zone(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (sign, hours, minutes) = match *text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'U', b'T', b'C'] | [b'G', b'M', b'T'] => return Some(0),
        [sign, h0, h1] => (sign, two_digits(h0, h1)?, 0),
        [sign, h0, h1, m0, m1] | [sign, h0, h1, b':', m0, m1] => {
            (sign, two_digits(h0, h1)?, two_digits(m0, m1)?)
        }
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}
