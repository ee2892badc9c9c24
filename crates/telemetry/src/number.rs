//! Numbers from the text of a cell.

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Largest whole number up to which doubles are exact.
const EXACT: u64 = 1 << 53;

/// The number that a trimmed cell spells; NaN, infinities and exponents included.
///
/// Correctly rounded. `None` for anything else, thousands separators included.
pub(crate) fn parse_number(cell: &[u8]) -> Option<f64> {
    plain_decimal(cell).or_else(|| fast_float2::parse(cell).ok())
}

/// Numbers such as `-12.345`: what nearly every cell of a metrics file is.
///
/// Both the digits, read as a whole number below 2^53, and the power of ten
/// are exact doubles, so their quotient is the nearest double (Clinger, "How
/// to read floating point numbers accurately", 1990).
#[inline]
pub(crate) fn plain_decimal(cell: &[u8]) -> Option<f64> {
    // 18 digits cannot overflow a u64; with sign and point that makes 20.
    if cell.len() > 20 {
        return None;
    }
    let (negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let mut mantissa = 0_u64;
    let mut at = 0;
    while at < digits.len() {
        let digit = digits[at].wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    let whole = at;
    let mut decimals = 0;
    if at < digits.len() {
        if digits[at] != b'.' {
            return None;
        }
        for &byte in &digits[at + 1..] {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            decimals += 1;
        }
    }
    let count = whole + decimals;
    if count == 0 || count > 18 || mantissa > EXACT {
        return None;
    }
    let magnitude = mantissa as f64 / POWERS[decimals];
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_number_is_none() {
        for cell in ["", ".", "-", "-.", "1,000", "1.2.3", "0x10", "12%", "1 2", "e5", "1e", "٣"] {
            assert_eq!(parse_number(cell.as_bytes()), None, "{cell}");
        }
    }

    #[test]
    fn every_spelling_of_a_number_is_read() {
        let cells = [
            ("5", 5.0),
            ("-5.", -5.0),
            (".5", 0.5),
            ("+1.5", 1.5),
            ("1e3", 1e3),
            ("-2.5E-3", -2.5e-3),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("00012", 12.0),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("123456789012345678901234567890", 123_456_789_012_345_680_000_000_000_000.0),
        ];
        for (cell, number) in cells {
            assert_eq!(parse_number(cell.as_bytes()), Some(number), "{cell}");
        }
        assert!(parse_number(b"NaN").is_some_and(f64::is_nan));
        assert!(parse_number(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    proptest! {
        #[test]
        fn the_fast_path_rounds_as_the_standard_library_does(cell in "-?[0-9]{0,19}(\\.[0-9]{0,19})?") {
            let ours = plain_decimal(cell.as_bytes());
            if let Some(ours) = ours {
                let standard: f64 = cell.parse().expect("a number");
                prop_assert_eq!(ours.to_bits(), standard.to_bits());
            }
        }
    }
}
