//! Nezha's data of Online Boutique and Train Ticket: metrics a minute apart; of the latter
//! logs and traces too.

mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use auscult_diagnose::rank::{Case, CaseSeries, Layer, RankError, Topology};

use super::super::aim::Bound::AtLeast;
use super::super::ranked::{self, Labelled, NODE_AND_HEALTH, Truth};
use super::super::sheet::{Sheet, number};
use super::super::{Aim, Order, Published, Set, Table};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

pub(super) const BOUTIQUE: Set = Set {
    name: "nezha-ob",
    title: "Online Boutique of Nezha, pod metrics a minute apart",
    source: "github IntelligentDDS/Nezha (FSE 2023)",
    mark: "labels.csv",
    protocol: "The day's minutes outside all fault windows are normal, minutes 1 to 3 after the injection abnormal (the \
               first is partly normal and left out). The call graph is known, the kind of fault is not. A method \
               names services. The minutes of a day lie before and after the fault: this is diagnosis \
               after the fact. Healthy windows are 24 of three minutes, spread evenly over the normal minutes, each with the \
               rest of its day as normal; in them the best answer is none.",
    methods: ranked::methods,
    measure: |folder, methods| {
        Ok(vec![measure(folder, methods, "", (BOUTIQUE_PUBLISHED, Some(0.93)))?])
    },
};

pub(super) const TICKET: Set = Set {
    name: "nezha-tt",
    title: "Train Ticket of Nezha, pod metrics a minute apart, logs and traces",
    source: "github IntelligentDDS/Nezha (FSE 2023)",
    mark: "labels.csv",
    protocol: "Metrics as in `nezha-ob`, without a call graph. For logs and spans, normal is the day's fault-free minute, \
               abnormal everything from the injection to the end of minute 2; a log line is told by its place in the code, or \
               by its template. `requests` was put together on these incidents, for want of others with logs and traces: variants of it \
               that were tried had AC@1 from 0.52 to 0.84.",
    methods: || ranked::methods().into_iter().chain(requests::NAMES).collect(),
    measure: |folder, methods| {
        let mut tables = Vec::new();
        let (by_requests, rankers): (Vec<&str>, Vec<&str>) =
            methods.iter().partition(|method| requests::NAMES.contains(method));
        if !rankers.is_empty() {
            tables.push(measure(folder, &rankers, "metrics", (&[], None))?);
        }
        if !by_requests.is_empty() {
            tables.push(requests::measure(folder, TICKET.mark, &by_requests, TICKET_PUBLISHED)?);
        }
        Ok(tables)
    },
};

const TICKET_PUBLISHED: &[Published] = &[
    Published {
        who: "Nezha (metrics, logs, traces)",
        figures: &[("ac1", 0.87), ("ac3", 0.98), ("ac5", 0.98)],
        note: "45 faults; FSE 2023, Table 3",
    },
    Published {
        who: "MicroRCA (metrics)",
        figures: &[("ac1", 0.20), ("ac3", 0.31), ("ac5", 0.44)],
        note: "45 faults; FSE 2023, Table 3",
    },
    Published {
        who: "MicroScope (metrics)",
        figures: &[("ac1", 0.18), ("ac3", 0.27), ("ac5", 0.36)],
        note: "45 faults; FSE 2023, Table 3",
    },
    Published {
        who: "MicroRank (traces)",
        figures: &[("ac1", 0.16), ("ac3", 0.24), ("ac5", 0.36)],
        note: "45 faults; FSE 2023, Table 3",
    },
    Published {
        who: "PDiagnose (metrics, logs, traces)",
        figures: &[("ac1", 0.09), ("ac3", 0.13), ("ac5", 0.22)],
        note: "45 faults; FSE 2023, Table 3",
    },
];

