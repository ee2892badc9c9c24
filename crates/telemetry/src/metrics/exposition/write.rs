//! The text format 0.0.4, outwards.
//!
//! Source: Prometheus documentation, "Exposition formats".

use std::fmt::Write;

use auscult_core::{LabelsRef, METRIC_NAME};

/// The `Content-Type` of what [`TextPage`] writes.
pub const TEXT_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page that is being written, family by family.
///
/// ```
/// use auscult_core::Labels;
/// use auscult_telemetry::metrics::exposition::TextPage;
/// let mut page = TextPage::default();
/// page.family("power_watts", "gauge", "Power drawn now");
/// let labels = Labels::from_pairs([("__name__", "power_watts"), ("gpu", "3")])?;
/// page.sample(labels.as_ref(), 310.5);
/// let expected = "# HELP power_watts Power drawn now\n# TYPE power_watts gauge\n\
///                 power_watts{gpu=\"3\"} 310.5\n";
/// assert_eq!(page.finish(), expected);
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TextPage {
    text: String,
}

impl TextPage {
    /// Begins a family; all its samples follow.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.text.push_str("# HELP ");
        self.text.push_str(name);
        self.text.push(' ');
        push_escaped(&mut self.text, help, false);
        self.text.push_str("\n# TYPE ");
        self.text.push_str(name);
        self.text.push(' ');
        self.text.push_str(kind);
        self.text.push('\n');
    }

    /// Adds a sample. The names of its labels must be of `[a-zA-Z_][a-zA-Z0-9_]*`: the format
    /// has no way to write others.
    pub fn sample(&mut self, labels: LabelsRef<'_>, value: f64) {
        self.text.push_str(labels.metric());
        let mut before = '{';
        for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
            self.text.push(before);
            self.text.push_str(name);
            self.text.push_str("=\"");
            push_escaped(&mut self.text, value, true);
            self.text.push('"');
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
        self.text.push(' ');
        match value {
            f64::INFINITY => self.text.push_str("+Inf"),
            f64::NEG_INFINITY => self.text.push_str("-Inf"),
            _ => write!(self.text, "{value}").expect("writing to a string does not fail"),
        }
        self.text.push('\n');
    }

    /// The page.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

fn push_escaped(text: &mut String, value: &str, quotes: bool) {
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            _ => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::{Labels, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::MetricBatch;
    use crate::metrics::exposition::{Format, Times};

    proptest! {
        #[test]
        fn what_is_written_is_read(
            pairs in prop::collection::btree_map("[a-z_]{1,8}", "[^\0]{1,12}", 0..5),
            value in any::<f64>(),
            help in "[^\0]{0,20}",
        ) {
            let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let pairs = pairs.chain([(METRIC_NAME, "auscult_deviation")]);
            let labels = Labels::from_pairs(pairs).unwrap();
            let mut page = TextPage::default();
            page.family("auscult_deviation", "gauge", &help);
            page.sample(labels.as_ref(), value);
            let text = page.finish();
            let times = Times { asked: Timestamp::from_seconds(1), honor: false };
            let mut batch = MetricBatch::default();
            Format::Text.read(text.as_bytes(), times, &mut batch).unwrap();
            let series: Vec<_> = batch.series().collect();
            prop_assert_eq!(series.len(), 1);
            prop_assert_eq!(series[0].labels, labels.as_ref());
            let read = series[0].points[0].value;
            prop_assert!(read == value || (read.is_nan() && value.is_nan()));
        }
    }
}
