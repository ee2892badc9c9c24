//! What a scrape target shows: families of series with a fixed order, and their values.

/// Type of a family, as the exposition formats name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until its process starts anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, sum and count.
    Histogram,
    /// The exporter does not say.
    Untyped,
}

/// One series of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What follows the family's name: nothing, `_total`, `_bucket`, `_sum`, `_count`, `_created`.
    pub suffix: &'static str,
    /// Label names and values, in the order in which the exporter writes them.
    pub labels: Vec<(String, String)>,
}

/// Series of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Name without suffix.
    pub name: String,
    /// What `# HELP` says, in our words.
    pub help: String,
    /// Type.
    pub kind: Kind,
    /// The series; their number and order never change while the fleet runs.
    pub lines: Vec<Line>,
}

/// A scrape target and everything it can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The `job` label a Prometheus server would give it.
    pub job: String,
    /// The `instance` label: host and port.
    pub instance: String,
    /// Other labels that service discovery gives it.
    pub labels: Vec<(String, String)>,
    /// What it shows.
    pub families: Vec<Family>,
}

impl Page {
    /// Series on the page.
    pub fn series(&self) -> usize {
        self.families.iter().map(|family| family.lines.len()).sum()
    }

    /// Each series with its family, in the order of the values.
    pub fn lines(&self) -> impl Iterator<Item = (&Family, &Line)> {
        self.families.iter().flat_map(|family| family.lines.iter().map(move |line| (family, line)))
    }

    /// Name and labels of each series as a Prometheus server that scrapes the page has them:
    /// `job`, `instance` and the other labels of the target first. After the page's own comes `up`.
    pub fn scraped(&self) -> impl Iterator<Item = (String, Vec<(&str, &str)>)> {
        let own = [("job", self.job.as_str()), ("instance", self.instance.as_str())];
        let target: Vec<(&str, &str)> = own.into_iter().chain(pairs(&self.labels)).collect();
        let up = ("up".to_owned(), target.clone());
        let series = self.lines().map(move |(family, line)| {
            let labels = target.iter().copied().chain(pairs(&line.labels)).collect();
            (line.name(family), labels)
        });
        series.chain([up])
    }
}

impl Line {
    /// Name of the series, one of `family`.
    pub fn name(&self, family: &Family) -> String {
        format!("{}{}", family.name, self.suffix)
    }
}

fn pairs(labels: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// What a scrape gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// The page, after so many seconds.
    Page(f64),
    /// Nothing listens there.
    Refused,
    /// No answer comes.
    Hangs,
    /// An HTTP status that is not 200.
    Status(u16),
}

/// A value that says: this series is not on the page now.
const ABSENT: u64 = 0x7ff0_0000_0000_0002;

/// Values of a page in the order of its series.
#[derive(Debug, Clone, Default)]
pub struct Values {
    values: Vec<f64>,
}

impl Values {
    /// Forgets the values and keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// The next series has this value.
    pub fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The next series has this value, or is not on the page.
    pub fn push_if(&mut self, value: Option<f64>) {
        self.values.push(value.unwrap_or(f64::from_bits(ABSENT)));
    }

    /// The next `series` are not on the page.
    pub fn absent(&mut self, series: usize) {
        self.values.extend(std::iter::repeat_n(f64::from_bits(ABSENT), series));
    }

    /// The next series are those of a histogram: buckets, sum, count.
    pub fn histogram(&mut self, histogram: &Histogram) {
        let mut cumulative = 0;
        for count in &histogram.counts {
            cumulative += count;
            self.values.push(cumulative as f64);
        }
        self.values.push(histogram.sum);
        self.values.push(cumulative as f64);
    }

    /// The values so far; an absent one reads as `None`.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<f64>> {
        self.values.iter().map(|value| (value.to_bits() != ABSENT).then_some(*value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Counts of observations by bucket.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    /// Observations in each bucket and, last, above the highest bound.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one with these upper bounds, ascending, without the infinite one.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Takes in one value.
    pub fn observe(&mut self, value: f64) {
        self.observe_many(value, 1);
    }

    /// Takes in `count` equal values.
    pub fn observe_many(&mut self, value: f64, count: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket] += count;
        self.sum += value * count as f64;
    }

    /// Its upper bounds, without the infinite one.
    pub fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// Observations so far.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Observations above `bound`, which is one of its bounds.
    pub fn count_above(&self, bound: f64) -> u64 {
        let bucket = self.bounds.partition_point(|known| *known <= bound);
        self.counts[bucket..].iter().sum()
    }

    /// Sum of the observations.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Starts anew, as the process does.
    pub fn reset(&mut self) {
        self.counts.fill(0);
        self.sum = 0.0;
    }
}

/// Builds the families of a page.
#[derive(Debug)]
pub struct PageBuilder {
    page: Page,
    common: Vec<(String, String)>,
}

impl PageBuilder {
    /// A page whose series all carry `common` labels first.
    pub fn new(job: &str, instance: &str, common: &[(&str, &str)]) -> Self {
        Self {
            page: Page {
                job: job.to_owned(),
                instance: instance.to_owned(),
                labels: Vec::new(),
                families: Vec::new(),
            },
            common: owned(common),
        }
    }