const BOUTIQUE_PUBLISHED: &[Published] = &[
    Published {
        who: "Nezha (metrics, logs, traces)",
        figures: &[("ac1", 0.93), ("ac3", 0.96), ("ac5", 0.96)],
        note: "56 faults; FSE 2023, Table 3",
    },
    Published {
        who: "PDiagnose (metrics, logs, traces)",
        figures: &[("ac1", 0.41), ("ac3", 0.73), ("ac5", 0.82)],
        note: "56 faults; FSE 2023, Table 3",
    },
    Published {
        who: "MicroRank (traces)",
        figures: &[("ac1", 0.41), ("ac3", 0.48), ("ac5", 0.63)],
        note: "56 faults; FSE 2023, Table 3",
    },
    Published {
        who: "MicroRCA (metrics)",
        figures: &[("ac1", 0.16), ("ac3", 0.63), ("ac5", 0.93)],
        note: "56 faults; FSE 2023, Table 3",
    },
    Published {
        who: "MicroScope (metrics)",
        figures: &[("ac1", 0.13), ("ac3", 0.41), ("ac5", 0.55)],
        note: "56 faults; FSE 2023, Table 3",
    },
];

fn measure(
    folder: &Path,
    methods: &[&'static str],
    title: &str,
    (published, best): (&'static [Published], Option<f64>),
) -> Result<Table, CallError> {
    let cases = load(folder)?;
    let healthy = cases.iter().filter(|case| case.truth.is_none()).count();
    let line =
        |method: &&'static str| ranked::measure(method, &cases, NODE_AND_HEALTH, str::to_owned);
    let aim = |best| Aim { method: "combined", key: "ac1", bound: AtLeast(best) };
    Ok(Table {
        title: title.to_owned(),
        cases: format!("{} incidents and {healthy} healthy windows.", cases.len() - healthy),
        columns: NODE_AND_HEALTH,
        order: Order::HighestFirst,
        lines: methods.iter().map(line).collect::<Result<_, _>>()?,
        published,
        aims: best.map(aim).into_iter().collect(),
    })
}

/// Healthy windows of a set.
const WINDOWS: usize = 24;

/// Minutes of a healthy window, the one that is left out included: as many as a case has.
const WINDOW: usize = 4;

fn load(folder: &Path) -> Result<Vec<Labelled>, CallError> {
    let path = folder.join(BOUTIQUE.mark);
    let labels = Sheet::read(&path)?;
    let (case, service) = (labels.place("case", &path)?, labels.place("service", &path)?);
    let topology = topology(folder)?;
    let mut days: BTreeMap<String, Minutes> = BTreeMap::new();
    let mut cases = Vec::new();
    for label in &labels.rows {
        let name = &label[case];
        let day = day_of(name, &path)?;
        if !days.contains_key(&day) {
            let minutes = minutes(&folder.join("reference").join(&day).join("metrics.csv.gz"))?;
            days.insert(day.clone(), minutes);
        }
        let own = folder.join("cases").join(name).join("metrics.csv.gz");
        let abnormal = minutes(&own)?;
        let built = build(&days[&day], &abnormal).map_err(|error| wrong(&own, error))?;
        cases.push(Labelled {
            case: built.with_topology(topology.clone()),
            prepared: None,
            truth: Some(Truth { service: label[service].clone(), metric: None }),
        });
    }
    let each = WINDOWS / days.len().max(1);
    for (day, reference) in &days {
        for case in healthy(reference, each) {
            let case = case.map_err(|error| wrong(&folder.join("reference").join(day), error))?;
            let case = case.with_topology(topology.clone());
            cases.push(Labelled { case, prepared: None, truth: None });
        }
    }
    Ok(cases)
}

/// So many windows of a day's normal minutes, seen as if they were cases.
fn healthy(
    reference: &Minutes,
    windows: usize,
) -> impl Iterator<Item = Result<Case, RankError>> + '_ {
    let times: Vec<i64> = reference.keys().copied().collect();
    // In one stretch of time, as the minutes of a case are.
    let starts: Vec<i64> = times
        .windows(WINDOW)
        .filter(|window| window[WINDOW - 1] - window[0] == WINDOW as i64 - 1)
        .map(|window| window[0])
        .collect();
    let count = windows.min(starts.len());
    (0..count).map(move |at| {
        let start = starts[(2 * at + 1) * starts.len() / (2 * count)];
        let mut rest = reference.clone();
        let mut window = rest.split_off(&start);
        rest.append(&mut window.split_off(&(start + WINDOW as i64)));
        build(&rest, &window)
    })
}

/// The day of a case, which its name begins with.
fn day_of(case: &str, path: &Path) -> Result<String, CallError> {
    case.get(..8)
        .filter(|day| day.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|day| format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]))
        .ok_or_else(|| wrong(path, format_args!("case `{case}` must begin with a date")))
}

