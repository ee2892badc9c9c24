//! Which series are meant, in the syntax of Prometheus: `vllm:e2e_seconds{job=~"llm-.*"}`.
//!
//! Source: Prometheus documentation, "Querying basics", on time series selectors and string
//! literals; the names in quotes are those of Prometheus 3.

mod parse;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use auscult_core::{Labels, LabelsRef, METRIC_NAME};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use parse::SelectorError;

/// How the value of a label is held against that of a [`Matcher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`: it is the same.
    Equal,
    /// `!=`: it is another.
    NotEqual,
    /// `=~`: the regular expression matches all of it.
    Matches,
    /// `!~`: the regular expression does not match all of it.
    MatchesNot,
}

impl MatchOp {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }
}

/// A condition on one label. A label that a series does not have is empty.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    regex: Option<Regex>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Matcher {
    /// That label `name` is to `value` as `op` says.
    ///
    /// # Errors
    ///
    /// [`SelectorError`] for an empty name, or a regular expression that cannot be read.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, SelectorError> {
        if name.is_empty() {
            return Err(SelectorError::nameless());
        }
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Matches | MatchOp::MatchesNot => {
                // Alone first: what is wrong with it must not be hidden by what is put around it.
                let whole = Regex::new(value).and_then(|_| Regex::new(&format!("^(?s:{value})$")));
                Some(whole.map_err(|error| SelectorError::regex(value, &error))?)
            }
        };
        Ok(Self { name: name.to_owned(), op, value: value.to_owned(), regex })
    }

    /// The label.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compared.
    #[must_use]
    pub const fn op(&self) -> MatchOp {
        self.op
    }

    /// With what it is compared.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it holds for a label with `value`, which is empty where there is none.
    #[must_use]
    pub fn holds(&self, value: &str) -> bool {
        let is_match = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => value == self.value,
        };
        is_match == matches!(self.op, MatchOp::Equal | MatchOp::Matches)
    }
}

/// Which series are meant: those for which every matcher holds.
///
/// Read from text as Prometheus reads a series selector. Regular expressions match whole
/// values; theirs is the syntax of the crate `regex`, which is that of RE2 but for rarities.
/// Unlike there, `{}` is allowed and means every series.
///
/// Time O(labels · matchers).
///
/// ```
/// use auscult_core::Labels;
/// use auscult_engine::Selector;
/// let selector: Selector = r#"{job="vllm", __name__=~"vllm:.*"}"#.parse()?;
/// let labels = |metric| Labels::from_pairs([("__name__", metric), ("job", "vllm")]);
/// assert!(selector.matches(labels("vllm:num_requests_running")?.as_ref()));
/// assert!(!selector.matches(labels("process_cpu_seconds_total")?.as_ref()));
/// assert_eq!(r#"up{job!="vllm"}"#.parse::<Selector>()?.matchers().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selector(Vec<Matcher>);

impl Selector {
    /// Of series for which all of `matchers` hold.
    #[must_use]
    pub const fn new(matchers: Vec<Matcher>) -> Self {
        Self(matchers)
    }

