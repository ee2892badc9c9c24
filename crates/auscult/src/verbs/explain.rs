//! `auscult explain`: what accounts for a change between two periods.

mod chart;
mod findings;
mod machine;
mod periods;
mod words;

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_diagnose::explain::Estimator;

use super::input::InputArguments;
use crate::outcome::{CallError, Outcome};
use crate::plot::{Kind, rasterise};

use findings::Findings;
use periods::Periods;

/// Arguments of `auscult explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  auscult explain serving.csv --column throughput --split 2026-05-03T14:00:00Z
  auscult explain runs.csv --column throughput --by period=before,after --plot why.svg
  auscult explain requests.csv --ratio failures,requests --split 2026-05-03T14:00:00Z")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputArguments,

    /// The column whose change is to be explained.
    #[arg(long, value_name = "NAME", required_unless_present = "ratio")]
    column: Option<String>,

    /// The moment of the change: rows before it against rows from it on.
    #[arg(long, value_name = "TIME", required_unless_present = "by")]
    split: Option<String>,

    /// The column that says which period a row belongs to, and its two values.
    /// Without the values it must have exactly two, the first one met being
    /// before.
    #[arg(long, value_name = "COLUMN[=BEFORE,AFTER]", conflicts_with = "split")]
    by: Option<String>,

    /// Columns of numbers that may account for the change; all others without it.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    inputs: Option<Vec<String>>,

    /// Columns of labels that make segments; all columns of words without it.
    /// Numbers are read as labels when named here.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    labels: Option<Vec<String>>,

    /// Explain the ratio of two columns' sums instead of the mean of one.
    #[arg(long, value_name = "NUMERATOR,DENOMINATOR", conflicts_with_all = ["column", "sum"])]
    ratio: Option<String>,

    /// Explain the column's sum per unit of time instead of its mean.
    #[arg(long)]
    sum: bool,

    /// How to regress the column on the inputs.
    #[arg(long, value_enum, default_value_t = Model::Ols)]
    model: Model,

    /// With `--model ridge`: the share of each input's squared spread that is
    /// added to it, at least 0.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    penalty: f64,

    /// Confidence of the intervals.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    confidence: f64,

    /// Bootstrap resamples behind the intervals; fewer are drawn for very long
    /// tables.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    resamples: usize,

    /// Seed of the bootstrap.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,

    /// Lines in each list at most; JSON and CSV always hold everything.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    top: usize,

    /// How to write the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Also draw the parts of the change: a name that ends in .svg, .png or .html.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// How to regress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Model {
    /// Least squares.
    Ols,
    /// Ridge regression, for inputs that go together.
    Ridge,
    /// Huber regression, for data with wild readings.
    Huber,
}

/// How to write the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Words and tables, for people.
    Table,
    /// One JSON object with everything.
    Json,
    /// One line for each part of the change.
    Csv,
}

impl Arguments {
    fn estimator(&self) -> Estimator {
        match self.model {
            Model::Ols => Estimator::Ols,
            Model::Ridge => Estimator::Ridge(self.penalty),
            Model::Huber => Estimator::Huber,
        }
    }

    /// Refuses numbers out of range, and plots that cannot be drawn.
    fn check(&self) -> Result<(), CallError> {
        if !(self.penalty >= 0.0 && self.penalty.is_finite()) {
            let sentence = format!("--penalty {}: must be a number of at least 0", self.penalty);
            return Err(CallError::input(sentence));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let sentence = format!("--confidence {}: must be in (0, 1)", self.confidence);
            return Err(CallError::input(sentence));
        }
        if !(100..=100_000).contains(&self.resamples) {
            let sentence = format!("--resamples {}: must be 100 to 100000", self.resamples);
            return Err(CallError::input(sentence));
        }
        self.plot.as_deref().map_or(Ok(()), |plot| Kind::of_path(plot).map(|_| ()))
    }
}

/// Writes the chart to `path`, as its ending says.
fn draw(path: &Path, svg: String) -> Result<(), CallError> {
    let bytes = match Kind::of_path(path)? {
        Kind::Svg => svg.into_bytes(),
        Kind::Png => rasterise(&svg)?,
        Kind::Html => chart::page(&svg).into_bytes(),
    };
    std::fs::write(path, bytes).map_err(CallError::write(path.display().to_string()))
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    arguments.check()?;
    let periods = Periods::read(arguments)?;
    let findings = Findings::of(&periods, arguments)?;
    if let Some(plot) = &arguments.plot {
        let svg = chart::waterfall(&findings)
            .ok_or_else(|| CallError::input("there are no parts to draw: leave --plot out"))?;
        draw(plot, svg)?;
    }
    let text = match arguments.format {
        Format::Table => words::report(&findings, arguments.top),
        Format::Json => machine::json(&findings),
        Format::Csv => machine::csv(&findings),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}
