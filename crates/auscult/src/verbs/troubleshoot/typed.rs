//! What a person types: lines, and words out of a list.

use std::io::{self, BufRead, Write};

/// The next line; `None` at the end of the input. With `echo` it is repeated, since no
/// terminal shows it.
pub(in super::super) fn line(
    input: &mut impl BufRead,
    out: &mut (impl Write + ?Sized),
    echo: bool,
) -> io::Result<Option<String>> {
    const LONGEST: u64 = 10_000;
    let mut bytes = Vec::new();
    let taken = io::Read::take(input, LONGEST).read_until(b'\n', &mut bytes)?;
    if taken == 0 {
        return Ok(None);
    }
    let line = String::from_utf8_lossy(&bytes).trim().replace(char::is_control, " ");
    if echo {
        writeln!(out, "{line}")?;
    }
    Ok(Some(line))
}

/// Which word of a list is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The one at this place.
    One(usize),
    /// None of them.
    Unknown,
    /// It could be several; what to say.
    Several(String),
}

/// The word that `line` names: exactly but for case, by its number in the
/// list, or by the beginning of its name.
pub(super) fn word(words: &[String], line: &str) -> Word {
    let lower = line.to_lowercase();
    let is_exact = words.iter().position(|word| word == line);
    if let Some(at) =
        is_exact.or_else(|| words.iter().position(|word| word.to_lowercase() == lower))
    {
        return Word::One(at);
    }
    let by_number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    if let Some(at) = by_number.filter(|&at| at < words.len()) {
        return Word::One(at);
    }
    let begins = |word: &String| word.to_lowercase().starts_with(&lower);
    let starting: Vec<usize> = (0..words.len()).filter(|&at| begins(&words[at])).collect();
    match starting.as_slice() {
        [at] => Word::One(*at),
        [] => Word::Unknown,
        several => {
            let names: Vec<&str> = several.iter().take(5).map(|&at| words[at].as_str()).collect();
            Word::Several(format!("`{line}` could be {}; type more of it", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_meant_by_its_name_its_number_or_its_beginning() {
        let words = ["ok", "OK", "broken", "break"].map(str::to_owned);
        assert_eq!(word(&words, "OK"), Word::One(1));
        assert_eq!(word(&words, "Ok"), Word::One(0));
        assert_eq!(word(&words, "3"), Word::One(2));
        assert_eq!(word(&words, "bro"), Word::One(2));
        assert_eq!(word(&words, "bre"), Word::One(3));
        assert_eq!(word(&words, "5"), Word::Unknown);
        assert!(
            matches!(word(&words, "br"), Word::Several(hint) if hint.contains("broken, break"))
        );
    }
}
