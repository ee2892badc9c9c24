//! What can be said of a fleet around a moment, in words: one function, from readings and logs to columns.

use std::collections::BTreeMap;

use auscult_knowledge::{Knowledge, Known, Signal};
use auscult_simulate::observation::{Observed, Observer};
use auscult_simulate::page::Page;

/// What was seen of a fleet before and after a moment.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    /// What could be scraped.
    pub(crate) pages: &'a [Page],
    /// What it read.
    pub(crate) observer: &'a Observer,
    /// Lines of logs after the moment, those of training steps left out.
    pub(crate) lines: &'a [String],
    /// What people did at that time, if anything.
    pub(crate) change: Option<&'static str>,
}

/// Labels that say what of a signal is counted, not of whom.
const PARTS: &[&str] = &[
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
const QUOTIENTS: &[(&str, &str, &str)] = &[
    ("accepted share of drafts", "accepted_tokens", "draft_tokens"),
    ("hit share of the prefix cache", "prefix_cache_hits", "prefix_cache_queries"),
    ("tokens of a step", "generation_tokens", "engine_steps"),
    ("prefill time of a token", "prefill_time", "computed_prompt_length"),
    ("queue in the time to the first token", "queue_time", "time_to_first_token"),
    ("prefill in the time to the first token", "prefill_time", "time_to_first_token"),
    ("prompt tokens of a request", "prompt_tokens", "requests_finished"),
    ("stepping of a step", "training_step_time", "rank_own_time"),
];

/// What lines of logs are looked for, each with the column that tells of it.
const LINES: &[(&str, &str)] = &[
    ("log: link down", ": Link down"),
    ("log: killed for want of memory", "Memory cgroup out of memory"),
    ("log: training starts", "using world size"),
    ("log: CUDA error", "CUDA error"),
    ("log: CUDA out of memory", "CUDA out of memory"),
    ("log: watchdog", "Watchdog caught collective"),
    ("log: transport gave up", "IBV_WC_RETRY_EXC_ERR"),
    ("log: host left", "RendezvousClosedError"),
    ("log: assertion", "an assertion of the program"),
    ("log: checkpoint not saved", "No space left on device"),
    ("log: rerun differs", "is not reproducible within"),
    ("log: rerun agrees", "is reproducible within"),
];

/// Columns and what they hold in this case, in words. A column that cannot be said is left out.
///
/// - `SIGNAL`, `SIGNAL PART` or a quotient of signals: what most of the series do, among those of one kind of target:
///   `steady`, `rises`, `falls`, `rises far`, `falls far`, `starts` (from 0), `stops`, `absent`, `appears`, `not a number`.
/// - `SIGNAL apart`: what the one does that parts most from the others, or `none`, behind it how many
///   part: `one` or `some`.
/// - `scrape PROGRAM`: `comes`, `one fails`, `some fail`, `all fail`, `gaps`.
/// - `xid CODE` and `log: …`: `seen` or `none`.
/// - `change`: what people did.
pub(crate) fn features(around: &Around<'_>, knowledge: &Knowledge) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    let mut groups: BTreeMap<String, BTreeMap<String, Vec<Change>>> = BTreeMap::new();
    let mut scrapes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (number, page) in around.pages.iter().enumerate() {
        let peers = peers(page);
        let observed = around.observer.page(number);
        let mut sums: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
        scrapes.entry(program(&page.job)).or_default().push(failed_share(observed));
        for ((family, line), observed) in page.lines().zip(observed) {
            let name = line.name(family);
            let Some(signal) = signal(&name, knowledge) else { continue };
            let sum = sums.entry(&signal.name).or_default();
            sum[0] += observed.before.mean;
            sum[1] += observed.after.mean;
            let Some(change) = Change::of(observed) else { continue };
            let mut column = signal.name.clone();
            for (label, value) in &line.labels {
                if PARTS.contains(&label.as_str()) {
                    column += &format!(" {value}");
                }
            }
            groups.entry(column).or_default().entry(peers.clone()).or_default().push(change);
        }
        for (name, above, below) in QUOTIENTS {
            let Some(change) = sums.get(above).zip(sums.get(below)).and_then(Change::of_quotient)
            else {
                continue;
            };
            let group = groups.entry((*name).to_owned()).or_default();
            group.entry(peers.clone()).or_default().push(change);
        }
    }
    for (column, groups) in groups {
        // Of several kinds of targets the one that moved most speaks.
        let all: Vec<Together> = groups.values().map(|changes| Together::of(changes)).collect();
        let most =
            all.iter().max_by(|one, other| one.middle.size().total_cmp(&other.middle.size()));
        let apart = all.iter().max_by(|one, other| one.distance.total_cmp(&other.distance));
        if let (Some(most), Some(apart)) = (most, apart) {
            columns.insert(format!("{column} apart"), apart.apart());
            columns.insert(column, most.middle.word().to_owned());
        }
    }
    for (program, failed) in scrapes {
        columns.insert(format!("scrape {program}"), scrape(&failed).to_owned());
    }
    let seen = |is: bool| if is { "seen" } else { "none" }.to_owned();
    for (column, text) in LINES {
        let is_seen = around.lines.iter().any(|line| line.contains(text));
        columns.insert((*column).to_owned(), seen(is_seen));
    }
    for (code, _) in auscult_simulate::device::CODES {
        let text = format!("): {code}, ");
        let is_seen =
            around.lines.iter().any(|line| line.contains("NVRM: Xid") && line.contains(&text));
        columns.insert(format!("xid {code}"), seen(is_seen));
    }
    columns.insert("change".to_owned(), around.change.unwrap_or("none").to_owned());
    columns
}

/// The signal that a series tells; buckets and counts of histograms tell none of their own.
fn signal<'k>(name: &str, knowledge: &'k Knowledge) -> Option<&'k Signal> {
    match knowledge.look_up(name)? {
        Known::Signal { mapping, .. }
            if (name.ends_with("_count") || name.ends_with("_bucket"))
                && !mapping.metrics.iter().any(|metric| metric == name) =>
        {
            None
        }
        Known::Signal { signal, .. } => Some(signal),
        Known::Ignored { .. } => None,
    }
}

