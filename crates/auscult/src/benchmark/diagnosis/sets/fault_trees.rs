//! The Aralia fault trees: how many minimal cut sets, and how likely the top.

use std::path::Path;
use std::time::Instant;

use auscult_diagnose::fault_tree::{Analysis, AnalysisSettings, analyse, read_mef};
use auscult_telemetry::{Input, read_text};

use super::super::aim::Bound::{AtLeast, AtMost};
use super::super::sheet::Sheet;
use super::super::{Aim, Column, Line, Order, Published, Set, Table, column};
use crate::benchmark::files::wrong;
use crate::outcome::CallError;

pub(super) const SET: Set = Set {
    name: "fault-trees",
    title: "Aralia, fault trees of real plants",
    source: "github openpra-org/generic-openpsa-models (from SCRAM's Aralia set)",
    mark: "expected.csv",
    protocol: "The number of minimal cut sets must be the published one, the probability of the top event the published one to \
               six digits, and every importance of every basic event is worked out in the same time. For `das9204` the \
               repository's own table prints another probability than its file gives; expected is what the file gives.",
    methods: || vec![METHOD],
    measure,
};

const METHOD: &str = "decision-diagram";

/// Six digits are right when a figure is off by less than half of the last one.
const SIX_DIGITS: f64 = 5e-6;

/// Text of a tree, at most.
const MOST_BYTES: u64 = 1 << 28;

const COLUMNS: &[Column] = &[
    column("cut_sets", "share with exact cut sets", 3),
    column("probability", "share with six digits", 3),
    column("importances", "share with all importances", 3),
    column("off", "largest relative error of a probability", 3),
    column("slowest", "s of the slowest", 3),
];

const PUBLISHED: &[Published] = &[Published {
    who: "a decision diagram in Python",
    figures: &[("cut_sets", 1.0), ("probability", 1.0), ("slowest", 1.7)],
    note: "made to check the expected figures; without importances",
}];

fn measure(folder: &Path, _: &[&'static str]) -> Result<Vec<Table>, CallError> {
    let path = folder.join(SET.mark);
    let expected = Sheet::read(&path)?;
    let place = |name| expected.place(name, &path);
    let (tree, cut_sets, probability) =
        (place("tree")?, place("minimal_cut_sets")?, place("top_probability")?);
    let mut tally = Tally::default();
    for row in &expected.rows {
        let file = folder.join(format!("{}.xml.gz", row[tree]));
        let text = read_text(&Input::Path(file.clone()), MOST_BYTES).map_err(CallError::input)?;
        let start = Instant::now();
        let tree = read_mef(&text, None).map_err(|error| wrong(&file, error))?;
        let analysis = analyse(&tree, &AnalysisSettings::default());
        let seconds = start.elapsed().as_secs_f64();
        let no_number = |what: &str| wrong(&path, format_args!("`{what}` is no number"));
        let cut_sets = row[cut_sets].parse().map_err(|_| no_number(&row[cut_sets]))?;
        let probability = row[probability].parse().map_err(|_| no_number(&row[probability]))?;
        tally.take(&analysis, tree.events().len(), (cut_sets, probability), seconds);
    }
    if expected.rows.is_empty() {
        return Err(wrong(&path, "expected trees"));
    }
    let aim = |key, bound| Aim { method: METHOD, key, bound };
    Ok(vec![Table {
        title: String::new(),
        cases: format!("{} trees; series are basic events.", expected.rows.len()),
        columns: COLUMNS,
        order: Order::HighestFirst,
        lines: vec![tally.line()],
        published: PUBLISHED,
        aims: vec![
            aim("cut_sets", AtLeast(1.0)),
            aim("probability", AtLeast(1.0)),
            aim("slowest", AtMost(1.0)),
        ],
    }])
}

/// What was counted.
#[derive(Default)]
struct Tally {
    trees: f64,
    counted: f64,
    likely: f64,
    important: f64,
    off: f64,
    seconds: f64,
    slowest: f64,
    events: f64,
}

impl Tally {
    fn take(
        &mut self,
        analysis: &Analysis,
        events: usize,
        (cut_sets, probability): (u128, f64),
        seconds: f64,
    ) {
        let found = analysis.cut_sets.as_ref().and_then(|sets| sets.count);
        let of = |low: f64| if probability > 0.0 { (low / probability - 1.0).abs() } else { low };
        // Of bounds, the worse one.
        let off = of(analysis.top.low).max(of(analysis.top.high));
        let all = analysis.importance.as_ref().is_some_and(|all| all.len() == events);
        self.trees += 1.0;
        self.counted += f64::from(u8::from(found == Some(cut_sets)));
        self.likely += f64::from(u8::from(off < SIX_DIGITS));
        self.important += f64::from(u8::from(all));
        self.off = self.off.max(off);
        self.seconds += seconds;
        self.slowest = self.slowest.max(seconds);
        self.events += events as f64;
    }

    fn line(&self) -> Line {
        let share = |count: f64| Some(count / self.trees);
        Line {
            method: METHOD,
            figures: vec![
                share(self.counted),
                share(self.likely),
                share(self.important),
                Some(self.off),
                Some(self.slowest),
            ],
            seconds: self.seconds / self.trees,
            series: self.events / self.trees,
            refused: None,
        }
    }
}
