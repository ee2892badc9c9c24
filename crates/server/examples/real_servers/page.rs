//! The page of results.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::answer::{Answer, Seen, answer};
use super::runs::{Collection, Run};
use super::taught;

/// The page of a collection, with all of its runs.
pub(crate) fn document(of: &Collection, runs: &[Run]) -> String {
    let mut text = of.head.to_owned();
    for part in of.parts {
        let of_part: Vec<&Run> = runs.iter().filter(|run| run.part == *part).collect();
        if of_part.is_empty() {
            continue;
        }
        let answers: Vec<Answer> = of_part.iter().map(|run| answer(run, Seen::All)).collect();
        let count = |is: fn(&Answer) -> bool| answers.iter().filter(|one| is(one)).count();
        let share = |seen: Seen| {
            let right = of_part.iter().filter(|run| answer(run, seen).is_right);
            right.count()
        };
        let less = of.less.iter().map(|(seen, words)| format!("{words} {}", share(*seen)));
        let less = less.collect::<Vec<String>>().join(", ");
        let all = of_part.len();
        let _ = write!(
            text,
            "\n## {part}\n\nOf {all} runs, **{} have the right cause first** ({} at the right place), {} among the first three.\n\
             {less}. By the number of the run: {}.\n{}\n\
             | run | it is | first cause | at | right |\n|---|---|---|---|---|\n",
            count(|one| one.is_right),
            count(|one| one.is_right && one.is_there),
            count(|one| one.is_right || one.rank.is_some_and(|rank| rank <= 3)),
            by_number(&of_part, &answers),
            by_taught(&of_part),
        );
        for (run, one) in of_part.iter().zip(&answers) {
            let name = run.name.rsplit('/').next().unwrap_or_default();
            let right = match (one.is_right, one.is_there, one.rank) {
                (true, true, _) => "yes".to_owned(),
                (true, false, _) => "yes, elsewhere".to_owned(),
                (false, _, Some(rank)) => format!("no, number {rank} of the causes"),
                (false, _, None) => "no".to_owned(),
            };
            let first = match one.kind.as_str() {
                "" => one.name.clone(),
                _ => format!("{} {}", one.cause, one.name),
            };
            let _ = writeln!(
                text,
                "| {name} | {} | {first} | {} {} | {right} |",
                run.expected.causes.join(" or "),
                one.kind,
                one.place,
            );
        }
    }
    text
}

/// How many are right where people said what other runs were; nothing where there are few of these.
fn by_taught(runs: &[&Run]) -> String {
    let Some(answers) = taught::answers(runs) else { return String::new() };
    let right = answers.iter().filter(|one| one.is_right).count();
    format!(
        "Where people had said what the runs with the other numbers were ([verdicts](diagnose.md#verdicts), and a forest that was learnt from them as a [witness](diagnose.md#a-learnt-witness)): **{right}**. By the number of the run: {}.\n",
        by_number(runs, &answers)
    )
}

/// How many are right of the runs with each number, such as `1: 10 of 13, 2: 9 of 12`.
fn by_number(runs: &[&Run], answers: &[Answer]) -> String {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (run, answer) in runs.iter().zip(answers) {
        let (right, all) = counts.entry(run.number()).or_default();
        *right += usize::from(answer.is_right);
        *all += 1;
    }
    let told = counts.iter().map(|(number, (right, all))| format!("{number}: {right} of {all}"));
    told.collect::<Vec<String>>().join(", ")
}
