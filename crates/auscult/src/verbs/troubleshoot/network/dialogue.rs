//! One case of a network, asked about in the terminal.

use std::io::{self, BufRead, Write};

use auscult_diagnose::draw::percent;
use auscult_diagnose::model::number;
use auscult_diagnose::network::{InferenceError, Network, Posterior, Step, Troubleshooter};

use super::super::super::learn::aligned;
use super::super::typed::{self, Word, word};
use super::no_variable;

/// Suspects listed after an answer.
const LISTED: usize = 8;

/// Probability from which another suspect is worth a mention.
const WORTH_MENTION: f64 = 0.01;

/// A dialogue between a person and a network.
pub(crate) struct Dialogue<'n, R, W> {
    network: &'n Network,
    finder: Troubleshooter,
    /// The state of each variable that is known.
    evidence: Vec<Option<usize>>,
    /// Variables that were answered, with the state, or closed with none.
    answered: Vec<(usize, Option<usize>)>,
    input: R,
    out: W,
    echo: bool,
    quiet: bool,
}

/// What a person typed.
enum Reply {
    /// The state of a variable; `None` where nobody can look.
    Answer(usize, Option<usize>),
    Back,
    Why,
    Quit,
    /// Not understood; what to say.
    Unclear(String),
}

/// How a dialogue ends.
enum End {
    /// With a suspect that is certain enough.
    Clear,
    /// Nothing is left to look at.
    Exhausted,
    Quit,
}

impl<'n, R: BufRead, W: Write> Dialogue<'n, R, W> {
    pub(crate) fn new(
        network: &'n Network,
        (finder, symptom): (Troubleshooter, (usize, usize)),
        (input, out): (R, W),
        echo: bool,
        quiet: bool,
    ) -> Self {
        let mut evidence = vec![None; network.variables().len()];
        evidence[symptom.0] = Some(symptom.1);
        Self { network, finder, evidence, answered: Vec::new(), input, out, echo, quiet }
    }

    pub(crate) fn run(mut self) -> io::Result<()> {
        self.greet()?;
        loop {
            match self.finder.next(&self.evidence).map_err(io::Error::other)? {
                Step::Name { variable, .. } => {
                    let now = self.posterior()?;
                    let is_clear = self.finder.verdict(&now).is_some();
                    return self
                        .conclude(variable, if is_clear { End::Clear } else { End::Exhausted });
                }
                Step::Look { variable, expected_cost } => {
                    if !self.put(variable, expected_cost)? {
                        let now = self.posterior()?;
                        let leading = self.ranked(&now)[0].0;
                        return self.conclude(leading, End::Quit);
                    }
                }
            }
        }
    }

    fn posterior(&self) -> io::Result<Posterior> {
        self.finder.posterior(&self.evidence).map_err(io::Error::other)
    }

    fn greet(&mut self) -> io::Result<()> {
        if !self.quiet {
            writeln!(
                self.out,
                "Looking for the cause among {} suspects of {} variables.\n\
                 Answer with a state, or: unknown, back, why, quit. Tell what else you know as \
                 name = state.\n",
                self.finder.suspects().len(),
                self.network.variables().len()
            )?;
        }
        self.suspects(None)
    }

    /// Puts a question until it is answered; whether the dialogue goes on.
    fn put(&mut self, variable: usize, expected_cost: f64) -> io::Result<bool> {
        let one = &self.network.variables()[variable];
        let cost = self.finder.costs()[variable];
        let at = self.answered.len() + 1;
        let price = if cost == 1.0 { String::new() } else { format!("; costs {}", number(cost)) };
        writeln!(self.out, "Question {at}: {}?  (a state or its number{price})", one.name)?;
        let listed: Vec<String> =
            one.states.iter().enumerate().map(|(at, name)| format!("{}) {name}", at + 1)).collect();
        writeln!(self.out, "   {}", listed.join("   "))?;
        loop {
            write!(self.out, "> ")?;
            self.out.flush()?;
            let Some(line) = typed::line(&mut self.input, &mut self.out, self.echo)? else {
                writeln!(self.out)?;
                return Ok(false);
            };
            match self.understand(variable, &line) {
                Reply::Answer(variable, state) => {
                    if self.take(variable, state)? {
                        return Ok(true);
                    }
                }
                Reply::Back => {
                    self.back()?;
                    return Ok(true);
                }
                Reply::Why => self.why(variable, expected_cost)?,
                Reply::Quit => return Ok(false),
                Reply::Unclear(hint) => writeln!(self.out, "{hint}")?,
            }
        }
    }

