//! Numbers as sentences hold them.

/// `value` with four digits that matter.
pub(super) fn digits(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        let before_point = value.abs().max(1.0).log10().floor() as usize + 1;
        let text = format!("{value:.*}", 4usize.saturating_sub(before_point));
        if text.contains('.') {
            return text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        return text;
    }
    format!("{value:.2e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_sentences_have_four_digits() {
        let cases = [(0.0, "0"), (0.41666, "0.417"), (1234.6, "1235"), (-2.5, "-2.5")];
        for (value, text) in cases {
            assert_eq!(digits(value), text);
        }
        assert_eq!(digits(1e9), "1.00e9");
    }
}
