//! A part of a training job that a person would have mended.

use std::fmt;

use auscult_core::nearest;
use auscult_diagnose::replay::{Operation, OperationKind, Trace};

/// Names of what an operation can be told by.
const KEYS: [&str; 4] = ["rank", "stage", "step", "operation"];

/// Operations that are all of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part(Vec<Condition>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Rank(u32),
    Stage(u32),
    Step(i64),
    /// A kind of operation, or both ends of a transfer between stages.
    Operation(&'static str),
}

/// Reads `rank=0,operation=backward-compute`.
pub(super) fn parse(text: &str) -> Result<Part, String> {
    let conditions: Vec<Condition> = text.split(',').map(condition).collect::<Result<_, _>>()?;
    Ok(Part(conditions))
}

fn condition(text: &str) -> Result<Condition, String> {
    let expected = "expected such as rank=0, stage=1, step=20 or operation=backward-compute";
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}`: {expected}"))?;
    let (key, value) = (key.trim(), value.trim());
    let no_number = |_| format!("`{value}` is no number of a {key}: expected such as {key}=1");
    match key {
        "rank" => value.parse().map(Condition::Rank).map_err(no_number),
        "stage" => value.parse().map(Condition::Stage).map_err(no_number),
        "step" => value.parse().map(Condition::Step).map_err(no_number),
        "operation" => operation(value).map(Condition::Operation),
        _ => {
            let hint = nearest(key, KEYS).map(|near| format!(": did you mean `{near}`"));
            Err(format!("no `{key}` in a trace{}; {expected}", hint.unwrap_or_default()))
        }
    }
}

/// The kind, or the family of kinds, of that name.
fn operation(name: &str) -> Result<&'static str, String> {
    let kinds = OperationKind::ALL.iter();
    let mut names: Vec<&'static str> =
        kinds.flat_map(|kind| [kind.name(), kind.family()]).collect();
    names.sort_unstable();
    names.dedup();
    names
        .iter()
        .find(|one| **one == name)
        .copied()
        .ok_or_else(|| format!("no operation `{name}`; there are {}", names.join(", ")))
}

impl Part {
    /// Whether an operation belongs to it.
    pub(super) fn holds(&self, operation: &Operation) -> bool {
        self.0.iter().all(|condition| match *condition {
            Condition::Rank(rank) => operation.dp_rank == rank,
            Condition::Stage(stage) => operation.stage == stage,
            Condition::Step(step) => operation.step == step,
            Condition::Operation(name) => {
                operation.kind.name() == name || operation.kind.family() == name
            }
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|condition| match condition {
                Condition::Rank(rank) => format!("rank={rank}"),
                Condition::Stage(stage) => format!("stage={stage}"),
                Condition::Step(step) => format!("step={step}"),
                Condition::Operation(name) => format!("operation={name}"),
            })
            .collect();
        f.write_str(&words.join(","))
    }
}

/// Which parts a trace has, in words.
pub(super) fn there(trace: &Trace) -> String {
    let ranks = trace.workers().iter().map(|worker| worker.dp_rank).max().unwrap_or(0);
    let stages = trace.last_stage();
    let (first, last) = (trace.steps().first(), trace.steps().last());
    format!(
        "ranks go to {ranks}, stages to {stages}, steps from {} to {}",
        first.copied().unwrap_or(0),
        last.copied().unwrap_or(0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_told_alike() {
        for text in ["rank=0", "stage=1,operation=backward-compute", "step=-3", "operation=gc"] {
            assert_eq!(parse(text).expect("a part").to_string(), text);
        }
    }

    #[test]
    fn what_is_no_part_is_refused_in_words() {
        for (text, sentence) in [
            ("", "``: expected such as rank=0"),
            ("rank", "`rank`: expected such as rank=0"),
            ("rank=x", "`x` is no number of a rank"),
            ("rank=-1", "`-1` is no number of a rank"),
            ("ranks=1", "did you mean `rank`"),
            ("operation=backward", "no operation `backward`; there are backward-compute"),
        ] {
            let said = parse(text).expect_err("absurd");
            assert!(said.contains(sentence), "{said}");
        }
    }

    #[test]
    fn conditions_are_joined() {
        let operation = Operation {
            step: 7,
            dp_rank: 1,
            stage: 2,
            kind: OperationKind::ForwardSend,
            sequence: 0,
            start: 0.0,
            duration: 1.0,
        };
        let holds = |text: &str| parse(text).expect("a part").holds(&operation);
        assert!(holds("rank=1,stage=2,step=7") && !holds("rank=1,stage=3"));
        assert!(holds("operation=forward-send") && holds("operation=forward-pp-comm"));
        assert!(!holds("operation=forward-recv"));
    }
}
