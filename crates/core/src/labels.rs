//! What a series is called: a metric name and labels.

use std::cmp::Ordering;
use std::fmt;

/// The label that holds the name of the metric.
pub const METRIC_NAME: &str = "__name__";
/// Most bytes that a label set may have, names and values together.
pub const MOST_LABEL_BYTES: usize = 64 * 1024;

/// A set of labels: pairs of a name and a value, sorted by name, each name once.
///
/// A label without a value is no label, as in the data model of Prometheus. The
/// name of the metric is the label [`METRIC_NAME`]. Kept in one piece of memory:
/// two bytes of length before each name and each value.
///
/// ```
/// use auscult_core::Labels;
/// let labels = Labels::from_pairs([("gpu", "3"), ("__name__", "power_watts"), ("host", "")])?;
/// assert_eq!(labels.get("gpu"), Some("3"));
/// assert_eq!(labels.to_string(), r#"power_watts{gpu="3"}"#);
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Labels(Box<[u8]>);

/// A borrowed [`Labels`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LabelsRef<'a>(&'a [u8]);

impl Labels {
    /// From pairs in any order.
    ///
    /// # Errors
    ///
    /// [`LabelsError`] for a label without a name, one that stands twice, or too much text.
    pub fn from_pairs<'p>(
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, LabelsError> {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        let mut bytes = Vec::new();
        LabelsRef::encode(&mut pairs, &mut bytes)?;
        Ok(Self(bytes.into_boxed_slice()))
    }

    /// Borrows the set.
    #[must_use]
    pub fn as_ref(&self) -> LabelsRef<'_> {
        LabelsRef(&self.0)
    }

    /// The value of label `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.as_ref().get(name)
    }

    /// The pairs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.as_ref().iter()
    }

    /// The set with some labels set, or removed where the value is empty.
    ///
    /// # Errors
    ///
    /// As [`Labels::from_pairs`].
    pub fn with<'p>(
        &'p self,
        changes: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, LabelsError> {
        let changes: Vec<_> = changes.into_iter().collect();
        let kept = self.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
        Self::from_pairs(kept.chain(changes.iter().copied()))
    }
}

impl<'a> LabelsRef<'a> {
    /// Writes `pairs`, which get sorted, as one set behind what `bytes` holds.
    ///
    /// # Errors
    ///
    /// As [`Labels::from_pairs`]; `bytes` is then as before.
    pub fn encode(pairs: &mut [(&str, &str)], bytes: &mut Vec<u8>) -> Result<(), LabelsError> {
        if !pairs.is_sorted_by_key(|(name, _)| *name) {
            pairs.sort_unstable_by_key(|(name, _)| *name);
        }
        let start = bytes.len();
        let mut before = "";
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let refused = if name.is_empty() {
                Some(LabelsError::Nameless { value: shortened(value) })
            } else if *name == before {
                Some(LabelsError::Twice { name: shortened(name) })
            } else if bytes.len() - start + name.len() + value.len() + 4 > MOST_LABEL_BYTES {
                Some(LabelsError::TooLong { name: shortened(name) })
            } else {
                None
            };
            if let Some(error) = refused {
                bytes.truncate(start);
                return Err(error);
            }
            before = name;
            for text in [name, value] {
                bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        Ok(())
    }

    /// Reads back what [`LabelsRef::encode`] wrote, as long as it is sound.
    ///
    /// ```
    /// use auscult_core::{Labels, LabelsRef};
    /// let labels = Labels::from_pairs([("gpu", "3")])?;
    /// assert_eq!(LabelsRef::decode(labels.as_ref().bytes()), Some(labels.as_ref()));
    /// assert_eq!(LabelsRef::decode(&[9, 0, b'a']), None);
    /// # Ok::<(), auscult_core::LabelsError>(())
    /// ```
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut before = "";
        while !rest.is_empty() {
            let name = text(&mut rest)?;
            let value = text(&mut rest)?;
            if name <= before || value.is_empty() {
                return None;
            }
            before = name;
        }
        (bytes.len() <= MOST_LABEL_BYTES).then_some(Self(bytes))
    }

