//! `auscult learn`: a troubleshooting tree or forest from a labelled fault log.

mod columns;
mod log;
mod report;

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_diagnose::draw;
use auscult_diagnose::learn::{
    Alpha, Criterion, LearnSettings, Learner, Lesson, Validation, learn,
};

pub(crate) use columns::aligned;
pub(crate) use log::{plain, read};

use super::input::InputArguments;
use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult learn`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("time", |time| time.help(
    "A column of times, by name or number: what is held out is then always later than what is learnt from"
)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputArguments,
    /// The column that says what the cause turned out to be.
    #[arg(long, value_name = "COLUMN")]
    label: String,
    /// Learn from these columns only; all but the label without it.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    features: Vec<String>,
    /// Leave these columns out, such as those written down after the cause was known.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Where to write the model; `auscult troubleshoot --model` reads it.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to learn.
    #[arg(long, default_value = "tree")]
    model: Model,
    /// Number of trees in a forest.
    #[arg(long, default_value_t = 200)]
    trees: usize,
    /// How to measure how mixed the causes are.
    #[arg(long, default_value = "gini")]
    criterion: Mixture,
    /// `balanced` lets rare causes weigh as much as frequent ones.
    #[arg(long, default_value = "none")]
    class_weight: ClassWeight,
    /// Most questions from the first to a leaf, up to 256.
    #[arg(long)]
    max_depth: Option<usize>,
    /// Rows that each side of a question needs.
    #[arg(long, default_value_t = 1)]
    min_leaf: usize,
    /// How hard to prune a tree: `auto` by cross-validation, or the cost of a leaf.
    #[arg(long, default_value = "auto", value_name = "auto|COST")]
    ccp_alpha: String,
    /// Number of folds that are held out in turn.
    #[arg(long, default_value_t = 5)]
    folds: usize,
    /// Seed of all chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the tree for Graphviz.
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    /// Write the tree as a picture (SVG).
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// How to print the report.
    #[arg(long, default_value = "table")]
    format: Format,
    /// Print nothing but warnings.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Model {
    /// One decision tree, that can be read and drawn.
    Tree,
    /// A random forest: better with missing values, harder to read.
    Forest,
    /// A forest where a twentieth of the cells or more are missing, a tree otherwise.
    Auto,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mixture {
    Gini,
    Entropy,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ClassWeight {
    None,
    Balanced,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let mut settings = settings(arguments)?;
    refuse_pictures_of_forests(arguments)?;
    let inputs = arguments.input.inputs()?;
    let choice = log::Choice {
        label: &arguments.label,
        features: &arguments.features,
        exclude: &arguments.exclude,
        time: arguments.input.time.as_deref(),
    };
    let (log, notes) = log::fault_log(&inputs, &arguments.input.options(), &choice)?;
    if arguments.model == Model::Auto
        && let forest @ Learner::Forest { .. } = Learner::suited(&log, arguments.trees)
    {
        settings.learner = forest;
        eprintln!("note: many cells are missing: learning a forest");
    }
    let progress = indicatif::ProgressBar::new_spinner();
    let told = |what: &str| {
        if !arguments.quiet {
            progress.set_message(what.to_owned());
            progress.tick();
        }
    };
    let lesson = learn(&log, &settings, &told).map_err(CallError::input)?;
    progress.finish_and_clear();
    write_files(arguments, &lesson)?;
    for note in notes.into_iter().chain(lesson.findings.iter().map(ToString::to_string)) {
        eprintln!("note: {note}");
    }
    if !arguments.quiet {
        print(arguments, &lesson)?;
    }
    Ok(Outcome::Done)
}

fn settings(arguments: &Arguments) -> Result<LearnSettings, CallError> {
    let alpha = match arguments.ccp_alpha.as_str() {
        "auto" => Alpha::Auto,
        cost => Alpha::Given(cost.parse().map_err(|_| {
            CallError::input(format!("--ccp-alpha {cost}: expected `auto` or a number"))
        })?),
    };
    Ok(LearnSettings {
        learner: match arguments.model {
            // Until the log was seen.
            Model::Tree | Model::Auto => Learner::Tree { alpha },
            Model::Forest => Learner::Forest { trees: arguments.trees },
        },
        criterion: match arguments.criterion {
            Mixture::Gini => Criterion::Gini,
            Mixture::Entropy => Criterion::Entropy,
        },
        balanced: matches!(arguments.class_weight, ClassWeight::Balanced),
        max_depth: arguments.max_depth,
        min_leaf: arguments.min_leaf,
        validation: match arguments.input.time {
            None => Validation::Stratified(arguments.folds),
            Some(_) => Validation::Forward(arguments.folds),
        },
        seed: arguments.seed,
        keep_suspects: !arguments.features.is_empty(),
        ..LearnSettings::default()
    })
}

fn refuse_pictures_of_forests(arguments: &Arguments) -> Result<(), CallError> {
    let drawn = arguments.dot.is_some() || arguments.plot.is_some();
    if arguments.model == Model::Auto && drawn {
        return Err(CallError::input(
            "--model auto may learn a forest, which has no single tree to draw: leave out --dot and --plot, or learn a tree",
        ));
    }
    if arguments.model == Model::Forest && drawn {
        return Err(CallError::input(
            "a forest has no single tree to draw: leave out --dot and --plot, or learn a tree",
        ));
    }
    let is_svg = |path: &Path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg"));
    match &arguments.plot {
        Some(path) if !is_svg(path) => Err(CallError::input(format!(
            "--plot {}: expected a name that ends in .svg",
            path.display()
        ))),
        _ => Ok(()),
    }
}

fn write_files(arguments: &Arguments, lesson: &Lesson) -> Result<(), CallError> {
    let tree = &lesson.model.trees()[0];
    if let Some(path) = &arguments.output {
        write(path, &(lesson.model.to_json().map_err(CallError::input)? + "\n"))?;
    }
    if let Some(path) = &arguments.dot {
        write(path, &draw::dot(&lesson.model, tree))?;
    }
    if let Some(path) = &arguments.plot {
        write(path, &draw::svg(&lesson.model, tree))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), CallError> {
    std::fs::write(path, text).map_err(CallError::write(path.display().to_string()))
}

fn print(arguments: &Arguments, lesson: &Lesson) -> Result<(), CallError> {
    let mut out = std::io::stdout().lock();
    let text = match arguments.format {
        Format::Json => report::json(lesson),
        Format::Table => {
            let mut text = report::text(lesson);
            let files = [&arguments.output, &arguments.dot, &arguments.plot];
            let names: Vec<String> =
                files.into_iter().flatten().map(|path| path.display().to_string()).collect();
            if !names.is_empty() {
                text += &format!("\nWritten: {}\n", names.join(", "));
            }
            if let Some(model) = &arguments.output {
                text += &format!("Next: auscult troubleshoot --model {}\n", model.display());
            }
            text
        }
    };
    out.write_all(text.as_bytes()).map_err(CallError::write("standard output"))
}
