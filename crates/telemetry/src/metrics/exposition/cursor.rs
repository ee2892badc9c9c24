//! One line of a text page, read from left to right.

use auscult_core::METRIC_NAME;

use crate::metrics::{MetricBatch, MetricKind, WireError};
use crate::number::parse_number;

/// A place in a line.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    line: &'a str,
    at: usize,
    number: usize,
}

/// Labels of one sample, which lie in the page unless they have escapes.
#[derive(Debug, Default)]
pub(super) struct Pairs<'a> {
    plain: Vec<(&'a str, &'a str)>,
    /// What stands in place of a name (`false`) or value (`true`) of `plain`.
    unescaped: Vec<(usize, bool, String)>,
}

/// What may stand between the parts of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blanks {
    /// Any number of blanks and tabs.
    Free,
    /// One blank where it is needed, none where it is not.
    Strict,
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

impl<'a> Cursor<'a> {
    /// Before the first character of `line`, which is the one with this `number`.
    pub(super) fn new(line: &'a str, number: usize) -> Self {
        Self { line, at: 0, number }
    }

    /// What is wrong here.
    pub(super) fn error(&self, what: impl Into<String>) -> WireError {
        let column = 1 + self.line[..self.at].chars().count();
        WireError::new(what, format!("line {}, column {column}", self.number))
    }

    /// That `wanted` was expected here.
    pub(super) fn expected(&self, wanted: &str) -> WireError {
        let got = match self.line[self.at..].chars().next() {
            Some(character) => format!("`{}`", character.escape_debug()),
            None => "the end of the line".to_owned(),
        };
        self.error(format!("expected {wanted}, got {got}"))
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.line.len()
    }

    /// Passes over `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes over `text` if it is next.
    pub(super) fn take_text(&mut self, text: &str) -> bool {
        let is_next = self.line[self.at..].starts_with(text);
        self.at += if is_next { text.len() } else { 0 };
        is_next
    }

    /// Passes over blanks where none are needed.
    pub(super) fn skip(&mut self, blanks: Blanks) {
        if blanks == Blanks::Free {
            while matches!(self.peek(), Some(b' ' | b'\t')) {
                self.at += 1;
            }
        }
    }

    /// Passes over what has to part two words; says whether it was there.
    pub(super) fn part(&mut self, blanks: Blanks) -> bool {
        let is_there = self.take(b' ') || (blanks == Blanks::Free && self.take(b'\t'));
        self.skip(blanks);
        is_there
    }

