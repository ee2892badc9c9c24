//! Fields of a protobuf message, read where they lie.
//!
//! Remote write is the hot path: a decoder that makes a string of every label
//! takes longer than scoring the sample.
//!
//! Source: Protocol Buffers documentation, "Encoding".

/// A field's value, undecoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// An integer of any kind, a boolean or an enumeration.
    Varint(u64),
    /// A `double` or a fixed integer.
    Fixed64(u64),
    /// A string, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// A `float` or a fixed integer.
    Fixed32(u32),
}

/// The message ends in the middle of a field, or a field has no known form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Broken> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Broken) }
    }

    pub(super) fn text(self) -> Result<&'a str, Broken> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Broken)
    }

    pub(super) fn double(self) -> Result<f64, Broken> {
        if let Self::Fixed64(bits) = self { Ok(f64::from_bits(bits)) } else { Err(Broken) }
    }

    pub(super) fn unsigned(self) -> Result<u64, Broken> {
        if let Self::Varint(number) = self { Ok(number) } else { Err(Broken) }
    }

    pub(super) fn signed(self) -> Result<i64, Broken> {
        Ok(self.unsigned()?.cast_signed())
    }

    /// A `sint32` or `sint64`.
    pub(super) fn zigzag(self) -> Result<i64, Broken> {
        self.unsigned().map(unzigzag)
    }
}

pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The fields of `message`, in order: number and value.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// See [`fields`]. Ends after the first broken field.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = field(&mut self.rest);
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(Broken))
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => Value::Fixed64(u64::from_le_bytes(take(rest)?)),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, behind) = rest.split_at_checked(length)?;
            *rest = behind;
            Value::Bytes(bytes)
        }
        5 => Value::Fixed32(u32::from_le_bytes(take(rest)?)),
        _ => return None,
    };
    Some((key >> 3, value))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*bytes)
}

/// The variable-length integer at the front of `rest`, which goes on behind it.
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (place, byte) in rest.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if place == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * place);
        if byte & 0x80 == 0 {
            *rest = &rest[place + 1..];
            return Some(number);
        }
    }
    None
}

/// Packed or single varints of a repeated field.
pub(super) fn varints(value: Value<'_>, mut each: impl FnMut(u64)) -> Result<(), Broken> {
    match value {
        Value::Varint(number) => each(number),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                each(varint(&mut packed).ok_or(Broken)?);
            }
        }
        Value::Fixed32(_) | Value::Fixed64(_) => return Err(Broken),
    }
    Ok(())
}

/// Packed or single doubles of a repeated field.
pub(super) fn doubles(value: Value<'_>, mut each: impl FnMut(f64)) -> Result<(), Broken> {
    match value {
        Value::Fixed64(bits) => each(f64::from_bits(bits)),
        Value::Bytes(packed) => {
            let (chunks, []) = packed.as_chunks::<8>() else { return Err(Broken) };
            chunks.iter().for_each(|chunk| each(f64::from_le_bytes(*chunk)));
        }
        Value::Fixed32(_) | Value::Varint(_) => return Err(Broken),
    }
    Ok(())
}

/// Writes messages, field by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn key(&mut self, field: u64, form: u64) {
        self.varint(field << 3 | form);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn unsigned(&mut self, field: u64, number: u64) {
        self.key(field, 0);
        self.varint(number);
    }

    pub(super) fn double(&mut self, field: u64, number: f64) {
        self.key(field, 1);
        self.bytes.extend_from_slice(&number.to_bits().to_le_bytes());
    }

    pub(super) fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, &inner.bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message = Message::default();
        message.unsigned(1, u64::MAX);
        message.double(2, -0.5);
        message.message(3, |inner| inner.bytes(1, b"text"));
        let bytes = message.into_bytes();
        let read: Vec<_> = fields(&bytes).map(Result::unwrap).collect();
        assert_eq!(read[0], (1, Value::Varint(u64::MAX)));
        assert_eq!(read[1].1.double(), Ok(-0.5));
        let inner = fields(read[2].1.bytes().unwrap()).next().unwrap().unwrap();
        assert_eq!(inner.1.text(), Ok("text"));
        assert_eq!([0, 1, 2, 3].map(unzigzag), [0, -1, 1, -2]);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let broken = fields(&bytes).filter(Result::is_err).count();
            prop_assert!(broken <= 1);
        }

        #[test]
        fn a_cut_message_is_broken(number in 128_u64.., cut in 1_usize..3) {
            let mut message = Message::default();
            message.bytes(1, b"0123456789");
            message.unsigned(2, number);
            let bytes = message.into_bytes();
            let cut = &bytes[..bytes.len() - cut.min(bytes.len() - 13)];
            prop_assert!(fields(cut).any(|field| field.is_err()));
        }
    }
}
