//! One target, scraped again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auscult_core::Timestamp;
use auscult_telemetry::metrics::exposition::Times;
use auscult_telemetry::metrics::{MetricBatch, MetricKind, STALE_BITS};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use super::cache::{Cache, Naming, Scraped};
use super::fetch::{Page, ScrapeError, fetch};
use super::settings::ScrapeSettings;
use super::target::Target;
use crate::client::HttpClient;
use crate::clock;
use crate::own_metrics::ScrapeLabels;
use crate::serve::Shared;

/// Series that tell how scraping a target went.
pub(super) const REPORTS: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// Scrapes one target.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Arc<ScrapeSettings>,
    pub(super) client: Arc<HttpClient>,
    pub(super) target: Target,
    pub(super) state: State,
}

/// What is kept from one scrape to the next.
#[derive(Debug)]
pub(super) struct State {
    naming: Naming,
    cache: Cache,
    page: MetricBatch,
    batch: MetricBatch,
    /// Whether the last scrape succeeded; `None` before the first.
    up: Option<bool>,
}

impl State {
    pub(super) fn new(naming: Naming) -> Self {
        let (page, batch) = (MetricBatch::default(), MetricBatch::default());
        Self { naming, cache: Cache::default(), page, batch, up: None }
    }

    /// Fills the batch with what `page` says.
    pub(super) fn read(
        &mut self,
        page: Page,
        job: &ScrapeSettings,
        asked: Timestamp,
    ) -> Result<Scraped, (ScrapeError, Scraped)> {
        let plain = |error| (error, Scraped::default());
        let (format, bytes) = page.unpack().map_err(plain)?;
        self.page.clear();
        let times = Times { asked, honor: job.honor_timestamps };
        format
            .read(&bytes, times, &mut self.page)
            .map_err(|error| plain(ScrapeError::Malformed(error.to_string())))?;
        let scraped = self.cache.take(&self.page, &self.naming, asked, &mut self.batch);
        let limit = job.sample_limit;
        if limit > 0 && scraped.kept > limit {
            return Err((ScrapeError::TooManySamples { got: scraped.kept, limit }, scraped));
        }
        self.cache.settle(asked, &mut self.batch);
        Ok(scraped)
    }

    /// What the page read last says.
    pub(super) fn into_batch(self) -> MetricBatch {
        self.batch
    }
}

impl Worker {
    /// Scrapes until `gone` is sent or dropped. If it was sent, the target is no more, and its
    /// series are told to have ended.
    pub(super) async fn run(mut self, mut gone: oneshot::Receiver<()>) {
        let since = clock::now().nanos().cast_unsigned();
        let interval = u64::try_from(self.target.interval.as_nanos()).unwrap_or(u64::MAX);
        let offset = u64::try_from(self.target.offset().as_nanos()).unwrap_or(0);
        let wait = (interval - since % interval + offset) % interval;
        let first = tokio::time::Instant::now() + Duration::from_nanos(wait);
        let mut ticks = tokio::time::interval_at(first, self.target.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                told = &mut gone => {
                    if told.is_ok() {
                        self.end().await;
                    }
                    return;
                }
            }
            let (asked, start) = (clock::now(), Instant::now());
            let page = fetch(&self.client, &self.target, self.job.body_size_limit).await;
            self = match self.judge(page, asked, start).await {
                Some(worker) => worker,
                None => return,
            };
        }
    }

    /// Judging takes the processor, not the socket. `None` after a panic, which the runtime reports.
    async fn judge(
        mut self,
        page: Result<Page, ScrapeError>,
        asked: Timestamp,
        start: Instant,
    ) -> Option<Self> {
        let judged = tokio::task::spawn_blocking(move || {
            self.take(page, asked, start);
            self
        });
        judged.await.ok()
    }

    fn take(&mut self, page: Result<Page, ScrapeError>, asked: Timestamp, start: Instant) {
        self.state.batch.clear();
        let page = page.map_err(|error| (error, Scraped::default()));
        let taken = page.and_then(|page| self.state.read(page, &self.job, asked));
        let (scraped, error) = match taken {
            Ok(scraped) => (scraped, None),
            Err((error, scraped)) => {
                self.state.batch.clear();
                self.state.cache.end(asked, &mut self.state.batch);
                (scraped, Some(error))
            }
        };
        self.report(scraped, error.is_none(), asked, start.elapsed());
        self.count(scraped, error.as_ref());
        self.shared.take(&self.state.batch);
    }

    /// Adds the series that tell how it went.
    fn report(&mut self, scraped: Scraped, up: bool, asked: Timestamp, took: Duration) {
        let values = [
            f64::from(u8::from(up)),
            took.as_secs_f64(),
            scraped.samples as f64,
            scraped.kept as f64,
            scraped.added as f64,
        ];
        for (metric, value) in REPORTS.iter().zip(values) {
            let labels = self.target.report(metric);
            self.state.batch.begin_labels(MetricKind::Gauge, labels.as_ref());
            self.state.batch.push(asked, value);
        }
    }

    fn count(&mut self, scraped: Scraped, error: Option<&ScrapeError>) {
        let up = error.is_none();
        let outcome = error.map_or("ok", ScrapeError::outcome);
        let metrics = &self.shared.metrics;
        let labels = ScrapeLabels { job: self.job.job_name.clone(), outcome };
        metrics.scrapes.get_or_create(&labels).inc();
        metrics.scrape_refused_samples.inc_by(scraped.refused);
        if self.state.up != Some(up) {
            let (url, job) = (&self.target.url, &self.job.job_name);
            match error {
                None if self.state.up.is_some() => tracing::info!(%url, job, "scraped again"),
                None => {}
                Some(error) => tracing::warn!(%url, job, "not scraped: {error}"),
            }
            self.state.up = Some(up);
        }
    }

    /// Tells that all series of the target have ended.
    async fn end(mut self) {
        let time = clock::now();
        self.state.batch.clear();
        self.state.cache.end(time, &mut self.state.batch);
        for metric in REPORTS {
            let labels = self.target.report(metric);
            self.state.batch.begin_labels(MetricKind::Gauge, labels.as_ref());
            self.state.batch.push(time, f64::from_bits(STALE_BITS));
        }
        let ended = tokio::task::spawn_blocking(move || {
            self.shared.take(&self.state.batch);
        });
        // A panic is reported by the runtime.
        drop(ended.await);
    }
}
