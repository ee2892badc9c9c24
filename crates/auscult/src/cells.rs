//! Words as cells of a table, each stored once.

use std::collections::HashMap;

use auscult_telemetry::{Cells, Words};

/// The column that holds `cells` from top to bottom; `None` where one is missing.
pub(crate) fn words(cells: impl Iterator<Item = Option<String>>) -> Cells {
    let mut words = Words::default();
    let mut places = HashMap::new();
    for cell in cells {
        words.rows.push(cell.map(|word| {
            *places.entry(word).or_insert_with_key(|word: &String| {
                words.distinct.push(word.clone());
                words.distinct.len() as u32 - 1
            })
        }));
    }
    Cells::Words(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_come_again_are_stored_once_and_missing_ones_not_at_all() {
        let cells = ["a", "b", "", "a"].into_iter();
        let Cells::Words(words) =
            words(cells.map(|word| (!word.is_empty()).then(|| word.to_owned())))
        else {
            panic!("not words");
        };
        assert_eq!(words.rows, [Some(0), Some(1), None, Some(0)]);
        assert_eq!(words.distinct, ["a", "b"]);
    }
}
