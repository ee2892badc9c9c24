//! `auscult check`: whether a configuration, or a folder of knowledge, is right.

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_engine::Handbook;
use auscult_server::{ConfigFile, Configuration};
use auscult_yaml::Problem;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult check`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Configurations of `auscult serve`, and folders of knowledge: signals, adapters, faults and
    /// laws of your own.
    #[arg(value_name = "FILE|DIR", required_unless_present_any = ["schema", "reference"])]
    files: Vec<PathBuf>,
    /// How to say what is wrong.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print the JSON schema of the configuration, for editors.
    #[arg(long, conflicts_with_all = ["files", "reference"])]
    schema: bool,
    /// Print every key of the configuration, in Markdown.
    #[arg(long, conflicts_with = "files")]
    reference: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: each mistake with the line that it is in.
    Text,
    /// A list of mistakes, for programs.
    Json,
}

/// A mistake, for programs.
#[derive(Debug, Serialize)]
struct Mistake<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
}

/// Checks; a wrong configuration is an input that is wrong.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let mut out = std::io::stdout().lock();
    let mut print = |text: &str| {
        writeln!(out, "{}", text.trim_end()).map_err(CallError::write("standard output"))
    };
    if arguments.schema {
        let schema = serde_json::to_string_pretty(&auscult_server::schema());
        print(&schema.map_err(CallError::input)?)?;
    }
    if arguments.reference {
        print(&auscult_server::reference())?;
    }
    let mut wrong = Vec::new();
    for path in &arguments.files {
        let checked = if path.is_dir() { folder(path) } else { configuration(path) };
        match checked {
            Ok(summary) if arguments.format == Format::Text => {
                print(&format!("{}: right; {summary}", path.display()))?;
            }
            Ok(_) => {}
            Err(problems) => wrong.extend(problems),
        }
    }
    if arguments.format == Format::Json && !arguments.files.is_empty() {
        let mistakes: Vec<Mistake<'_>> = wrong.iter().map(mistake).collect();
        print(&serde_json::to_string_pretty(&mistakes).map_err(CallError::input)?)?;
    }
    if wrong.is_empty() {
        return Ok(Outcome::Done);
    }
    Err(match arguments.format {
        Format::Json => CallError::input(number(wrong.len())),
        Format::Text => refused(&wrong),
    })
}

/// What a configuration says, or all that is wrong with it.
fn configuration(path: &Path) -> Result<String, Vec<Problem>> {
    match ConfigFile::new(path).read() {
        Ok(configuration) => Ok(summary(&configuration)),
        Err(error) => Err(error.problems().to_vec()),
    }
}

/// What a folder of knowledge says, or all that is wrong with it.
fn folder(path: &Path) -> Result<String, Vec<Problem>> {
    let embedded = Handbook::embedded().knowledge();
    let (_, own) = embedded.with_folder(path).map_err(|error| error.problems().to_vec())?;
    let parts = [
        ("signal", &own.signals),
        ("adapter", &own.adapters),
        ("fault", &own.faults),
        ("law", &own.laws),
        ("constant", &own.constants),
    ];
    let told = parts.into_iter().filter(|(_, entries)| !entries.is_empty());
    let told: Vec<String> = told
        .map(|(what, entries)| {
            let replaced = entries.iter().filter(|entry| entry.replaces);
            let replaced: Vec<&str> = replaced.map(|entry| entry.name.as_str()).collect();
            let instead = match replaced.as_slice() {
                [] => String::new(),
                names => format!(" (instead of what is built in: {})", names.join(", ")),
            };
            several(entries.len(), what) + &instead
        })
        .collect();
    Ok(if told.is_empty() { "it changes no name".to_owned() } else { told.join(", ") })
}

/// What is wrong, in words.
pub(super) fn refused(problems: &[Problem]) -> CallError {
    let said: Vec<String> = problems.iter().map(Problem::with_source).collect();
    CallError::input(format_args!("{}\n{}", number(problems.len()), said.join("\n")))
}

pub(super) fn number(count: usize) -> String {
    several(count, "mistake")
}

fn several(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn mistake(problem: &Problem) -> Mistake<'_> {
    Mistake {
        file: problem.file(),
        line: problem.line(),
        column: problem.column(),
        message: problem.sentence(),
    }
}

/// What the service would do by it.
fn summary(configuration: &Configuration) -> String {
    let jobs = &configuration.scrape_configs;
    let groups = jobs.iter().flat_map(|job| &job.static_configs);
    let targets: usize = groups.map(|group| group.targets.len()).sum();
    let files = jobs.iter().map(|job| job.file_sd_configs.len()).sum();
    let delivery = &configuration.delivery;
    let alertmanagers = delivery.alertmanagers.len();
    let webhooks = delivery.webhooks.len() + delivery.slack.len();
    let writes = delivery.remote_write.len();
    let parts = [
        (jobs.len(), several(jobs.len(), "scrape job")),
        (targets, several(targets, "static target")),
        (files, several(files, "file discovery")),
        (
            configuration.prometheus_sources.len(),
            several(configuration.prometheus_sources.len(), "Prometheus source"),
        ),
        (
            configuration.followed_files.len(),
            several(configuration.followed_files.len(), "followed file"),
        ),
        (alertmanagers, several(alertmanagers, "Alertmanager")),
        (webhooks, several(webhooks, "webhook")),
        (writes, several(writes, "remote write")),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part);
    let parts: Vec<String> = parts.collect();
    let listens = format!("listens on {}", configuration.server.listen);
    if parts.is_empty() { listens } else { format!("{listens}, {}", parts.join(", ")) }
}
