//! InfiniteHBD-Trace: faults of servers that train large models.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::Instant;

use auscult_diagnose::learn::{FaultLog, Validation};
use auscult_telemetry::{Input, read_text};
use serde::Deserialize;

use super::super::aim::Bound::{AtMost, NoLessThan};
use super::super::learnt::{self, COLUMNS};
use super::super::{Aim, Column, Line, Order, Published, Set, Table, column};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "llm_fault_trace",
    title: "InfiniteHBD-Trace, faults of 400 servers in pre-training",
    source: "github stepfun-ai/InfiniteHBD-Trace (SIGCOMM 2025)",
    mark: "fault_trace.json.gz",
    protocol: "The class of a fault is told from what was known before it began: how many faults the node had, how long ago the last one \
               ended and of which class it was, which class came last anywhere, how many nodes are out of service, how many faults there \
               were in a week. The trace is cut into six parts of time; each but the first is judged by what was learnt from those \
               before it, as `auscult learn --time` does. There is no benchmark of others on it. The second table counts what is used as \
               prior knowledge.",
    methods: || vec![MOST_FREQUENT, "tree", "forest", COUNTED],
    measure,
};

const MOST_FREQUENT: &str = "most-frequent";
const COUNTED: &str = "counted";

/// Parts of the trace that are judged.
const FOLDS: usize = 5;

const TREES: usize = 200;

/// Servers that were watched, and for how many days.
const NODES: f64 = 400.0;
const DAYS: f64 = 348.0;

/// Days that count as soon after.
const WEEK: f64 = 7.0;

/// Text of a trace, at most.
const MOST_BYTES: u64 = 1 << 28;

const RATES: &[Column] = &[
    column("rate", "faults a node and day", 4),
    column("lost", "share of node time lost", 3),
    column("again", "repairs followed within 7 days", 2),
    column("tenth", "share of faults of the worst tenth", 2),
    column("off", "largest distance, of what was counted before", 3),
];

const BEFORE: &[Published] = &[Published {
    who: "counted before",
    figures: &[("rate", 0.0042), ("lost", 0.023), ("again", 0.31), ("tenth", 0.28)],
    note: "another program on the same trace; the tenth is one of the nodes that had a fault",
}];

#[derive(Deserialize)]
struct Event {
    node_id: String,
    event_time: f64,
    event_type: String,
    fault_type: FaultType,
}

#[derive(Deserialize)]
struct FaultType {
    #[serde(rename = "Level")]
    level: String,
    #[serde(rename = "Class")]
    class: String,
    #[serde(rename = "Desc")]
    description: String,
}

/// From its start to its end, in days.
struct Fault {
    node: String,
    class: String,
    start: f64,
    end: f64,
}

fn measure(folder: &Path, methods: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let faults = load(&folder.join(SET.mark))?;
    let learners: Vec<&'static str> =
        methods.iter().copied().filter(|method| ["tree", "forest"].contains(method)).collect();
    let mut tables = Vec::new();
    let mut lines = Vec::new();
    let validation = Validation::Forward(FOLDS);
    if methods.contains(&MOST_FREQUENT) || !learners.is_empty() {
        let log = log(&faults)?;
        if methods.contains(&MOST_FREQUENT) {
            lines.push(learnt::most_frequent(MOST_FREQUENT, &log, &validation)?);
        }
        lines.extend(learnt::measure(&log, None, &validation, TREES, &learners)?);
        let aim = |method, key| Aim { method, key, bound: NoLessThan(MOST_FREQUENT) };
        let aims =
            ["tree", "forest"].map(|method| [aim(method, "macro_f1"), aim(method, "accuracy")]);
        tables.push(Table {
            title: "the class of the next fault".to_owned(),
            cases: format!("{} faults of {} classes.", log.rows(), log.classes()),
            columns: COLUMNS,
            order: Order::HighestFirst,
            lines,
            published: &[],
            aims: aims.concat(),
        });
    }
    if methods.contains(&COUNTED) {
        tables.push(Table {
            title: "how often, how long, and how soon again".to_owned(),
            cases: format!("{} faults.", faults.len()),
            columns: RATES,
            order: Order::HighestFirst,
            lines: vec![count(&faults)],
            published: BEFORE,
            aims: vec![Aim { method: COUNTED, key: "off", bound: AtMost(0.02) }],
        });
    }
    Ok(tables)
}

