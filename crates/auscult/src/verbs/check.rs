//! `auscult check`: whether a configuration is right.

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_server::{ConfigError, ConfigFile, Configuration};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult check`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Configurations of `auscult serve`.
    #[arg(value_name = "FILE", required_unless_present_any = ["schema", "reference"])]
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
    file: &'a Path,
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
    for file in &arguments.files {
        match ConfigFile::new(file).read() {
            Ok(configuration) if arguments.format == Format::Text => {
                print(&format!("{}: right; {}", file.display(), summary(&configuration)))?;
            }
            Ok(_) => {}
            Err(error) => wrong.push((file, error)),
        }
    }
    if arguments.format == Format::Json && !arguments.files.is_empty() {
        let mistakes = wrong.iter().flat_map(|(file, error)| mistakes(file, error));
        let mistakes: Vec<Mistake<'_>> = mistakes.collect();
        print(&serde_json::to_string_pretty(&mistakes).map_err(CallError::input)?)?;
    }
    if wrong.is_empty() {
        return Ok(Outcome::Done);
    }
    let errors: Vec<&ConfigError> = wrong.iter().map(|(_, error)| error).collect();
    Err(match arguments.format {
        Format::Json => CallError::input(number(&errors)),
        Format::Text => refused(&errors),
    })
}

/// What is wrong with configurations, in words.
pub(super) fn refused(errors: &[&ConfigError]) -> CallError {
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    CallError::input(format_args!("{}\n{}", number(errors), said.join("\n")))
}

fn number(errors: &[&ConfigError]) -> String {
    let count: usize = errors.iter().map(|error| error.problems().len()).sum();
    let mistakes = if count == 1 { "mistake" } else { "mistakes" };
    format!("{count} {mistakes}")
}

fn mistakes<'a>(file: &'a Path, error: &'a ConfigError) -> impl Iterator<Item = Mistake<'a>> {
    error.problems().iter().map(move |problem| Mistake {
        file,
        line: problem.line(),
        column: problem.column(),
        message: problem.sentence(),
    })
}

/// What the service would do by it.
fn summary(configuration: &Configuration) -> String {
    let several = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    };
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
