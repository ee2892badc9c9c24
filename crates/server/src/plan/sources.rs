//! Where samples will come from, and how many; each source is looked at once.

use std::time::Duration;

use auscult_engine::Selector;
use serde::Serialize;

use super::costs::COSTS;
use super::counted::Counted;
use crate::scrape;
use crate::serve::ServeError;
use crate::settings::ServerSettings;
use crate::sources::{count, look_at_file};

/// Bytes of a sample in the answer of a server that is asked, besides the labels of its series.
const ANSWER_BYTES: f64 = 30.0;

/// Series that others will push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// How many.
    pub series: u64,
    /// From one sample of each to the next.
    pub interval: Duration,
}

/// How samples come from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A target is scraped.
    Scrape,
    /// A server with Prometheus's HTTP API is asked.
    Prometheus,
    /// A file is followed.
    File,
    /// Others push, by remote write or OTLP.
    Pushed,
}

/// What one source will bring.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourcePlan {
    /// How its samples come.
    pub kind: SourceKind,
    /// The job of a target or file; the address of a server.
    pub name: String,
    /// The target, where there is one.
    pub instance: Option<String>,
    /// Seconds from one time to the next; `None` for a file that does not tell.
    pub interval_seconds: Option<f64>,
    /// Questions a second to somebody else.
    pub requests_per_second: f64,
    /// What comes each time; `None` where it was not looked at, or could not be.
    pub counted: Option<Counted>,
    /// Bytes a second that come over the network; 0 where they are not known.
    pub received_bytes_per_second: f64,
    /// Why it could not be counted.
    pub problem: Option<String>,
}

impl SourcePlan {
    fn new(kind: SourceKind, name: &str, interval: Option<Duration>) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            instance: None,
            interval_seconds: interval.map(|interval| interval.as_secs_f64()),
            requests_per_second: 0.0,
            counted: None,
            received_bytes_per_second: 0.0,
            problem: None,
        }
    }

    /// Samples a second; 0 where they are not known.
    #[must_use]
    pub fn samples_per_second(&self) -> f64 {
        match (&self.counted, self.interval_seconds) {
            (Some(counted), Some(seconds)) if seconds > 0.0 => counted.samples / seconds,
            _ => 0.0,
        }
    }
}

/// Looks at each source of `settings` once, as the service would, for at most `within`; at none if that is `None`.
/// What will be `pushed` counts too.
///
/// # Errors
///
/// [`ServeError`] for a job that cannot be.
pub async fn look(
    settings: &ServerSettings,
    within: Option<Duration>,
    pushed: Option<Pushed>,
) -> Result<Vec<SourcePlan>, ServeError> {
    let writes = &settings.delivery.remote_write;
    let receivers: Vec<&[Selector]> = writes.iter().map(|one| one.select.as_slice()).collect();
    let mut plans = Vec::new();
    for job in &settings.scrapes {
        let take = |batch: &_| Counted::of(batch, &settings.engine, &receivers);
        let (targets, problems) = scrape::look(job, within, take).await?;
        for target in targets {
            let seconds = target.interval.as_secs_f64();
            let mut plan = SourcePlan {
                instance: Some(target.instance),
                requests_per_second: 1.0 / seconds,
                ..SourcePlan::new(SourceKind::Scrape, &job.job_name, Some(target.interval))
            };
            match target.page {
                None => {}
                Some(Err(problem)) => plan.problem = Some(problem),
                Some(Ok((counted, bytes))) => {
                    plan.counted = Some(counted);
                    plan.received_bytes_per_second = bytes as f64 / seconds;
                }
            }
            plans.push(plan);
        }
        plans.extend(problems.into_iter().map(|problem| SourcePlan {
            problem: Some(problem),
            ..SourcePlan::new(SourceKind::Scrape, &job.job_name, None)
        }));
    }
    for server in &settings.prometheuses {
        let mut plan = SourcePlan::new(SourceKind::Prometheus, &server.url, Some(server.step));
        plan.requests_per_second = server.queries.len() as f64 / server.step.as_secs_f64();
        if let Some(within) = within {
            match count(server, within).await {
                Err(problem) => plan.problem = Some(problem),
                Ok(series) => {
                    let counted = Counted::supposed(series, &receivers);
                    let bytes = counted.label_bytes + ANSWER_BYTES * counted.samples;
                    plan.received_bytes_per_second = bytes / server.step.as_secs_f64();
                    plan.counted = Some(counted);
                }
            }
        }
        plans.push(plan);
    }
    for file in &settings.files {
        let mut plan = SourcePlan::new(SourceKind::File, &file.job, None);
        plan.instance = Some(file.path.display().to_string());
        if within.is_some() {
            let settings_of_file = file.clone();
            let look = tokio::task::spawn_blocking(move || look_at_file(&settings_of_file)).await;
            match look.unwrap_or_else(|error| Err(error.to_string())) {
                Err(problem) => plan.problem = Some(problem),
                Ok(look) => {
                    let counted = Counted::of(&look.batch, &settings.engine, &receivers);
                    plan.counted = Some(Counted { samples: look.samples, ..counted });
                    plan.interval_seconds = look.interval.map(|interval| interval.as_secs_f64());
                }
            }
        }
        plans.push(plan);
    }
    plans.extend(pushed.map(|Pushed { series, interval }| {
        let counted = Counted::supposed(series, &receivers);
        let per_second = counted.samples / interval.as_secs_f64();
        SourcePlan {
            received_bytes_per_second: per_second * COSTS.push_bytes_per_sample,
            counted: Some(counted),
            ..SourcePlan::new(SourceKind::Pushed, "pushed", Some(interval))
        }
    }));
    Ok(plans)
}
