//! `auscult select`: which method to use on a person's own data, and why.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use auscult_detect::Order;
use auscult_telemetry::Kind;

use super::detect::find_method;
use super::input::InputArguments;
use crate::benchmark::series::{Series, clock};
use crate::detection::counters::Counters;
use crate::detection::series::{Split, split};
use crate::detection::source::Source;
use crate::outcome::{CallError, Outcome};
use crate::plot;
use crate::progress::Progress;
use crate::report::Format;
use crate::selection::choice::Columns;
use crate::selection::metric::Metric;
use crate::selection::{self, Question, picture, policy, report};

/// Arguments of `auscult select`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputArguments,

    /// Columns to judge; every numeric column when not given
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    column: Vec<String>,

    /// Columns that are counters, which only grow or begin anew at 0: judged by their rates
    /// per second, or per row without a column of times
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    counter: Vec<String>,

    /// Columns whose values tell series apart
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    group_by: Vec<String>,

    /// Column that says which rows are anomalies (1, true, anomaly); without it anomalies are injected
    #[arg(long, value_name = "NAME")]
    label: Option<String>,

    /// Try only these methods
    #[arg(short, long, value_name = "METHOD", value_delimiter = ',')]
    method: Vec<String>,

    /// Only methods that can watch a live stream
    #[arg(long)]
    online: bool,

    /// Measure by which methods are ranked
    #[arg(long, value_name = "METRIC", default_value = "vus-pr")]
    metric: Metric,

    /// Seconds that the whole search may take; one method gets at most a tenth
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    time_limit: u64,

    /// Take only the latest rows of each series
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    rows: usize,

    /// Write the ready configuration, for `auscult detect --config`
    #[arg(long, value_name = "FILE")]
    choice: Option<PathBuf>,

    /// Write the choice as a policy of `auscult serve`, in YAML
    #[arg(long, value_name = "FILE", requires = "online")]
    policy: Option<PathBuf>,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Format,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Draw the data and the scores of the three best: .svg, .png or .html
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// No progress, no sentences: just the table
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    if arguments.format == Format::Parquet
        && arguments.output.is_none()
        && std::io::stdout().is_terminal()
    {
        return Err(CallError::input("Parquet is not for terminals; name a file with --output"));
    }
    let plot_kind = arguments.plot.as_deref().map(plot::Kind::of_path).transpose()?;
    let methods =
        arguments.method.iter().map(|name| find_method(name)).collect::<Result<_, _>>()?;
    let progress = Progress::new(!arguments.quiet);
    let (series, columns, is_time) = read(arguments, &progress)?;
    let question = Question {
        series,
        labelled: arguments.label.is_some(),
        metric: arguments.metric,
        time_limit: Duration::from_secs(arguments.time_limit.max(1)),
        methods,
        online: arguments.online,
    };
    let selection = selection::select(&question, &progress)?;
    if let Some(path) = &arguments.choice {
        let text = report::choice(&question, &selection, &columns).text();
        std::fs::write(path, text).map_err(CallError::write(path.display().to_string()))?;
    }
    if let Some(path) = &arguments.policy {
        let text = policy::policy(&report::choice(&question, &selection, &columns));
        std::fs::write(path, text).map_err(CallError::write(path.display().to_string()))?;
    }
    if let (Some(kind), Some(path)) = (plot_kind, &arguments.plot) {
        picture::draw(&question, &selection, &columns.titles, is_time).save(kind, path)?;
    }
    let write = |out: &mut (dyn Write + Send)| {
        let mut out = BufWriter::new(out);
        report::write(
            &question,
            &selection,
            &columns,
            arguments.format,
            arguments.quiet,
            &mut out,
        )?;
        out.flush().map_err(CallError::write("the answer"))
    };
    match &arguments.output {
        Some(path) => {
            let file = File::create(path).map_err(CallError::write(path.display().to_string()))?;
            write(&mut { file })?;
        }
        None => write(&mut std::io::stdout())?,
    }
    Ok(Outcome::Done)
}