    /// Everything up to the next blank or the end.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = &self.line[self.at..];
        let end = rest.bytes().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn name(&mut self, colons: bool) -> &'a str {
        let rest = &self.line[self.at..];
        let is_first = |byte: u8| starts_name(byte) || (colons && byte == b':');
        let mut bytes = rest.bytes();
        if !bytes.next().is_some_and(is_first) {
            return "";
        }
        let more = bytes.position(|byte| !is_first(byte) && !byte.is_ascii_digit());
        let end = more.map_or(rest.len(), |more| more + 1);
        self.at += end;
        &rest[..end]
    }

    /// The name of a metric, unquoted; empty if none is next.
    pub(super) fn metric_name(&mut self) -> &'a str {
        self.name(true)
    }

    /// A quoted text behind its first quote: as it stands, or unescaped where that differs.
    ///
    /// `\\`, `\"` and `\n` are escapes; a backslash before anything else is one itself.
    fn quoted(&mut self) -> Result<(&'a str, Option<String>), WireError> {
        let rest = &self.line[self.at..];
        let mut unescaped: Option<String> = None;
        let (mut copied, mut at) = (0, 0);
        loop {
            let Some(next) = memchr::memchr2(b'"', b'\\', &rest.as_bytes()[at..]) else {
                return Err(self.error("expected a closing quote in this line"));
            };
            at += next;
            if rest.as_bytes()[at] == b'"' {
                break;
            }
            let meant = match rest.as_bytes().get(at + 1) {
                Some(b'n') => Some('\n'),
                Some(b'"') => Some('"'),
                Some(b'\\') => Some('\\'),
                _ => None,
            };
            let Some(meant) = meant else {
                at += 1;
                continue;
            };
            let text = unescaped.get_or_insert_default();
            text.push_str(&rest[copied..at]);
            text.push(meant);
            at += 2;
            copied = at;
        }
        self.at += at + 1;
        let plain = &rest[..at];
        let unescaped = unescaped.map(|mut text| {
            text.push_str(&rest[copied..at]);
            text
        });
        Ok((plain, unescaped))
    }

    /// The name in a line of metadata, quoted or not.
    pub(super) fn family_name(&mut self) -> Result<std::borrow::Cow<'a, str>, WireError> {
        if self.take(b'"') {
            let (plain, unescaped) = self.quoted()?;
            return Ok(unescaped.map_or(plain.into(), Into::into));
        }
        match self.metric_name() {
            "" => Err(self.expected("the name of a metric")),
            name => Ok(name.into()),
        }
    }

    /// Name and labels of a sample, up to the blank before its value.
    pub(super) fn series(
        &mut self,
        blanks: Blanks,
        pairs: &mut Pairs<'a>,
    ) -> Result<(), WireError> {
        pairs.plain.clear();
        pairs.unescaped.clear();
        let name = self.metric_name();
        if !name.is_empty() {
            pairs.plain.push((METRIC_NAME, name));
        }
        let before = self.at;
        self.skip(blanks);
        let braces = self.take(b'{');
        if braces {
            self.labels(blanks, pairs)?;
        } else {
            self.at = before;
        }
        if !pairs.plain.iter().any(|(name, _)| *name == METRIC_NAME) {
            return Err(self.expected("the name of a metric"));
        }
        let needed = blanks == Blanks::Strict || !braces;
        if !self.part(blanks) && needed {
            return Err(self.expected("a blank before the value"));
        }
        Ok(())
    }

    /// Labels behind the opening brace, up to the closing one.
    pub(super) fn labels(
        &mut self,
        blanks: Blanks,
        pairs: &mut Pairs<'a>,
    ) -> Result<(), WireError> {
        loop {
            self.skip(blanks);
            if self.take(b'}') {
                return Ok(());
            }
            let place = pairs.plain.len();
            let name = if self.take(b'"') {
                let (plain, unescaped) = self.quoted()?;
                pairs.unescaped.extend(unescaped.map(|text| (place, false, text)));
                self.skip(blanks);
                if self.peek() != Some(b'=') {
                    // A quoted text alone is the name of the metric.
                    if let Some((_, value, _)) =
                        pairs.unescaped.last_mut().filter(|(of, ..)| *of == place)
                    {
                        *value = true;
                    }
                    pairs.plain.push((METRIC_NAME, plain));
                    self.end_of_label(blanks)?;
                    continue;
                }
                plain
            } else {
                self.name(false)
            };
            if name.is_empty() {
                return Err(self.expected("the name of a label or `}`"));
            }
            self.skip(blanks);
            if !self.take(b'=') {
                return Err(self.expected("`=`"));
            }
            self.skip(blanks);
            if !self.take(b'"') {
                return Err(self.expected("the value of a label in quotes"));
            }
            let (value, unescaped) = self.quoted()?;
            pairs.plain.push((name, value));
            pairs.unescaped.extend(unescaped.map(|text| (place, true, text)));
            self.end_of_label(blanks)?;
        }
    }

    fn end_of_label(&mut self, blanks: Blanks) -> Result<(), WireError> {
        self.skip(blanks);
        if self.take(b',') || self.peek() == Some(b'}') {
            return Ok(());
        }
        Err(self.expected("`,` or `}`"))
    }

    /// A number up to the next blank or the end.
    pub(super) fn value(&mut self) -> Result<f64, WireError> {
        let start = self.at;
        let word = self.word();
        parse_number(word.as_bytes()).ok_or_else(|| {
            self.at = start;
            if word.is_empty() {
                return self.expected("a number");
            }
            let shown: String = word.chars().take(40).collect();
            self.error(format!("expected a number, got `{}`", shown.escape_debug()))
        })
    }

    /// A whole number up to the next blank or the end.
    pub(super) fn whole(&mut self) -> Result<i64, WireError> {
        let start = self.at;
        self.word().parse().map_err(|_| {
            self.at = start;
            self.expected("a time in whole milliseconds")
        })
    }
}

impl Pairs<'_> {
    /// The name of the metric.
    pub(super) fn metric(&self) -> &str {
        let place = self.plain.iter().position(|(name, _)| *name == METRIC_NAME);
        let Some(place) = place else { return "" };
        let unescaped = self.unescaped.iter().find(|(of, value, _)| *value && *of == place);
        unescaped.map_or(self.plain[place].1, |(_, _, text)| text)
    }

    /// Begins a series with these labels.
    pub(super) fn begin(
        &mut self,
        kind: MetricKind,
        batch: &mut MetricBatch,
        cursor: &Cursor<'_>,
    ) -> Result<(), WireError> {
        let begun = if self.unescaped.is_empty() {
            batch.begin_series(kind, &mut self.plain)
        } else {
            let mut pairs: Vec<(&str, &str)> = self.plain.clone();
            for (place, value, text) in &self.unescaped {
                let pair = &mut pairs[*place];
                *(if *value { &mut pair.1 } else { &mut pair.0 }) = text;
            }
            batch.begin_series(kind, &mut pairs)
        };
        begun.map_err(|error| WireError::new(error.to_string(), format!("line {}", cursor.number)))
    }
}
