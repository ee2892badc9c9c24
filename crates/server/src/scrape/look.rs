//! Targets of a job, each scraped once, to see what they would bring.

use std::time::Duration;

use auscult_telemetry::metrics::{MetricBatch, MetricKind};
use futures_util::StreamExt;
use futures_util::stream;

use super::fetch::fetch;
use super::target::Target;
use super::worker::{REPORTS, State};
use super::{Job, ScrapeSettings};
use crate::clock;
use crate::serve::ServeError;

/// Targets that are looked at at a time.
const AT_ONCE: usize = 16;

/// A target, looked at.
#[derive(Debug)]
pub(crate) struct Looked<T> {
    /// Its label `instance`.
    pub(crate) instance: String,
    pub(crate) interval: Duration,
    /// What was made of its page, and the bytes that came; or why there is none. `None` if it was not asked.
    pub(crate) page: Option<Result<(T, usize), String>>,
}

/// Finds the targets of the job, and scrapes each once as the service would, for at most `within`;
/// none where that is `None`. A page, named and relabelled, becomes what `take` makes of it.
/// A sentence for each target or file of targets that cannot be.
pub(crate) async fn look<T>(
    settings: &ScrapeSettings,
    within: Option<Duration>,
    take: impl Fn(&MetricBatch) -> T,
) -> Result<(Vec<Looked<T>>, Vec<String>), ServeError> {
    let mut job = Job::of(settings)?;
    let mut problems = job.discovery.look().problems;
    let targets = job.targets(&mut problems);
    let (job, take) = (&job, &take);
    let looks = targets.into_iter().map(|target| async move {
        let page = match within {
            None => None,
            Some(within) => Some(scrape(job, &target, within).await),
        };
        let page = page.map(|page| page.map(|(batch, bytes)| (take(&batch), bytes)));
        let instance = target.labels.get("instance").unwrap_or_default().to_owned();
        Looked { instance, interval: target.interval, page }
    });
    let looked = stream::iter(looks).buffered(AT_ONCE).collect().await;
    Ok((looked, problems))
}

async fn scrape(
    job: &Job,
    target: &Target,
    within: Duration,
) -> Result<(MetricBatch, usize), String> {
    let asked = clock::now();
    let patient = Target { timeout: target.timeout.min(within), ..target.clone() };
    let limit = job.settings.body_size_limit;
    let page = fetch(&job.client, &patient, limit).await.map_err(|error| error.to_string())?;
    let bytes = page.received();
    let mut state = State::new(job.naming(target));
    state.read(page, &job.settings, asked).map_err(|(error, _)| error.to_string())?;
    let mut batch = state.into_batch();
    // What the service adds to tell how scraping went.
    for metric in REPORTS {
        batch.begin_labels(MetricKind::Gauge, target.report(metric).as_ref());
        batch.push(asked, 0.0);
    }
    Ok((batch, bytes))
}
