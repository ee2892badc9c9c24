//! Questions and answers in words.

use auscult_trees::{Answer, Question, Split};

use super::{KnownValues, LearntModel};

/// Words listed before the rest is only counted.
const LISTED: usize = 4;

impl LearntModel {
    /// The question of `split`, such as `queue_time <= 2.4?`.
    #[must_use]
    pub fn question(&self, split: &Split) -> String {
        format!("{}?", self.condition(split, true))
    }

    /// What holds of a case that answered `yes` or no to `split`.
    #[must_use]
    pub fn condition(&self, split: &Split, yes: bool) -> String {
        let name = &self.features[split.feature].name;
        match &split.question {
            Question::AtMost { threshold } => {
                let sign = if yes { "<=" } else { ">" };
                format!("{name} {sign} {}", number(*threshold))
            }
            Question::Present => {
                let verb = if yes { "has a value" } else { "has no value" };
                format!("{name} {verb}")
            }
            Question::OneOf(sides) => {
                let (same, other) =
                    if yes { (&sides.yes, &sides.no) } else { (&sides.no, &sides.yes) };
                // The shorter list says the same in fewer words.
                if same.len() > LISTED && other.len() <= LISTED {
                    format!("{name} is not {}", self.list(split.feature, other))
                } else {
                    format!("{name} is {}", self.list(split.feature, same))
                }
            }
        }
    }

    /// An answer about `feature`, such as `2.4`, `L`, `unknown`.
    #[must_use]
    pub fn answer(&self, feature: usize, answer: Answer) -> String {
        match (answer, &self.features[feature].values) {
            (Answer::Number(value), _) if value.is_nan() => "missing".to_owned(),
            (Answer::Number(value), _) => number(value),
            (Answer::Category(code), KnownValues::Words { categories, .. }) => {
                categories.get(code as usize).map_or_else(|| "a new word".to_owned(), String::clone)
            }
            (Answer::Category(_), KnownValues::Numbers { .. }) => "a word".to_owned(),
            (Answer::Missing, _) => "missing".to_owned(),
            (Answer::Unknown, _) => "unknown".to_owned(),
        }
    }

    fn list(&self, feature: usize, codes: &[u32]) -> String {
        let KnownValues::Words { categories, .. } = &self.features[feature].values else {
            return String::new();
        };
        let name = |&code: &u32| categories[code as usize].as_str();
        let names: Vec<&str> = codes.iter().take(LISTED).map(name).collect();
        match (codes.len() - names.len(), names.as_slice()) {
            (0, [one]) => (*one).to_owned(),
            (0, [first @ .., last]) => format!("{} or {last}", first.join(", ")),
            (more, names) => format!("{} or {more} more", names.join(", ")),
        }
    }
}

/// A number as people write it: at most six significant digits, without
/// trailing zeros.
///
/// ```
/// use auscult_diagnose::model::number;
///
/// assert_eq!(number(2.400_000_000_1), "2.4");
/// assert_eq!(number(1379.5), "1379.5");
/// assert_eq!(number(0.000_012), "1.2e-5");
/// ```
#[must_use]
pub fn number(value: f64) -> String {
    const DIGITS: i32 = 6;
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&size) {
        let text = format!("{value:.5e}");
        return match text.split_once('e') {
            Some((digits, power)) => format!("{}e{power}", trimmed(digits)),
            None => text,
        };
    }
    let before_point = size.log10().floor() as i32 + 1;
    let decimals = (DIGITS - before_point).clamp(0, 9) as usize;
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_read_as_people_write_them() {
        let cases = [
            (0.0, "0"),
            (-2.50, "-2.5"),
            (65.250_000_000_01, "65.25"),
            (1_234_567.0, "1234567"),
            (1_700_000_000.6, "1700000001"),
            (0.1 + 0.2, "0.3"),
            (1e-9, "1e-9"),
            (-1.5e22, "-1.5e22"),
            (f64::MAX, "1.79769e308"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