    /// As [`LabelsRef::decode`] of bytes that [`LabelsRef::encode`] wrote: unchecked.
    ///
    /// Other bytes give other pairs, or fewer; nothing worse.
    #[must_use]
    pub fn decode_trusted(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes: equal sets have equal ones.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Takes a copy.
    #[must_use]
    pub fn to_owned(self) -> Labels {
        Labels(self.0.into())
    }

    /// The value of label `name`.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        let mut rest = self.0;
        loop {
            let (other, value) = (piece(&mut rest)?, piece(&mut rest)?);
            // Only what is asked for has to be text.
            if other == name.as_bytes() {
                return std::str::from_utf8(value).ok();
            }
        }
    }

    /// The name of the metric; empty where there is none.
    #[must_use]
    pub fn metric(self) -> &'a str {
        self.get(METRIC_NAME).unwrap_or_default()
    }

    /// The pairs, by name.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.0;
        std::iter::from_fn(move || Some((text(&mut rest)?, text(&mut rest)?)))
    }
}

/// The text at the front of `rest`, which goes on behind it.
fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(piece(rest)?).ok()
}

/// The bytes of it.
fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk::<2>()?;
    let (piece, behind) = behind.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    *rest = behind;
    Some(piece)
}

fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

impl Ord for LabelsRef<'_> {
    /// By names and values, as a dictionary has them.
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for LabelsRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for LabelsRef<'_> {
    /// As in a query: `name{label="value"}`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric();
        formatter.write_str(metric)?;
        let mut others = self.iter().filter(|(name, _)| *name != METRIC_NAME).peekable();
        if others.peek().is_none() && !metric.is_empty() {
            return Ok(());
        }
        formatter.write_str("{")?;
        for (place, (name, value)) in others.enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(formatter, "{comma}{name}={value:?}")?;
        }
        formatter.write_str("}")
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(formatter)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(formatter)
    }
}

impl fmt::Debug for LabelsRef<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Why labels were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum LabelsError {
    /// A value without a name.
    #[error("the label with value `{value}` has no name")]
    Nameless { value: String },
    /// Two values for one name.
    #[error("label `{name}` stands twice in one series")]
    Twice { name: String },
    /// Too much text in one series.
    #[error("labels have more than {MOST_LABEL_BYTES} bytes, counted up to `{name}`")]
    TooLong { name: String },
}

impl schemars::JsonSchema for Labels {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Labels".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "Labels of a series by name; `__name__` is the name of the metric.",
            "additionalProperties": {"type": "string", "minLength": 1}
        })
    }
}

impl serde::Serialize for Labels {
    /// As a map from name to value.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> serde::Deserialize<'de> for Labels {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
        Self::from_pairs(map.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_empty_values_do_not_matter() {
        let one = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", "")]).unwrap();
        let other = Labels::from_pairs([("a", "1"), ("b", "2")]).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), r#"{a="1",b="2"}"#);
        assert_eq!(Labels::default().to_string(), "{}");
    }

    #[test]
    fn labels_that_cannot_be_are_refused_and_leave_nothing_behind() {
        let mut bytes = vec![7];
        let mut refuse = |pairs: &mut [(&str, &str)]| {
            let error = LabelsRef::encode(pairs, &mut bytes).unwrap_err().to_string();
            assert_eq!(bytes, [7]);
            error
        };
        assert_eq!(refuse(&mut [("a", "1"), ("", "x")]), "the label with value `x` has no name");
        assert_eq!(refuse(&mut [("a", "1"), ("a", "2")]), "label `a` stands twice in one series");
        let long = "x".repeat(40_000);
        let error = refuse(&mut [("a", &long), ("b", &long)]);
        assert_eq!(error, "labels have more than 65536 bytes, counted up to `b`");
    }

    #[test]
    fn changes_replace_add_and_remove() {
        let labels = Labels::from_pairs([("a", "1"), ("b", "2")]).unwrap();
        let changed = labels.with([("b", ""), ("c", "3"), ("a", "0")]).unwrap();
        assert_eq!(changed.to_string(), r#"{a="0",c="3"}"#);
    }

    #[test]
    fn they_survive_json_and_damage_is_told() {
        let labels = Labels::from_pairs([("a", "1\"2"), ("b", "é")]).unwrap();
        let json = serde_json::to_string(&labels).unwrap();
        assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);
        let bytes = labels.as_ref().bytes();
        for end in 1..bytes.len() {
            let cut = LabelsRef::decode(&bytes[..end]);
            assert!(cut.is_none_or(|cut| cut.iter().count() == 1), "cut at {end}");
        }
    }
}
