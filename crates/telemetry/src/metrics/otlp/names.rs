//! What metrics and attributes of OpenTelemetry are called here.
//!
//! Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", as
//! Prometheus 3 reads it unless told otherwise (`UnderscoreEscapingWithSuffixes`).

use std::borrow::Cow;

/// What a name says of its metric besides its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// A sum that only grows: ends in `_total`.
    Counter,
    /// A gauge: ends in `_ratio` where the unit is 1.
    Gauge,
    /// Everything else.
    Other,
}

/// The name of the metric `name` with `unit`; `None` where nothing would be left of it.
pub(super) fn metric_name(name: &str, unit: &str, flavour: Flavour) -> Option<String> {
    let is_kept = |letter: char| letter.is_ascii_alphanumeric() || letter == ':';
    let mut tokens: Vec<&str> =
        name.split(|letter: char| !is_kept(letter)).filter(|token| !token.is_empty()).collect();
    let (unit_of, per) = unit.split_once('/').unwrap_or((unit, ""));
    let main = cleaned(spelt_out(unit_of));
    let per = cleaned(spelt_out_single(per));
    let per = if per.is_empty() { per } else { format!("per_{per}") };
    for suffix in [&main, &per] {
        if !suffix.is_empty() && !tokens.contains(&suffix.as_str()) {
            tokens.push(suffix);
        }
    }
    let kind = match flavour {
        Flavour::Counter => Some("total"),
        Flavour::Gauge if unit == "1" => Some("ratio"),
        Flavour::Gauge | Flavour::Other => None,
    };
    if let Some(kind) = kind {
        tokens.retain(|token| *token != kind);
        tokens.push(kind);
    }
    let name = tokens.join("_");
    match name.bytes().next() {
        None => None,
        Some(first) if first.is_ascii_digit() => Some(format!("_{name}")),
        Some(_) => Some(name),
    }
}

/// A unit in words; annotations in braces are none.
fn spelt_out(unit: &str) -> &str {
    let unit = unit.trim();
    match unit {
        "1" => "",
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        _ if unit.contains(['{', '}']) => "",
        _ => unit,
    }
}

/// A unit behind a stroke, in words.
fn spelt_out_single(unit: &str) -> &str {
    let unit = unit.trim();
    match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        _ if unit.contains(['{', '}']) => "",
        _ => unit,
    }
}

/// Letters and digits, with one underscore for whatever stands between them.
fn cleaned(unit: &str) -> String {
    let parts = unit.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != ':');
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// The label of the attribute `key`: other letters than `[a-zA-Z0-9]` become underscores,
/// several of them one; `key` or `key_` is put before what must not come first. Empty where
/// nothing would be left.
pub(super) fn label_name(key: &str) -> Cow<'_, str> {
    let is_sound = |key: &str| {
        let bytes = key.as_bytes();
        bytes.first().is_some_and(u8::is_ascii_alphabetic)
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && !key.contains("__")
    };
    if is_sound(key) {
        return Cow::Borrowed(key);
    }
    if !key.contains(|letter: char| letter.is_ascii_alphanumeric()) {
        return Cow::Borrowed("");
    }
    let mut name = String::with_capacity(key.len() + 4);
    match key.as_bytes().first() {
        Some(byte) if byte.is_ascii_digit() => name.push_str("key_"),
        Some(byte) if !byte.is_ascii_alphabetic() => name.push_str("key"),
        _ => {}
    }
    for letter in key.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    Cow::Owned(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_called_as_prometheus_calls_them() {
        let named = |name, unit, flavour| metric_name(name, unit, flavour).unwrap_or_default();
        let cases = [
            ("gen_ai.server.time_to_first_token", "s", Flavour::Other),
            ("gen_ai.client.token.usage", "{token}", Flavour::Other),
            ("http.server.requests", "", Flavour::Counter),
            ("requests_total", "{request}", Flavour::Counter),
            ("system.memory.utilization", "1", Flavour::Gauge),
            ("system.cpu.utilization", "1", Flavour::Other),
            ("memory_bytes", "By", Flavour::Gauge),
            ("network.io", "By/s", Flavour::Gauge),
            ("fan.speed", "{revolution}/min", Flavour::Gauge),
            ("vllm:num_requests_running", "", Flavour::Gauge),
            ("9th_power", "W", Flavour::Gauge),
            ("a..b__c-d", "foo bar", Flavour::Other),
            ("température", "Cel", Flavour::Gauge),
            ("...", "", Flavour::Gauge),
        ];
        let expected = [
            "gen_ai_server_time_to_first_token_seconds",
            "gen_ai_client_token_usage",
            "http_server_requests_total",
            "requests_total",
            "system_memory_utilization_ratio",
            "system_cpu_utilization",
            "memory_bytes",
            "network_io_bytes_per_second",
            "fan_speed_per_min",
            "vllm:num_requests_running",
            "_9th_power_watts",
            "a_b_c_d_foo_bar",
            "temp_rature_celsius",
            "",
        ];
        assert_eq!(cases.map(|(name, unit, flavour)| named(name, unit, flavour)), expected);
    }

    #[test]
    fn labels_keep_to_letters_digits_and_single_underscores() {
        let keys = ["gpu", "gen_ai.request.model", "a..b", "0rank", "_x", "__name__", "größe", "."];
        let expected =
            ["gpu", "gen_ai_request_model", "a_b", "key_0rank", "key_x", "key_name_", "gr_e", ""];
        assert_eq!(keys.map(label_name), expected);
    }
}
