//! Statements about signals: the closed vocabulary in which faults say what they predict.

use std::fmt;
use std::str::FromStr;

use auscult_core::nearest;
use serde::Deserialize;

/// What a fault predicts of a signal, an event or a log, at its place or near it.
///
/// Written as `[share] [where:] signal[{label=value,…}] [per signal] relation`:
///
/// | part | means |
/// |---|---|
/// | `where` | a kind of target that belongs to the place (`host`, `gpu`, `replica`, …), or `peers`; the place itself if left out |
/// | `share` | of several such targets: `some` (one at least), `most` (more than half, the default) |
/// | `{label=value}` | only series with this label |
/// | `per signal` | the first divided by the second |
///
/// ```
/// use auscult_knowledge::{Relation, Statement};
/// let statement: Statement = "gpu_sm_clock falls".parse()?;
/// assert_eq!(statement.relation, Relation::Falls);
/// let statement: Statement = "some gpu: gpu_xid is 79".parse()?;
/// assert_eq!(statement.relation, Relation::Is(79.0));
/// let error = "gpu_sm_clock flals".parse::<Statement>().unwrap_err();
/// assert!(error.contains("`falls`"), "{error}");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Statement {
    /// As it is written.
    pub text: String,
    /// Of which targets, seen from the place of the fault.
    pub scope: Scope,
    /// Of what.
    pub subject: Subject,
    /// What is said of it.
    pub relation: Relation,
}

/// Targets, seen from the place of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The place itself.
    Own,
    /// Its peers: others of its kind that share what it belongs to.
    Peers,
    /// Targets of this kind that belong to it, or it to them.
    Near {
        /// Their kind.
        kind: String,
        /// Whether one is enough; more than half otherwise.
        some: bool,
    },
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A signal, or the quotient of two.
    Signal {
        /// Its name.
        name: String,
        /// A label that its series have, with its value; none for all of them together.
        label: Option<(String, String)>,
        /// What it is divided by.
        per: Option<String>,
    },
    /// A change that people or programs made.
    Event(String),
    /// A line of a log that holds this text.
    Log(String),
    /// A part of a law.
    Law(String),
}

/// What is said of a subject, before and after something began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relation {
    /// It is higher afterwards, by more than it moves by itself and by a tenth at least.
    Rises,
    /// It rises, to twice what it was at least.
    Doubles,
    /// It is lower. Of what was 0 all the while, nobody can say so or deny it.
    Falls,
    /// Neither.
    Steady,
    /// There was some, and at the end there is none. Of what was 0 all the while, as of `Falls`.
    Stops,
    /// There was none, and then there is some.
    Starts,
    /// It no longer moves at all, though it did.
    Freezes,
    /// Its series were there, and are no longer.
    Vanishes,
    /// It goes back to where it began, or is another one. Where it is not read any more nobody can deny it.
    Resets,
    /// It falls to less than half of where it had come to, once at least.
    Drops,
    /// There are readings of it at all.
    Present,
    /// It goes one way all the time.
    Creeps,
    /// It comes and goes at even distances.
    Pulses,
    /// Twice in a row it lies above all that was before, further than that ever lay above its middle; it
    /// may be over since.
    Spikes,
    /// Most of it lies above a number.
    Above(f64),
    /// Most of it lies below a number.
    Below(f64),
    /// It reads so, for once at least, and did not before.
    Is(f64),
    /// It has this bit set, for once at least.
    Bit(u32),
    /// It lies above its peers, and did not before.
    AbovePeers,
    /// It lies below them.
    BelowPeers,
    /// It goes with them.
    WithPeers,
    /// It happened, shortly before or when something began.
    Happens,
    /// The law did not break before, and does now.
    Breaks,
    /// The law holds now.
    Holds,
}

/// The words for relations without a number.
const PLAIN: &[(&str, Relation)] = &[
    ("rises", Relation::Rises),
    ("doubles", Relation::Doubles),
    ("falls", Relation::Falls),
    ("is steady", Relation::Steady),
    ("stops", Relation::Stops),
    ("starts", Relation::Starts),
    ("freezes", Relation::Freezes),
    ("vanishes", Relation::Vanishes),
    ("resets", Relation::Resets),
    ("drops", Relation::Drops),
    ("is present", Relation::Present),
    ("creeps", Relation::Creeps),
    ("pulses", Relation::Pulses),
    ("spikes", Relation::Spikes),
    ("above peers", Relation::AbovePeers),
    ("below peers", Relation::BelowPeers),
    ("with peers", Relation::WithPeers),
    ("happens", Relation::Happens),
];

