//! `auscult benchmark budget`: how well budgets of false alarms are kept where nothing is wrong.

use std::path::PathBuf;

use auscult_detect::ensemble::{AlarmBudget, BudgetMode};
use auscult_detect::{Channels, Method};

use super::benchmark::{Form, cores, put};
use super::detect::find_method;
use super::method_settings::{self, MethodSettings};
use crate::benchmark::budget::{
    Asked, OfMethod, OfSet, Report, SETS, find, measure, measure_service,
};
use crate::benchmark::machine::Machine;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;

/// Arguments of `auscult benchmark budget`.
#[derive(Debug, clap::Args)]
pub(super) struct BudgetArguments {
    /// Folder of the public data sets; without it health is simulated only
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Data sets, `health` being simulated; those that the folder has, when not given
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    set: Vec<String>,

    /// Methods that judge row by row; every column is a series of its own
    #[arg(
        short,
        long,
        value_name = "METHOD",
        value_delimiter = ',',
        default_value = "pot-ensemble"
    )]
    method: Vec<String>,

    /// Budgets, each as a soft and as a hard one, and with labelled anomalies confirmed
    #[arg(
        long,
        value_name = "N/PERIOD",
        value_delimiter = ',',
        default_value = "1/hour,1/day,1/week,1/month"
    )]
    budget: Vec<AlarmBudget>,

    /// Measure the engine of `auscult serve` instead: incidents, of each series as a target of its
    /// own and of all series of a machine as one
    #[arg(long, conflicts_with = "method")]
    service: bool,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "markdown")]
    format: Form,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Parts of a data set judged at once; every core when not given
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// State of the source to name in the answer; asked of git when not given
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,

    /// No progress
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    settings: MethodSettings,
}

pub(super) fn run(arguments: &BudgetArguments) -> Result<Outcome, CallError> {
    let data = arguments.data.clone().unwrap_or_default();
    let mut sets = Vec::new();
    for name in &arguments.set {
        let set = find(name).ok_or_else(|| {
            let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
            CallError::input(format!("no data set `{name}`; there are {}", names.join(", ")))
        })?;
        (set.names)(&data)?;
        sets.push(set);
    }
    if arguments.set.is_empty() {
        sets.extend(
            SETS.iter().filter(|set| (set.names)(&data).is_ok_and(|names| !names.is_empty())),
        );
    }
    let methods = arguments.method.iter().map(|name| row_by_row(name));
    let methods = methods.collect::<Result<Vec<&Method>, _>>()?;
    let asked: Vec<Asked> = [BudgetMode::Soft, BudgetMode::Hard]
        .into_iter()
        .flat_map(|mode| [(mode, false), (mode, true)])
        .flat_map(|(mode, told)| {
            arguments.budget.iter().map(move |budget| Asked { budget: *budget, mode, told })
        })
        .collect();
    let threads = arguments.threads.unwrap_or_else(cores);
    let parts = sets.iter().map(|set| (set.names)(&data).map_or(0, |names| names.len()));
    let progress = Progress::new(!arguments.quiet);
    progress.steps("watching", parts.sum::<usize>() as u64 * methods.len() as u64);
    let mut report = Report {
        machine: Machine::here(arguments.commit.as_deref()),
        command: command(arguments),
        methods: Vec::new(),
        served: Vec::new(),
    };
    if arguments.service {
        for set in &sets {
            let served =
                measure_service(set, &data, &arguments.budget, threads, || progress.step())?;
            report.served.extend(served);
        }
    }
    let methods = if arguments.service { Vec::new() } else { methods };
    for method in methods {
        let settings =
            method_settings::for_method(&arguments.settings, method).map_err(CallError::input)?;
        let mut of_method = OfMethod { method: method.name.to_owned(), sets: Vec::new() };
        for set in &sets {
            let (all, parts) =
                measure(set, &data, method, &settings, &asked, threads, || progress.step())?;
            of_method.sets.push(OfSet { title: set.title.to_owned(), all, parts });
        }
        report.methods.push(of_method);
    }
    progress.done();
    let text = match arguments.format {
        Form::Markdown => report.markdown(),
        Form::Json => serde_json::to_string_pretty(&report).expect("figures are plain data") + "\n",
    };
    put(arguments.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}

/// The method called `name`, if it can watch one column.
fn row_by_row(name: &str) -> Result<&'static Method, CallError> {
    let method = find_method(name)?;
    let refuse = |why: &str| Err(CallError::input(format!("method `{name}` {why}")));
    match (method.online, method.channels) {
        (None, _) => refuse("does not judge row by row"),
        (_, Channels::Several) => refuse("needs several columns; budgets are measured on one"),
        _ => Ok(method),
    }
}

/// The call, as a person would repeat it with folders of their own.
fn command(arguments: &BudgetArguments) -> String {
    let mut words = vec!["auscult benchmark budget".to_owned()];
    if arguments.data.is_some() {
        words.push("--data DIR".to_owned());
    }
    if !arguments.set.is_empty() {
        words.push(format!("--set {}", arguments.set.join(",")));
    }
    if arguments.method != ["pot-ensemble"] {
        words.push(format!("--method {}", arguments.method.join(",")));
    }
    if arguments.service {
        words.push("--service".to_owned());
    }
    let budgets: Vec<String> = arguments.budget.iter().map(AlarmBudget::to_string).collect();
    if budgets != ["1/hour", "1/day", "1/week", "1/month"] {
        words.push(format!("--budget {}", budgets.join(",")));
    }
    for (name, value) in &arguments.settings.0 {
        words.push(format!("--{} {value}", name.replace('_', "-")));
    }
    words.join(" ")
}
