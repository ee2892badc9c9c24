//! A simulated fleet sent on by remote write, as a Prometheus server that scrapes it would.

use std::time::Duration;

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::random::Random;
use auscult_simulate::simulation::Simulation;
use auscult_telemetry::metrics::remote_write::Writer;
use auscult_telemetry::metrics::{Point, STALE_BITS};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// Labels of every series of a fleet, and of the series `up` of each page.
#[derive(Debug)]
pub(crate) struct Series {
    /// For each page: its series in order, and `up` last.
    pages: Vec<Vec<Labels>>,
    /// Whether a series was there at the last sample.
    there: Vec<Vec<bool>>,
    /// How long after the beginning of an interval each page is read.
    moments: Vec<Duration>,
    /// Seconds from one sample of a page to the next.
    interval: u64,
    jitter: Random,
}

impl Series {
    /// Those of `pages`, each of which is sampled every `interval` seconds, at its place of
    /// `moments` after the beginning of the interval.
    pub(crate) fn of(pages: &[Page], moments: Vec<Duration>, interval: u64) -> Self {
        let pages: Vec<Vec<Labels>> = pages.iter().map(series_of).collect();
        let there = pages.iter().map(|series| vec![false; series.len()]).collect();
        Self { pages, there, moments, interval, jitter: Random::new(0, "scrapes") }
    }

    /// Adds a sample of what is due to `writer`; what is gone since the last sample gets a stale
    /// marker, as from a Prometheus server.
    pub(crate) fn sample(
        &mut self,
        simulation: &mut Simulation,
        values: &mut Values,
        writer: &mut Writer,
    ) {
        let second = simulation.time() as i64 * 1_000_000_000;
        let since = simulation.time() % self.interval;
        let pages = self.pages.iter().zip(&mut self.there).zip(&self.moments);
        for (page, ((series, there), moment)) in pages.enumerate() {
            if moment.as_secs() != since {
                continue;
            }
            let late = (self.jitter.uniform() * MOST_LATE * 1e9) as i64;
            let time = Timestamp::from_nanos(second + i64::from(moment.subsec_nanos()) + late);
            let mut point = |labels: &Labels, value| {
                writer.series(labels.as_ref(), &[Point { time, value }]);
            };
            let is_up = matches!(simulation.read(page, values), Answer::Page(seconds) if seconds < TIME_OUT);
            let (up, series) = series.split_last().expect("every page has `up`");
            let mut values = values.iter();
            for (labels, there) in series.iter().zip(there.iter_mut()) {
                let value = values.next().flatten().filter(|_| is_up);
                match value {
                    Some(value) => point(labels, value),
                    None if *there => point(labels, f64::from_bits(STALE_BITS)),
                    None => {}
                }
                *there = value.is_some();
            }
            point(up, f64::from(u8::from(is_up)));
        }
    }
}

/// Seconds by which a scraper is late at most: none asks to the millisecond, so that no rate of
/// a counter is the same twice.
const MOST_LATE: f64 = 0.01;
/// Seconds after which a scrape gives up, as Prometheus does.
pub(super) const TIME_OUT: f64 = 10.0;

fn series_of(page: &Page) -> Vec<Labels> {
    let series = page.scraped().map(|(name, mut labels)| {
        labels.push((METRIC_NAME, &name));
        Labels::from_pairs(labels).expect("pages carry each label once")
    });
    series.collect()
}

/// Sends remote-write messages to one address.
#[derive(Debug)]
pub(crate) struct Sender {
    client: reqwest::Client,
    url: String,
}

impl Sender {
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let parsed = reqwest::Url::parse(url)
            .map_err(|error| format!("`{url}` is no address: {error}; expected one such as http://127.0.0.1:9709/api/v1/write"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!(
                "`{url}` is no address of HTTP: expected one such as http://127.0.0.1:9709/api/v1/write"
            ));
        }
        Ok(Self { client: reqwest::Client::new(), url: url.to_owned() })
    }

    /// Sends what `writer` holds.
    pub(crate) async fn send(&self, writer: Writer) -> Result<(), String> {
        let request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header(CONTENT_ENCODING, "snappy")
            .header("X-Prometheus-Remote-Write-Version", "0.1.0")
            .body(writer.finish());
        let answer = request
            .send()
            .await
            .map_err(|error| format!("cannot send to {}: {error}", self.url))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = answer.text().await.unwrap_or_default();
        Err(format!("{} refused samples with status {status}: {}", self.url, said.trim()))
    }
}
