//! Records and fields where quotes may occur (RFC 4180).

use memchr::{memchr, memchr2, memrchr};

use crate::error::{Fault, delimiter_name};

/// A field of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawField {
    /// Where it starts; behind the opening quote of a quoted one.
    pub(crate) start: usize,
    /// Where it ends; before the closing quote of a quoted one.
    pub(crate) end: usize,
    /// Whether it is quoted.
    pub(crate) quoted: bool,
    /// Whether quotes in it are doubled.
    doubled: bool,
}

impl RawField {
    /// What it says, `scratch` lending room to undo doubled quotes.
    pub(crate) fn text<'a>(&self, bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let raw = &bytes[self.start..self.end];
        if !self.doubled {
            return raw;
        }
        scratch.clear();
        let mut pieces = raw.split(|&byte| byte == b'"');
        scratch.extend_from_slice(pieces.next().unwrap_or_default());
        // Between the quotes of a pair lies an empty piece.
        while let (Some(_), Some(piece)) = (pieces.next(), pieces.next()) {
            scratch.push(b'"');
            scratch.extend_from_slice(piece);
        }
        scratch
    }
}

/// Walks through whole records, each ended by a line feed.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    delimiter: u8,
}

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8], delimiter: u8) -> Self {
        Self { bytes, at: 0, delimiter }
    }

    /// Where the next record starts.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Replaces `fields` by those of the next record; false at the end. Blank
    /// lines are passed over.
    pub(crate) fn next(&mut self, fields: &mut Vec<RawField>) -> Result<bool, Fault> {
        fields.clear();
        self.skip_blank_lines();
        if self.at == self.bytes.len() {
            return Ok(false);
        }
        let mut at = self.at;
        loop {
            let (field, end) = self.field(at)?;
            fields.push(field);
            at = end + 1;
            if self.bytes.get(end) != Some(&self.delimiter) {
                self.at = at.min(self.bytes.len());
                return Ok(true);
            }
        }
    }

    fn skip_blank_lines(&mut self) {
        loop {
            self.at += match self.bytes[self.at..] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => return,
            }
        }
    }

    /// The field from `at` on, and where the delimiter or line feed after it is.
    fn field(&self, at: usize) -> Result<(RawField, usize), Fault> {
        let spaces = self.bytes[at..].iter().take_while(|&&byte| byte == b' ').count();
        if self.bytes.get(at + spaces) == Some(&b'"') {
            return self.quoted_field(at + spaces + 1);
        }
        let end = self.end_of_field(at);
        Ok((RawField { start: at, end, quoted: false, doubled: false }, end))
    }

    fn end_of_field(&self, at: usize) -> usize {
        memchr2(self.delimiter, b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |end| at + end)
    }

    fn quoted_field(&self, start: usize) -> Result<(RawField, usize), Fault> {
        let Some((close, doubled)) = closing_quote(self.bytes, start) else {
            return Err(Fault::OpenQuote);
        };
        let end = self.end_of_field(close + 1);
        let after = &self.bytes[close + 1..end];
        if !after.iter().all(|byte| matches!(byte, b' ' | b'\r')) {
            return Err(Fault::AfterQuote {
                delimiter: delimiter_name(self.delimiter),
                got: crate::error::shown(&crate::column::lossy(after)),
            });
        }
        Ok((RawField { start, end: close, quoted: true, doubled }, end))
    }
}

/// Where the quoted field that starts at `start` closes, and whether quotes in
/// it are doubled.
fn closing_quote(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut at = start;
    let mut doubled = false;
    loop {
        let quote = at + memchr(b'"', &bytes[at..])?;
        if bytes.get(quote + 1) != Some(&b'"') {
            return Some((quote, doubled));
        }
        doubled = true;
        at = quote + 2;
    }
}

/// Where the last whole record ends, and whether a quoted field is open at the
/// end of `bytes`, which begin with a record.
pub(crate) fn last_record_end(bytes: &[u8], delimiter: u8) -> (usize, bool) {
    let mut last = 0;
    let mut at = 0;
    loop {
        let quote = memchr(b'"', &bytes[at..]).map_or(bytes.len(), |quote| at + quote);
        if let Some(line_feed) = memrchr(b'\n', &bytes[at..quote]) {
            last = at + line_feed + 1;
        }
        if quote == bytes.len() {
            return (last, false);
        }
        at = quote + 1;
        if opens_field(&bytes[..quote], delimiter) {
            match closing_quote(bytes, at) {
                Some((close, _)) => at = close + 1,
                None => return (last, true),
            }
        }
    }
}

/// Whether a quote after `before` opens a field, rather than being part of one.
fn opens_field(before: &[u8], delimiter: u8) -> bool {
    match before.iter().rev().find(|&&byte| byte != b' ') {
        None | Some(b'\n') => true,
        Some(&byte) => byte == delimiter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Result<Vec<Vec<String>>, Fault> {
        let mut records = Records::new(text.as_bytes(), b',');
        let mut fields = Vec::new();
        let mut scratch = Vec::new();
        let mut all = Vec::new();
        while records.next(&mut fields)? {
            let texts = fields.iter().map(|field| {
                String::from_utf8_lossy(field.text(text.as_bytes(), &mut scratch)).into_owned()
            });
            all.push(texts.collect());
        }
        Ok(all)
    }

    #[test]
    fn quotes_enclose_delimiters_line_ends_and_doubled_quotes() {
        let text = "a,\"b,\"\"c\"\"\",\"d\ne\"\r\n\n\"\", \"x\" ,5\" disk\n";
        let expected = [vec!["a", "b,\"c\"", "d\ne"], vec!["", "x", "5\" disk"]];
        assert_eq!(records(text).expect("well formed"), expected);
    }

    #[test]
    fn an_open_quote_and_text_after_a_quote_are_refused() {
        assert!(matches!(records("\"a\n"), Err(Fault::OpenQuote)));
        assert!(matches!(records("\"a\"b,c\n"), Err(Fault::AfterQuote { .. })));
    }

    #[test]
    fn the_last_whole_record_is_found_among_quotes() {
        let cases = [
            ("a,b\nc", (4, false)),
            ("a,\"b\nc", (0, true)),
            ("a\n\"b\n\"\"\nc", (2, true)),
            ("a\n\"b\nc\"\nd", (8, false)),
            ("5\" x\n6\" y", (5, false)),
            ("a, \"b\n\", c\nd", (11, false)),
            ("", (0, false)),
        ];
        for (text, expected) in cases {
            assert_eq!(last_record_end(text.as_bytes(), b','), expected, "{text:?}");
        }
    }
}