    fn understand(&self, variable: usize, line: &str) -> Reply {
        // A state means itself, even where it is also a command.
        if let Some(state) =
            self.network.variables()[variable].states.iter().position(|one| one == line)
        {
            return Reply::Answer(variable, Some(state));
        }
        match line.to_lowercase().as_str() {
            "back" => return Reply::Back,
            "why" => return Reply::Why,
            "quit" | "exit" | "q" => return Reply::Quit,
            "" | "help" => {
                let hint = "Type a state, or: unknown (nobody can look), back (take back the last \
                            answer), why (what this question is good for), quit; or name = state to \
                            tell something that was not asked.";
                return Reply::Unclear(hint.to_owned());
            }
            _ => {}
        }
        match line.split_once('=') {
            Some((name, state)) => match self.network.place(name.trim()) {
                Some(told) => self.state(told, state.trim()),
                None => Reply::Unclear(no_variable(self.network, name.trim())),
            },
            None => self.state(variable, line),
        }
    }

    /// What `line` means as a state of `variable`.
    fn state(&self, variable: usize, line: &str) -> Reply {
        if ["unknown", "?", "u"].contains(&line.to_lowercase().as_str()) {
            return Reply::Answer(variable, None);
        }
        let one = &self.network.variables()[variable];
        match word(&one.states, line) {
            Word::One(state) => Reply::Answer(variable, Some(state)),
            Word::Unknown => Reply::Unclear(format!(
                "`{}` has no state `{line}`; it has {}",
                one.name,
                one.states.join(", ")
            )),
            Word::Several(hint) => Reply::Unclear(hint),
        }
    }

