//! A file that a job writes its measurements to, read as it grows.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::tail::{Read, Tail};
use super::{Slice, ingest};
use crate::own_metrics::SourceLabels;
use crate::serve::Shared;
use crate::units;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A CSV or JSON Lines file, a record a line, that grows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowSettings {
    /// Where it lies. It may come later, be replaced by another, or begin anew.
    #[schemars(with = "units::AsPath")]
    pub path: PathBuf,
    /// The column that says when; found by its name and cells where none is named.
    #[serde(default)]
    pub time: Option<String>,
    /// Columns whose cells are labels, such as `rank`. Every other column of numbers is a metric.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Label `job` of its series; the label `instance` is the path.
    #[serde(default = "job")]
    pub job: String,
}

fn job() -> String {
    "file".to_owned()
}

impl FollowSettings {
    /// Of a file at `path`, without labels of its own.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), time: None, labels: Vec::new(), job: job() }
    }
}

/// Follows a file.
#[derive(Debug)]
pub(crate) struct FollowedFile {
    name: String,
    tail: Tail,
    ready: VecDeque<Slice>,
    /// What was said last of what is wrong.
    said: Option<String>,
}

impl FollowedFile {
    pub(super) fn new(settings: FollowSettings) -> Self {
        let name = settings.path.display().to_string();
        Self { name, tail: Tail::new(settings), ready: VecDeque::new(), said: None }
    }

    /// The next moment of what stands in the file already.
    pub(super) async fn history(&mut self, shared: &Arc<Shared>) -> Option<Slice> {
        loop {
            if let Some(slice) = self.ready.pop_front() {
                return Some(slice);
            }
            if !self.read(shared).await {
                return None;
            }
        }
    }

    /// Reads what is new, until `stopped`.
    pub(super) async fn run(mut self, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
        loop {
            while !*stopped.borrow() && self.read(&shared).await {
                ingest(&shared, self.ready.drain(..).collect()).await;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    /// Reads a piece and makes it ready; says whether there was any.
    async fn read(&mut self, shared: &Arc<Shared>) -> bool {
        let mut tail = std::mem::take(&mut self.tail);
        let read = tokio::task::spawn_blocking(move || {
            let read = tail.read();
            (tail, read)
        });
        // A panic is reported by the runtime; nothing more is read then.
        let Ok((tail, read)) = read.await else { return false };
        self.tail = tail;
        let Read { slices, more, refused, problem } = read;
        let outcome = if problem.is_none() { "ok" } else { "refused" };
        if more || problem.is_some() {
            let labels = SourceLabels { source: self.name.clone(), outcome };
            shared.metrics.source_reads.get_or_create(&labels).inc();
        }
        shared.metrics.source_refused_records.inc_by(refused);
        if problem.is_some() && problem != self.said {
            let problem = problem.as_deref().unwrap_or_default();
            tracing::warn!(file = self.name, "{problem}");
        }
        if more || problem.is_some() {
            self.said = problem;
        }
        self.ready.extend(slices);
        more
    }
}
