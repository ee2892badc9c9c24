//! Asks a person what no reading of an incident tells, and says what the answers change.

use std::io::{self, IsTerminal, Write};

use auscult_diagnose::draw::percent;
use auscult_engine::{Asked, CERTAINTY, Consultation, Diagnosis, Leading, Question, by_readings};
use auscult_knowledge::{Relation, Statement};

use super::case::Patient;
use super::learn::aligned;
use super::troubleshoot::{prices, typed};
use crate::outcome::CallError;

/// Causes that are listed after an answer.
const LISTED: usize = 5;

/// What to ask by: prices as `--costs` has them, and how certain is enough.
pub(super) fn asked(costs: Option<&str>, certainty: Option<f64>) -> Result<Asked, CallError> {
    let prices = costs.map(prices::of).transpose()?.unwrap_or_default();
    let certainty = certainty.unwrap_or(CERTAINTY);
    Ok(Asked { prices: prices.into_iter().collect(), certainty, ..Asked::default() })
}

/// A dialogue about one incident, answers from standard input.
pub(super) struct Dialogue<'p, 'h> {
    patient: &'p Patient<'h>,
    asked: Asked,
    out: Box<dyn Write>,
    /// Whether to repeat answers, since no terminal shows them.
    echo: bool,
    quiet: bool,
}

/// How a dialogue ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The last answer.
    pub(super) diagnosis: Diagnosis,
    /// Whether people answered anything that counts.
    pub(super) is_changed: bool,
}

/// What a person typed.
#[derive(Debug, PartialEq)]
enum Reply {
    Answer(Option<bool>),
    Back,
    Why,
    Quit,
    /// Not understood; what to say.
    Unclear(String),
}

impl<'p, 'h> Dialogue<'p, 'h> {
    pub(super) fn new(
        patient: &'p Patient<'h>,
        asked: Asked,
        out: Box<dyn Write>,
        quiet: bool,
    ) -> Self {
        let echo = !io::stdin().is_terminal();
        Self { patient, asked, out, echo, quiet }
    }

    /// Writes something besides.
    pub(super) fn say(&mut self, text: &[u8]) -> Result<(), CallError> {
        self.out.write_all(text).map_err(lost)
    }

    /// Asks until the person stops, a cause is clear, or nothing is worth asking.
    pub(super) fn run(&mut self) -> Result<Ended, CallError> {
        let first = self.patient.consult(&self.asked)?;
        self.go_on(first)
    }

    /// The same from where `now` stands.
    pub(super) fn go_on(&mut self, mut now: Consultation) -> Result<Ended, CallError> {
        if !self.quiet && now.question.is_some() {
            let hint = "Answer yes, no or unknown, or: back, why, quit. Where a reading answers it, type the \
                        reading now, or those of before and now.\n\n";
            self.say(hint.as_bytes())?;
        }
        loop {
            let Some(question) = now.question.clone() else {
                let why = if now.is_clear {
                    "The cause is clear; there is nothing more to ask.\n"
                } else {
                    "Nothing that is left is worth asking.\n"
                };
                self.say(why.as_bytes())?;
                break;
            };
            match self.put(&question)? {
                Some(Reply::Answer(holds)) => {
                    self.asked.answers.push(question.answer(holds));
                    let next = self.patient.consult(&self.asked)?;
                    if holds.is_none() {
                        self.say(b"Then that stays open.\n\n")?;
                    } else {
                        self.changes(&now.diagnosis, &next.diagnosis).map_err(lost)?;
                    }
                    now = next;
                }
                Some(Reply::Back) => match self.asked.answers.pop() {
                    Some(answer) => {
                        let text = format!("Took back the answer to `{}`.\n\n", answer.statement);
                        self.say(text.as_bytes())?;
                        now = self.patient.consult(&self.asked)?;
                    }
                    None => self.say(b"There is no answer to take back.\n\n")?,
                },
                Some(_) => break,
                None => {
                    let hint = "\nStandard input has ended; this is how far the answers lead.\n";
                    self.say(hint.as_bytes())?;
                    break;
                }
            }
        }
        let is_changed = self.asked.answers.iter().any(|answer| answer.holds.is_some());
        Ok(Ended { diagnosis: now.diagnosis, is_changed })
    }

    /// Puts a question until it is answered; `None` at the end of the input.
    fn put(&mut self, question: &Question) -> Result<Option<Reply>, CallError> {
        let number = self.asked.answers.len() + 1;
        let price = match question.price {
            1.0 => String::new(),
            price => format!(" (costs {price})"),
        };
        let text = format!(
            "Question {number}{price}: {}\n  `{}`, gains {:.2} bits\n",
            question.text, question.statement, question.gain
        );
        self.say(text.as_bytes())?;
        loop {
            self.say(b"> ")?;
            self.out.flush().map_err(lost)?;
            let mut input = io::stdin().lock();
            let line = typed::line(&mut input, &mut self.out, self.echo);
            let line = line.map_err(|error| {
                CallError::input(format!(
                    "answers cannot be read from standard input: {error}; give them on a terminal or by a pipe"
                ))
            })?;
            let Some(line) = line else { return Ok(None) };
            match understand(question, &line) {
                Reply::Why => self.why(question)?,
                Reply::Unclear(hint) => self.say(format!("{hint}\n").as_bytes())?,
                reply => return Ok(Some(reply)),
            }
        }
    }