/// The series of the input, their columns, and whether they have a clock.
fn read(
    arguments: &Arguments,
    progress: &Progress,
) -> Result<(Vec<Series>, Columns, bool), CallError> {
    let mut options = arguments.input.options();
    options.words.clone_from(&arguments.group_by);
    let mut source = Source::look(arguments.input.inputs()?, options)?;
    let mut judged: Vec<String> = if arguments.column.is_empty() {
        let numbers = source.fields().iter().filter(|field| field.kind == Kind::Numbers);
        let names = numbers.map(|field| field.name.clone());
        names.filter(|name| arguments.label.as_ref() != Some(name)).collect()
    } else {
        arguments.column.clone()
    };
    let counters: BTreeSet<String> = arguments.counter.iter().cloned().collect();
    let more = counters.iter().filter(|name| !judged.contains(name)).cloned();
    judged.extend(more.collect::<Vec<_>>());
    if judged.is_empty() {
        return Err(CallError::input("no column of numbers to judge"));
    }
    for name in judged.iter().chain(&arguments.label) {
        if !source.fields().iter().any(|field| field.name == *name) {
            let names = source.fields().iter().map(|field| field.name.as_str());
            let hint = auscult_core::nearest(name, names)
                .map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
            return Err(CallError::input(format!("no column `{name}`{hint}")));
        }
    }
    let time = source.time().map(str::to_owned);
    let wanted = judged.iter().chain(&arguments.group_by).chain(&arguments.label);
    source.narrow(wanted.cloned().collect());
    let titles: Vec<String> = judged
        .iter()
        .map(|name| {
            if counters.contains(name) {
                Counters::title(name, time.is_some())
            } else {
                name.clone()
            }
        })
        .collect();
    if let Some((title, name)) =
        titles.iter().zip(&judged).find(|(title, name)| title != name && judged.contains(title))
    {
        let why = format!("column `{title}` is there already; leave out `{name}`");
        return Err(CallError::input(why));
    }
    let columns = Columns { judged, titles, counters: counters.into_iter().collect() };
    let mut rates = Counters::new(columns.counters.clone(), &arguments.group_by, time.as_deref());
    let table = rates.rates(source.table(progress)?)?;
    let how = Split {
        columns: &columns.titles,
        joint: true,
        group_by: &arguments.group_by,
        label: arguments.label.as_deref(),
        time: time.as_deref(),
        order: Order::Free,
    };
    let all = split(&table, 1, &how)?;
    let is_time = all.iter().all(|series| series.times.is_some());
    let series: Vec<Series> = all
        .into_iter()
        .filter(|one| !one.rows.is_empty())
        .map(|one| latest(one, arguments.rows))
        .collect();
    if series.is_empty() {
        return Err(CallError::input(
            "every row has a missing cell, so that nothing can be judged",
        ));
    }
    Ok((series, columns, is_time))
}

/// The latest `rows` rows of `series`.
fn latest(series: crate::detection::series::Series, rows: usize) -> Series {
    let channels = series.name.columns.len();
    let first = series.rows.len().saturating_sub(rows.max(1));
    let times = series.times.unwrap_or_else(|| clock(series.rows.len(), 1));
    let labels = series.labels.unwrap_or_else(|| vec![None; series.rows.len()]);
    let span = times[times.len() - 1].seconds() - times[0].seconds();
    Series {
        name: series.name.title(),
        channels,
        readings: series.readings[first * channels..].to_vec(),
        step_seconds: (span / times.len().max(2) as f64).round().max(1.0) as i64,
        times: times[first..].to_vec(),
        // A row of which nobody said anything counts as normal.
        labels: labels[first..].iter().map(|label| label.unwrap_or(false)).collect(),
        train: 0,
        scored_from: 0,
        guilty: Vec::new(),
    }
}