    /// The conditions.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.0
    }

    /// Whether the series `labels` is meant.
    #[must_use]
    pub fn matches(&self, labels: LabelsRef<'_>) -> bool {
        self.0.iter().all(|matcher| matcher.holds(labels.get(&matcher.name).unwrap_or_default()))
    }

    /// Whether it asks for nothing that a series would have to have.
    #[must_use]
    pub fn is_unbounded(&self) -> bool {
        self.matches(Labels::default().as_ref())
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        parse::selector(text).map(Self)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |matcher: &&Matcher| {
            matcher.name == METRIC_NAME
                && matcher.op == MatchOp::Equal
                && parse::is_metric_name(&matcher.value)
        };
        let named = self.0.iter().position(|matcher| is_plain(&matcher));
        if let Some(named) = named {
            formatter.write_str(&self.0[named].value)?;
        }
        let mut others = self.0.iter().enumerate().filter(|(place, _)| Some(*place) != named);
        let mut next = others.next();
        if next.is_none() && named.is_some() {
            return Ok(());
        }
        formatter.write_str("{")?;
        while let Some((_, matcher)) = next {
            if parse::is_label_name(&matcher.name) {
                formatter.write_str(&matcher.name)?;
            } else {
                formatter.write_str(&parse::quoted(&matcher.name))?;
            }
            write!(formatter, "{}{}", matcher.op.as_str(), parse::quoted(&matcher.value))?;
            next = others.next();
            if next.is_some() {
                formatter.write_str(", ")?;
            }
        }
        formatter.write_str("}")
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "auscult-selector"})
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of these series, which `selector` means.
    fn meant(selector: &str) -> Vec<&'static str> {
        let series = [
            ("plain", vec![("__name__", "up"), ("job", "vllm"), ("gpu", "0")]),
            ("lines", vec![("__name__", "up"), ("job", "a\nb")]),
            ("quote", vec![("__name__", "it's"), ("job", "say \"hi\" \\ é")]),
            ("bare", vec![("gpu", "0")]),
        ];
        let selector: Selector = selector.parse().unwrap_or_else(|error| panic!("{error}"));
        let again: Selector = selector.to_string().parse().expect("what was written is read");
        assert_eq!(again, selector, "{selector}");
        let is_meant = |labels: &[(&str, &str)]| {
            selector.matches(Labels::from_pairs(labels.iter().copied()).unwrap().as_ref())
        };
        series.iter().filter(|(_, labels)| is_meant(labels)).map(|(name, _)| *name).collect()
    }

    #[test]
    fn series_are_meant_as_prometheus_means_them() {
        let cases: &[(&str, &[&str])] = &[
            ("up", &["plain", "lines"]),
            (r#"up{job="vllm"}"#, &["plain"]),
            (r#" up { job = "vllm" , } "#, &["plain"]),
            (r#"{job!="vllm"}"#, &["lines", "quote", "bare"]),
            (r#"{job=""}"#, &["bare"]),
            (r#"{gpu!=""}"#, &["plain", "bare"]),
            (r#"{job=~"vll"}"#, &[]),
            (r#"{job=~"vll|vllm"}"#, &["plain"]),
            (r#"{job=~"a.b"}"#, &["lines"]),
            (r#"{job!~"v.*|s.*",__name__=~".+"}"#, &["lines"]),
            (r#"{job=~""}"#, &["bare"]),
            ("{}", &["plain", "lines", "quote", "bare"]),
            (r#"{job="a\nb"}"#, &["lines"]),
            ("{job=`say \"hi\" \\ é`}", &["quote"]),
            (r#"{job='say "hi" \\ \u00e9'}"#, &["quote"]),
            (r#"{job="say \"hi\" \x5c \xc3\xa9"}"#, &["quote"]),
            (r#"{"it's"}"#, &["quote"]),
            (r#"{'it\'s', "job"=~"say.*"}"#, &["quote"]),
            (r#"{__name__="up", job=~"\\w+"}"#, &["plain"]),
        ];
        for (selector, expected) in cases {
            assert_eq!(meant(selector), *expected, "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused_in_words() {
        let cases = [
            ("", "is empty"),
            ("up{", "column 4"),
            ("up{job}", "expected =, !=, =~ or !~"),
            ("up{job=vllm}", "expected a value in quotes"),
            ("up{job=\"vllm\"", "expected `,` or `}`"),
            ("up{job=\"vllm}", "has no end"),
            ("up{job=\"a\nb\"}", "has no end"),
            ("up{job=\"\\q\"}", r"`\q` is no escape"),
            ("up{job=\"\\xff\"}", "is no UTF-8"),
            ("up{job==\"a\"}", "expected a value in quotes"),
            ("up{,}", "expected the name of a label"),
            ("up{job=\"a\",,}", "expected the name of a label"),
            ("up{__name__=\"down\"}", "names the metric twice"),
            ("up[5m]", "expected the end"),
            ("up offset 5m", "expected the end"),
            ("9up", "expected"),
            ("{job=~\"a(\"}", "`a(`"),
            ("{job=~\")(\"}", "`)(`"),
        ];
        for (selector, expected) in cases {
            let error = selector.parse::<Selector>().expect_err(selector).to_string();
            assert!(error.contains(expected), "{selector}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[a-z{}=!~"'`\\,x0 é]{0,24}"#) {
            if let Ok(selector) = text.parse::<Selector>() {
                proptest::prop_assert_eq!(selector.to_string().parse::<Selector>().ok(), Some(selector));
            }
        }
    }
}
