//! Values of attributes, as text.
//!
//! Source: OpenTelemetry specification, "Attribute values of non-string types": lists and
//! maps as JSON, bytes in base 64.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How deep lists and maps may lie in each other.
pub(super) const MOST_DEPTH: usize = 16;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Any<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    /// A list or a map, written out.
    Json(String),
}

impl<'a> Any<'a> {
    /// As the value of a label.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Nothing => Cow::Borrowed(""),
            Self::Text(text) => text,
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Double(number) => Cow::Owned(number.to_string()),
            Self::Bytes(bytes) => Cow::Owned(base64(bytes)),
            Self::Json(json) => Cow::Owned(json),
        }
    }

    /// As an entry of the list that `json` holds so far.
    pub(super) fn write_entry(self, json: &mut String) {
        if !json.ends_with('[') {
            json.push(',');
        }
        self.write(json);
    }

    /// As the value of `key` in the map that `json` holds so far.
    pub(super) fn write_pair(self, key: &str, json: &mut String) {
        if !json.ends_with('{') {
            json.push(',');
        }
        quote(key, json);
        json.push(':');
        self.write(json);
    }

    fn write(self, json: &mut String) {
        match self {
            Self::Nothing => json.push_str("null"),
            Self::Bool(_) | Self::Int(_) | Self::Json(_) => json.push_str(&self.into_text()),
            Self::Double(number) if number.is_finite() => json.push_str(&self.into_text()),
            Self::Text(_) | Self::Double(_) | Self::Bytes(_) => quote(&self.into_text(), json),
        }
    }
}

fn quote(text: &str, json: &mut String) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => json.extend(['\\', letter]),
            ' '.. => json.push(letter),
            _ => write!(json, "\\u{:04x}", letter as u32).expect("a string takes everything"),
        }
    }
    json.push('"');
}

/// Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_text() {
        let text = |any: Any<'static>| any.into_text().into_owned();
        assert_eq!(text(Any::Int(-7)), "-7");
        assert_eq!(text(Any::Double(0.5)), "0.5");
        assert_eq!(text(Any::Bool(true)), "true");
        assert_eq!(text(Any::Nothing), "");
        // The vectors of RFC 4648, section 10.
        let vectors = [&b""[..], b"f", b"fo", b"foo", b"foob", b"fooba", b"foobar"];
        let expected = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        assert_eq!(vectors.map(|bytes| text(Any::Bytes(bytes))), expected);
    }

    #[test]
    fn lists_and_maps_are_json() {
        let mut list = String::from("[");
        for entry in [Any::Text("a \"b\"\n".into()), Any::Double(f64::NAN), Any::Int(1)] {
            entry.write_entry(&mut list);
        }
        list.push(']');
        let mut map = String::from("{");
        Any::Json(list).write_pair("x", &mut map);
        Any::Nothing.write_pair("y", &mut map);
        map.push('}');
        assert_eq!(map, r#"{"x":["a \"b\"\u000a","NaN",1],"y":null}"#);
        assert!(serde_json::from_str::<serde_json::Value>(&map).is_ok());
    }
}
