//! Whole texts in, for formats that are no tables.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::error::{Fault, ReadError};
use crate::input::{Text, open};
use crate::options::Input;

/// Reads all of a text: UTF-8 or UTF-16, plain, gzip or zstd.
///
/// # Errors
///
/// What the reader of tables refuses of files, and texts of more than
/// `most_bytes` once unpacked, before they are held in memory.
///
/// ```
/// use auscult_telemetry::{Input, read_text};
/// let input = Input::Bytes { name: "a.xml".to_owned(), bytes: b"<a/>".as_slice().into() };
/// assert_eq!(read_text(&input, 100)?, "<a/>");
/// assert!(read_text(&input, 3).is_err());
/// # Ok::<(), auscult_telemetry::ReadError>(())
/// ```
pub fn read_text(input: &Input, most_bytes: u64) -> Result<String, ReadError> {
    let opened = open(input, &Arc::new(AtomicU64::new(0)))?;
    let name = opened.name.clone();
    let fail = |fault| ReadError::new(&name, fault);
    let mut text = Text::new(opened)?;
    let mut bytes = Vec::new();
    let read = text.by_ref().take(most_bytes.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| fail(text.fault(error)))?;
    if bytes.len() as u64 > most_bytes {
        return Err(fail(Fault::TooLong { most_bytes }));
    }
    String::from_utf8(bytes).map_err(|error| {
        let from = error.utf8_error().valid_up_to();
        let near =
            &error.as_bytes()[from.saturating_sub(10)..error.as_bytes().len().min(from + 10)];
        fail(Fault::NotUtf8 { text: String::from_utf8_lossy(near).into_owned() })
    })
}
