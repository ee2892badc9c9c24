//! Names that were probably meant.

/// The name of `names` that `wanted` was probably meant to be: the one that
/// takes the fewest insertions, deletions and substitutions of characters, case
/// aside, if these are few for its length.
///
/// ```
/// # use auscult_core::nearest;
/// assert_eq!(nearest("preformance", ["time", "performance"]), Some("performance"));
/// assert_eq!(nearest("latency", ["time", "performance"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 200;
    let lower = |name: &str| name.to_lowercase().chars().take(LONGEST).collect::<Vec<char>>();
    let wanted = lower(wanted);
    let most = wanted.len().div_ceil(3);
    let close = names.into_iter().filter_map(|name| {
        let distance = distance(&wanted, &lower(name));
        (distance <= most).then_some((distance, name))
    });
    // The first of several equally close ones.
    close.min_by_key(|&(distance, _)| distance).map(|(_, name)| name)
}

/// Levenshtein distance, one row of the table at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_textbook_ones() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let cases =
            [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "abc", 0), ("flaw", "lawn", 2)];
        for (a, b, expected) in cases {
            assert_eq!(distance(&chars(a), &chars(b)), expected);
            assert_eq!(distance(&chars(b), &chars(a)), expected);
        }
    }

    #[test]
    fn case_does_not_count_and_far_names_are_not_offered() {
        assert_eq!(nearest("GPU", ["cpu", "gpu"]), Some("gpu"));
        assert_eq!(nearest("x", ["time", "value"]), None);
        assert_eq!(nearest("", ["time"]), None);
    }
}
