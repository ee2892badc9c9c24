//! Bayesian networks in the Interchange Format (BIF).

use std::collections::HashMap;

use super::net::{Network, NetworkError, Variable};

/// Why a text is no network that can be read, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BifError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: BifProblem,
}

/// What is wrong with a text in the Interchange Format.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum BifProblem {
    /// Something else than what must come here.
    #[error("expected {expected}, got {}", found.as_ref().map_or("the end of the text".to_owned(), |found| format!("`{found}`")))]
    Unexpected { expected: &'static str, found: Option<String> },
    /// A comment or a name in quotes that does not end.
    #[error("{what} that begins here does not end")]
    Unclosed { what: &'static str },
    /// A variable that was not declared.
    #[error("there is no variable `{name}`; declare it with `variable {name} {{ … }}`")]
    UnknownVariable { name: String },
    /// A state that was not declared.
    #[error("`{variable}` has no state `{state}`; its states are {}", states.join(", "))]
    UnknownState { variable: String, state: String, states: Vec<String> },
    /// More or fewer than was said.
    #[error("{what} has {found}; expected {expected}")]
    Count { what: String, found: usize, expected: usize },
    /// A second table for one variable.
    #[error("the probabilities of `{variable}` are given a second time")]
    SecondTable { variable: String },
    /// A variable without a table.
    #[error("variable `{variable}` has no `probability` block")]
    NoTable { variable: String },
    /// One combination of parents' states twice.
    #[error("the row ({}) is given a second time", states.join(", "))]
    SecondRow { states: Vec<String> },
    /// A combination of parents' states without a row.
    #[error("the probabilities of `{variable}` have no row ({}) and no `default`", states.join(", "))]
    NoRow { variable: String, states: Vec<String> },
    /// A table over parents, whose order programs do not agree about.
    #[error(
        "`table` of a variable with parents is not read, as programs differ about its order; give a row for each combination, as in `(yes, no) 0.1, 0.9;`"
    )]
    AmbiguousTable,
    /// A table out of all proportion.
    #[error("the table of `{variable}` would have more than {MOST_NUMBERS} numbers")]
    TooLarge { variable: String },
    /// Well written, but no sound network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Numbers of one table, at most.
const MOST_NUMBERS: usize = 1 << 24;

/// Reads a network in the Interchange Format, as in the Bayesian Network
/// Repository: discrete variables, rows for each combination of parents' states,
/// `default` rows, comments; properties are passed over.
///
/// Reference: F. Cozman, "The Interchange Format for Bayesian Networks", 1998
/// (BIF 0.15). A `table` over parents is refused, as programs differ about its
/// order.
///
/// ```
/// let network = auscult_diagnose::network::read_bif(
///     "network demo { }
///      variable rain { type discrete [ 2 ] { no, yes }; }
///      variable wet { type discrete [ 2 ] { no, yes }; }
///      probability ( rain ) { table 0.8, 0.2; }
///      probability ( wet | rain ) { (no) 0.9, 0.1; (yes) 0.0, 1.0; }",
/// )?;
/// assert_eq!(network.variables()[1].parents, [0]);
/// # Ok::<(), auscult_diagnose::network::BifError>(())
/// ```
pub fn read_bif(text: &str) -> Result<Network, BifError> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, ..Reader::default() };
    while let Some(token) = reader.peek() {
        match token.text {
            "network" => reader.network()?,
            "variable" => reader.variable()?,
            "probability" => reader.probability()?,
            _ => return Err(reader.unexpected("`network`, `variable` or `probability`")),
        }
    }
    reader.finish()
}

/// A word, a number or a mark.
#[derive(Debug, Clone, Copy)]
struct Token<'t> {
    text: &'t str,
    line: usize,
    /// In quotes, and so never a mark.
    is_quoted: bool,
}

const MARKS: &str = "{}()[]|,;";