    fn why(&mut self, question: &Question) -> Result<(), CallError> {
        let row = |answer: &str, chance: f64, lead: &Leading| {
            let then = format!("then {} {}", cause(lead), percent(lead.probability));
            vec![answer.to_owned(), format!("likely {}", percent(chance)), then]
        };
        let rows = [
            row("yes", question.chance, &question.if_yes),
            row("no", 1.0 - question.chance, &question.if_no),
        ];
        let text = format!("What the answer would mean:\n{}", aligned(&rows, 3));
        self.say(text.as_bytes())
    }

    /// The causes as they are now, and as they were.
    fn changes(&mut self, before: &Diagnosis, now: &Diagnosis) -> io::Result<()> {
        let row = |name: String, now: f64, was: Option<f64>| {
            let was = was.map_or("was below 1 %".to_owned(), |was| format!("was {}", percent(was)));
            vec![name, percent(now), was]
        };
        let mut rows = Vec::new();
        for cause in now.causes.iter().take(LISTED) {
            let was = before.causes.iter().find(|other| other.fault == cause.fault);
            let name =
                format!("{} ({}) at {} {}", cause.name, cause.fault, cause.kind, cause.place);
            rows.push(row(name, cause.probability, was.map(|was| was.probability)));
        }
        for (name, now, was) in [
            ("none of the known causes", now.unknown, before.unknown),
            ("nothing is wrong", now.healthy, before.healthy),
        ] {
            if now.max(was) >= 0.01 {
                rows.push(row(name.to_owned(), now, Some(was)));
            }
        }
        write!(self.out, "{}", aligned(&rows, 1))?;
        let gone = now
            .ruled_out
            .iter()
            .filter(|one| before.ruled_out.iter().all(|other| other.fault != one.fault));
        for one in gone {
            writeln!(self.out, "  ruled out: {} ({}): {}", one.name, one.fault, one.reason)?;
        }
        writeln!(self.out)
    }
}

fn lost(error: io::Error) -> CallError {
    CallError::write("standard output")(error)
}

/// A cause and where it is.
pub(super) fn cause(lead: &Leading) -> String {
    match lead.place.as_str() {
        "" => lead.name.clone(),
        place => format!("{} ({}) at {place}", lead.name, lead.cause),
    }
}

/// What `line` means as an answer.
fn understand(question: &Question, line: &str) -> Reply {
    match line.to_lowercase().as_str() {
        "yes" | "y" | "true" => return Reply::Answer(Some(true)),
        "no" | "n" | "false" => return Reply::Answer(Some(false)),
        "unknown" | "u" | "?" | "don't know" | "dont know" | "dunno" => return Reply::Answer(None),
        "back" => return Reply::Back,
        "why" => return Reply::Why,
        "quit" | "exit" | "q" => return Reply::Quit,
        _ => {}
    }
    let unclear = |expected: &str| {
        Reply::Unclear(format!(
            "`{line}` is no answer; expected yes, no, unknown{expected}, back, why or quit"
        ))
    };
    let Ok(statement) = question.statement.parse::<Statement>() else { return unclear("") };
    let expected = match statement.relation {
        Relation::Above(_) | Relation::Below(_) | Relation::Is(_) | Relation::Bit(_) => {
            ", a reading such as 84"
        }
        Relation::Rises
        | Relation::Doubles
        | Relation::Falls
        | Relation::Steady
        | Relation::Stops
        | Relation::Starts => ", readings of before and now such as `60 84`",
        _ => "",
    };
    let words = line.split([' ', ',', '→']).filter(|word| !word.is_empty() && *word != "->");
    let numbers: Option<Vec<f64>> =
        words.map(|word| word.parse().ok().filter(|number: &f64| number.is_finite())).collect();
    let told = numbers.filter(|numbers| (1..=2).contains(&numbers.len()));
    match told.and_then(|numbers| by_readings(&statement, &numbers)) {
        Some(holds) => Reply::Answer(Some(holds)),
        None => unclear(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(statement: &str) -> Question {
        let lead = Leading {
            cause: "G1".to_owned(),
            name: "thermal throttle".to_owned(),
            place: "gpu a/0".to_owned(),
            probability: 0.5,
        };
        Question {
            statement: statement.to_owned(),
            kind: "gpu".to_owned(),
            place: "a/0".to_owned(),
            text: String::new(),
            gain: 0.5,
            price: 1.0,
            chance: 0.5,
            if_yes: lead.clone(),
            if_no: lead,
        }
    }

    #[test]
    fn words_and_readings_answer_and_others_are_told_what_is_expected() {
        let yes = Reply::Answer(Some(true));
        let no = Reply::Answer(Some(false));
        let above = question("gpu_temperature above 80");
        let rises = question("some gpu: gpu_temperature rises");
        for (question, line, reply) in [
            (&above, "Yes", &yes),
            (&above, "n", &no),
            (&above, "?", &Reply::Answer(None)),
            (&above, "84", &yes),
            (&above, "79.5", &no),
            (&rises, "60 84", &yes),
            (&rises, "60 -> 61", &no),
            (&rises, "quit", &Reply::Quit),
        ] {
            assert_eq!(&understand(question, line), reply, "{line}");
        }
        let Reply::Unclear(hint) = understand(&rises, "84") else { panic!() };
        assert!(hint.contains("readings of before and now such as `60 84`"), "{hint}");
        let Reply::Unclear(hint) = understand(&above, "hot") else { panic!() };
        assert!(
            hint.starts_with("`hot` is no answer; expected yes, no, unknown, a reading"),
            "{hint}"
        );
    }
}
