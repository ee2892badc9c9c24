//! What can be said of a fleet around a moment, in words: one function, from readings and logs to columns.

use std::collections::BTreeMap;

use auscult_diagnose::features::{Change, Groups, PARTS, QUOTIENTS, Side, scrape};
use auscult_knowledge::{Knowledge, Known, Signal};
use auscult_simulate::observation::{Observed, Observer, Stretch};
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
    ("log: workers wait", "shared memory broadcast block"),
    ("log: rerun differs", "is not reproducible within"),
    ("log: rerun agrees", "is reproducible within"),
];

/// Columns and what they hold in this case, in words. A column that cannot be said is left out.
///
/// - `SIGNAL`, `SIGNAL PART`, `SIGNAL apart`: see [`Groups::columns`].
/// - `scrape PROGRAM`: `comes`, `one fails`, `some fail`, `all fail`, `gaps`.
/// - `xid CODE` and `log: …`: `seen` or `none`.
/// - `change`: what people did.
pub(crate) fn features(around: &Around<'_>, knowledge: &Knowledge) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    let mut groups = Groups::default();
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
            let Some(change) = Change::of(&side(&observed.before), &side(&observed.after)) else {
                continue;
            };
            let mut column = signal.name.clone();
            for (label, value) in &line.labels {
                if PARTS.contains(&label.as_str()) {
                    column += &format!(" {value}");
                }
            }
            groups.add(&column, &peers, change);
        }
        for (name, above, below) in QUOTIENTS {
            let Some(change) = sums.get(above).zip(sums.get(below)).and_then(Change::of_quotient)
            else {
                continue;
            };
            groups.add(name, &peers, change);
        }
    }
    columns.extend(groups.columns());
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

fn side(stretch: &Stretch) -> Side {
    Side {
        count: stretch.count,
        came: stretch.came,
        missing: stretch.missing,
        not_finite: stretch.not_finite,
        mean: stretch.mean,
        least: stretch.least,
        greatest: stretch.greatest,
        deviation: stretch.deviation(),
    }
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
