//! What the text of a cell means; the one place that decides it.
//!
//! - Spaces, tabs and carriage returns around a cell do not belong to it,
//!   unless they are quoted.
//! - [`MISSING`] lists what stands for a missing value, whatever the column
//!   holds.
//! - Numbers are written as in C or JSON; `inf`, `-inf` and `Infinity` stay
//!   infinite; thousands separators, decimal commas and units are not guessed.
//! - Times are read as [`crate::parse_time`] says.

/// Cells that mean "missing".
pub(crate) const MISSING: [&str; 11] =
    ["", "-", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "None"];

/// Whether a trimmed cell stands for a missing value.
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    match cell.first() {
        None => true,
        Some(b'-' | b'N' | b'n' | b'#' | b'<') if cell.len() <= 4 => {
            MISSING.iter().any(|missing| missing.as_bytes() == cell)
        }
        Some(_) => false,
    }
}

/// `cell` without the spaces around it.
pub(crate) fn trimmed(cell: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    match (cell.first(), cell.last()) {
        (Some(first), Some(last)) if is_space(first) || is_space(last) => {}
        _ => return cell,
    }
    let start = cell.iter().position(|byte| !is_space(byte)).unwrap_or(cell.len());
    let end = cell.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &cell[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_word_is_known_and_no_other() {
        for cell in MISSING {
            assert!(is_missing(cell.as_bytes()), "{cell}");
        }
        for cell in ["none", "0", "-1", "no", "N", "nano", "--", "Nonesuch"] {
            assert!(!is_missing(cell.as_bytes()), "{cell}");
        }
    }

    #[test]
    fn spaces_around_a_cell_are_dropped() {
        assert_eq!(trimmed(b" \ta b \r"), b"a b");
        assert_eq!(trimmed(b"   "), b"");
        assert_eq!(trimmed(b""), b"");
        assert_eq!(trimmed(b"a"), b"a");
    }
}
