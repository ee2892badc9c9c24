//! The values of one object, without building a tree of it.
//!
//! Reads what RFC 8259 allows, and `NaN`, `Infinity` and `-Infinity`, which
//! Python writes.

use memchr::memchr2;

use crate::error::{Fault, shown};

/// Objects inside objects, at most.
const DEEPEST: usize = 64;

/// A value that is no object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written.
    Number(&'a [u8]),
    /// A string, escapes undone.
    Text(&'a [u8]),
    /// A list, passed over.
    List,
}

/// Reads objects, keeping its buffers between them.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// Keys from the outermost object inwards, joined by points.
    path: Vec<u8>,
    scratch: Vec<u8>,
}

impl Scanner {
    /// Calls `visit` with the path and value of everything in the object that
    /// `line` is. Objects inside it are entered.
    ///
    /// A fault comes with how many bytes into the line it is.
    pub(crate) fn scan<F>(&mut self, line: &[u8], visit: &mut F) -> Result<(), (usize, Fault)>
    where
        F: FnMut(&[u8], Value<'_>) -> Result<(), Fault>,
    {
        self.path.clear();
        let mut cursor = Cursor { line, at: 0 };
        cursor.skip_space();
        let scanned = cursor.object(self, visit, 0).and_then(|()| {
            cursor.skip_space();
            match cursor.peek() {
                None => Ok(()),
                Some(_) => Err(cursor.unexpected("the end of the line")),
            }
        });
        scanned.map_err(|fault| (cursor.at.min(line.len()), fault))
    }
}

struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

/// A string between its quotes.
struct RawString<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Cursor<'a> {
    fn object<F>(&mut self, scanner: &mut Scanner, visit: &mut F, depth: usize) -> Result<(), Fault>
    where
        F: FnMut(&[u8], Value<'_>) -> Result<(), Fault>,
    {
        if depth == DEEPEST {
            return Err(json(format!("got objects nested more than {DEEPEST} deep")));
        }
        self.expect(b'{', "an object, `{`")?;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            let key = self.string("a key in quotes")?;
            let outer = scanner.path.len();
            if depth > 0 {
                scanner.path.push(b'.');
            }
            scanner.path.extend_from_slice(key.text(&mut scanner.scratch)?);
            self.skip_space();
            self.expect(b':', "`:`")?;
            self.skip_space();
            if self.peek() == Some(b'{') {
                self.object(scanner, visit, depth + 1)?;
            } else {
                let start = self.at;
                let value = self.value(&mut scanner.scratch)?;
                visit(&scanner.path, value).inspect_err(|_| self.at = start)?;
            }
            scanner.path.truncate(outer);
            self.skip_space();
            if self.eat(b'}') {
                return Ok(());
            }
            self.expect(b',', "`,` or `}`")?;
        }
    }

    fn value<'b>(&mut self, scratch: &'b mut Vec<u8>) -> Result<Value<'b>, Fault>
    where
        'a: 'b,
    {
        match self.peek() {
            Some(b'"') => {
                let string = self.string("a string")?;
                Ok(Value::Text(string.text(scratch)?))
            }
            Some(b'[') => self.skip_list().map(|()| Value::List),
            _ => self.bare(),
        }
    }

    /// A number or a word without quotes.
    fn bare<'b>(&mut self) -> Result<Value<'b>, Fault>
    where
        'a: 'b,
    {
        let rest = &self.line[self.at..];
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r');
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let bare = &rest[..end];
        let value = match bare {
            b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            b"NaN" | b"Infinity" | b"-Infinity" => Value::Number(bare),
            [b'-' | b'0'..=b'9', rest @ ..] if rest.iter().all(is_in_number) => Value::Number(bare),
            _ => return Err(self.unexpected("a value")),
        };
        self.at += end;
        Ok(value)
    }

    /// Passes over a list, whatever is in it.
    fn skip_list(&mut self) -> Result<(), Fault> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None => return Err(self.unexpected("the end of the list")),
                Some(b'"') => {
                    self.string("a string")?;
                    continue;
                }
                Some(b'[' | b'{') => depth += 1,
                Some(b']' | b'}') => depth -= 1,
                Some(_) => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn string(&mut self, expected: &str) -> Result<RawString<'a>, Fault> {
        self.expect(b'"', expected)?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match memchr2(b'"', b'\\', &self.line[self.at..]) {
                None => {
                    self.at = self.line.len();
                    return Err(self.unexpected("`\"`"));
                }
                Some(found) if self.line[self.at + found] == b'"' => {
                    let raw = &self.line[start..self.at + found];
                    self.at += found + 1;
                    return Ok(RawString { raw, escaped });
                }
                Some(found) => {
                    escaped = true;
                    self.at = (self.at + found + 2).min(self.line.len());
                }
            }
        }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.at += usize::from(eaten);
        eaten
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let place = self.at + 1;
        let rest = &self.line[self.at.min(self.line.len())..];
        if rest.is_empty() {
            return json(format!(
                "but the line ends where {expected} should follow: \
                 write each object on one line, for example with `jq -c .`"
            ));
        }
        let got = crate::column::lossy(&rest[..rest.len().min(20)]);
        json(format!("expected {expected} at byte {place} of the line, got `{}`", shown(&got)))
    }
}