impl Relation {
    fn read(words: &[&str]) -> Result<Self, String> {
        let text = words.join(" ");
        if let Some((_, relation)) = PLAIN.iter().find(|(known, _)| *known == text) {
            return Ok(*relation);
        }
        let number = |word: &str| {
            word.parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| format!("`{word}` is no number"))
        };
        match words {
            ["above", word] => number(word).map(Self::Above),
            ["below", word] => number(word).map(Self::Below),
            ["is", word] => number(word).map(Self::Is),
            ["has", "bit", word] => match word.parse() {
                Ok(bit) if bit < 64 => Ok(Self::Bit(bit)),
                _ => Err(format!("`{word}` is no bit; expected a number from 0 to 63")),
            },
            _ => {
                if let Some(near) = nearest(&text, PLAIN.iter().map(|(word, _)| *word)) {
                    return Err(format!(
                        "`{text}` says nothing that is known; did you mean `{near}`?"
                    ));
                }
                Err(format!(
                    "`{text}` says nothing that is known; expected one of {}, `above N`, `below N`, `is N`, `has bit N`",
                    PLAIN
                        .iter()
                        .map(|(word, _)| format!("`{word}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ))
            }
        }
    }
}

impl FromStr for Statement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = |reason: String| format!("`{text}`: {reason}");
        // The text of a log may hold a colon.
        let (scope, rest) = match text.split_once(": ") {
            Some((scope, rest)) if !scope.contains('"') => {
                (Scope::read(scope).map_err(refuse)?, rest)
            }
            _ => (Scope::Own, text),
        };
        for (word, subject) in [
            ("event ", Subject::Event as fn(String) -> Subject),
            ("log ", Subject::Log as fn(String) -> Subject),
        ] {
            if let Some(rest) = rest.strip_prefix(word) {
                let name = rest.strip_suffix(" happens").map(|name| name.trim_matches('"'));
                let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
                    refuse(format!("of an event or a log only `{word}NAME happens` can be said"))
                })?;
                return Ok(Self {
                    text: text.to_owned(),
                    scope,
                    subject: subject(name.to_owned()),
                    relation: Relation::Happens,
                });
            }
        }
        if let Some(rest) = rest.strip_prefix("law ") {
            let (name, relation) = match rest.split_once(' ') {
                Some((name, "breaks")) => (name, Relation::Breaks),
                Some((name, "holds")) => (name, Relation::Holds),
                _ => {
                    let reason = "of a law only `law NAME breaks` or `law NAME holds` can be said";
                    return Err(refuse(reason.to_owned()));
                }
            };
            let (text, subject) = (text.to_owned(), Subject::Law(name.to_owned()));
            return Ok(Self { text, scope, subject, relation });
        }
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (first, words) = words
            .split_first()
            .ok_or_else(|| refuse("expected a signal and what is said of it".to_owned()))?;
        let (name, label) = match first.strip_suffix('}').and_then(|part| part.split_once('{')) {
            Some((name, label)) => {
                let label = label.split_once('=').ok_or_else(|| {
                    refuse(format!("`{{{label}}}` is no label; expected `{{label=value}}`"))
                })?;
                (name, Some((label.0.to_owned(), label.1.to_owned())))
            }
            None => (*first, None),
        };
        let (per, words) = match words {
            ["per", per, words @ ..] => (Some((*per).to_owned()), words),
            words => (None, words),
        };
        Ok(Self {
            text: text.to_owned(),
            scope,
            subject: Subject::Signal { name: name.to_owned(), label, per },
            relation: Relation::read(words).map_err(refuse)?,
        })
    }
}

impl Statement {
    /// That a part of a law `breaks` or `holds`, as it is written.
    pub(crate) fn of_law(part: &str, scope: Scope, relation: Relation) -> Self {
        let place = match &scope {
            Scope::Own => String::new(),
            Scope::Peers => "peers: ".to_owned(),
            Scope::Near { kind, some: true } => format!("some {kind}: "),
            Scope::Near { kind, some: false } => format!("{kind}: "),
        };
        let verb = if relation == Relation::Breaks { "breaks" } else { "holds" };
        let text = format!("{place}law {part} {verb}");
        Self { text, scope, subject: Subject::Law(part.to_owned()), relation }
    }
}

impl TryFrom<String> for Statement {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Scope {
    fn read(text: &str) -> Result<Self, String> {
        let (some, kind) = match text.split_once(' ') {
            None => (false, text),
            Some(("some", kind)) => (true, kind),
            Some(("most", kind)) => (false, kind),
            Some((word, _)) => {
                return Err(format!("`{word}` is no share; expected `some` or `most`"));
            }
        };
        Ok(match kind {
            "peers" => Self::Peers,
            kind => Self::Near { kind: kind.to_owned(), some },
        })
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let statement: Statement =
            "some replica: requests_finished{finished_reason=abort} per engine_steps rises"
                .parse()
                .unwrap();
        assert_eq!(statement.scope, Scope::Near { kind: "replica".to_owned(), some: true });
        let Subject::Signal { name, label, per } = &statement.subject else { panic!() };
        assert_eq!(name, "requests_finished");
        assert_eq!(label, &Some(("finished_reason".to_owned(), "abort".to_owned())));
        assert_eq!(per.as_deref(), Some("engine_steps"));
        let statement: Statement = "log \"NVRM: Xid\" happens".parse().unwrap();
        assert_eq!(statement.subject, Subject::Log("NVRM: Xid".to_owned()));
        let statement: Statement = "peers: gpu_sm_clock is steady".parse().unwrap();
        assert_eq!((statement.scope, statement.relation), (Scope::Peers, Relation::Steady));
    }

    #[test]
    fn what_says_nothing_is_refused_in_a_sentence() {
        for (text, reason) in [
            ("all gpu: gpu_xid is 79", "`all` is no share; expected `some` or `most`"),
            ("gpu_xid is many", "`many` is no number"),
            ("gpu_clock_events has bit 99", "`99` is no bit; expected a number from 0 to 63"),
            ("gpu_xid{79} rises", "`{79}` is no label; expected `{label=value}`"),
            ("event deploy rises", "of an event or a log only `event NAME happens` can be said"),
            (
                "law heartbeat rises",
                "of a law only `law NAME breaks` or `law NAME holds` can be said",
            ),
        ] {
            let error = text.parse::<Statement>().unwrap_err();
            assert_eq!(error, format!("`{text}`: {reason}"));
        }
    }
}
