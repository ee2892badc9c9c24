//! Numbers as Prometheus writes them.

/// `value` with as many digits as it takes to read the same bits back: `+Inf`, `NaN`, and
/// an exponent below 1e-6 and from 1e21 on.
///
/// ```
/// use auscult_promql::format_number;
/// assert_eq!(format_number(0.25), "0.25");
/// assert_eq!(format_number(1e21), "1e+21");
/// assert_eq!(format_number(f64::NEG_INFINITY), "-Inf");
/// ```
#[must_use]
pub fn format_number(value: f64) -> String {
    let size = value.abs();
    if size.is_finite() && size > 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        let Some((digits, exponent)) = text.split_once('e') else { return text };
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format_plain(value)
}

/// As [`format_number`], and never an exponent: what `count_values` makes a label of.
pub(crate) fn format_plain(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_does() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1e-7, "1e-07"),
            (-2.5e-10, "-2.5e-10"),
            (1e-6, "0.000001"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e300, "1e+300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(format_number(value), expected);
        }
        assert_eq!(format_plain(1e21), "1000000000000000000000");
    }
}
