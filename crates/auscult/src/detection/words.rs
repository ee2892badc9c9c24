//! Findings in plain words.

use auscult_detect::{Method, Threshold};
pub(crate) use auscult_plot::number;

use super::finding::Finding;

/// A score with two or three digits that matter.
pub(crate) fn score(value: f64) -> String {
    if (0.001..1000.0).contains(&value) { format!("{value:.3}") } else { number(value) }
}

/// `count` with commas between thousands.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 anomaly`, `2 anomalies`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Why a row is an anomaly: how far it is from what was expected, then what
/// else the method has to say.
pub(crate) fn reason(finding: &Finding, method: &Method) -> String {
    let names = &finding.series.columns;
    let more = finding.explanation.as_ref().filter(|_| finding.score.is_some());
    let more = more.map_or_else(Vec::new, |why| why.sentences(|channel| &names[channel]));
    match (names.len(), more.is_empty()) {
        (_, true) => departure(finding, method),
        (1, false) => format!("{}: {}", departure(finding, method), more.join(", ")),
        // What is said of several columns names them and what they read.
        (_, false) => more.join("; "),
    }
}

/// How far a row is from what was expected, in one clause.
fn departure(finding: &Finding, method: &Method) -> String {
    let Some(score_value) = finding.score else {
        return "not judged: the method was still warming up".to_owned();
    };
    let Some(why) = &finding.explanation else {
        return format!("score {} ({})", score(score_value), method.unit);
    };
    let lead = finding.lead();
    let (reading, expected) = (finding.readings[lead], why.expected[lead]);
    let side = finding.direction().map_or("at", |direction| direction.word());
    if finding.readings.len() == 1 {
        let reading = number(reading);
        let expected = number(expected);
        if !why.reasons.is_empty() {
            return format!("{reading} where {expected} is usual");
        }
        // Only where the convention counts in units of spread does "5 deviations above" hold.
        return match method.threshold {
            Threshold::Score(_) if why.band.is_some() => format!(
                "{reading} is {side} the expected {expected} by {} {}",
                score(score_value),
                method.unit
            ),
            _ => format!("{reading} where {expected} is usual"),
        };
    }
    let mut parts: Vec<usize> =
        (0..why.share.len()).filter(|part| why.share[*part] >= 0.1).collect();
    parts.sort_by(|a, b| why.share[*b].total_cmp(&why.share[*a]));
    parts.truncate(3);
    if parts.is_empty() {
        return format!("score {} ({})", score(score_value), method.unit);
    }
    let part = |part: &usize| {
        format!(
            "{} {} where {} is usual ({:.0} %)",
            finding.series.columns[*part],
            number(finding.readings[*part]),
            number(why.expected[*part]),
            100.0 * why.share[*part]
        )
    };
    parts.iter().map(part).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        let cases = [
            (0.0, "0"),
            (412.0, "412"),
            (-0.25, "-0.25"),
            (1234.5678, "1234.57"),
            (0.000_012_5, "1.25e-5"),
            (123_456_789.0, "123456789"),
            (1e300, "1e300"),
            (1.5e12, "1.5e12"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
    }
}
