//! Arguments that say which recordings of metrics to read: files, a folder of the service, a server.

use std::path::PathBuf;
use std::time::Duration;

use auscult_server::{PrometheusSettings, RecordedFile, Recording, parse_duration};

use super::input::InputArguments;
use crate::outcome::CallError;

/// Which recordings to read.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RecordingArguments {
    #[command(flatten)]
    pub(super) input: InputArguments,

    /// Columns of the files whose cells are labels, such as rank; every other column of numbers
    /// is a metric. A column `__name__` names the metric of the one column of values
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(super) label: Vec<String>,

    /// Metrics of the files that are counters, which only grow or begin anew at 0: judged by
    /// their rates per second
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(super) counter: Vec<String>,

    /// Replay what `auscult serve` stored in this folder; it must have ended
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,

    /// Replay what this server with Prometheus's HTTP API has, such as http://127.0.0.1:9090
    #[arg(long, value_name = "URL", requires = "query")]
    pub(super) prometheus: Option<String>,

    /// What to ask it in PromQL, such as '{job="vllm"}'; may be given more than once
    #[arg(long, value_name = "PROMQL", requires = "prometheus")]
    pub(super) query: Vec<String>,

    /// From one evaluation of the queries to the next; as the interval at which that server
    /// scrapes, or longer
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = parse_duration, requires = "prometheus")]
    pub(super) step: Duration,
}

impl RecordingArguments {
    /// What is to be read, as arguments say.
    pub(super) fn open(&self) -> Result<Vec<Recording>, CallError> {
        let mut recordings = Vec::new();
        let has_others = self.data.is_some() || self.prometheus.is_some();
        if !has_others || !self.input.files.is_empty() {
            for input in self.input.inputs()? {
                recordings.push(Recording::File(Box::new(RecordedFile {
                    options: self.input.options(),
                    time: self.input.time.clone(),
                    labels: self.label.clone(),
                    counters: self.counter.clone(),
                    ..RecordedFile::new(input)
                })));
            }
        } else if !self.label.is_empty() || !self.counter.is_empty() || self.input.time.is_some() {
            let why = "--label, --counter and --time say what columns of a file are; name a file";
            return Err(CallError::input(why));
        }
        recordings.extend(self.data.iter().cloned().map(Recording::Folder));
        recordings.extend(self.prometheus.iter().map(|url| {
            Recording::Prometheus(Box::new(PrometheusSettings {
                step: self.step,
                ..PrometheusSettings::new(url, self.query.clone())
            }))
        }));
        Ok(recordings)
    }
}
