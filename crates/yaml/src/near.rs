//! The nearest of known words.

/// The word of `known` that is most like `word`, if one is like it at all: at most about a
/// third of its letters differ (Levenshtein distance, with swapped neighbours counted once).
///
/// ```
/// let known = ["scrape_interval", "scrape_timeout", "job_name"];
/// assert_eq!(auscult_yaml::nearest("scrape_intervall", known), Some("scrape_interval"));
/// assert_eq!(auscult_yaml::nearest("password", known), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let simple = |text: &str| text.to_lowercase().replace('-', "_");
    let spelt = simple(word);
    let most = ((spelt.chars().count() + 1) / 3).max(1);
    let all = known.into_iter().map(|other| (distance(&spelt, &simple(other)), other));
    all.filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|it| it.1)
}

/// Letters to insert, remove, replace or swap with the next (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("retention", "retentoin"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
