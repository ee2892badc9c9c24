//! Formulas of laws: a small closed form over signals, constants and neighbours.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A relation of two expressions over the signals of one target.
///
/// Written as `expression = expression`, with `<=` or `>=` in the middle. An expression has numbers,
/// `+ - * /`, parentheses, and:
///
/// | part | means |
/// |---|---|
/// | `signal`, `signal{label=value}` | its reading; only of series with this label |
/// | `sum(signal)`, `count(signal)` | of a distribution: what was observed a second, added up or counted |
/// | `before(expression)` | its mean before the incident |
/// | `mean(kind: signal)`, `max(…)`, `min(…)` | over the targets of this kind that belong to the target, or over its `peers`, itself among them |
/// | `sqrt(expression)` | the square root |
/// | a name of a constant | what labels, a catalogue or the caller tell |
///
/// ```
/// use auscult_knowledge::{Formula, Order};
/// let formula: Formula = "sum(step_tokens) = prompt_tokens + generation_tokens".parse()?;
/// assert_eq!(formula.order, Order::Equal);
/// let error = "prompt_tokens + = 3".parse::<Formula>().unwrap_err();
/// assert!(error.contains("expected a signal"), "{error}");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Formula {
    /// As it is written.
    pub text: String,
    /// What stands before the relation.
    pub left: Expression,
    /// How the sides lie to each other.
    pub order: Order,
    /// What stands after it.
    pub right: Expression,
}

/// How two sides of a formula lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// They are the same.
    Equal,
    /// The left one is at most as great.
    AtMost,
    /// The left one is at least as great.
    AtLeast,
}

/// One side of a formula.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// A signal, by name and perhaps a label with its value; or a constant.
    Name(String, Option<(String, String)>),
    /// What was observed a second of a distribution, added up.
    Sum(String),
    /// How much was observed a second of a distribution.
    Count(String),
    /// The mean before the incident.
    Before(Box<Expression>),
    /// The square root.
    Root(Box<Expression>),
    /// A signal of neighbours together.
    Among(Together, String, String),
    /// Two expressions.
    Pair(Box<Expression>, Operator, Box<Expression>),
}

/// How readings of several targets are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Together {
    /// Their mean.
    Mean,
    /// The greatest.
    Most,
    /// The least.
    Least,
}

/// What is done with two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
}

/// Parentheses within parentheses: more are a mistake, or an attack.
const DEEPEST: usize = 16;

impl Order {
    /// In words, between two numbers.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Equal => "should equal",
            Self::AtMost => "should be at most",
            Self::AtLeast => "should be at least",
        }
    }
}

impl Expression {
    /// Calls `each` for every expression within it, itself first.
    pub fn visit<'e>(&'e self, each: &mut impl FnMut(&'e Self)) {
        each(self);
        match self {
            Self::Before(inner) | Self::Root(inner) => inner.visit(each),
            Self::Pair(left, _, right) => {
                left.visit(each);
                right.visit(each);
            }
            Self::Number(_) | Self::Name(..) | Self::Sum(_) | Self::Count(_) | Self::Among(..) => {}
        }
    }
}

impl Formula {
    /// Calls `each` for every expression of both sides.
    pub fn visit<'e>(&'e self, each: &mut impl FnMut(&'e Expression)) {
        self.left.visit(each);
        self.right.visit(each);
    }

