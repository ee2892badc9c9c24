//! What is wrong with a document, and where.

use std::fmt;

/// A place in a text, both numbers from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Mark {
    /// The first place of a text.
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// What is wrong with a document: a sentence that begins with `FILE:LINE:COLUMN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    file: String,
    mark: Mark,
    sentence: String,
    /// The line that it is about, unless it may hold a secret.
    source: Option<String>,
}

impl Problem {
    pub(crate) fn new(file: &str, text: &str, mark: Mark, sentence: String) -> Self {
        let source = text.lines().nth(mark.line - 1).map(str::to_owned);
        Self { file: file.to_owned(), mark, sentence, source }
    }

    /// As it is, but its line is not shown.
    pub(crate) fn without_source(self) -> Self {
        Self { source: None, ..self }
    }

    /// About a whole file, such as one that cannot be read.
    #[must_use]
    pub fn of_file(file: &str, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self { file: file.to_owned(), mark: Mark::START, sentence, source: None }
    }

    /// The file it is about.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line it is about, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.mark.line
    }

    /// The column it is about, from 1, in characters.
    #[must_use]
    pub fn column(&self) -> usize {
        self.mark.column
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The sentence, and below it the line with a mark below the column.
    #[must_use]
    pub fn with_source(&self) -> String {
        let Some(source) = &self.source else { return self.to_string() };
        let Mark { line, column } = self.mark;
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let before: String = source
            .chars()
            .take(column - 1)
            .map(|letter| if letter == '\t' { '\t' } else { ' ' })
            .collect();
        format!("{self}\n {number} | {source}\n {gutter} | {before}^")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, mark, sentence, .. } = self;
        write!(f, "{file}:{}:{}: {sentence}", mark.line, mark.column)
    }
}