    /// Takes an answer; whether it can be.
    fn take(&mut self, variable: usize, state: Option<usize>) -> io::Result<bool> {
        let name = &self.network.variables()[variable].name;
        if self.evidence[variable].is_some() {
            writeln!(self.out, "`{name}` is known already; take it back with back")?;
            return Ok(false);
        }
        let Some(state) = state else {
            self.finder.set_closed(variable, true);
            self.answered.push((variable, None));
            writeln!(self.out, "Then `{name}` stays open.\n")?;
            return Ok(true);
        };
        let before = self.posterior()?;
        self.evidence[variable] = Some(state);
        match self.finder.posterior(&self.evidence) {
            Ok(_) => {}
            Err(InferenceError::Impossible) => {
                self.evidence[variable] = None;
                let state = &self.network.variables()[variable].states[state];
                writeln!(
                    self.out,
                    "That cannot be: with the other answers the network gives {name} = {state} \
                     probability 0; look again, or take an answer back"
                )?;
                return Ok(false);
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        self.answered.push((variable, Some(state)));
        self.suspects(Some(&before))?;
        Ok(true)
    }

    fn back(&mut self) -> io::Result<()> {
        match self.answered.pop() {
            Some((variable, _)) => {
                self.evidence[variable] = None;
                self.finder.set_closed(variable, false);
                let name = &self.network.variables()[variable].name;
                writeln!(self.out, "Took back the answer about `{name}`.\n")
            }
            None => writeln!(self.out, "There is no answer to take back.\n"),
        }
    }

    /// Suspects with their probabilities to be out of their usual state, the likeliest first.
    fn ranked(&self, posterior: &Posterior) -> Vec<(usize, f64)> {
        let variables = self.finder.suspects().iter().map(|suspect| suspect.variable);
        let mut all: Vec<(usize, f64)> = variables.zip(self.finder.chances(posterior)).collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        all
    }

    /// The suspects as they are now, and as they were.
    fn suspects(&mut self, before: Option<&Posterior>) -> io::Result<()> {
        let now = self.posterior()?;
        let ranked = self.ranked(&now);
        let were = before.map(|before| self.ranked(before));
        let row = |&(variable, chance): &(usize, f64)| {
            let mut row = vec![self.network.variables()[variable].name.clone(), percent(chance)];
            let was = were.iter().flatten().find(|(other, _)| *other == variable);
            row.extend(was.map(|(_, was)| format!("was {}", percent(*was))));
            row
        };
        let rows: Vec<Vec<String>> = ranked.iter().take(LISTED).map(row).collect();
        write!(self.out, "{}", aligned(&rows, 1))?;
        if ranked.len() > LISTED {
            writeln!(self.out, "  and {} less likely ones", ranked.len() - LISTED)?;
        }
        writeln!(self.out)
    }

    fn why(&mut self, variable: usize, expected_cost: f64) -> io::Result<()> {
        let now = self.posterior()?;
        writeln!(self.out, "What the answer would mean:")?;
        let mut rows = Vec::new();
        let mut evidence = self.evidence.clone();
        for (state, name) in self.network.variables()[variable].states.iter().enumerate() {
            let chance = now.marginals[variable][state];
            if chance <= 0.0 {
                continue;
            }
            evidence[variable] = Some(state);
            let then = self.finder.posterior(&evidence).map_err(io::Error::other)?;
            let (suspect, certain) = self.ranked(&then)[0];
            rows.push(vec![
                name.clone(),
                format!("likely {}", percent(chance)),
                format!("then {} {}", self.network.variables()[suspect].name, percent(certain)),
            ]);
        }
        write!(self.out, "{}", aligned(&rows, 3))?;
        writeln!(
            self.out,
            "Beginning with it, the cause is expected to be found at a cost of {:.1}.",
            expected_cost
        )
    }

    fn conclude(&mut self, variable: usize, end: End) -> io::Result<()> {
        let now = self.posterior()?;
        let ranked = self.ranked(&now);
        let certain = ranked.iter().find(|(one, _)| *one == variable).map_or(0.0, |one| one.1);
        let one = &self.network.variables()[variable];
        let is_usual = matches!(end, End::Clear) && certain < 0.5;
        if is_usual {
            let sure: f64 = ranked.iter().map(|(_, chance)| 1.0 - chance).product();
            return writeln!(
                self.out,
                "Cause: none of the suspects ({}); the likeliest of them is {} ({})",
                percent(sure),
                one.name,
                percent(certain)
            );
        }
        let head = match end {
            End::Clear => "Cause",
            End::Exhausted => "Most likely cause, and nothing is left to look at",
            End::Quit => "Most likely cause so far",
        };
        // Of the states that are not usual the likeliest.
        let usual = self.finder.suspects().iter().find(|suspect| suspect.variable == variable);
        let usual = usual.map(|suspect| suspect.usual);
        let state = (0..one.states.len())
            .filter(|state| Some(*state) != usual)
            .max_by(|a, b| now.marginals[variable][*a].total_cmp(&now.marginals[variable][*b]));
        let state = state.map_or_else(String::new, |state| format!(" = {}", one.states[state]));
        writeln!(self.out, "{head}: {}{state} ({})", one.name, percent(certain))?;
        let others: Vec<String> = ranked
            .iter()
            .filter(|(other, chance)| *other != variable && *chance >= WORTH_MENTION)
            .take(LISTED)
            .map(|(other, chance)| {
                format!("{} {}", self.network.variables()[*other].name, percent(*chance))
            })
            .collect();
        if !others.is_empty() {
            writeln!(self.out, "Also suspect: {}", others.join(", "))?;
        }
        let cost: f64 = self
            .answered
            .iter()
            .filter(|(_, state)| state.is_some())
            .map(|(variable, _)| self.finder.costs()[*variable])
            .sum();
        writeln!(self.out, "Looked at {} for a cost of {}.", self.looks(), number(cost))
    }

    fn looks(&self) -> String {
        let looks = self.answered.iter().filter(|(_, state)| state.is_some()).count();
        if looks == 1 { "1 variable".to_owned() } else { format!("{looks} variables") }
    }
}
