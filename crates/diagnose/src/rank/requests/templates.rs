//! What lines of a log have in common: Drain.

use std::collections::BTreeMap;

/// Templates of log lines, learnt line by line.
///
/// A line is split at spaces; numbers, also those within words, are masked. Lines with as
/// many words and the same first word are compared with the templates known; the line joins the
/// one with the largest share of equal words, numbers not counted, if that is at least
/// `similarity`, and words that differ become `<*>`. Otherwise it begins a template of its own.
/// Time O(words · templates of that length and first word) a line.
///
/// Takes lines for one another that differ in a single telling word among many, and makes a
/// template for each length of a list.
///
/// Reference: P. He, J. Zhu, Z. Zheng, M. R. Lyu, "Drain: an online log parsing approach with
/// fixed depth tree", ICWS 2017, with a tree of depth 4. We mask numbers in words and do not count them,
/// instead of asking for patterns.
///
/// ```
/// use auscult_diagnose::rank::requests::Templates;
/// let mut templates = Templates::new(0.5);
/// let one = templates.learn("sent block blk_17 to 10.0.0.4 in 3 ms");
/// let other = templates.learn("sent block blk_99 to 10.0.0.17 in 12 ms");
/// assert_eq!(one, other);
/// assert_eq!(templates.text(one), "sent block blk_<*> to <*>.<*>.<*>.<*> in <*> ms");
/// ```
#[derive(Debug, Clone)]
pub struct Templates {
    similarity: f64,
    /// Templates by number of words and first word; of first words with numbers, the wildcard.
    places: BTreeMap<(usize, String), Vec<usize>>,
    templates: Vec<Vec<String>>,
}

/// What stands for anything.
const ANYTHING: &str = "<*>";

impl Templates {
    /// No templates yet; lines join one when at least the share `similarity` of their words, in
    /// 0..=1, is equal. Drain's own choice is 0.5 for most systems.
    #[must_use]
    pub fn new(similarity: f64) -> Self {
        Self { similarity, places: BTreeMap::new(), templates: Vec::new() }
    }

    /// The number of the template of `line`, which is learnt.
    pub fn learn(&mut self, line: &str) -> usize {
        let words: Vec<String> = line.split_whitespace().map(masked).collect();
        let first = words.first().filter(|word| !word.contains(ANYTHING));
        let place = (words.len(), first.map_or(ANYTHING, String::as_str).to_owned());
        let known = self.places.entry(place).or_default();
        let mut best: Option<(f64, usize, usize)> = None;
        for at in known.iter() {
            let template = &self.templates[*at];
            let pairs = || template.iter().zip(&words);
            let equal =
                pairs().filter(|(known, word)| known == word && says_something(known)).count();
            // Of equally similar ones the more general: it has been joined before.
            let general = template.iter().filter(|word| !says_something(word)).count();
            let spoken = words.iter().filter(|word| says_something(word)).count();
            let share = if spoken == 0 { 1.0 } else { equal as f64 / spoken as f64 };
            if best.is_none_or(|(most, open, _)| (share, general) > (most, open)) {
                best = Some((share, general, *at));
            }
        }
        if let Some((_, _, at)) = best.filter(|(share, _, _)| *share >= self.similarity) {
            for (known, word) in self.templates[at].iter_mut().zip(words) {
                if *known != word {
                    ANYTHING.clone_into(known);
                }
            }
            return at;
        }
        known.push(self.templates.len());
        self.templates.push(words);
        self.templates.len() - 1
    }

    /// The words of a template, as far as lines have it in common by now.
    ///
    /// # Panics
    ///
    /// When no line had this template.
    #[must_use]
    pub fn text(&self, template: usize) -> String {
        self.templates[template].join(" ")
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether no line was learnt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }
}

/// Whether a word is more than numbers: these say nothing of what a line is about.
fn says_something(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// `word` with every run of digits masked, and as a whole where it is nothing but hexadecimal
/// digits with a decimal one among them.
fn masked(word: &str) -> String {
    let bare = word.trim_matches(|c: char| c.is_ascii_punctuation());
    let bare = bare.strip_prefix("0x").unwrap_or(bare);
    let is_hex = |c: char| c.is_ascii_hexdigit() || c == '-' || c == ':';
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit && bare.len() >= 4 && bare.chars().all(is_hex) {
        return word.replace(bare, ANYTHING).replace("0x", "");
    }
    let mut text = String::with_capacity(word.len());
    let mut in_number = false;
    for c in word.chars() {
        if c.is_ascii_digit() {
            if !in_number {
                text.push_str(ANYTHING);
            }
            in_number = true;
        } else {
            in_number = false;
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_differ_become_anything() {
        let mut templates = Templates::new(0.5);
        let ids: Vec<usize> =
            ["user ann logged in", "user bob logged in", "user ann logged out today"]
                .map(|line| templates.learn(line))
                .to_vec();
        assert_eq!(ids, [0, 0, 1]);
        assert_eq!(templates.text(0), "user <*> logged in");
        assert_eq!(templates.len(), 2);
    }

    #[test]
    fn numbers_are_masked_wherever_they_stand() {
        assert_eq!(masked("blk_-1608999687919862906"), "blk_-<*>");
        assert_eq!(masked("[6f3cbf058c2765548a39]"), "[<*>]");
        assert_eq!(masked("0x7fa3bc"), "<*>");
        assert_eq!(masked("facade"), "facade");
        assert_eq!(masked("10.251.73.220:50010"), "<*>.<*>.<*>.<*>:<*>");
    }

    #[test]
    fn an_empty_line_is_a_template_too() {
        let mut templates = Templates::new(0.5);
        assert_eq!((templates.learn(""), templates.learn("  ")), (0, 0));
        assert_eq!(templates.text(0), "");
    }
}
