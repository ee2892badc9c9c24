//! Reads series selectors.

use auscult_core::METRIC_NAME;

use super::{MatchOp, Matcher};

/// Why a text is no series selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(String);

impl SelectorError {
    pub(super) fn nameless() -> Self {
        Self("a matcher needs the name of a label".to_owned())
    }

    pub(super) fn regex(text: &str, error: &regex::Error) -> Self {
        // The crate's message draws the place over several lines; the last says what is wrong.
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default().trim();
        Self(format!("`{text}` is no regular expression: {}", last.trim_start_matches("error: ")))
    }
}

/// Whether `text` can stand as a label without quotes.
pub(super) fn is_label_name(text: &str) -> bool {
    is_name(text, |c| c == '_')
}

/// Whether `text` can stand as a metric without quotes.
pub(super) fn is_metric_name(text: &str) -> bool {
    is_name(text, |c| c == '_' || c == ':')
}

fn is_name(text: &str, is_other: impl Fn(char) -> bool) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || is_other(c))
}

/// `text` as a string in double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The matchers of a selector.
pub(super) fn selector(text: &str) -> Result<Vec<Matcher>, SelectorError> {
    let mut reader = Reader { text, place: 0 };
    let mut matchers = Vec::new();
    reader.skip_space();
    if reader.rest().is_empty() {
        return Err(SelectorError(
            "a selector is empty: expected one such as up{job=\"llm\"}; {} means every series"
                .to_owned(),
        ));
    }
    let metric = reader.name(is_metric_name);
    if !metric.is_empty() {
        matchers.push(Matcher::new(METRIC_NAME, MatchOp::Equal, metric)?);
        reader.skip_space();
    }
    if reader.take("{") {
        reader.braces(&mut matchers)?;
        reader.skip_space();
    } else if metric.is_empty() {
        return Err(reader.expected("the name of a metric or `{`"));
    }
    if !reader.rest().is_empty() {
        return Err(reader.expected("the end of the selector"));
    }
    Ok(matchers)
}

struct Reader<'a> {
    text: &'a str,
    place: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.place..]
    }

    fn skip_space(&mut self) {
        self.place = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        self.place += if is_next { token.len() } else { 0 };
        is_next
    }

    /// The longest name that comes next; empty if none does.
    fn name(&mut self, is_name: fn(&str) -> bool) -> &'a str {
        let rest = self.rest();
        let ends = rest.char_indices().map(|(place, c)| place + c.len_utf8());
        let end = ends.take_while(|end| is_name(&rest[..*end])).last().unwrap_or(0);
        self.place += end;
        &rest[..end]
    }

    fn expected(&self, what: &str) -> SelectorError {
        let column = self.text[..self.place].chars().count() + 1;
        let found = match self.rest().chars().next() {
            Some(c) => format!("`{c}`"),
            None => "the end".to_owned(),
        };
        SelectorError(format!(
            "selector `{}`, column {column}: expected {what}, found {found}",
            self.text
        ))
    }

    fn wrong(&self, what: &str) -> SelectorError {
        SelectorError(format!("selector `{}`: {what}", self.text))
    }

    /// What stands between braces, up to the closing one.
    fn braces(&mut self, matchers: &mut Vec<Matcher>) -> Result<(), SelectorError> {
        loop {
            self.skip_space();
            if self.take("}") {
                return Ok(());
            }
            let quoted = self.string()?;
            let name = match &quoted {
                Some(name) => name.as_str(),
                None => self.name(is_label_name),
            };
            if name.is_empty() {
                return Err(self.expected("the name of a label"));
            }
            self.skip_space();
            let op = self.op();
            let matcher = match op {
                Some(op) => {
                    self.skip_space();
                    let value = self.string()?.ok_or_else(|| self.expected("a value in quotes"))?;
                    Matcher::new(name, op, &value)?
                }
                // A name in quotes alone is that of the metric.
                None if quoted.is_some() => Matcher::new(METRIC_NAME, MatchOp::Equal, name)?,
                None => return Err(self.expected("=, !=, =~ or !~")),
            };
            let is_metric =
                |matcher: &Matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal;
            if is_metric(&matcher) && matchers.iter().any(is_metric) {
                return Err(self.wrong("names the metric twice"));
            }
            matchers.push(matcher);
            self.skip_space();
            if !self.take(",") && !self.rest().starts_with('}') {
                return Err(self.expected("`,` or `}`"));
            }
        }
    }

    fn op(&mut self) -> Option<MatchOp> {
        let ops = [MatchOp::Matches, MatchOp::MatchesNot, MatchOp::NotEqual, MatchOp::Equal];
        ops.into_iter().find(|op| self.take(op.as_str()))
    }

    /// The string in quotes that comes next, if one does.
    fn string(&mut self) -> Result<Option<String>, SelectorError> {
        let Some(quote @ ('"' | '\'' | '`')) = self.rest().chars().next() else { return Ok(None) };
        let no_end = || self.wrong("a string has no end");
        let inside = &self.rest()[1..];
        if quote == '`' {
            let end = inside.find('`').ok_or_else(no_end)?;
            self.place += end + 2;
            return Ok(Some(inside[..end].to_owned()));
        }
        // Escapes can spell single bytes.
        let (mut bytes, mut place) = (Vec::new(), 0);
        while let Some(c) = inside[place..].chars().next().filter(|c| *c != '\n') {
            if c == quote {
                let text = String::from_utf8(bytes);
                let text = text.map_err(|_| self.wrong("a string is no UTF-8"))?;
                self.place += place + 2;
                return Ok(Some(text));
            }
            if c == '\\' {
                let escape = &inside[place..];
                let Some(length) = unescape(escape, quote, &mut bytes) else {
                    let shown: String = escape.chars().take(2).collect();
                    return Err(self.wrong(&format!("`{shown}` is no escape")));
                };
                place += length;
            } else {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                place += c.len_utf8();
            }
        }
        Err(no_end())
    }
}

/// Reads the escape that `text` begins with into `bytes`; its length, if it is one.
fn unescape(text: &str, quote: char, bytes: &mut Vec<u8>) -> Option<usize> {
    let number = |start: usize, length: usize, radix: u32| {
        let digits = text.get(start..start + length)?;
        let is_digits = digits.chars().all(|c| c.is_digit(radix));
        is_digits.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    let mut character = |start: usize, length: usize| {
        let c = char::from_u32(number(start, length, 16)?)?;
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Some(start + length)
    };
    let byte = match text.chars().nth(1)? {
        'u' => return character(2, 4),
        'U' => return character(2, 8),
        'x' => {
            bytes.push(u8::try_from(number(2, 2, 16)?).ok()?);
            return Some(4);
        }
        '0'..='7' => {
            bytes.push(u8::try_from(number(1, 3, 8)?).ok()?);
            return Some(4);
        }
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        c if c == quote => c as u8,
        _ => return None,
    };
    bytes.push(byte);
    Some(2)
}
