//! What stands between the fields.

use super::records::Records;
use crate::error::Fault;

/// Delimiters that are recognised, the likelier first.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// Records that are looked at.
const RECORDS: usize = 100;

/// The delimiter of `sample`, whole records: the one that cuts the most
/// records into as many fields as the first, more than one.
pub(crate) fn delimiter(sample: &[u8]) -> u8 {
    let mut best = (b',', (0, 0));
    for candidate in CANDIDATES {
        let rating = rate(sample, candidate);
        if rating > best.1 {
            best = (candidate, rating);
        }
    }
    best.0
}

/// Share of the records, in thousandths, that have as many fields as the
/// first, and how many those are; (0, 0) where they are single.
fn rate(sample: &[u8], delimiter: u8) -> (usize, usize) {
    let mut records = Records::new(sample, delimiter);
    let mut fields = Vec::new();
    let (mut seen, mut agreeing, mut width) = (0, 0, 0);
    while seen < RECORDS {
        match records.next(&mut fields) {
            Ok(true) => {}
            Ok(false) => break,
            // The sample may end within quotes.
            Err(Fault::OpenQuote) if seen > 0 => break,
            Err(_) => return (0, 0),
        }
        if seen == 0 {
            width = fields.len();
        }
        seen += 1;
        agreeing += usize::from(fields.len() == width);
    }
    if width < 2 || seen == 0 { (0, 0) } else { (agreeing * 1000 / seen, width) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_cuts_every_record_alike() {
        let cases = [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb\n\"1,5\"\t2\n", b'\t'),
            ("a|b|c\n1|2|3\n", b'|'),
            ("\"a;b\";\"c\"\n\"1\";\"2\"\n", b';'),
            ("value\n1\n2\n", b','),
            ("a,b,c\n1,2\n1,2,3\n", b','),
        ];
        for (sample, expected) in cases {
            assert_eq!(delimiter(sample.as_bytes()), expected, "{sample:?}");
        }
    }
}
