//! Numbers for axes, and text that is safe inside a picture.

/// `value` with as many digits as help a reader: six, fewer for whole numbers.
///
/// ```
/// assert_eq!(auscult_plot::number(1_234.567_891), "1234.57");
/// assert_eq!(auscult_plot::number(1.5e12), "1.5e12");
/// ```
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e9).contains(&size) {
        let text = format!("{value:.3e}");
        // 1.500e12 reads better as 1.5e12.
        return match text.split_once('e') {
            Some((digits, power)) if digits.contains('.') => {
                format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => text,
        };
    }
    let before_point = size.log10().floor().max(0.0) as usize + 1;
    let text = format!("{value:.*}", 6usize.saturating_sub(before_point).min(6));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Text that is safe inside SVG and HTML, between tags and inside double quotes.
///
/// ```
/// use auscult_plot::escaped;
/// assert_eq!(escaped("<a b=\"c\">\0\u{202e}"), "&lt;a b=&quot;c&quot;&gt;  ");
/// ```
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // XML has no way at all to write most control characters.
            control if control.is_control() => safe.push(' '),
            '\u{fffe}' | '\u{ffff}' => safe.push(' '),
            // These turn the direction of writing, also that of what follows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

/// At most `most` characters, with an ellipsis where it was cut.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}
