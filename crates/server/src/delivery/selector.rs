//! Series selectors as in PromQL: `power_watts{job="vllm",gpu=~"0|1"}`.

use auscult_core::{Labels, METRIC_NAME};
use regex::Regex;

/// Selects series by their labels.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    matchers: Vec<Matcher>,
}

#[derive(Debug, Clone)]
struct Matcher {
    label: String,
    test: Test,
    /// Whether those that pass are left out instead.
    inverted: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    Regex(Regex),
}

impl Selector {
    /// Whether a series is selected. A label that it does not have is empty.
    pub(crate) fn selects(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| {
            let value = labels.get(&matcher.label).unwrap_or("");
            let passes = match &matcher.test {
                Test::Equal(wanted) => value == wanted,
                Test::Regex(wanted) => wanted.is_match(value),
            };
            passes != matcher.inverted
        })
    }
}

impl std::str::FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected one such as power_watts{job=\"vllm\"}";
        let refuse = |what: &str| format!("`{text}` is no selector of series: {what}; {expected}");
        let text = text.trim();
        let brace = text.find('{').unwrap_or(text.len());
        let (metric, mut rest) = text.split_at(brace);
        let metric = metric.trim();
        let mut matchers = Vec::new();
        if !metric.is_empty() {
            if !is_name(metric, true) {
                return Err(refuse(&format!("`{metric}` is no name of a metric")));
            }
            let test = Test::Equal(metric.to_owned());
            matchers.push(Matcher { label: METRIC_NAME.to_owned(), test, inverted: false });
        }
        if let Some(behind) = rest.strip_prefix('{') {
            rest = behind.trim_start();
            while !rest.starts_with('}') {
                let matcher = matcher(&mut rest).map_err(|what| refuse(&what))?;
                matchers.push(matcher);
                rest = match rest.strip_prefix(',') {
                    Some(behind) => behind.trim_start(),
                    None if rest.starts_with('}') => rest,
                    None => return Err(refuse("expected , or } after a matcher")),
                };
            }
            if !rest[1..].trim().is_empty() {
                return Err(refuse("something stands behind the }"));
            }
        }
        if matchers.is_empty() {
            return Err(refuse("it says nothing"));
        }
        Ok(Self { matchers })
    }
}

fn is_name(text: &str, colons: bool) -> bool {
    let fits =
        |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || (colons && letter == ':');
    text.chars().all(fits) && !text.starts_with(|letter: char| letter.is_ascii_digit())
}

/// The matcher at the front of `rest`, which goes on behind it.
fn matcher(rest: &mut &str) -> Result<Matcher, String> {
    let end = rest.find(['=', '!']).ok_or("expected =, !=, =~ or !~ after the name of a label")?;
    let label = rest[..end].trim();
    if label.is_empty() || !is_name(label, false) {
        return Err(format!("`{label}` is no name of a label"));
    }
    let label = label.to_owned();
    let operators =
        [("=~", true, false), ("!~", true, true), ("!=", false, true), ("=", false, false)];
    let found = operators.into_iter().find(|(sign, ..)| rest[end..].starts_with(sign));
    let (sign, is_regex, inverted) = found.ok_or("expected =, !=, =~ or !~")?;
    *rest = rest[end + sign.len()..].trim_start();
    let value = quoted(rest)?;
    *rest = rest.trim_start();
    let test = if is_regex {
        let regex = Regex::new(&format!("^(?s:{value})$"));
        Test::Regex(regex.map_err(|error| format!("`{value}` is no regular expression: {error}"))?)
    } else {
        Test::Equal(value)
    };
    Ok(Matcher { label, test, inverted })
}

/// The text in quotes at the front of `rest`, which goes on behind it.
fn quoted(rest: &mut &str) -> Result<String, String> {
    let Some(quote) = rest.chars().next().filter(|letter| matches!(letter, '"' | '\'')) else {
        return Err("expected a value in quotes".to_owned());
    };
    let mut value = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((place, letter)) = letters.next() {
        match letter {
            _ if letter == quote => {
                *rest = &rest[place + 1..];
                return Ok(value);
            }
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped @ ('\\' | '"' | '\''))) => value.push(escaped),
                _ => return Err("expected \\\\, \\n, \\t or a quote after a backslash".to_owned()),
            },
            _ => value.push(letter),
        }
    }
    Err("a value has no closing quote".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::samples::labels;

    #[test]
    fn series_are_selected_as_in_promql() {
        let series = labels([("__name__", "power_watts"), ("job", "vllm"), ("gpu", "3")]);
        for (selector, expected) in [
            ("power_watts", true),
            (r#"{job="vllm"}"#, true),
            (r#" power_watts { job = "vllm" , gpu != '4', } "#, true),
            (r#"{__name__=~"power.*",gpu!~"[12]"}"#, true),
            (r#"{gpu=~"3|4",rack=""}"#, true),
            (r#"{gpu=~"[0-9]",job!="vllm"}"#, false),
            (r#"{job=~"vll"}"#, false),
            (r#"power{job="vllm"}"#, false),
            (r#"{rack!=""}"#, false),
        ] {
            assert_eq!(
                selector.parse::<Selector>().unwrap().selects(&series),
                expected,
                "{selector}"
            );
        }
        let odd = labels([("a", "x\\\"}\n")]);
        assert!(r#"{a="x\\\"}\n"}"#.parse::<Selector>().unwrap().selects(&odd));
    }

    #[test]
    fn what_is_no_selector_is_refused_in_words() {
        for (selector, expected) in [
            ("", "it says nothing"),
            ("{}", "it says nothing"),
            ("9lives", "`9lives` is no name of a metric"),
            (r#"{a="b""#, "expected , or }"),
            (r#"{a="b"} c"#, "something stands behind"),
            (r#"{a=b}"#, "expected a value in quotes"),
            (r#"{a="b}"#, "no closing quote"),
            (r#"{a~"b"}"#, "expected =, !=, =~ or !~"),
            (r#"{a!"b"}"#, "expected =, !=, =~ or !~"),
            (r#"{a-b="c"}"#, "`a-b` is no name of a label"),
            (r#"{a=~"("}"#, "is no regular expression"),
            (r#"{a="\x"}"#, "after a backslash"),
            ("{", "after the name of a label"),
        ] {
            let error = selector.parse::<Selector>().unwrap_err();
            assert!(error.contains(expected), "{selector}: {error}");
        }
    }
}
