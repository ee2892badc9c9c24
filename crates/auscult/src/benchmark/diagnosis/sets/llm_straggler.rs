//! Traces of ByteDance's training jobs, two of them with stragglers that are known.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use auscult_diagnose::replay::{CauseKind, Slowdown, WhatIf, what_if};
use auscult_telemetry::{Input, ReadOptions};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::aim::Bound::{AtLeast, AtMost};
use super::super::{Aim, Column, Line, Order, Published, Set, Table, column};
use crate::benchmark::files::{text, wrong};
use crate::outcome::CallError;
use crate::training_trace;

pub(super) const SET: Set = Set {
    name: "llm-straggler",
    title: "StragglerAnalysis, traces of slow training jobs",
    source: "github ByteDance-Seed/StragglerAnalysis (OSDI 2025)",
    mark: "trace-AR.parquet",
    protocol: "A method sees the operations of the job and says how much slower it is than ideal, and with only one kind of operation, stage \
               or rank as it really was. Every one of these slowdowns is held against the published program's, as is the share of the lost \
               time that mending the worst 3 % of workers, or the last stage, wins back. First must stand the kind, stage and rank that the \
               published program has first. Causes are what was done to the job, each of which must be said in words.",
    methods: || vec![METHOD],
    measure,
};

const METHOD: &str = "replay";

const COLUMNS: &[Column] = &[
    column("slowdown", "slowdown", 3),
    column("off", "largest relative error of a slowdown", 3),
    column("share_off", "largest error of a share", 3),
    column("operation", "operation first", 0),
    column("stage", "stage first", 0),
    column("rank", "rank first", 0),
    column("causes", "share of causes said", 3),
];

/// A job, and what is wrong with it.
struct Job {
    name: &'static str,
    title: &'static str,
    causes: &'static [Wrong],
    published: &'static [Published],
}

/// What was done to a job.
#[derive(Clone, Copy)]
enum Wrong {
    Worker,
    Stages,
    Sequences,
}

const JOBS: [Job; 2] = [
    Job {
        name: "AR",
        title: "AR: one worker of 16 slowed by hand",
        causes: &[Wrong::Worker],
        published: &[Published {
            who: "StragglerAnalysis",
            figures: &[("slowdown", 1.973)],
            note: "its published output for this trace",
        }],
    },
    Job {
        name: "SE",
        title: "SE: sequences of unequal length, and a long last stage",
        causes: &[Wrong::Stages, Wrong::Sequences],
        published: &[Published {
            who: "StragglerAnalysis",
            figures: &[("slowdown", 1.537)],
            note: "its published output for this trace",
        }],
    },
];

/// What the published program says.
#[derive(Deserialize)]
struct Expected {
    blocking_slowdown: f64,
    blocking_decompose_by_dp_rank: BTreeMap<String, f64>,
    blocking_decompose_by_stage: BTreeMap<String, f64>,
    blocking_decompose_by_optype: BTreeMap<String, f64>,
}

/// What it says of mending the worst workers or the last stage.
#[derive(Deserialize)]
struct Share {
    rem: f64,
}

fn measure(folder: &Path, _: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let there = JOBS.iter().filter(|job| folder.join(trace_of(job.name)).exists());
    there.map(|job| replay(folder, job)).collect()
}

fn trace_of(job: &str) -> String {
    format!("trace-{job}.parquet")
}

fn replay(folder: &Path, job: &Job) -> Result<Table, CallError> {
    let path = folder.join(trace_of(job.name));
    let trace = training_trace::read(&Input::Path(path.clone()), &ReadOptions::default())?;
    let start = Instant::now();
    let found = what_if(&trace).map_err(|error| wrong(&path, error))?;
    let seconds = start.elapsed().as_secs_f64();
    let expected: Expected = json(&folder.join(format!("result-{}.json", job.name)))?;
    let workers: Share = json(&folder.join(format!("mw-{}.json", job.name)))?;
    let stage: Share = json(&folder.join(format!("ms-{}.json", job.name)))?;
    let mut off = (found.slowdown / expected.blocking_slowdown - 1.0).abs();
    let mut first = Vec::new();
    for (ours, theirs) in [
        (named(&found.kinds), &expected.blocking_decompose_by_optype),
        (named(&found.stages), &expected.blocking_decompose_by_stage),
        (named(&found.ranks), &expected.blocking_decompose_by_dp_rank),
    ] {
        off = off.max(distance(&ours, theirs));
        let guilty = theirs.iter().max_by(|one, other| one.1.total_cmp(other.1));
        let is_first = guilty.is_some_and(|(name, _)| Some(name) == ours.first().map(|one| &one.0));
        first.push(Some(f64::from(u8::from(is_first))));
    }
    let share_off =
        (found.worst_workers.share - workers.rem).abs().max((found.last_stage() - stage.rem).abs());
    let said = job.causes.iter().filter(|cause| cause.is_said(&found)).count();
    let mut figures = vec![Some(found.slowdown), Some(off), Some(share_off)];
    figures.extend(first);
    figures.push(Some(said as f64 / job.causes.len() as f64));
    let aim = |key, bound| Aim { method: METHOD, key, bound };
    Ok(Table {
        title: job.title.to_owned(),
        cases: format!(
            "1 job: {} steps of {} workers; series are operations.",
            found.steps,
            trace.workers().len()
        ),
        columns: COLUMNS,
        order: Order::HighestFirst,
        lines: vec![Line {
            method: METHOD,
            figures,
            seconds,
            series: trace.operations().len() as f64,
            refused: None,
        }],
        published: job.published,
        aims: vec![
            aim("off", AtMost(0.01)),
            aim("share_off", AtMost(0.01)),
            aim("operation", AtLeast(1.0)),
            aim("stage", AtLeast(1.0)),
            aim("rank", AtLeast(1.0)),
            aim("causes", AtLeast(1.0)),
        ],
    })
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, CallError> {
    serde_json::from_str(&text(path)?).map_err(|error| wrong(path, error))
}

fn named<P: ToString>(parts: &[Slowdown<P>]) -> Vec<(String, f64)> {
    parts.iter().map(|one| (one.part.to_string(), one.factor)).collect()
}

/// The largest relative distance between slowdowns of parts; infinite where a part is missing.
fn distance(ours: &[(String, f64)], theirs: &BTreeMap<String, f64>) -> f64 {
    let off = |(name, expected): (&String, &f64)| {
        let found = ours.iter().find(|(one, _)| one == name);
        found.map_or(f64::INFINITY, |(_, found)| (found / expected - 1.0).abs())
    };
    theirs.iter().map(off).fold(0.0, f64::max)
}

impl Wrong {
    /// Whether the replay says so.
    fn is_said(self, found: &WhatIf) -> bool {
        found.causes.iter().any(|cause| match self {
            Self::Worker => matches!(cause.kind, CauseKind::SlowWorkers { .. }),
            Self::Stages => matches!(cause.kind, CauseKind::UnevenStages { .. }),
            Self::Sequences => matches!(cause.kind, CauseKind::UnequalSequences { .. }),
        })
    }
}
