//! Scores to another server, by remote write.
//!
//! Source: "Prometheus Remote-Write 1.0 specification": samples in order, 5xx and 429 tried
//! again, other 4xx not. Series that are no longer told of get a stale marker, as from a rule.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auscult_core::{Labels, Timestamp};
use auscult_telemetry::metrics::remote_write::Writer;
use auscult_telemetry::metrics::{Point, STALE_BITS};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::post::Post;
use super::retry::Backoff;
use super::scores::{self, Scores, Wanted};
use super::settings::RemoteWriteSettings;
use crate::clock;
use crate::serve::Shared;

/// Most samples of a request; as many as Prometheus sends.
const MOST_SAMPLES: usize = 2000;

/// See the module.
#[derive(Debug)]
pub(super) struct WriteBack {
    name: String,
    settings: RemoteWriteSettings,
    post: Post,
    wanted: Wanted,
    queue: Mutex<VecDeque<Request>>,
    news: Notify,
}

/// A request that waits.
#[derive(Debug)]
struct Request {
    since: Timestamp,
    body: Vec<u8>,
    /// Whether it is on its way.
    sending: bool,
}

impl WriteBack {
    /// Says what is wrong with the settings, without showing the address.
    pub(super) fn check(settings: &RemoteWriteSettings) -> Result<(Post, Wanted), String> {
        let post =
            Post::new(&settings.url, settings.timeout, &settings.headers, settings.http.clone())?;
        if settings.interval.is_zero() {
            return Err("its interval is 0; expected one such as 15s".to_owned());
        }
        let wanted = Wanted {
            select: settings.select.clone(),
            expected: settings.expected,
            band: settings.band,
            incidents: settings.incidents,
            most: settings.most_series,
        };
        Ok((post, wanted))
    }

    pub(super) fn new(
        name: String,
        settings: RemoteWriteSettings,
        post: Post,
        wanted: Wanted,
    ) -> Self {
        Self { name, settings, post, wanted, queue: Mutex::default(), news: Notify::new() }
    }

