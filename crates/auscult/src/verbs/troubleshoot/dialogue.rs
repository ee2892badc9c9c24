//! One case, asked about in the terminal.

use std::io::{self, BufRead, Write};

use auscult_diagnose::draw::{grouped, percent};
use auscult_diagnose::model::{KnownValues, number};
use auscult_diagnose::troubleshoot::{Answer, Next, Question, Session, reasons};

use super::super::learn::aligned;
use super::typed::{self, Word, word};

/// Categories listed in a question.
const LISTED_WORDS: usize = 30;
/// Causes listed after an answer.
const LISTED_CAUSES: usize = 8;
/// Other questions listed by `why`.
const LISTED_QUESTIONS: usize = 3;

/// A dialogue between a person and a session.
pub(super) struct Dialogue<'m, R, W> {
    session: Session<'m>,
    input: R,
    out: W,
    /// Whether to repeat answers, since no terminal shows them.
    echo: bool,
    quiet: bool,
}

/// What a person typed.
enum Reply {
    /// To the question, or to another feature that the person named.
    Answer(usize, Answer),
    Back,
    Why,
    Quit,
    /// Not understood; what to say.
    Unclear(String),
}

/// How a dialogue ends.
enum End {
    Clear,
    Exhausted,
    Quit,
    /// The input ended.
    Silence,
}

impl<'m, R: BufRead, W: Write> Dialogue<'m, R, W> {
    pub(super) fn new(session: Session<'m>, input: R, out: W, echo: bool, quiet: bool) -> Self {
        Self { session, input, out, echo, quiet }
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        self.greet()?;
        loop {
            let end = match self.session.next() {
                Next::Clear => Some(End::Clear),
                Next::Exhausted => Some(End::Exhausted),
                Next::Ask(questions) => self.put(&questions)?,
            };
            if let Some(end) = end {
                return self.conclude(&end);
            }
        }
    }

