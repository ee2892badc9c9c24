//! Which series are meant.

use auscult_core::{LabelsRef, METRIC_NAME};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector};

use crate::error::QueryError;
use crate::query::parse;

/// Which series are meant: all matchers of a selector hold.
///
/// ```
/// use auscult_core::Labels;
/// use auscult_promql::Selector;
/// let selector = Selector::parse(r#"power_watts{gpu=~"[0-3]",host!="b"}"#)?;
/// let labels = Labels::from_pairs([("__name__", "power_watts"), ("gpu", "3")])?;
/// assert!(selector.matches(labels.as_ref()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Selector {
    matchers: Vec<Matcher>,
}

impl Selector {
    /// Reads a selector such as `up{job="llm"}`.
    ///
    /// # Errors
    ///
    /// [`QueryError::Query`] for anything else.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        match parse(text)? {
            Expr::VectorSelector(selector)
                if selector.offset.is_none() && selector.at.is_none() =>
            {
                Self::of(&selector)
            }
            _ => Err(QueryError::Query(format!(
                "`{text}` is no series selector: expected one such as up{{job=\"llm\"}}"
            ))),
        }
    }

    pub(crate) fn of(selector: &VectorSelector) -> Result<Self, QueryError> {
        if !selector.matchers.or_matchers.is_empty() {
            let reason = "`or` between label matchers is not PromQL: use `or` between selectors";
            return Err(QueryError::Query(reason.to_owned()));
        }
        let name =
            selector.name.as_deref().map(|name| Matcher::new(MatchOp::Equal, METRIC_NAME, name));
        let matchers = name.into_iter().chain(selector.matchers.matchers.iter().cloned());
        Ok(Self { matchers: matchers.collect() })
    }

    /// Whether all matchers hold. A label that is not there counts as empty.
    #[must_use]
    pub fn matches(&self, labels: LabelsRef<'_>) -> bool {
        self.matchers
            .iter()
            .all(|matcher| matcher.is_match(labels.get(&matcher.name).unwrap_or_default()))
    }

    /// What has to hold, all of it; the name of the metric is a label too.
    pub fn matchers(&self) -> impl Iterator<Item = SelectorMatcher<'_>> {
        self.matchers.iter().map(SelectorMatcher)
    }

    /// The labels that `=` sets, the name of the metric aside: of those that are told twice none.
    pub(crate) fn equalities(&self) -> impl Iterator<Item = (&str, &str)> {
        let once =
            |name: &str| self.matchers.iter().filter(|other| other.name == name).count() == 1;
        let set = self.matchers.iter().filter(move |matcher| {
            matcher.op == MatchOp::Equal && matcher.name != METRIC_NAME && once(&matcher.name)
        });
        set.map(|matcher| (matcher.name.as_str(), matcher.value.as_str()))
    }
}

/// What a [`Selector`] asks of one label.
#[derive(Debug, Clone, Copy)]
pub struct SelectorMatcher<'a>(&'a Matcher);

impl<'a> SelectorMatcher<'a> {
    /// The name of the label.
    #[must_use]
    pub fn name(self) -> &'a str {
        &self.0.name
    }

    /// The only value that matches, where `=` says it.
    #[must_use]
    pub fn equals(self) -> Option<&'a str> {
        (self.0.op == MatchOp::Equal).then_some(self.0.value.as_str())
    }

    /// Whether `value` matches; a label that is not there counts as empty.
    #[must_use]
    pub fn matches(self, value: &str) -> bool {
        self.0.is_match(value)
    }
}
