//! Unix time: seconds, or thousandths, millionths or billionths of them.

use auscult_core::Timestamp;

/// The moment that a Unix time spells, its unit told by its magnitude: below
/// 1e11 seconds (year 5138), below 1e14 milliseconds, below 1e17 microseconds,
/// else nanoseconds. Exact to the nanosecond.
pub(crate) fn parse_epoch(cell: &[u8]) -> Option<Timestamp> {
    match plain(cell) {
        Some(nanos) => Some(Timestamp::from_nanos(nanos)),
        None => of_number(crate::number::parse_number(cell)?),
    }
}

/// Whether a cell spells a moment after 1973-03-03: numbers as large as that are
/// rarely anything else, smaller ones often are.
pub(crate) fn is_plausible_epoch(cell: &[u8]) -> bool {
    parse_epoch(cell).is_some_and(|time| time.nanos() >= 100_000_000 * 1_000_000_000)
}

/// The moment of a Unix time that is already a number.
pub(crate) fn of_number(number: f64) -> Option<Timestamp> {
    let magnitude = number.abs();
    let unit = nanos_per_unit(if magnitude < 1e18 { magnitude as u64 } else { u64::MAX });
    let nanos = number * unit as f64;
    // The bounds are the doubles just inside the range of i64.
    (nanos.abs() <= 9_223_372_036_854_774_784.0).then(|| Timestamp::from_nanos(nanos as i64))
}

/// The moment of a Unix time that is a whole number.
pub(crate) fn of_integer(number: i64) -> Option<Timestamp> {
    let nanos = number.checked_mul(nanos_per_unit(number.unsigned_abs()));
    nanos.map(Timestamp::from_nanos)
}

fn nanos_per_unit(magnitude: u64) -> i64 {
    match magnitude {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    }
}

/// Digits with an optional sign and fraction, without a detour through doubles,
/// which are 256 ns apart at present.
fn plain(cell: &[u8]) -> Option<i64> {
    let (negative, cell) = match cell {
        [b'-', cell @ ..] => (true, cell),
        cell => (false, cell),
    };
    let point = cell.iter().position(|&byte| byte == b'.').unwrap_or(cell.len());
    let (whole, fraction) = (&cell[..point], cell.get(point + 1..).unwrap_or_default());
    if whole.is_empty() || whole.len() > 19 {
        return None;
    }
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let mut units = 0_i64;
    for byte in whole {
        units = units.checked_mul(10)?.checked_add(digit(byte)?)?;
    }
    let mut scale = nanos_per_unit(units.unsigned_abs());
    let mut nanos = units.checked_mul(scale)?;
    for byte in fraction {
        let digit = digit(byte)?;
        scale /= 10;
        nanos = nanos.checked_add(digit * scale)?;
    }
    Some(if negative { -nanos } else { nanos })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_told_by_the_magnitude() {
        let cells: [(&str, i64); 8] = [
            ("1652820144", 1_652_820_144_000_000_000),
            ("1652820144.25", 1_652_820_144_250_000_000),
            ("1652820144.123456789", 1_652_820_144_123_456_789),
            ("1652820144123", 1_652_820_144_123_000_000),
            ("1652820144123456", 1_652_820_144_123_456_000),
            ("1652820144123456789", 1_652_820_144_123_456_789),
            ("1.5e9", 1_500_000_000_000_000_000),
            ("-1.5", -1_500_000_000),
        ];
        for (cell, nanos) in cells {
            let time = parse_epoch(cell.as_bytes()).map(Timestamp::nanos);
            assert_eq!(time, Some(nanos), "{cell}");
        }
    }

    #[test]
    fn what_is_out_of_range_or_no_number_is_none() {
        for cell in ["", "x", "12x", "1e30", "99999999999999999999", "inf", "nan", "99999999999"] {
            assert_eq!(parse_epoch(cell.as_bytes()), None, "{cell}");
        }
    }
}
