//! `auscult benchmark diagnosis`: how well causes are named, on public incidents.

use std::path::PathBuf;

use super::benchmark::{Form, put};
use crate::benchmark::diagnosis::{OfSet, Report, SETS, Set, find};
use crate::benchmark::machine::Machine;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;

/// Arguments of `auscult benchmark diagnosis`.
#[derive(Debug, clap::Args)]
pub(super) struct DiagnosisArguments {
    /// Folder of the public data sets
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// Data sets; those that the folder has, when not given
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    set: Vec<String>,

    /// Methods, or `all`
    #[arg(short, long, value_name = "METHOD", value_delimiter = ',', default_value = "all")]
    method: Vec<String>,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "markdown")]
    format: Form,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// State of the source to name in the answer; asked of git when not given
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(arguments: &DiagnosisArguments) -> Result<Outcome, CallError> {
    let sets = sets(arguments)?;
    let all: Vec<&'static str> = SETS.iter().flat_map(|set| (set.methods)()).collect();
    for name in arguments.method.iter().filter(|name| *name != "all") {
        if !all.contains(&name.as_str()) {
            let why = format!("no method `{name}`; there are {}", all_once(&all).join(", "));
            return Err(CallError::input(why));
        }
    }
    let is_asked =
        |method: &&'static str| arguments.method.iter().any(|name| name == "all" || name == method);
    let progress = Progress::new(!arguments.quiet);
    progress.steps("diagnosing", sets.len() as u64);
    let mut measured = Vec::new();
    for (set, folder) in sets {
        let methods: Vec<&'static str> = (set.methods)().into_iter().filter(is_asked).collect();
        if !methods.is_empty() {
            measured.push(OfSet {
                name: set.name,
                title: set.title,
                source: set.source,
                protocol: set.protocol,
                tables: (set.measure)(&folder, &methods)?,
            });
        }
        progress.step();
    }
    progress.done();
    if measured.is_empty() {
        let why = "no chosen method goes with a chosen data set; leave out --method or --set";
        return Err(CallError::input(why));
    }
    let machine = Machine::here(arguments.commit.as_deref());
    let report = Report::new(machine, command(arguments), measured);
    let text = match arguments.format {
        Form::Markdown => report.markdown(),
        Form::Json => serde_json::to_string_pretty(&report).expect("figures are plain data") + "\n",
    };
    put(arguments.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}

/// The sets to measure on, and where they are.
fn sets(arguments: &DiagnosisArguments) -> Result<Vec<(&'static Set, PathBuf)>, CallError> {
    let data = &arguments.data;
    if arguments.set.is_empty() {
        let there = SETS.iter().filter_map(|set| Some((*set, set.folder(data)?)));
        let there: Vec<(&'static Set, PathBuf)> = there.collect();
        if there.is_empty() {
            let each: Vec<String> = SETS
                .iter()
                .map(|set| format!("{}/{} ({})", set.name, set.mark, set.source))
                .collect();
            return Err(CallError::input(format!(
                "{}: no public incidents; expected some of {}",
                data.display(),
                each.join(", ")
            )));
        }
        return Ok(there);
    }
    let named = |name: &String| {
        let set = find(name).ok_or_else(|| {
            let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
            CallError::input(format!("no data set `{name}`; there are {}", names.join(", ")))
        })?;
        Ok((set, set.folder(data).ok_or_else(|| CallError::input(set.absent(data)))?))
    };
    arguments.set.iter().map(named).collect()
}

/// The names, each once, in order of first appearance.
fn all_once(names: &[&'static str]) -> Vec<&'static str> {
    let mut once = Vec::new();
    for name in names {
        if !once.contains(name) {
            once.push(*name);
        }
    }
    once
}

/// The call, as a person would repeat it with folders of their own.
fn command(arguments: &DiagnosisArguments) -> String {
    let mut words = vec!["auscult benchmark diagnosis --data DIR".to_owned()];
    if !arguments.set.is_empty() {
        words.push(format!("--set {}", arguments.set.join(",")));
    }
    if arguments.method != ["all"] {
        words.push(format!("--method {}", arguments.method.join(",")));
    }
    words.join(" ")
}
