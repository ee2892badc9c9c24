//! A reading as people write it, with its unit.

/// `value` in `unit`, as `signals.yaml` names units; units that are plain words are left to the reader.
///
/// ```
/// use auscult_diagnose::evidence::quantity;
/// assert_eq!(quantity(1.98e9, "hertz"), "1.98 GHz");
/// assert_eq!(quantity(12.0, "requests"), "12");
/// ```
#[must_use]
pub fn quantity(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "nothing".to_owned();
    }
    match unit {
        "ratio" => format!("{} %", digits(100.0 * value)),
        "celsius" => format!("{} °C", digits(value)),
        "watts" => format!("{} W", digits(value)),
        "hertz" => scaled(value, 1000.0, &["Hz", "kHz", "MHz", "GHz"]),
        "bytes" => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"]),
        // As a time of day since 1970 it says nothing to anybody.
        "seconds" if value > 1e9 => format!("{value:.0}"),
        "seconds" if value != 0.0 && value.abs() < 1.0 => format!("{} ms", digits(1000.0 * value)),
        "seconds" => format!("{} s", digits(value)),
        _ => digits(value),
    }
}

/// The unit in which an axis up to `largest` is labelled, and what a reading is divided by for it.
///
/// ```
/// use auscult_diagnose::evidence::unit_of_axis;
/// assert_eq!(unit_of_axis(3e9, "hertz"), (1e9, "GHz"));
/// assert_eq!(unit_of_axis(0.2, "seconds"), (1e-3, "ms"));
/// assert_eq!(unit_of_axis(7.0, "requests"), (1.0, "requests"));
/// ```
#[must_use]
pub fn unit_of_axis(largest: f64, unit: &str) -> (f64, &str) {
    let scaled = |step: f64, units: [&'static str; 5]| {
        let (mut by, mut at) = (1.0, 0);
        while largest.abs() >= step * by && at + 1 < units.len() {
            by *= step;
            at += 1;
        }
        (by, units[at])
    };
    match unit {
        "ratio" => (0.01, "%"),
        "celsius" => (1.0, "°C"),
        "watts" => (1.0, "W"),
        "hertz" => scaled(1000.0, ["Hz", "kHz", "MHz", "GHz", "THz"]),
        "bytes" => scaled(1024.0, ["B", "KiB", "MiB", "GiB", "TiB"]),
        "seconds" if largest.abs() < 1.0 => (1e-3, "ms"),
        "seconds" => (1.0, "s"),
        // Of these there is no unit: a code, bits, yes and no.
        "code" | "bits" | "state" => (1.0, ""),
        other => (1.0, other),
    }
}

/// With the largest of `units` that leaves one digit at least before the point.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut unit = 0;
    while value.abs() >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    format!("{} {}", digits(value), units[unit])
}

/// Three digits that count.
fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs().log10().floor();
    if !(-4.0..9.0).contains(&size) {
        return format!("{value:.2e}");
    }
    let places = (2.0 - size).max(0.0) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn readings_have_the_units_of_people() {
        for (value, unit, text) in [
            (1.98e9, "hertz", "1.98 GHz"),
            (0.955, "ratio", "95.5 %"),
            (0.0123, "seconds", "12.3 ms"),
            (84.0, "celsius", "84 °C"),
            (8.5e9, "bytes", "7.92 GiB"),
            (0.0, "requests", "0"),
            (12345.6, "tokens", "12346"),
            (1e-8, "seconds", "1.00e-5 ms"),
            (f64::NAN, "watts", "nothing"),
        ] {
            assert_eq!(quantity(value, unit), text);
        }
    }
}