fn tokens(text: &str) -> Result<Vec<Token<'_>>, BifError> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while let Some(first) = rest.chars().next() {
        let unclosed = |what| BifError { line, problem: BifProblem::Unclosed { what } };
        let (length, token) = if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (rest.find("*/").ok_or_else(|| unclosed("the comment"))? + 2, None)
        } else if first == '"' {
            let length = rest[1..].find('"').ok_or_else(|| unclosed("the name in quotes"))?;
            (length + 2, Some((&rest[1..=length], true)))
        } else if MARKS.contains(first) {
            (1, Some((&rest[..1], false)))
        } else {
            let ends = |c: char| c.is_whitespace() || c == '"' || MARKS.contains(c);
            let length = rest.find(ends).unwrap_or(rest.len());
            (length, Some((&rest[..length], false)))
        };
        if let Some((text, is_quoted)) = token {
            tokens.push(Token { text, line, is_quoted });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// The numbers of one `probability` block.
#[derive(Debug)]
struct Given {
    line: usize,
    parents: Vec<usize>,
    table: Vec<f64>,
}

#[derive(Debug, Default)]
struct Reader<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
    names: Vec<(&'t str, usize)>,
    states: Vec<Vec<String>>,
    places: HashMap<&'t str, usize>,
    given: HashMap<usize, Given>,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    /// Line of the next token, or of the last.
    fn line(&self) -> usize {
        let token = self.peek().or_else(|| self.tokens.last().copied());
        token.map_or(1, |token| token.line)
    }

    fn problem(&self, problem: BifProblem) -> BifError {
        BifError { line: self.line(), problem }
    }

    fn unexpected(&self, expected: &'static str) -> BifError {
        let found = self.peek().map(|token| token.text.to_owned());
        self.problem(BifProblem::Unexpected { expected, found })
    }

    fn is_next(&self, mark: &str) -> bool {
        self.peek().is_some_and(|token| token.text == mark && !token.is_quoted)
    }

    fn take(&mut self, mark: &str) -> bool {
        let is_next = self.is_next(mark);
        self.at += usize::from(is_next);
        is_next
    }

    fn need(&mut self, mark: &'static str, expected: &'static str) -> Result<(), BifError> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn word(&mut self, expected: &'static str) -> Result<&'t str, BifError> {
        let is_word = |token: &Token<'_>| {
            token.is_quoted || !(token.text.len() == 1 && MARKS.contains(token.text))
        };
        let token = self.peek().filter(is_word).ok_or_else(|| self.unexpected(expected))?;
        self.at += 1;
        Ok(token.text)
    }

    fn number(&mut self) -> Result<f64, BifError> {
        let expected = "a number";
        let number = self.peek().and_then(|token| token.text.parse().ok());
        let number = number.filter(|number: &f64| number.is_finite());
        let number = number.ok_or_else(|| self.unexpected(expected))?;
        self.at += 1;
        Ok(number)
    }

    /// Numbers up to the semicolon, with or without commas.
    fn numbers(&mut self) -> Result<Vec<f64>, BifError> {
        let mut numbers = Vec::new();
        while !self.take(";") {
            numbers.push(self.number()?);
            self.take(",");
        }
        Ok(numbers)
    }

    /// Words up to `end`, with or without commas.
    fn words(&mut self, end: &str, expected: &'static str) -> Result<Vec<&'t str>, BifError> {
        let mut words = Vec::new();
        while !self.take(end) {
            words.push(self.word(expected)?);
            self.take(",");
        }
        Ok(words)
    }

    /// Passes over a property, up to its semicolon.
    fn property(&mut self) -> Result<(), BifError> {
        while !self.take(";") {
            if self.peek().is_none() {
                return Err(self.unexpected("`;`"));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn network(&mut self) -> Result<(), BifError> {
        self.at += 1;
        if !self.is_next("{") {
            self.word("the name of the network")?;
        }
        self.need("{", "`{`")?;
        while !self.take("}") {
            self.need("property", "`property` or `}`")?;
            self.property()?;
        }
        Ok(())
    }

    fn variable(&mut self) -> Result<(), BifError> {
        self.at += 1;
        let line = self.line();
        let name = self.word("the name of a variable")?;
        self.need("{", "`{`")?;
        let mut states = None;
        while !self.take("}") {
            if self.take("property") {
                self.property()?;
                continue;
            }
            self.need("type", "`type`, `property` or `}`")?;
            self.need("discrete", "`discrete`; other variables are not read")?;
            self.need("[", "`[`")?;
            let expected = self.number()?;
            self.need("]", "`]`")?;
            self.need("{", "`{`")?;
            let found = self.words("}", "the name of a state")?;
            if found.len() as f64 != expected {
                let what = format!("`{name}` with its list of states");
                let (found, expected) = (found.len(), expected as usize);
                return Err(self.problem(BifProblem::Count { what, found, expected }));
            }
            self.need(";", "`;`")?;
            states = Some(found);
        }
        let Some(states) = states else {
            return Err(self.problem(NetworkError::NoStates { variable: name.to_owned() }.into()));
        };
        if self.places.insert(name, self.names.len()).is_some() {
            let problem = NetworkError::Twice { name: name.to_owned() }.into();
            return Err(BifError { line, problem });
        }
        self.names.push((name, line));
        self.states.push(states.into_iter().map(str::to_owned).collect());
        Ok(())
    }

    fn known(&self, name: &str) -> Result<usize, BifError> {
        let unknown = || BifProblem::UnknownVariable { name: name.to_owned() };
        self.places.get(name).copied().ok_or_else(|| self.problem(unknown()))
    }

    fn probability(&mut self) -> Result<(), BifError> {
        self.at += 1;
        let line = self.line();
        self.need("(", "`(`")?;
        let name = self.word("the name of a variable")?;
        let variable = self.known(name)?;
        let mut parents = Vec::new();
        if self.take("|") {
            for parent in self.words(")", "the name of a parent")? {
                parents.push(self.known(parent)?);
            }
        } else {
            self.need(")", "`|` or `)`")?;
        }
        self.need("{", "`{`")?;
        let table = self.table(variable, &parents)?;
        let given = Given { line, parents, table };
        if self.given.insert(variable, given).is_some() {
            let problem = BifProblem::SecondTable { variable: name.to_owned() };
            return Err(BifError { line, problem });
        }
        Ok(())
    }

    fn table(&mut self, variable: usize, parents: &[usize]) -> Result<Vec<f64>, BifError> {
        let name = || self.names[variable].0.to_owned();
        let states = self.states[variable].len();
        let counts = parents.iter().map(|&parent| self.states[parent].len());
        let rows = counts.clone().try_fold(1_usize, usize::checked_mul);
        let size = rows.and_then(|rows| rows.checked_mul(states));
        let Some((rows, size)) = rows.zip(size).filter(|(_, size)| *size <= MOST_NUMBERS) else {
            return Err(self.problem(BifProblem::TooLarge { variable: name() }));
        };
        let (mut table, mut is_given) = (vec![0.0; size], vec![false; rows]);
        let mut default = None;
        while !self.take("}") {
            if self.take("property") {
                self.property()?;
                continue;
            }
            let (row, of) = if self.take("table") {
                if !parents.is_empty() {
                    return Err(self.problem(BifProblem::AmbiguousTable));
                }
                (Some(0), vec!["table".to_owned()])
            } else if self.take("default") {
                (None, Vec::new())
            } else {
                self.need("(", "a row in brackets, `table`, `default` or `}`")?;
                let names = self.words(")", "the name of a state")?;
                let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
                (Some(self.row(parents, &names)?), names)
            };
            let line = self.line();
            let numbers = self.numbers()?;
            if numbers.len() != states {
                let what = format!("a row of `{}`", self.names[variable].0);
                let problem = BifProblem::Count { what, found: numbers.len(), expected: states };
                return Err(BifError { line, problem });
            }
            let Some(row) = row else {
                default = Some(numbers);
                continue;
            };
            if std::mem::replace(&mut is_given[row], true) {
                return Err(BifError { line, problem: BifProblem::SecondRow { states: of } });
            }
            table[row * states..(row + 1) * states].copy_from_slice(&numbers);
        }
        for row in (0..rows).filter(|&row| !is_given[row]) {
            let Some(default) = &default else {
                let variable = self.names[variable].0.to_owned();
                let states = self.names_of_row(parents, row);
                return Err(self.problem(BifProblem::NoRow { variable, states }));
            };
            table[row * states..(row + 1) * states].copy_from_slice(default);
        }
        Ok(table)
    }

    /// The place of the row for these states of the parents.
    fn row(&self, parents: &[usize], names: &[String]) -> Result<usize, BifError> {
        if names.len() != parents.len() {
            let what = "a row's list of states".to_owned();
            let (found, expected) = (names.len(), parents.len());
            return Err(self.problem(BifProblem::Count { what, found, expected }));
        }
        let mut row = 0;
        for (&parent, name) in parents.iter().zip(names) {
            let states = &self.states[parent];
            let Some(state) = states.iter().position(|state| state == name) else {
                let variable = self.names[parent].0.to_owned();
                let (state, states) = (name.clone(), states.clone());
                return Err(self.problem(BifProblem::UnknownState { variable, state, states }));
            };
            row = row * states.len() + state;
        }
        Ok(row)
    }

    fn names_of_row(&self, parents: &[usize], row: usize) -> Vec<String> {
        let mut left = row;
        let mut names = Vec::new();
        for &parent in parents.iter().rev() {
            let states = &self.states[parent];
            names.push(states[left % states.len()].clone());
            left /= states.len();
        }
        names.reverse();
        names
    }

    fn finish(mut self) -> Result<Network, BifError> {
        let mut variables = Vec::with_capacity(self.names.len());
        for (at, states) in self.states.into_iter().enumerate() {
            let (name, line) = self.names[at];
            let Some(given) = self.given.get_mut(&at) else {
                let variable = name.to_owned();
                return Err(BifError { line, problem: BifProblem::NoTable { variable } });
            };
            let (parents, table) =
                (std::mem::take(&mut given.parents), std::mem::take(&mut given.table));
            variables.push(Variable { name: name.to_owned(), states, parents, table });
        }
        Network::new(variables).map_err(|error| {
            let at = error.about().and_then(|name| self.places.get(name));
            let line = at.and_then(|at| self.given.get(at)).map_or(1, |given| given.line);
            BifError { line, problem: error.into() }
        })
    }
}