    /// Takes and sends scores, until `stopped`.
    pub(super) fn spawn(
        self,
        shared: &Arc<Shared>,
        stopped: &watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) {
        let this = Arc::new(self);
        tasks.spawn(Arc::clone(&this).take(Arc::clone(shared), stopped.clone()));
        tasks.spawn(this.send(Arc::clone(shared), stopped.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Request>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(self: Arc<Self>, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
        let mut interval = tokio::time::interval(self.settings.interval);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut known = HashSet::new();
        let mut left_out = false;
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                _ = stopped.changed() => return,
            }
            let (this, engine) = (Arc::clone(&self), Arc::clone(&shared));
            let now = clock::now();
            let take = move || scores::take(&engine.engine, &this.wanted, now);
            // A panic is reported by the runtime and must not end this.
            let Ok(scores) = tokio::task::spawn_blocking(take).await else { continue };
            if (scores.left_out > 0) != left_out {
                left_out = !left_out;
                let (name, number) = (&self.name, scores.left_out);
                tracing::warn!(
                    "receiver `{name}`: scores of {number} series are left out, there are too many"
                );
            }
            let mut dropped = 0;
            {
                let mut queue = self.lock();
                for body in requests(&scores, &mut known, now) {
                    queue.push_back(Request { since: now, body, sending: false });
                }
                while queue.len() > self.settings.most_waiting.max(1) {
                    let place = usize::from(queue.front().is_some_and(|front| front.sending));
                    queue.remove(place);
                    dropped += 1;
                }
            }
            shared.metrics.delivery.count(&self.name, |tally| tally.dropped += dropped);
            self.show(&shared);
            self.news.notify_one();
        }
    }

    async fn send(self: Arc<Self>, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
        let (first, longest) = (self.settings.min_backoff, self.settings.max_backoff);
        let backoff = Backoff { first, longest };
        let mut failures = 0_u32;
        loop {
            let body = self.lock().front_mut().map(|request| {
                request.sending = true;
                request.body.clone()
            });
            let Some(body) = body else {
                tokio::select! {
                    () = self.news.notified() => continue,
                    _ = stopped.changed() => return,
                }
            };
            let taken = tokio::select! {
                taken = self.post.send(headers(), body) => taken,
                // Should it have come through, that does no harm: samples are known by their time.
                _ = stopped.changed() => return,
            };
            let mut wait = Duration::ZERO;
            match taken {
                Ok(()) => {
                    failures = 0;
                    self.lock().pop_front();
                    shared.metrics.delivery.count(&self.name, |tally| tally.sent += 1);
                }
                Err(refused) => {
                    let (name, reason) = (&self.name, &refused.reason);
                    if refused.is_final {
                        failures = 0;
                        self.lock().pop_front();
                        tracing::error!("receiver `{name}` does not take scores: {reason}");
                    } else {
                        failures = failures.saturating_add(1);
                        wait = backoff.wait(failures).max(refused.retry_after.unwrap_or_default());
                        tracing::warn!("receiver `{name}` could not be sent scores: {reason}");
                    }
                    shared.metrics.delivery.count(name, |tally| {
                        tally.failures += 1;
                        tally.given_up += u64::from(refused.is_final);
                    });
                }
            }
            self.show(&shared);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    fn show(&self, shared: &Shared) {
        let (waiting, oldest) = {
            let queue = self.lock();
            (queue.len(), queue.front().map(|request| request.since))
        };
        shared.metrics.delivery.count(&self.name, |tally| {
            (tally.waiting, tally.oldest) = (waiting, oldest);
        });
    }
}

fn headers() -> HeaderMap {
    let value = HeaderValue::from_static;
    HeaderMap::from_iter([
        (CONTENT_TYPE, value("application/x-protobuf")),
        (CONTENT_ENCODING, value("snappy")),
        (HeaderName::from_static("x-prometheus-remote-write-version"), value("0.1.0")),
    ])
}

/// The scores in requests of bounded size; series that were `known` and are no more are
/// marked as stale.
fn requests(scores: &Scores, known: &mut HashSet<Labels>, time: Timestamp) -> Vec<Vec<u8>> {
    let now: HashSet<Labels> = scores
        .families
        .iter()
        .flat_map(|family| family.samples.iter().map(|(labels, _)| labels.clone()))
        .collect();
    let stale = f64::from_bits(STALE_BITS);
    let mut gone: Vec<&Labels> = known.difference(&now).collect();
    gone.sort();
    let samples = scores.families.iter().flat_map(|family| &family.samples);
    let samples = samples.map(|(labels, value)| (labels, *value));
    let mut writer = Writer::default();
    let mut bodies = Vec::new();
    for (labels, value) in samples.chain(gone.into_iter().map(|labels| (labels, stale))) {
        writer.series(labels.as_ref(), &[Point { time, value }]);
        if writer.samples() == MOST_SAMPLES {
            bodies.push(std::mem::take(&mut writer).finish());
        }
    }
    if writer.samples() > 0 {
        bodies.push(writer.finish());
    }
    *known = now;
    bodies
}

#[cfg(test)]
mod tests {
    use auscult_telemetry::metrics::remote_write::{Version, read};
    use auscult_telemetry::metrics::{MetricBatch, is_stale};

    use super::*;
    use crate::delivery::samples::labels;
    use crate::delivery::scores::Family;

    #[test]
    fn a_series_that_is_told_of_no_more_gets_one_stale_marker() {
        let scores = |gpus: &[&str]| {
            let series = |gpu: &&str| (labels([("__name__", "auscult_alarm"), ("gpu", gpu)]), 1.0);
            let samples = gpus.iter().map(series).collect();
            let family = Family { name: "auscult_alarm", help: "", samples };
            Scores { families: vec![family], left_out: 0 }
        };
        let mut known = HashSet::new();
        let mut told = |gpus: &[&str]| {
            let bodies = requests(&scores(gpus), &mut known, Timestamp::from_seconds(60));
            let mut batch = MetricBatch::default();
            for body in &bodies {
                read(Version::One, body, 1 << 20, &mut batch).unwrap();
            }
            let line = |series: auscult_telemetry::metrics::MetricSeries<'_>| {
                let value = series.points[0].value;
                let value = if is_stale(value) { "stale".to_owned() } else { value.to_string() };
                format!("{} {value}", series.labels.get("gpu").unwrap())
            };
            batch.series().map(line).collect::<Vec<_>>()
        };
        assert_eq!(told(&["0", "1"]), ["0 1", "1 1"]);
        assert_eq!(told(&["1"]), ["1 1", "0 stale"]);
        assert_eq!(told(&["1"]), ["1 1"]);
        assert_eq!(told(&[]), ["1 stale"]);
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn many_samples_go_in_several_requests() {
        let series = |number: usize| {
            (labels([("__name__", "auscult_alarm"), ("gpu", &number.to_string())]), 0.0)
        };
        let samples = (0..2 * MOST_SAMPLES + 1).map(series).collect();
        let family = Family { name: "auscult_alarm", help: "", samples };
        let scores = Scores { families: vec![family], left_out: 0 };
        let bodies = requests(&scores, &mut HashSet::new(), Timestamp::from_seconds(60));
        assert_eq!(bodies.len(), 3);
    }
}
