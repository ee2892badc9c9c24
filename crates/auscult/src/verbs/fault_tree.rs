//! `auscult fault-tree`: how likely the top event is, and what matters for it.

mod machine;
mod words;

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_diagnose::fault_tree::{
    Analysis, AnalysisSettings, FaultTree, Importance, analyse, dot, read_mef,
};
use auscult_telemetry::{Fault, Input, read_text};

use crate::outcome::{CallError, Outcome};

/// Text of a file, at most.
const MOST_BYTES: u64 = 256 << 20;

/// Arguments of `auscult fault-tree`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auscult fault-tree plant.xml
  auscult fault-tree plant.xml --top core-damage --sort birnbaum --events 30
  auscult fault-tree *.xml --format csv > importances.csv
  auscult fault-tree plant.xml --dot plant.dot && dot -Tsvg plant.dot > plant.svg")]
pub(crate) struct Arguments {
    /// Fault trees in the Open-PSA format (XML), plain, gzip or zstd; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The gate to take for the top; otherwise the one that no other refers to.
    #[arg(long, value_name = "GATE")]
    top: Option<String>,

    /// Nodes that a decision diagram may have, 1000 to 100000000; about 150 bytes each.
    /// Trees that need more get a probability between two bounds.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000_000)]
    nodes: usize,

    /// Most probable minimal cut sets listed, at most 100000.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    cut_sets: usize,

    /// Basic events listed at most; JSON and CSV always hold all of them.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    events: usize,

    /// The importance that basic events are listed by.
    #[arg(long, value_enum, default_value_t = Measure::FussellVesely)]
    sort: Measure,

    /// How to write the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Also write the tree for Graphviz; of one file only.
    #[arg(long, value_name = "FILE.dot")]
    dot: Option<PathBuf>,
}

/// What a basic event is ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Measure {
    /// Probability of the cut sets with it, over that of all.
    FussellVesely,
    /// The chance that all hangs on it.
    Birnbaum,
    /// The chance that it happened and was decisive, given the top.
    Criticality,
    /// Risk achievement worth: how much worse if it were certain.
    Raw,
    /// Risk reduction worth: how much better if it were impossible.
    Rrw,
}

/// How to write the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Words and tables, for people.
    Table,
    /// One JSON object with everything.
    Json,
    /// One line for each basic event of each tree.
    Csv,
}

/// A file, its tree, and what the tree says.
struct Worked {
    file: String,
    tree: FaultTree,
    analysis: Analysis,
    /// Importances, the greatest first; none where they are unknown.
    ranked: Vec<Importance>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    check(arguments)?;
    let mut all = Vec::with_capacity(arguments.files.len());
    for file in &arguments.files {
        all.push(work_out(file, arguments)?);
    }
    if let (Some(path), [one]) = (&arguments.dot, &all[..]) {
        std::fs::write(path, dot(&one.tree))
            .map_err(CallError::write(path.display().to_string()))?;
    }
    let text = match arguments.format {
        Format::Table => {
            let reports: Vec<String> = all
                .iter()
                .map(|one| words::report(one, arguments.sort, arguments.events))
                .collect();
            reports.join("\n")
        }
        Format::Json => machine::json(&all),
        Format::Csv => machine::csv(&all)?,
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

/// Refuses what cannot be done before anything is read.
fn check(arguments: &Arguments) -> Result<(), CallError> {
    if !(1_000..=100_000_000).contains(&arguments.nodes) {
        let sentence = format!("--nodes {}: must be 1000 to 100000000", arguments.nodes);
        return Err(CallError::input(sentence));
    }
    if arguments.cut_sets > 100_000 {
        let sentence = format!("--cut-sets {}: must be at most 100000", arguments.cut_sets);
        return Err(CallError::input(sentence));
    }
    if arguments.dot.is_some() && arguments.files.len() > 1 {
        let count = arguments.files.len();
        let sentence = format!("--dot draws one tree, but there are {count} files: name one");
        return Err(CallError::input(sentence));
    }
    Ok(())
}

fn work_out(file: &Path, arguments: &Arguments) -> Result<Worked, CallError> {
    let input = match file.to_str() {
        Some("-") => Input::Stdin,
        _ => Input::Path(file.to_path_buf()),
    };
    let name = input.to_string();
    let text = read_text(&input, MOST_BYTES).map_err(|error| match error.fault() {
        Fault::Empty => CallError::input(format!("{name}: is empty, expected a fault tree (XML)")),
        Fault::Foreign { found, .. } => {
            CallError::input(format!("{name}: is {found}, expected a fault tree (XML)"))
        }
        _ => CallError::input(&error),
    })?;
    let tree = read_mef(&text, arguments.top.as_deref())
        .map_err(|error| CallError::input(format!("{name}, {error}")))?;
    let settings =
        AnalysisSettings { node_budget: arguments.nodes, listed_cut_sets: arguments.cut_sets };
    let analysis = analyse(&tree, &settings);
    let mut ranked = analysis.importance.clone().unwrap_or_default();
    let key = |one: &Importance| arguments.sort.of(one).unwrap_or(f64::NEG_INFINITY);
    ranked.sort_by(|one, other| key(other).total_cmp(&key(one)));
    Ok(Worked { file: name, tree, analysis, ranked })
}

impl Measure {
    fn of(self, importance: &Importance) -> Option<f64> {
        match self {
            Self::FussellVesely => importance.fussell_vesely,
            Self::Birnbaum => Some(importance.birnbaum),
            Self::Criticality => importance.criticality,
            Self::Raw => importance.risk_achievement,
            Self::Rrw => importance.risk_reduction,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::FussellVesely => "Fussell–Vesely importance",
            Self::Birnbaum => "Birnbaum importance",
            Self::Criticality => "criticality",
            Self::Raw => "risk achievement worth",
            Self::Rrw => "risk reduction worth",
        }
    }
}