    fn greet(&mut self) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let model = self.session.model();
        writeln!(
            self.out,
            "Looking for one of {} causes of `{}`, learnt from {} rows.\n\
             Answer with a value, or: unknown, back, why, quit. Tell what else you know as \
             name = value.\n",
            model.causes().len(),
            model.label(),
            grouped(model.training().rows)
        )?;
        self.causes()
    }

    /// Puts the best question until it is answered or the dialogue ends.
    fn put(&mut self, questions: &[Question]) -> io::Result<Option<End>> {
        let question = &questions[0];
        self.ask(question)?;
        loop {
            write!(self.out, "> ")?;
            self.out.flush()?;
            let Some(line) = self.line()? else {
                writeln!(self.out)?;
                return Ok(Some(End::Silence));
            };
            match self.understand(question.feature, &line) {
                Reply::Answer(feature, answer) => {
                    self.take(feature, answer)?;
                    return Ok(None);
                }
                Reply::Back => {
                    match self.session.back() {
                        Some(stage) => {
                            let feature = &self.session.model().features()[stage.feature].name;
                            writeln!(self.out, "Took back the answer about `{feature}`.\n")?;
                        }
                        None => writeln!(self.out, "There is no answer to take back.\n")?,
                    }
                    return Ok(None);
                }
                Reply::Why => self.why(questions)?,
                Reply::Quit => return Ok(Some(End::Quit)),
                Reply::Unclear(hint) => writeln!(self.out, "{hint}")?,
            }
        }
    }

    /// The next line; `None` at the end of the input.
    fn line(&mut self) -> io::Result<Option<String>> {
        typed::line(&mut self.input, &mut self.out, self.echo)
    }

    fn ask(&mut self, question: &Question) -> io::Result<()> {
        let feature = &self.session.model().features()[question.feature];
        let at = self.session.stages().len() + 1;
        write!(self.out, "Question {at}: {}?", feature.name)?;
        match &feature.values {
            KnownValues::Numbers { quantiles } => {
                let (low, high) = (quantiles[0], quantiles[quantiles.len() - 1]);
                write!(self.out, "  (a number; {} to {} in the log", number(low), number(high))?;
            }
            KnownValues::Words { .. } => write!(self.out, "  (a word or its number")?,
        }
        if feature.missing > 0 {
            write!(self.out, "; `missing` if there is none")?;
        }
        if question.price != 1.0 {
            write!(self.out, "; costs {}", number(question.price))?;
        }
        writeln!(self.out, ")")?;
        if let KnownValues::Words { categories, .. } = &feature.values {
            let listed = categories.iter().take(LISTED_WORDS).enumerate();
            let list: Vec<String> =
                listed.map(|(at, name)| format!("{}) {name}", at + 1)).collect();
            let more = categories.len().saturating_sub(LISTED_WORDS);
            let more = if more > 0 { format!("   … and {more} more") } else { String::new() };
            writeln!(self.out, "   {}{more}", list.join("   "))?;
        }
        Ok(())
    }

    fn understand(&self, feature: usize, line: &str) -> Reply {
        let model = self.session.model();
        if let KnownValues::Words { categories, .. } = &model.features()[feature].values {
            // A word of the log means itself, even where it is also a command.
            if let Some(code) = categories.iter().position(|name| name == line) {
                return Reply::Answer(feature, Answer::Category(code as u32));
            }
        }
        match line.to_lowercase().as_str() {
            "back" => return Reply::Back,
            "why" => return Reply::Why,
            "quit" | "exit" | "q" => return Reply::Quit,
            "" | "help" => {
                let hint = "Type a value, or: unknown (never ask this again), back (take back the \
                            last answer), why (what this question is good for), quit; or \
                            name = value to tell something that was not asked.";
                return Reply::Unclear(hint.to_owned());
            }
            _ => {}
        }
        // Names may hold the sign themselves, so the longest that fits is meant.
        let mut cuts = line.rmatch_indices('=').map(|(at, _)| (&line[..at], &line[at + 1..]));
        let told = cuts.find_map(|(name, value)| Some((model.feature(name.trim())?, value.trim())));
        match told {
            Some((told, value)) => self.value(told, value),
            None => match (line.split_once('='), &model.features()[feature].values) {
                (Some((name, _)), KnownValues::Numbers { .. }) => self.unheard_of(name.trim()),
                _ => self.value(feature, line),
            },
        }
    }

    /// What `line` means as an answer about `feature`.
    fn value(&self, feature: usize, line: &str) -> Reply {
        let info = &self.session.model().features()[feature];
        match (line.to_lowercase().as_str(), &info.values) {
            ("unknown" | "?" | "u", _) => Reply::Answer(feature, Answer::Unknown),
            ("missing", _) if info.missing > 0 => Reply::Answer(feature, Answer::Missing),
            (_, KnownValues::Numbers { .. }) => match line.parse::<f64>() {
                Ok(value) if value.is_finite() => Reply::Answer(feature, Answer::Number(value)),
                _ => Reply::Unclear(format!(
                    "`{line}` is not a number; write it plainly, such as 2.4, without a unit"
                )),
            },
            (_, KnownValues::Words { categories, .. }) => meant(feature, categories, line),
        }
    }

    fn unheard_of(&self, name: &str) -> Reply {
        let names = self.session.model().features().iter().map(|feature| feature.name.as_str());
        let hint = auscult_core::nearest(name, names)
            .map_or_else(String::new, |near| format!(": did you mean `{near}`"));
        Reply::Unclear(format!("the model has no feature `{name}`{hint}"))
    }

    fn take(&mut self, feature: usize, answer: Answer) -> io::Result<()> {
        let model = self.session.model();
        let stage = match self.session.answer(feature, answer) {
            Ok(stage) => stage.clone(),
            // Every reply was checked against the feature.
            Err(error) => return Err(io::Error::other(error)),
        };
        let name = &model.features()[feature].name;
        if let (Answer::Number(value), KnownValues::Numbers { quantiles }) =
            (answer, &model.features()[feature].values)
        {
            let (low, high) = (quantiles[0], quantiles[quantiles.len() - 1]);
            if value < low || value > high {
                writeln!(
                    self.out,
                    "Note: the log has nothing outside {} to {}.",
                    number(low),
                    number(high)
                )?;
            }
        }
        if answer == Answer::Unknown {
            writeln!(self.out, "Then `{name}` stays open.\n")?;
            return Ok(());
        }
        if stage.is_idle() {
            let said = model.answer(feature, answer);
            let why = if model.weighs_all() {
                "the rows of the log that agree with your answers are as likely with it as without"
            } else {
                "the trees do not ask it on the way of this case, and the model has no counts to \
                 weigh it by, as forests and models of older releases have none"
            };
            writeln!(self.out, "Nothing changes by {name} = {said}: {why}.")?;
        }
        if !stage.ruled_out.is_empty() {
            let names: Vec<&str> =
                stage.ruled_out.iter().map(|&cause| model.causes()[cause].name.as_str()).collect();
            writeln!(
                self.out,
                "Ruled out by {name} = {}: {} (no row of the log with these answers had {}).",
                model.answer(feature, answer),
                names.join(", "),
                if names.len() == 1 { "it" } else { "them" }
            )?;
        }
        self.causes()
    }

    /// The causes that remain.
    fn causes(&mut self) -> io::Result<()> {
        let model = self.session.model();
        let beliefs = self.session.beliefs();
        let out = self.session.ruled_out();
        let before = self.session.stages().last().map(|stage| stage.before.clone());
        let mut order: Vec<usize> = (0..beliefs.len()).filter(|at| !out.contains(at)).collect();
        order.sort_by(|&a, &b| beliefs[b].total_cmp(&beliefs[a]));
        let row = |&cause: &usize| {
            let mut row = vec![model.causes()[cause].name.clone(), percent(beliefs[cause])];
            if let Some(before) = &before {
                row.push(format!("was {}", percent(before[cause])));
            }
            row
        };
        let rows: Vec<Vec<String>> = order.iter().take(LISTED_CAUSES).map(row).collect();
        write!(self.out, "{}", aligned(&rows, 1))?;
        if order.len() > LISTED_CAUSES {
            writeln!(self.out, "  and {} less likely ones", order.len() - LISTED_CAUSES)?;
        }
        writeln!(self.out)
    }

    fn why(&mut self, questions: &[Question]) -> io::Result<()> {
        let model = self.session.model();
        let question = &questions[0];
        let name = |question: &Question| model.features()[question.feature].name.clone();
        writeln!(self.out, "What the answer would mean:")?;
        let outcome = |outcome: &auscult_diagnose::troubleshoot::Outcome| {
            vec![
                outcome.answers.clone(),
                format!("likely {}", percent(outcome.probability)),
                format!(
                    "then {} {}",
                    model.causes()[outcome.cause].name,
                    percent(outcome.confidence)
                ),
            ]
        };
        let rows: Vec<Vec<String>> = question.outcomes.iter().map(outcome).collect();
        write!(self.out, "{}", aligned(&rows, 3))?;
        let gain = |question: &Question| {
            if question.gain > 0.0 { question.gain } else { question.later_gain }
        };
        write!(
            self.out,
            "It is expected to settle {:.2} bits of doubt at a cost of {}",
            gain(question),
            number(question.price)
        )?;
        let others: Vec<String> = questions[1..]
            .iter()
            .take(LISTED_QUESTIONS)
            .map(|other| format!("`{}` {:.2} at {}", name(other), gain(other), number(other.price)))
            .collect();
        match others.as_slice() {
            [] => writeln!(self.out, "; no other question helps."),
            others => writeln!(self.out, "; next best: {}.", others.join(", ")),
        }
    }

    fn conclude(&mut self, end: &End) -> io::Result<()> {
        let model = self.session.model();
        let answers = self.session.answers();
        let beliefs = self.session.beliefs();
        let cause = self.session.leading();
        let certain = percent(beliefs[cause]);
        let head = match end {
            End::Clear => "Cause",
            End::Exhausted => "Most likely cause, and no further question would help",
            End::Quit | End::Silence => "Most likely cause so far",
        };
        writeln!(self.out, "{head}: {} ({certain})", model.causes()[cause].name)?;
        let reasons = reasons(model, &answers, cause);
        if !reasons.is_empty() {
            writeln!(self.out, "Because:")?;
            for reason in &reasons {
                writeln!(self.out, "  {reason}")?;
            }
        }
        let ruled_out = self.session.ruled_out();
        let is_other = |other: &usize| {
            *other != cause && beliefs[*other] >= 0.01 && !ruled_out.contains(other)
        };
        let mut others: Vec<usize> = (0..beliefs.len()).filter(is_other).collect();
        others.sort_by(|&a, &b| beliefs[b].total_cmp(&beliefs[a]));
        if !others.is_empty() {
            let list: Vec<String> = others
                .iter()
                .map(|&other| format!("{} {}", model.causes()[other].name, percent(beliefs[other])))
                .collect();
            writeln!(self.out, "Otherwise: {}", list.join(", "))?;
        }
        let out: Vec<&str> =
            ruled_out.iter().map(|&cause| model.causes()[cause].name.as_str()).collect();
        if !out.is_empty() {
            writeln!(self.out, "Ruled out: {}", out.join(", "))?;
        }
        Ok(())
    }
}

/// What a category that `line` names means as an answer about `feature`.
fn meant(feature: usize, categories: &[String], line: &str) -> Reply {
    match word(categories, line) {
        Word::One(code) => Reply::Answer(feature, Answer::Category(code as u32)),
        Word::Unknown => Reply::Unclear(format!(
            "the log has no `{line}`; type one of the words, its number, or unknown"
        )),
        Word::Several(hint) => Reply::Unclear(hint),
    }
}
