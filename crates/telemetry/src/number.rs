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

/// The number at `start..end` of `bytes`, if it is like `-12.345`: at most
/// seven digits before the point, eight after it, and something behind it.
///
/// Eight digits at a time; exact for the reason given at [`plain_decimal`].
#[inline]
pub(crate) fn short_decimal(bytes: &[u8], start: usize, end: usize) -> Option<f64> {
    let negative = bytes.get(start) == Some(&b'-');
    let start = start + usize::from(negative);
    let length = end.checked_sub(start)?;
    let head = eight(bytes, start)?;
    // Whatever follows the cell is no point within it.
    let points = Lanes::of(b'.').hits(head);
    let whole_length = length.min(points.trailing_zeros() as usize / 8);
    if whole_length == 0 || whole_length > 7 {
        return None;
    }
    let whole = digits(head, whole_length)?;
    let decimals = length - whole_length;
    let magnitude = if decimals <= 1 {
        whole as f64
    } else {
        let fraction = digits(eight(bytes, start + whole_length + 1)?, decimals - 1)?;
        (whole * WHOLE_POWERS[decimals - 1] + fraction) as f64 / POWERS[decimals - 1]
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Powers of ten for up to eight decimals.
const WHOLE_POWERS: [u64; 9] =
    [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

#[inline]
fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// The number that the first `count` bytes of `text` spell, 1 to 8 of them.
///
/// Neighbouring digits are joined to pairs, pairs to fours, fours to the eight.
#[inline]
fn digits(text: u64, count: usize) -> Option<u64> {
    if count > 8 {
        return None;
    }
    // What is not ours is shifted out, and zeros lead.
    let digits = (text ^ 0x3030_3030_3030_3030) << (64 - 8 * count);
    let above_nine = digits.wrapping_add(0x7676_7676_7676_7676);
    if (digits | above_nine) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10 * 256 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 65_536 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 * (1 << 32) + 1) >> 32)
}

/// A byte to look for in eight at a time.
#[derive(Clone, Copy)]
pub(crate) struct Lanes(u64);

impl Lanes {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

    pub(crate) fn of(byte: u8) -> Self {
        Self(u64::from_le_bytes([byte; 8]))
    }

    /// The highest bit of every byte of `word` that is the one looked for, and
    /// no other bit. Exact in every lane: no carry leaves a lane.
    #[inline]
    pub(crate) fn hits(self, word: u64) -> u64 {
        let difference = word ^ self.0;
        !(((difference & Self::LOW) + Self::LOW) | difference | Self::LOW)
    }
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
            let line = format!("{cell},0.123456789");
            let short = short_decimal(line.as_bytes(), 0, cell.len());
            for ours in [plain_decimal(cell.as_bytes()), short].into_iter().flatten() {
                let standard: f64 = cell.parse().expect("a number");
                prop_assert_eq!(ours.to_bits(), standard.to_bits());
            }
        }

        #[test]
        fn short_decimals_are_what_they_seem(whole in 0_u32..10_000_000, decimals in "[0-9]{0,8}", after in "\\PC{0,20}") {
            let cell = format!("-{whole}.{decimals}");
            let line = format!("{cell},{after}");
            let ours = short_decimal(line.as_bytes(), 0, cell.len());
            if line.len() >= cell.len() + 8 {
                prop_assert_eq!(ours, cell.parse().ok());
            }
        }

        #[test]
        fn what_is_no_number_is_no_short_decimal(cell in "[0-9a.,eE+: \\-]{0,18}") {
            let line = format!("{cell},0.123456789");
            let short = short_decimal(line.as_bytes(), 0, cell.len());
            prop_assert!(short.is_none() || short == cell.parse().ok(), "{:?}", short);
        }

        #[test]
        fn lanes_hit_the_byte_looked_for_and_no_other(byte in any::<u8>(), text in any::<[u8; 8]>()) {
            let mut text = text;
            text[3] = byte;
            let hits = Lanes::of(byte).hits(u64::from_le_bytes(text)).to_le_bytes();
            for (hit, other) in hits.iter().zip(&text) {
                prop_assert_eq!(*hit, if *other == byte { 0x80 } else { 0 });
            }
        }
    }
}