/// Calls between services, where they are known; other ends are addresses.
fn topology(folder: &Path) -> Result<Topology, CallError> {
    let path = folder.join("dependency.csv");
    if !path.exists() {
        return Ok(Topology::default());
    }
    let edges = Sheet::read(&path)?;
    let (from, to) = (edges.place("Source", &path)?, edges.place("Target", &path)?);
    let is_address = |name: &str| name.starts_with(|first: char| first.is_ascii_digit());
    let edges = edges.rows.iter().filter(|edge| !is_address(&edge[to]));
    Ok(Topology::new(edges.map(|edge| (edge[from].clone(), edge[to].clone()))))
}

/// Readings by minute, then by service and metric.
type Minutes = BTreeMap<i64, BTreeMap<(String, String), f64>>;

fn minutes(path: &Path) -> Result<Minutes, CallError> {
    let sheet = Sheet::read(path)?;
    let (time, pod) = (sheet.place("TimeStamp", path)?, sheet.place("PodName", path)?);
    let mut minutes = Minutes::new();
    for row in &sheet.rows {
        let seconds = number(&row[time]);
        if seconds.is_nan() {
            return Err(wrong(path, "`TimeStamp` must hold Unix seconds"));
        }
        let minute = minutes.entry((seconds / 60.0).floor() as i64).or_default();
        for (at, metric) in sheet.header.iter().enumerate() {
            if at != time && at != pod {
                minute.insert((service_of(&row[pod]), metric.clone()), number(&row[at]));
            }
        }
    }
    Ok(minutes)
}

/// A pod is called after its service, with two words added.
fn service_of(pod: &str) -> String {
    let words: Vec<&str> = pod.split('-').collect();
    words[..words.len().saturating_sub(2).max(1)].join("-")
}

fn build(reference: &Minutes, case: &Minutes) -> Result<Case, RankError> {
    // The first minute of the case is partly normal.
    let rows: Vec<_> = reference.values().chain(case.values().skip(1)).collect();
    let times: Vec<i64> = reference.keys().copied().collect();
    let jumps = (1..times.len()).filter(|at| times[*at] != times[at - 1] + 1);
    let breaks: Vec<usize> = jumps.chain([times.len()]).collect();
    let names: BTreeSet<&(String, String)> = rows.iter().flat_map(|row| row.keys()).collect();
    let series = names.into_iter().map(|name| CaseSeries {
        name: format!("{} {}", name.0, name.1),
        target: name.0.clone(),
        kind: name.1.clone(),
        layer: layer(&name.1),
        values: rows.iter().map(|row| row.get(name).copied().unwrap_or(f64::NAN)).collect(),
    });
    Ok(Case::new(series.collect(), Some(times.len()))?.with_breaks(breaks))
}

/// `PodClient` is what a pod got from those it called, `PodServer` what it gave.
fn layer(metric: &str) -> Layer {
    let starts = |with: &str| metric.starts_with(with);
    if starts("PodClient") {
        Layer::Dependencies
    } else if starts("PodServer") || starts("PodSuccess") {
        Layer::Service
    } else if starts("MemoryUsage") {
        Layer::Stock
    } else if starts("PodWorkload") || starts("Node") {
        Layer::Other
    } else {
        Layer::Work
    }
}
