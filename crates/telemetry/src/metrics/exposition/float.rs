//! Bounds and quantiles as text, as Prometheus spells them in labels.

/// `number` as Go's `%g` spells it, with a point at least: `1.0`, `0.005`, `1e+06`, `+Inf`.
///
/// Source: OpenMetrics specification 1.0, "Canonical numbers"; Prometheus names the series of a
/// protobuf page so. The text of some client libraries has `1` for `1.0`.
pub(super) fn canonical(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("an exponent was asked for");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    // Where all digits are wanted, Go takes six for this decision.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{number}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn numbers_are_spelt_as_prometheus_does() {
        let cases = [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (1.5e7, "1.5e+07"),
            (123_456_789.0, "1.23456789e+08"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (number, text) in cases {
            assert_eq!(canonical(number), text);
        }
        assert_eq!(canonical(f64::NAN), "NaN");
    }
}
