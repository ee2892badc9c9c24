//! Names that a certificate gives to its holder.
//!
//! Sources: RFC 5280, sections 4.1 (the certificate) and 4.2.1.6 (alternative names); X.690 for
//! DER. The certificate has been verified before; what cannot be read here gives no name.

/// Object identifiers as their bytes.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const EXPLICIT_VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// UTF8String, PrintableString, IA5String: text that is ASCII or UTF-8.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];
/// In alternative names: address of mail, DNS name, URI.
const NAMES: [u8; 3] = [0x81, 0x82, 0x86];

/// The common names and the alternative names (DNS, mail, URI) of a certificate in DER.
pub(super) fn names(certificate: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    // What is broken ends the search; names before it were signed all the same.
    let _ = collect(certificate, &mut names);
    names
}

fn collect(certificate: &[u8], names: &mut Vec<String>) -> Option<()> {
    let certificate = Reader(certificate).expect(SEQUENCE)?;
    let mut signed = Reader(Reader(certificate).expect(SEQUENCE)?);
    if signed.peek() == Some(EXPLICIT_VERSION) {
        signed.next()?;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        signed.next()?;
    }
    common_names(signed.expect(SEQUENCE)?, names)?;
    // The public key, then unique identifiers that nobody uses.
    signed.expect(SEQUENCE)?;
    while let Some((tag, content)) = signed.next() {
        if tag == EXTENSIONS {
            alternative_names(Reader(content).expect(SEQUENCE)?, names)?;
        }
    }
    Some(())
}

fn common_names(subject: &[u8], names: &mut Vec<String>) -> Option<()> {
    let mut sets = Reader(subject);
    while sets.peek().is_some() {
        let mut pairs = Reader(sets.expect(SET)?);
        while pairs.peek().is_some() {
            let mut pair = Reader(pairs.expect(SEQUENCE)?);
            let kind = pair.expect(OBJECT_IDENTIFIER)?;
            let (tag, text) = pair.next()?;
            if kind == COMMON_NAME && TEXTS.contains(&tag) {
                add(text, names);
            }
        }
    }
    Some(())
}

fn alternative_names(extensions: &[u8], names: &mut Vec<String>) -> Option<()> {
    let mut extensions = Reader(extensions);
    while extensions.peek().is_some() {
        let mut extension = Reader(extensions.expect(SEQUENCE)?);
        if extension.expect(OBJECT_IDENTIFIER)? != ALTERNATIVE_NAME {
            continue;
        }
        let (mut tag, mut content) = extension.next()?;
        if tag != OCTET_STRING {
            // Whether it is critical stands before it.
            (tag, content) = extension.next()?;
        }
        if tag != OCTET_STRING {
            return None;
        }
        let mut entries = Reader(Reader(content).expect(SEQUENCE)?);
        while let Some((tag, text)) = entries.next() {
            if NAMES.contains(&tag) {
                add(text, names);
            }
        }
    }
    Some(())
}

fn add(text: &[u8], names: &mut Vec<String>) {
    // A NUL within a name has been used to seem to be somebody else.
    if let Ok(text) = std::str::from_utf8(text)
        && !text.is_empty()
        && !text.contains('\0')
    {
        names.push(text.to_owned());
    }
}

/// Reads one element of DER after another.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Tag and content of the next element; only tags of one byte, lengths of at most three.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x83 => {
                let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = after;
                bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(got, _)| *got == tag).map(|(_, content)| content)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["gpu1.example.com".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "collector");
        params.distinguished_name.push(DnType::OrganizationName, "nobody's name");
        let uri = "spiffe://example.com/collector".try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        params.subject_alt_names.push(SanType::Rfc822Name("ops@example.com".try_into().unwrap()));
        params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn names_of_the_holder_are_found_and_those_of_the_organization_are_none() {
        let expected =
            ["collector", "gpu1.example.com", "spiffe://example.com/collector", "ops@example.com"];
        assert_eq!(names(&certificate()), expected);
    }

    proptest! {
        #[test]
        fn broken_certificates_do_no_harm(place in 0_usize..400, byte: u8, cut in 0_usize..400) {
            let mut certificate = certificate();
            let place = place % certificate.len();
            certificate[place] = byte;
            names(&certificate);
            certificate.truncate(cut);
            names(&certificate);
        }
    }
}