/// The faults in order of their starts; a fault ends with the first end of its kind at its
/// node that no earlier one has.
fn load(path: &Path) -> Result<Vec<Fault>, CallError> {
    let text = read_text(&Input::Path(path.to_owned()), MOST_BYTES).map_err(CallError::input)?;
    let mut events: Vec<Event> = serde_json::from_str(&text).map_err(|error| wrong(path, error))?;
    events.sort_by(|one, other| one.event_time.total_cmp(&other.event_time));
    let mut faults: Vec<Fault> = Vec::new();
    let mut open: HashMap<(String, String, String), Vec<usize>> = HashMap::new();
    for event in events {
        let Event { node_id, event_time, event_type, fault_type } = event;
        let FaultType { level, class, description } = fault_type;
        let class = format!("{level}: {class}");
        let pending = open.entry((node_id.clone(), class.clone(), description)).or_default();
        if event_type == "fault_start" {
            pending.push(faults.len());
            faults.push(Fault { node: node_id, class, start: event_time, end: f64::INFINITY });
        } else if pending.is_empty() {
            let why =
                format_args!("a fault of node {node_id} ends on day {event_time} without start");
            return Err(wrong(path, why));
        } else {
            faults[pending.remove(0)].end = event_time;
        }
    }
    match faults.is_empty() {
        true => Err(wrong(path, "expected faults")),
        false => Ok(faults),
    }
}

/// What was known before each fault, and its class.
fn log(faults: &[Fault]) -> Result<FaultLog, CallError> {
    const NONE: &str = "none before";
    let [mut own, mut since, mut out, mut week] = [const { Vec::new() }; 4];
    let (mut own_last, mut last) = (Vec::new(), Vec::new());
    for fault in faults {
        let now = fault.start;
        let earlier: Vec<&Fault> = faults.iter().filter(|other| other.start < now).collect();
        let of_node: Vec<&&Fault> = earlier.iter().filter(|one| one.node == fault.node).collect();
        own.push(of_node.len() as f64);
        let ended = of_node.iter().map(|one| one.end).filter(|end| *end < now);
        since.push(ended.reduce(f64::max).map_or(f64::NAN, |end| now - end));
        own_last.push(of_node.last().map_or(NONE, |one| one.class.as_str()));
        last.push(earlier.last().map_or(NONE, |one| one.class.as_str()));
        let ill: BTreeSet<&str> =
            earlier.iter().filter(|one| one.end >= now).map(|one| one.node.as_str()).collect();
        out.push(ill.len() as f64);
        week.push(earlier.iter().filter(|one| one.start >= now - WEEK).count() as f64);
    }
    let columns = vec![
        learnt::numbers("earlier faults of the node", own),
        learnt::numbers("days since the node was repaired", since),
        learnt::words("last class at the node", &own_last),
        learnt::words("last class anywhere", &last),
        learnt::numbers("nodes out of service", out),
        learnt::numbers("faults in the week before", week),
    ];
    let classes: Vec<&str> = faults.iter().map(|fault| fault.class.as_str()).collect();
    // Ten-thousandths of a day, the resolution of the trace.
    let times = faults.iter().map(|fault| (fault.start * 1e4).round() as i64).collect();
    learnt::log("class", &classes, columns)?.with_times("start", times).map_err(CallError::input)
}

/// Figures that serve as prior knowledge.
fn count(faults: &[Fault]) -> Line {
    let start = Instant::now();
    let all = faults.len() as f64;
    let ended: Vec<&Fault> = faults.iter().filter(|fault| fault.end.is_finite()).collect();
    let lost: f64 = ended.iter().map(|fault| fault.end - fault.start).sum();
    let again = ended.iter().filter(|fault| {
        let soon = fault.end..=fault.end + WEEK;
        faults.iter().any(|other| {
            other.node == fault.node && other.start > fault.start && soon.contains(&other.start)
        })
    });
    let again = again.count() as f64 / ended.len().max(1) as f64;
    let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
    faults.iter().for_each(|fault| *nodes.entry(&fault.node).or_default() += 1);
    let mut counts: Vec<usize> = nodes.into_values().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let worst: usize = counts.iter().take(counts.len().div_ceil(10)).sum();
    let found = [all / NODES / DAYS, lost / NODES / DAYS, again, worst as f64 / all];
    let known = BEFORE[0].figures.iter().map(|(_, figure)| *figure);
    let off = found.iter().zip(known).map(|(found, known)| (found / known - 1.0).abs());
    let off = off.fold(0.0, f64::max);
    Line {
        method: COUNTED,
        figures: found.into_iter().chain([off]).map(Some).collect(),
        seconds: start.elapsed().as_secs_f64() / all,
        series: 1.0,
        refused: None,
    }
}