/// What is alike is held against each other: replicas of a service, hosts of a group and what is on them.
fn peers(page: &Page) -> String {
    let name = page.instance.split(':').next().unwrap_or_default();
    name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-').to_owned()
}

fn program(job: &str) -> &str {
    if ["vllm", "sglang"].contains(&job) { "engine" } else { job }
}

/// Share of the scrapes that failed, by the series that is there most often.
fn failed_share(observed: &[Observed]) -> f64 {
    let share = |observed: &Observed| {
        let after = &observed.after;
        let all = after.missing + after.came;
        if all == 0 { 1.0 } else { after.missing as f64 / all as f64 }
    };
    observed.iter().map(share).fold(1.0, f64::min)
}

fn scrape(failed: &[f64]) -> &'static str {
    let gone = failed.iter().filter(|share| **share > 0.5).count();
    match gone {
        0 if failed.iter().any(|share| *share > 0.05) => "gaps",
        0 => "comes",
        gone if gone == failed.len() => "all fail",
        1 => "one fails",
        _ => "some fail",
    }
}

/// What a series does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    /// By so many of its own spreads.
    Moves(f64),
    Starts,
    Stops,
    Absent,
    Appears,
    NotANumber,
}

/// Spread that is taken for one at least, as a share of the mean.
const LEAST_SPREAD: f64 = 0.05;
/// Spread of a quotient, as a share of it.
const QUOTIENT_SPREAD: f64 = 0.1;
/// Spreads from which on a series moves, and from which on it moves far.
const MOVES: f64 = 1.0;
const MOVES_FAR: f64 = 4.0;
/// Spreads by which one parts from the others.
const APART: f64 = 2.0;

