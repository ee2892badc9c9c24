//! Which series are wanted, in a form that an index can look up.

use std::collections::BTreeSet;
use std::fmt;

use auscult_core::{Labels, LabelsRef, METRIC_NAME};

/// Which values of one label are wanted. A label that is not there has the empty value.
pub struct LabelMatcher<'a> {
    name: String,
    equals: Option<String>,
    matches: Box<dyn Fn(&str) -> bool + 'a>,
}

impl<'a> LabelMatcher<'a> {
    /// Exactly this value.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        let equals = Some(value.clone());
        Self { name: name.into(), equals, matches: Box::new(move |other| other == value) }
    }

    /// Every value for which `matches` holds.
    pub fn that(name: impl Into<String>, matches: impl Fn(&str) -> bool + 'a) -> Self {
        Self { name: name.into(), equals: None, matches: Box::new(matches) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The only value that matches, where that is known.
    pub(super) fn equals(&self) -> Option<&str> {
        self.equals.as_deref()
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        (self.matches)(value)
    }

    fn holds(&self, labels: LabelsRef<'_>) -> bool {
        self.matches(labels.get(&self.name).unwrap_or_default())
    }
}

impl fmt::Debug for LabelMatcher<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("LabelMatcher");
        debug.field("name", &self.name).field("equals", &self.equals).finish_non_exhaustive()
    }
}

/// Series for which all matchers of one of several lists hold.
///
/// ```
/// use auscult_core::Labels;
/// use auscult_store::{LabelMatcher, Selection};
/// let metric = LabelMatcher::equal("__name__", "power_watts");
/// let gpu = LabelMatcher::that("gpu", |gpu| gpu.starts_with('1'));
/// let selection = Selection::new(vec![vec![metric, gpu]]);
/// let labels = Labels::from_pairs([("__name__", "power_watts"), ("gpu", "12")])?;
/// assert!(selection.wants(labels.as_ref()));
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
pub struct Selection<'a> {
    any: Vec<Vec<LabelMatcher<'a>>>,
    is_over: Box<dyn Fn() -> bool + 'a>,
    /// No others than these, in order: what an index cannot look up.
    these: Option<&'a [Labels]>,
}

impl<'a> Selection<'a> {
    /// Of these lists; an empty list matches everything, no list nothing.
    #[must_use]
    pub fn new(any: Vec<Vec<LabelMatcher<'a>>>) -> Self {
        Self { any, is_over: Box::new(|| false), these: None }
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::new(vec![Vec::new()])
    }

    /// These series, which are in order.
    pub(super) fn these(series: &'a [Labels]) -> Self {
        let metrics: BTreeSet<&str> = series.iter().map(|one| one.as_ref().metric()).collect();
        let is_of_one = LabelMatcher::that(METRIC_NAME, move |metric| metrics.contains(metric));
        Self { these: Some(series), ..Self::new(vec![vec![is_of_one]]) }
    }

    /// The same until `is_over` holds: then nothing is looked for any more, and what was found is not all.
    #[must_use]
    pub fn until(self, is_over: impl Fn() -> bool + 'a) -> Self {
        Self { is_over: Box::new(is_over), ..self }
    }

    /// Whether the series with these labels is one of them.
    #[must_use]
    pub fn wants(&self, labels: LabelsRef<'_>) -> bool {
        // By its metric most of them are told to be none.
        self.any.iter().any(|all| all.iter().all(|matcher| matcher.holds(labels)))
            && self.is_one_of_these(labels)
    }

    /// Whether it is no other than those that may be; what an index has looked up leaves that open.
    pub(super) fn is_one_of_these(&self, labels: LabelsRef<'_>) -> bool {
        self.these
            .is_none_or(|these| these.binary_search_by(|one| one.as_ref().cmp(&labels)).is_ok())
    }

    pub(super) fn any(&self) -> &[Vec<LabelMatcher<'a>>] {
        &self.any
    }

    pub(super) fn is_over(&self) -> bool {
        (self.is_over)()
    }
}

impl fmt::Debug for Selection<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Selection").field("any", &self.any).finish_non_exhaustive()
    }
}