    /// Whether it compares with the time before the incident.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= matches!(part, Expression::Before(_)));
        found
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for Formula {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Formula {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = |reason: String| format!("`{text}`: {reason}");
        let mut reader = Reader { words: words(text).map_err(refuse)?, at: 0 };
        let left = reader.sum(0).map_err(refuse)?;
        let order = match reader.next().as_deref() {
            Some("=") => Order::Equal,
            Some("<=") => Order::AtMost,
            Some(">=") => Order::AtLeast,
            Some(other) => {
                return Err(refuse(format!("expected `=`, `<=` or `>=`, got `{other}`")));
            }
            None => return Err(refuse("it has no `=`, `<=` or `>=`".to_owned())),
        };
        let right = reader.sum(0).map_err(refuse)?;
        match reader.next() {
            None => Ok(Self { text: text.to_owned(), left, order, right }),
            Some(more) => Err(refuse(format!("nothing is expected before `{more}`"))),
        }
    }
}

/// Names with their labels, numbers and signs.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let length = if first.is_ascii_digit() {
            let exponent = |place: usize| matches!(rest.as_bytes()[place - 1], b'e' | b'E');
            rest.char_indices()
                .find(|(place, letter)| {
                    let sign = matches!(letter, '-' | '+') && *place > 0 && exponent(*place);
                    !(letter.is_ascii_digit() || matches!(letter, '.' | 'e' | 'E') || sign)
                })
                .map_or(rest.len(), |(place, _)| place)
        } else if is_in_name(first) {
            let name = rest.find(|letter| !is_in_name(letter)).unwrap_or(rest.len());
            match rest[name..].starts_with('{') {
                true => name + 1 + rest[name..].find('}').ok_or("a `{` has no `}`".to_owned())?,
                false => name,
            }
        } else if rest.starts_with("<=") || rest.starts_with(">=") {
            2
        } else if "+-*/()=:".contains(first) {
            1
        } else {
            return Err(format!("`{first}` means nothing in a formula"));
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

struct Reader {
    words: Vec<String>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        match self.next() {
            Some(word) if word == sign => Ok(()),
            Some(word) => Err(format!("expected `{sign}`, got `{word}`")),
            None => Err(format!("expected `{sign}`, and it ends")),
        }
    }

    fn sum(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.product(depth)?;
        while let Some(operator) = self.operator(&[("+", Operator::Plus), ("-", Operator::Minus)]) {
            let right = self.product(depth)?;
            left = Expression::Pair(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn product(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.factor(depth)?;
        while let Some(operator) = self.operator(&[("*", Operator::Times), ("/", Operator::Over)]) {
            let right = self.factor(depth)?;
            left = Expression::Pair(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, known: &[(&str, Operator)]) -> Option<Operator> {
        let word = self.peek()?;
        let (_, operator) = known.iter().find(|(sign, _)| *sign == word)?;
        self.at += 1;
        Some(*operator)
    }

    fn factor(&mut self, depth: usize) -> Result<Expression, String> {
        const EXPECTED: &str = "expected a signal, a constant, a number or `(`";
        if depth > DEEPEST {
            return Err(format!("parentheses are more than {DEEPEST} deep"));
        }
        let word = self.next().ok_or_else(|| format!("{EXPECTED}, and it ends"))?;
        if word == "(" {
            let inner = self.sum(depth + 1)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let first = word.chars().next().unwrap_or(' ');
        if first.is_ascii_digit() {
            let number = word.parse().ok().filter(|number: &f64| number.is_finite());
            return number.map(Expression::Number).ok_or_else(|| format!("`{word}` is no number"));
        }
        if !(first.is_ascii_alphabetic() || first == '_') {
            return Err(format!("{EXPECTED}, got `{word}`"));
        }
        if self.peek() == Some("(") {
            self.at += 1;
            let inner = self.call(&word, depth)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let (name, label) = match word.split_once('{') {
            None => (word, None),
            Some((name, label)) => {
                let label = label.trim_end_matches('}');
                let pair = label.split_once('=').ok_or_else(|| {
                    format!("`{{{label}}}` is no label; expected `{{label=value}}`")
                })?;
                (name.to_owned(), Some((pair.0.to_owned(), pair.1.to_owned())))
            }
        };
        Ok(Expression::Name(name, label))
    }

    fn call(&mut self, function: &str, depth: usize) -> Result<Expression, String> {
        let together = match function {
            "before" => return Ok(Expression::Before(Box::new(self.sum(depth + 1)?))),
            "sqrt" => return Ok(Expression::Root(Box::new(self.sum(depth + 1)?))),
            "sum" => return self.name().map(Expression::Sum),
            "count" => return self.name().map(Expression::Count),
            "mean" => Together::Mean,
            "max" => Together::Most,
            "min" => Together::Least,
            _ => {
                return Err(format!(
                    "`{function}` is no function; expected one of `sum`, `count`, `before`, `sqrt`, `mean`, `max`, `min`"
                ));
            }
        };
        let kind = self.name()?;
        self.expect(":")?;
        Ok(Expression::Among(together, kind, self.name()?))
    }

    fn name(&mut self) -> Result<String, String> {
        let word = self.next().ok_or("expected a name, and it ends")?;
        let is_name = word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !word.starts_with(|letter: char| letter.is_ascii_digit());
        if is_name { Ok(word) } else { Err(format!("expected a name, got `{word}`")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_bind_closer_than_sums_and_numbers_have_exponents() {
        let formula: Formula = "a + 2e-3 * b <= sqrt(c / (d - 1))".parse().unwrap();
        let name = |name: &str| Box::new(Expression::Name(name.to_owned(), None));
        let product =
            Expression::Pair(Box::new(Expression::Number(2e-3)), Operator::Times, name("b"));
        assert_eq!(formula.left, Expression::Pair(name("a"), Operator::Plus, Box::new(product)));
        assert_eq!(formula.order, Order::AtMost);
        assert!(matches!(formula.right, Expression::Root(_)));
    }

    #[test]
    fn labels_neighbours_and_the_time_before_are_read() {
        let formula: Formula =
            "requests_waiting{reason=capacity} >= before(max(peers: queue_time))".parse().unwrap();
        let label = Some(("reason".to_owned(), "capacity".to_owned()));
        assert_eq!(formula.left, Expression::Name("requests_waiting".to_owned(), label));
        assert!(formula.looks_back());
        let mut among = 0;
        formula.visit(&mut |part| among += u32::from(matches!(part, Expression::Among(..))));
        assert_eq!(among, 1);
    }

    #[test]
    fn what_is_no_formula_is_refused_in_a_sentence() {
        for (text, reason) in [
            ("a", "it has no `=`, `<=` or `>=`"),
            ("a = b = c", "nothing is expected before `=`"),
            ("a < b", "`<` means nothing in a formula"),
            (
                "most(a) = b",
                "`most` is no function; expected one of `sum`, `count`, `before`, `sqrt`, `mean`, `max`, `min`",
            ),
            ("max(a) = b", "expected `:`, got `)`"),
            ("a{b} = c", "`{b}` is no label; expected `{label=value}`"),
            ("a{b = c", "a `{` has no `}`"),
            ("(a = b", "expected `)`, got `=`"),
            ("1e999 = a", "`1e999` is no number"),
        ] {
            let error = text.parse::<Formula>().unwrap_err();
            assert_eq!(error, format!("`{text}`: {reason}"));
        }
        let deep = format!("{}a{} = b", "(".repeat(40), ")".repeat(40));
        assert!(deep.parse::<Formula>().unwrap_err().contains("more than 16 deep"));
    }
}