impl Change {
    fn of(observed: &Observed) -> Option<Self> {
        let Observed { before, after } = observed;
        if before.count + after.count + after.not_finite == 0 {
            return None;
        }
        if after.not_finite > 0 && before.not_finite == 0 {
            return Some(Self::NotANumber);
        }
        if before.count == 0 {
            return Some(Self::Appears);
        }
        if after.count == 0 || after.missing > after.came {
            return Some(Self::Absent);
        }
        let zero_before = before.least == 0.0 && before.greatest == 0.0;
        let zero_after = after.least == 0.0 && after.greatest == 0.0;
        Some(match (zero_before, zero_after) {
            (true, true) => Self::Moves(0.0),
            (true, false) => Self::Starts,
            (false, true) => Self::Stops,
            (false, false) => {
                let floor = (LEAST_SPREAD * before.mean.abs()).max(f64::MIN_POSITIVE);
                Self::Moves((after.mean - before.mean) / before.deviation().max(floor))
            }
        })
    }

    /// Of the quotient of two signals, each before and after.
    fn of_quotient((above, below): (&[f64; 2], &[f64; 2])) -> Option<Self> {
        let quotient = |at: usize| (below[at] > 0.0).then(|| above[at] / below[at]);
        let (before, after) = (quotient(0)?, quotient(1)?);
        let floor = (QUOTIENT_SPREAD * before).max(f64::MIN_POSITIVE);
        Some(match (before == 0.0, after == 0.0) {
            (true, true) => Self::Moves(0.0),
            (true, false) => Self::Starts,
            (false, true) => Self::Stops,
            (false, false) => Self::Moves((after - before) / floor),
        })
    }

    /// On one scale with the others, for what is most and what lies in the middle.
    fn size(self) -> f64 {
        self.rank().abs()
    }

    fn rank(self) -> f64 {
        match self {
            Self::Moves(spreads) => spreads.clamp(-50.0, 50.0),
            Self::Starts => 60.0,
            Self::Appears => 70.0,
            Self::Stops => -60.0,
            Self::Absent => -70.0,
            Self::NotANumber => 80.0,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Moves(spreads) if spreads >= MOVES_FAR => "rises far",
            Self::Moves(spreads) if spreads >= MOVES => "rises",
            Self::Moves(spreads) if spreads <= -MOVES_FAR => "falls far",
            Self::Moves(spreads) if spreads <= -MOVES => "falls",
            Self::Moves(_) => "steady",
            Self::Starts => "starts",
            Self::Stops => "stops",
            Self::Absent => "absent",
            Self::Appears => "appears",
            Self::NotANumber => "not a number",
        }
    }
}

/// What peers do.
#[derive(Debug)]
struct Together {
    middle: Change,
    /// The one that parts most, and how far, in spreads.
    extreme: Change,
    distance: f64,
    parting: usize,
}

impl Together {
    fn of(changes: &[Change]) -> Self {
        let mut sorted = changes.to_vec();
        sorted.sort_by(|one, other| one.rank().total_cmp(&other.rank()));
        let middle = sorted[(sorted.len() - 1) / 2];
        let distance = |change: &Change| (change.rank() - middle.rank()).abs();
        let extreme =
            sorted.iter().copied().max_by(|one, other| distance(one).total_cmp(&distance(other)));
        let extreme = extreme.unwrap_or(middle);
        let parting = sorted.iter().filter(|change| distance(change) >= APART).count();
        Self { middle, extreme, distance: distance(&extreme), parting }
    }

    fn apart(&self) -> String {
        match self.parting {
            0 => "none".to_owned(),
            1 => format!("one {}", self.direction()),
            _ => format!("some {}", self.direction()),
        }
    }

    fn direction(&self) -> &'static str {
        match self.extreme {
            Change::Moves(_) if self.extreme.rank() > self.middle.rank() => "higher",
            Change::Moves(_) => "lower",
            other => other.word(),
        }
    }
}
