//! Bodies that were compressed.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use super::RequestError;
use crate::metrics::WireError;

/// Unpacks `body`; stops once it grows beyond `most` bytes.
///
/// # Errors
///
/// [`RequestError`] when it does, or is no gzip.
pub fn gunzip(body: &[u8], most: usize) -> Result<Vec<u8>, RequestError> {
    let mut unpacked = Vec::new();
    let mut decoder = MultiGzDecoder::new(body).take(most as u64 + 1);
    let read = decoder.read_to_end(&mut unpacked);
    let broken = |error| WireError::new(format!("expected gzip: {error}"), super::PLACE);
    read.map_err(broken)?;
    if unpacked.len() > most {
        return Err(RequestError::TooLarge { most, of: "unpacked" });
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn what_grows_too_much_is_refused_while_it_grows() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(gunzip(&packed, 1 << 20).map(|bytes| bytes.len()), Ok(1 << 20));
        assert_eq!(
            gunzip(&packed, 1000),
            Err(RequestError::TooLarge { most: 1000, of: "unpacked" })
        );
        let cut = gunzip(&packed[..packed.len() / 2], 1 << 20).unwrap_err();
        assert!(cut.to_string().starts_with("expected gzip: "), "{cut}");
        assert!(gunzip(b"plain", 1000).is_err());
    }
}
