//! A simulation in step with the clock, faster by a factor.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auscult_core::{Labels, METRIC_NAME};
use auscult_simulate::page::{Answer, Family, Kind, Line, Page, Values};
use auscult_simulate::simulation::Simulation;
use auscult_telemetry::metrics::exposition::TextPage;

use super::logs::LogFiles;
use crate::outcome::CallError;

/// A simulation that other threads look at while it goes on.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    simulation: Arc<Mutex<Simulation>>,
    pages: Arc<[(Page, Layout)]>,
}

/// What a scrape of a page gets, ready to be sent.
#[derive(Debug)]
pub(crate) enum Shown {
    /// The text, after so long.
    Text(String, Duration),
    /// The connection closes.
    Refused,
    /// Nothing, for ever.
    Hangs,
    /// Only a status.
    Status(u16),
}

impl Live {
    pub(crate) fn new(simulation: Simulation) -> Self {
        let pages = simulation.pages().iter();
        let pages = pages.map(|page| (page.clone(), Layout::of(page))).collect();
        Self { simulation: Arc::new(Mutex::new(simulation)), pages }
    }

    /// Everything that can be scraped.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().map(|(page, _)| page)
    }

    pub(crate) fn simulation(&self) -> MutexGuard<'_, Simulation> {
        self.simulation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a scrape of page number `page` gets now.
    pub(crate) fn read(&self, page: usize) -> Shown {
        let mut values = Values::default();
        match self.simulation().read(page, &mut values) {
            Answer::Page(seconds) => {
                let latency = Duration::from_secs_f64(seconds.clamp(0.0, 3600.0));
                Shown::Text(self.pages[page].1.text(&values), latency)
            }
            Answer::Refused => Shown::Refused,
            Answer::Hangs => Shown::Hangs,
            Answer::Status(status) => Shown::Status(status),
        }
    }

    /// Plays `seconds` of the simulation, `speed` times as fast as the clock goes, or slower if the
    /// machine is, and adds what logs say to `logs`. Its time began `behind` ago.
    pub(crate) async fn play(
        &self,
        seconds: u64,
        speed: f64,
        behind: Duration,
        mut logs: Option<LogFiles>,
    ) -> Result<(), CallError> {
        let now = Instant::now();
        let begin = now.checked_sub(behind).unwrap_or(now);
        let mut lines = Vec::new();
        for second in 1..=seconds {
            let due = begin + Duration::from_secs_f64(second as f64 / speed);
            tokio::time::sleep_until(due.into()).await;
            let mut simulation = self.simulation();
            simulation.advance();
            lines.clear();
            simulation.take_log_lines(&mut lines);
            drop(simulation);
            if let Some(logs) = &mut logs {
                logs.write(&lines)?;
            }
        }
        Ok(())
    }
}

/// What never changes of a page's text.
#[derive(Debug)]
struct Layout(Vec<Written>);

/// A family: its name in this format, its kind, its help, its series.
#[derive(Debug)]
struct Written {
    name: String,
    kind: &'static str,
    help: String,
    series: Vec<Labels>,
}

impl Layout {
    fn of(page: &Page) -> Self {
        Self(page.families.iter().map(Written::of).collect())
    }

    /// The page with these values. A family none of whose series is there is left out.
    fn text(&self, values: &Values) -> String {
        let mut page = TextPage::default();
        let mut values = values.iter();
        for family in &self.0 {
            let values = family.series.iter().zip(values.by_ref());
            let there: Vec<(&Labels, f64)> =
                values.filter_map(|(labels, value)| Some((labels, value?))).collect();
            if !there.is_empty() {
                page.family(&family.name, family.kind, &family.help);
            }
            there.into_iter().for_each(|(labels, value)| page.sample(labels.as_ref(), value));
        }
        page.finish()
    }
}

impl Written {
    fn of(family: &Family) -> Self {
        let labels = |line: &Line| {
            let name = line.name(family);
            let pairs = line.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            Labels::from_pairs(pairs.chain([(METRIC_NAME, name.as_str())]))
                .expect("pages carry each label once")
        };
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Untyped => "untyped",
        };
        // In this format a counter's family is named as its series are.
        let name = match (family.kind, family.lines.first()) {
            (Kind::Histogram, _) | (_, None) => family.name.clone(),
            (_, Some(line)) => line.name(family),
        };
        Self {
            name,
            kind,
            help: family.help.clone(),
            series: family.lines.iter().map(labels).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use auscult_simulate::page::{Histogram, PageBuilder};

    use super::*;

    #[test]
    fn a_page_reads_as_an_exporter_writes_it() {
        const BOUNDS: &[f64] = &[0.5];
        let mut builder = PageBuilder::new("j", "i", &[("model", "a\"b")]);
        builder.counter("tokens", "Tokens\nso far.");
        builder.histogram("wait_seconds", "Waiting.", BOUNDS);
        builder.family(Kind::Gauge, "gone", "", "Not there.", &[&[]]);
        builder.common(&[]);
        builder.gauge("small", "Small.");
        let mut values = Values::default();
        values.push(3e9);
        let mut histogram = Histogram::new(BOUNDS);
        histogram.observe(0.25);
        values.histogram(&histogram);
        values.absent(1);
        values.push(0.5);
        assert_eq!(
            Layout::of(&builder.build()).text(&values),
            "# HELP tokens_total Tokens\\nso far.\n# TYPE tokens_total counter\n\
             tokens_total{model=\"a\\\"b\"} 3000000000\n\
             # HELP wait_seconds Waiting.\n# TYPE wait_seconds histogram\n\
             wait_seconds_bucket{le=\"0.5\",model=\"a\\\"b\"} 1\n\
             wait_seconds_bucket{le=\"+Inf\",model=\"a\\\"b\"} 1\n\
             wait_seconds_sum{model=\"a\\\"b\"} 0.25\n\
             wait_seconds_count{model=\"a\\\"b\"} 1\n\
             # HELP small Small.\n# TYPE small gauge\n\
             small 0.5\n"
        );
    }
}
