//! Delimiter, header and kinds of a file, from its first records.

use super::dialect;
use super::records::{RawField, Records, last_record_end};
use crate::cell::trimmed;
use crate::error::{Fault, delimiter_name};
use crate::evidence::{Evidence, SAMPLE_CELLS};
use crate::options::ReadOptions;
use crate::schema::unique;

/// What the first records of a file show.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) delimiter: u8,
    /// Names of the columns, made up where there is no header.
    pub(crate) names: Vec<String>,
    /// What the cells under each name look like.
    pub(crate) evidence: Vec<Evidence>,
    /// Bytes of the header.
    pub(crate) header: usize,
    /// Whether there is any row under the header.
    pub(crate) rows: bool,
}

/// What is wrong, and how many bytes in.
pub(crate) type Misfit = (usize, Fault);

/// Looks at `head`, the first bytes of a file, `whole` if they are all of it.
pub(crate) fn probe(head: &[u8], whole: bool, options: &ReadOptions) -> Result<Probed, Misfit> {
    if memchr::memchr(b'\n', head).is_none()
        && memchr::memchr(b'\r', head.trim_ascii_end()).is_some()
    {
        return Err((0, Fault::BareReturns));
    }
    let mut head = std::borrow::Cow::Borrowed(head);
    if whole && head.last() != Some(&b'\n') {
        head.to_mut().push(b'\n');
    }
    let delimiter = options.delimiter.unwrap_or_else(|| {
        let lines = memchr::memrchr(b'\n', &head).map_or(0, |last| last + 1);
        dialect::delimiter(&head[..lines])
    });
    let (end, open) = last_record_end(&head, delimiter);
    if end == 0 {
        let fault = match whole && open {
            true => Fault::OpenQuote,
            false => Fault::LongRecord { limit: crate::blocks::LONGEST_RECORD_MIB },
        };
        return Err((0, fault));
    }
    read_records(&head[..end], delimiter, options.header)
}

fn read_records(sample: &[u8], delimiter: u8, header: Option<bool>) -> Result<Probed, Misfit> {
    let mut records = Records::new(sample, delimiter);
    let mut fields = Vec::new();
    let mut first = Vec::new();
    let fail = |records: &Records<'_>, fault| (records.offset(), fault);
    if !records.next(&mut first).map_err(|fault| fail(&records, fault))? {
        return Err((0, Fault::Empty));
    }
    let header_end = records.offset();
    let first = texts(sample, &first);
    let mut evidence = vec![Evidence::default(); first.len()];
    let mut rows = 0;
    let mut scratch = Vec::new();
    while rows < SAMPLE_CELLS && records.next(&mut fields).map_err(|fault| fail(&records, fault))? {
        // A ragged row is reported when its turn comes, with its line.
        for (evidence, field) in evidence.iter_mut().zip(&fields) {
            evidence.add(trimmed(field.text(sample, &mut scratch)));
        }
        rows += 1;
    }
    let named = header.unwrap_or_else(|| looks_like_header(&first, &evidence, rows));
    if named {
        let names = names(&first).map_err(|fault| (0, fault))?;
        return Ok(Probed { delimiter, names, evidence, header: header_end, rows: rows > 0 });
    }
    for (evidence, cell) in evidence.iter_mut().zip(&first) {
        evidence.add(trimmed(cell));
    }
    let names = (1..=first.len()).map(|number| format!("column{number}")).collect();
    Ok(Probed { delimiter, names, evidence, header: 0, rows: true })
}

fn texts(sample: &[u8], fields: &[RawField]) -> Vec<Vec<u8>> {
    let mut scratch = Vec::new();
    fields.iter().map(|field| field.text(sample, &mut scratch).to_vec()).collect()
}

/// A header has a word where the cells below are numbers or times, or has no
/// number and no time at all.
fn looks_like_header(first: &[Vec<u8>], below: &[Evidence], rows: usize) -> bool {
    let looks: Vec<Evidence> = first.iter().map(|cell| Evidence::of(trimmed(cell))).collect();
    let is_word = |evidence: &Evidence| evidence.is_words();
    let contrast = looks
        .iter()
        .zip(below)
        .any(|(look, below)| is_word(look) && below.has_values() && !is_word(below));
    let all_missing = looks.iter().all(|look| !look.has_values());
    if rows == 0 && all_missing {
        return false;
    }
    contrast || looks.iter().all(|look| is_word(look) || !look.has_values()) && !all_missing
}

fn names(first: &[Vec<u8>]) -> Result<Vec<String>, Fault> {
    let mut names = Vec::with_capacity(first.len());
    for (at, cell) in first.iter().enumerate() {
        let cell = trimmed(cell);
        let name = std::str::from_utf8(cell)
            .map_err(|_| Fault::NotUtf8 { text: crate::column::lossy(cell) })?;
        names.push(match name {
            "" => format!("column{}", at + 1),
            name => name.to_owned(),
        });
    }
    Ok(unique(names))
}

/// A row that has not as many fields as the header.
pub(super) fn ragged(expected: usize, got: usize, delimiter: u8) -> Fault {
    Fault::Ragged { expected, got, delimiter: delimiter_name(delimiter) }
}
