//! What can be said of a fleet around a moment, in words: columns of a fault log, for learning.
//!
//! A simulated case and an incident of a running service are told in the same columns and words.

mod of_scene;
mod words;

use std::collections::BTreeMap;

pub use of_scene::features;
pub use words::{Change, Side};

use auscult_knowledge::Knowledge;

use words::Together;

/// Labels that say what of a signal is counted, not of whom.
pub const PARTS: &[&str] = &[
    "finished_reason",
    "reason",
    "mode",
    "outcome",
    "error_type",
    "served",
    "class",
    "operation",
    "cache_source",
    "category",
    "phase",
];

/// Quotients of signals of one page that say more than both, and how each is called.
pub const QUOTIENTS: &[(&str, &str, &str)] = &[
    ("accepted share of drafts", "accepted_tokens", "draft_tokens"),
    ("hit share of the prefix cache", "prefix_cache_hits", "prefix_cache_queries"),
    ("tokens of a step", "generation_tokens", "engine_steps"),
    ("prefill time of a token", "prefill_time", "computed_prompt_length"),
    ("queue in the time to the first token", "queue_time", "time_to_first_token"),
    ("prefill in the time to the first token", "prefill_time", "time_to_first_token"),
    ("prompt tokens of a request", "prompt_tokens", "requests_finished"),
    ("stepping of a step", "training_step_time", "rank_own_time"),
];

/// What the series of each column do, by groups of peers.
///
/// ```
/// use auscult_diagnose::features::{Change, Groups};
/// let mut groups = Groups::default();
/// for spreads in [0.2, -0.1, 9.0] {
///     groups.add("gpu_temperature", "serve", Change::Moves(spreads));
/// }
/// let columns = groups.columns();
/// assert_eq!(columns["gpu_temperature"], "steady");
/// assert_eq!(columns["gpu_temperature apart"], "one higher");
/// ```
#[derive(Debug, Default)]
pub struct Groups(BTreeMap<String, BTreeMap<String, Vec<Change>>>);

impl Groups {
    /// What one series of a column does, which is held against those of the same `peers`.
    pub fn add(&mut self, column: &str, peers: &str, change: Change) {
        if let Some(changes) = self.0.get_mut(column).and_then(|groups| groups.get_mut(peers)) {
            changes.push(change);
            return;
        }
        let groups = self.0.entry(column.to_owned()).or_default();
        groups.insert(peers.to_owned(), vec![change]);
    }

    /// The name of a column, and what it holds:
    ///
    /// - `SIGNAL`, `SIGNAL PART` or a quotient of signals: what most of the series do, among those of one kind of target:
    ///   `steady`, `rises`, `falls`, `rises far`, `falls far`, `starts` (from 0), `stops`, `absent`, `appears`, `not a number`.
    /// - `SIGNAL apart`: what the one does that parts most from the others, or `none`, behind it how many
    ///   part: `one` or `some`.
    pub fn columns(&self) -> BTreeMap<String, String> {
        let mut columns = BTreeMap::new();
        for (column, groups) in &self.0 {
            // Of several kinds of targets the one that moved most speaks.
            let all: Vec<Together> = groups.values().map(|changes| Together::of(changes)).collect();
            let most =
                all.iter().max_by(|one, other| one.middle.size().total_cmp(&other.middle.size()));
            let apart = all.iter().max_by(|one, other| one.distance.total_cmp(&other.distance));
            if let (Some(most), Some(apart)) = (most, apart) {
                columns.insert(format!("{column}{APART}"), apart.apart());
                columns.insert(column.clone(), most.middle.word().to_owned());
            }
        }
        columns
    }
}

/// Whether something may be said in a column of this name ([`features`]).
pub fn is_column(knowledge: &Knowledge, name: &str) -> bool {
    let name = name.strip_suffix(APART).unwrap_or(name);
    let signal = name.split(' ').next().unwrap_or(name);
    name == CHANGE
        || name.starts_with(SCRAPE)
        || QUOTIENTS.iter().any(|(quotient, ..)| *quotient == name)
        || knowledge.signals().iter().any(|known| known.name == signal)
}

/// The column of the change that was made.
const CHANGE: &str = "change";
/// How columns begin that tell whether scrapes fail.
const SCRAPE: &str = "scrape ";
/// How columns end that tell what parts one series from the others.
const APART: &str = " apart";

/// In words, of how many of the targets of a program the scrapes fail, by the share that failed of each.
pub fn scrape(failed: &[f64]) -> &'static str {
    let gone = failed.iter().filter(|share| **share > 0.5).count();
    match gone {
        0 if failed.iter().any(|share| *share > 0.05) => "gaps",
        0 => "comes",
        gone if gone == failed.len() => "all fail",
        1 => "one fails",
        _ => "some fail",
    }
}