    /// The labels that the series which follow carry first.
    pub fn common(&mut self, common: &[(&str, &str)]) {
        self.common = owned(common);
    }

    /// A family of one series for each of `labels`; of counters, `suffix` is what the exporter puts behind the name.
    pub fn family(
        &mut self,
        kind: Kind,
        name: &str,
        suffix: &'static str,
        help: &str,
        labels: &[&[(&str, &str)]],
    ) {
        let lines = labels.iter().map(|labels| self.line(suffix, labels)).collect();
        self.add(kind, name, help, lines);
    }

    /// A gauge without labels of its own.
    pub fn gauge(&mut self, name: &str, help: &str) {
        self.family(Kind::Gauge, name, "", help, &[&[]]);
    }

    /// A counter without labels of its own, shown as `name` with `_total`.
    pub fn counter(&mut self, name: &str, help: &str) {
        self.family(Kind::Counter, name, "_total", help, &[&[]]);
    }

    /// A histogram for each of `labels`.
    pub fn histograms(
        &mut self,
        name: &str,
        help: &str,
        bounds: &[f64],
        labels: &[&[(&str, &str)]],
    ) {
        let mut lines = Vec::new();
        for labels in labels {
            for bound in bounds.iter().map(|bound| bound_text(*bound)).chain(["+Inf".to_owned()]) {
                let mut line = self.line("_bucket", labels);
                line.labels.push(("le".to_owned(), bound));
                lines.push(line);
            }
            lines.push(self.line("_sum", labels));
            lines.push(self.line("_count", labels));
        }
        self.add(Kind::Histogram, name, help, lines);
    }

    /// A histogram without labels of its own.
    pub fn histogram(&mut self, name: &str, help: &str, bounds: &[f64]) {
        self.histograms(name, help, bounds, &[&[]]);
    }

    /// The page.
    pub fn build(self) -> Page {
        self.page
    }

    fn line(&self, suffix: &'static str, labels: &[(&str, &str)]) -> Line {
        let labels = self.common.iter().cloned().chain(owned(labels)).collect();
        Line { suffix, labels }
    }

    /// Lines of a name that is there already join it: an exporter shows each family once.
    fn add(&mut self, kind: Kind, name: &str, help: &str, lines: Vec<Line>) {
        self.page.families.push(Family {
            name: name.to_owned(),
            help: help.to_owned(),
            kind,
            lines,
        });
    }
}

/// How Prometheus clients in Python write a bound: `1.0`, `0.005`, `1e+06` never.
fn bound_text(bound: f64) -> String {
    format!("{bound:?}")
}

fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_fills_the_series_its_family_has() {
        const BOUNDS: &[f64] = &[0.1, 1.0];
        let mut builder = PageBuilder::new("vllm", "replica-0:8000", &[("model_name", "m")]);
        builder.histogram("ttft_seconds", "Time to the first token.", BOUNDS);
        let page = builder.build();
        let mut histogram = Histogram::new(BOUNDS);
        histogram.observe(0.1);
        histogram.observe_many(0.5, 2);
        histogram.observe(7.0);
        let mut values = Values::default();
        values.histogram(&histogram);
        assert_eq!(page.series(), values.len());
        let values: Vec<_> = values.iter().flatten().collect();
        assert_eq!(values, [1.0, 3.0, 4.0, 8.1, 4.0]);
        assert_eq!(page.families[0].lines[0].labels[1], ("le".to_owned(), "0.1".to_owned()));
    }

    #[test]
    fn a_scraper_knows_the_target_of_each_series() {
        let mut builder = PageBuilder::new("vllm", "replica-0:8000", &[("engine", "0")]);
        builder.counter("tokens", "Tokens.");
        let mut page = builder.build();
        page.labels.push(("host".to_owned(), "serve-0".to_owned()));
        let target = [("job", "vllm"), ("instance", "replica-0:8000"), ("host", "serve-0")];
        let scraped: Vec<_> = page.scraped().collect();
        let tokens = [&target[..], &[("engine", "0")]].concat();
        assert_eq!(
            scraped,
            [("tokens_total".to_owned(), tokens), ("up".to_owned(), target.to_vec())]
        );
    }

    #[test]
    fn what_is_absent_is_not_a_number_that_is_shown() {
        let mut values = Values::default();
        values.push(f64::NAN);
        values.absent(1);
        let values: Vec<_> = values.iter().collect();
        assert!(values[0].is_some_and(f64::is_nan) && values[1].is_none());
    }
}