impl<'a> RawString<'a> {
    /// What it says, `scratch` lending room to undo escapes.
    fn text<'b>(&self, scratch: &'b mut Vec<u8>) -> Result<&'b [u8], Fault>
    where
        'a: 'b,
    {
        if !self.escaped {
            return Ok(self.raw);
        }
        scratch.clear();
        let mut rest = self.raw;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            scratch.extend_from_slice(&rest[..at]);
            rest = unescape(&rest[at + 1..], scratch)?;
        }
        scratch.extend_from_slice(rest);
        Ok(scratch)
    }
}

/// Undoes the escape whose backslash came before `rest`; returns what follows.
fn unescape<'a>(rest: &'a [u8], into: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    let (&kind, rest) = rest.split_first().ok_or_else(bad_escape)?;
    let plain = match kind {
        b'"' | b'\\' | b'/' => kind,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unescape_unicode(rest, into),
        _ => return Err(bad_escape()),
    };
    into.push(plain);
    Ok(rest)
}

fn unescape_unicode<'a>(rest: &'a [u8], into: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    let (first, mut rest) = hex(rest)?;
    let mut units = vec![first];
    if (0xd800..0xdc00).contains(&first) && rest.starts_with(b"\\u") {
        let (second, after) = hex(&rest[2..])?;
        units.push(second);
        rest = after;
    }
    let mut buffer = [0; 4];
    for character in char::decode_utf16(units) {
        // Half a pair says nothing; what Python and browsers do with it.
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        into.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
    Ok(rest)
}

fn hex(text: &[u8]) -> Result<(u16, &[u8]), Fault> {
    let (digits, rest) = text.split_first_chunk::<4>().ok_or_else(bad_escape)?;
    let mut unit = 0;
    for &digit in digits {
        let digit = char::from(digit).to_digit(16).ok_or_else(bad_escape)?;
        unit = unit * 16 + digit as u16;
    }
    Ok((unit, rest))
}

fn is_in_number(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

fn bad_escape() -> Fault {
    json("but a string has a backslash that starts no escape of JSON".to_owned())
}

fn json(reason: String) -> Fault {
    Fault::Json { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(line: &str) -> Result<Vec<String>, String> {
        let mut seen = Vec::new();
        let mut visit = |path: &[u8], value: Value<'_>| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let value = match value {
                Value::Number(number) => text(number),
                Value::Text(string) => format!("'{}'", text(string)),
                other => format!("{other:?}"),
            };
            seen.push(format!("{}={value}", text(path)));
            Ok(())
        };
        let scanned = Scanner::default().scan(line.as_bytes(), &mut visit);
        scanned.map(|()| seen).map_err(|(_, fault)| fault.to_string())
    }

    #[test]
    fn values_come_with_their_path() {
        let line = r#" {"a": 1, "b":{"c":-2.5e3,"d":{"e":"x"}}, "f":null,"g":true,"h":[1,{"i":"]"}], "j":{}} "#;
        let expected = ["a=1", "b.c=-2.5e3", "b.d.e='x'", "f=Null", "g=Bool(true)", "h=List"];
        assert_eq!(scan(line).expect("an object"), expected);
        assert_eq!(scan("{}").expect("an object"), Vec::<String>::new());
        assert_eq!(scan(r#"{"a":NaN,"b":-Infinity}"#).expect("Python's"), ["a=NaN", "b=-Infinity"]);
    }

    #[test]
    fn escapes_are_undone() {
        let line = r#"{"k\u0041":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800x"}"#;
        let expected = "kA='\"\\/\u{8}\u{c}\n\r\té😀\u{fffd}x'";
        assert_eq!(scan(line).expect("an object"), [expected]);
    }

    #[test]
    fn what_is_no_object_is_refused_with_the_place() {
        let lines = [
            ("", "ends where an object"),
            ("{", "ends where a key in quotes should follow"),
            ("[1]", "expected an object, `{` at byte 1 of the line, got `[1]`"),
            (r#"{"a" 1}"#, "expected `:` at byte 6 of the line, got `1}`"),
            (r#"{"a":x}"#, "expected a value at byte 6 of the line, got `x}`"),
            (r#"{"a":1 "b":2}"#, "expected `,` or `}` at byte 8"),
            (r#"{"a":1},"#, "expected the end of the line at byte 8 of the line, got `,`"),
            (r#"{"a":"x"#, "ends where `\"` should follow"),
            (r#"{"a":"\x"}"#, "starts no escape"),
            (r#"{"a":"\u12"}"#, "starts no escape"),
            (r#"{"a":"\"#, "ends where"),
            (r#"{"a":[1,"#, "ends where the end of the list should follow"),
        ];
        for (line, expected) in lines {
            let sentence = scan(line).expect_err(line);
            assert!(sentence.contains(expected), "{line}: {sentence}");
        }
        let deep = r#"{"a":"#.repeat(100_000);
        assert!(scan(&deep).expect_err("deep").contains("nested more than 64 deep"));
    }
}
