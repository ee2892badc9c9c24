//! Whole numbers in as few bytes as they need.

/// Writes `number`, seven bits a byte, lowest first.
pub(crate) fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a number of either sign: small ones are short.
pub(crate) fn push_signed(out: &mut Vec<u8>, number: i64) {
    push(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// The number at the front of `rest`, which goes on behind it.
pub(crate) fn pull(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// As [`pull`], of what [`push_signed`] wrote.
pub(crate) fn pull_signed(rest: &mut &[u8]) -> Option<i64> {
    let number = pull(rest)?;
    Some((number >> 1) as i64 ^ -((number & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(number in any::<u64>(), signed in any::<i64>()) {
            let mut bytes = Vec::new();
            push(&mut bytes, number);
            push_signed(&mut bytes, signed);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(pull(&mut rest), Some(number));
            prop_assert_eq!(pull_signed(&mut rest), Some(signed));
            prop_assert!(rest.is_empty());
            prop_assert_eq!(pull(&mut &bytes[..0]), None);
        }
    }
}
