//! Whether past incidents of a site help it: each run by what other runs were said to be.

use std::collections::{BTreeMap, BTreeSet};

use auscult_diagnose::learn::{
    FaultLog, FeatureColumn, FeatureValues, LearnSettings, Learner, MISSING, learn,
};
use auscult_engine::{Cases, Handbook, Witness};

use super::answer::{Answer, Seen, case, judge};
use super::runs::Run;

/// Trees of a forest.
const TREES: usize = 200;
/// Runs with other numbers that there must be to learn from.
const LEAST: usize = 30;

/// What a run shows, in the columns and words of a fault log.
type Columns = BTreeMap<String, String>;

/// The answers for the runs of one part, each as by a service whose people said what the runs with other
/// numbers were: causes are as likely before any evidence as these make them, and a forest that was learnt
/// from them is heard. None where there are few of these.
pub(crate) fn answers(runs: &[&Run]) -> Option<Vec<Answer>> {
    let embedded = Handbook::embedded();
    let columns: Vec<Columns> =
        runs.iter().map(|run| case(run, Seen::All, embedded).study().1).collect();
    let numbers: BTreeSet<&str> = runs.iter().map(|run| run.number()).collect();
    let mut sites: BTreeMap<&str, (Handbook, Cases)> = BTreeMap::new();
    for held_out in numbers {
        let others = runs.iter().zip(&columns).filter(|(run, _)| run.number() != held_out);
        let others: Vec<(&Run, &Columns)> = others.map(|(run, columns)| (*run, columns)).collect();
        if others.len() < LEAST {
            return None;
        }
        let mut handbook = embedded.clone();
        handbook.hear(witness(&others));
        let mut cases = Cases::default();
        for (run, _) in others {
            match cause(run) {
                "healthy" => cases.healthy += 1,
                fault => *cases.faults.entry(fault.to_owned()).or_default() += 1,
            }
        }
        sites.insert(held_out, (handbook, cases));
    }
    let answer = |run: &&Run| {
        let (handbook, cases) = &sites[run.number()];
        let mut case = case(run, Seen::All, handbook);
        case.expect(cases.clone());
        judge(run, &case.diagnose())
    };
    Some(runs.iter().map(answer).collect())
}

/// A witness that has learnt from these runs what each turned out to be.
fn witness(runs: &[(&Run, &Columns)]) -> Witness {
    let causes: BTreeSet<&str> = runs.iter().map(|(run, _)| cause(run)).collect();
    let causes: Vec<&str> = causes.into_iter().collect();
    let code = |cause: &str| causes.iter().position(|known| *known == cause);
    let labels = runs.iter().filter_map(|(run, _)| Some(code(cause(run))? as u32)).collect();
    let names: BTreeSet<&str> =
        runs.iter().flat_map(|(_, columns)| columns.keys().map(String::as_str)).collect();
    let features = names.into_iter().map(|name| {
        let words = || runs.iter().map(|(_, columns)| columns.get(name).map(String::as_str));
        let known: BTreeSet<&str> = words().flatten().collect();
        let known: Vec<&str> = known.into_iter().collect();
        let code = |word: &str| known.iter().position(|known| *known == word);
        let codes = words().map(|word| word.and_then(code).map_or(MISSING, |code| code as u32));
        FeatureColumn {
            name: name.to_owned(),
            values: FeatureValues::Words {
                codes: codes.collect(),
                categories: known.iter().map(|word| (*word).to_owned()).collect(),
            },
        }
    });
    let classes = causes.iter().map(|cause| (*cause).to_owned()).collect();
    let log = FaultLog::new("fault", classes, labels, features.collect()).expect("rows are even");
    let settings = LearnSettings {
        learner: Learner::Forest { trees: TREES },
        importance_repeats: 0,
        ..LearnSettings::default()
    };
    let model = learn(&log, &settings, &|_| {}).expect("causes recur").model;
    Witness::new(Handbook::embedded().knowledge(), model).expect("faults of the handbook")
}

/// What a person would say it was.
fn cause(run: &Run) -> &str {
    &run.expected.causes[0]
}
