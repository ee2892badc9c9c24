//! What each series did before a moment and after it, as somebody sees it who scrapes: without the truth.

use crate::page::{Kind, Page, Values};

/// Readings of a series over a stretch of time: of counters growth a second, of histograms the
/// mean of what was observed (`_sum`) and how often (`_count`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Readings that there were.
    pub count: u64,
    /// Scrapes in which the series was there.
    pub came: u64,
    /// Scrapes in which the page came and the series was not on it, or no page came.
    pub missing: u64,
    /// Readings that were not finite.
    pub not_finite: u64,
    /// Readings that were those before.
    pub same: u64,
    /// Times that a counter began anew.
    pub resets: u64,
    /// Mean of the finite readings.
    pub mean: f64,
    /// Least of them.
    pub least: f64,
    /// Greatest of them.
    pub greatest: f64,
    squares: f64,
}

impl Default for Stretch {
    fn default() -> Self {
        Self {
            count: 0,
            came: 0,
            missing: 0,
            not_finite: 0,
            same: 0,
            resets: 0,
            mean: 0.0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            squares: 0.0,
        }
    }
}

impl Stretch {
    /// Standard deviation of the readings; 0 with fewer than two.
    pub fn deviation(&self) -> f64 {
        if self.count < 2 { 0.0 } else { (self.squares / (self.count - 1) as f64).sqrt() }
    }

    fn take(&mut self, value: f64) {
        if !value.is_finite() {
            self.not_finite += 1;
            return;
        }
        // Welford's recursion.
        self.count += 1;
        let away = value - self.mean;
        self.mean += away / self.count as f64;
        self.squares += away * (value - self.mean);
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
    }
}

/// One series before and after.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Observed {
    /// Up to the moment.
    pub before: Stretch,
    /// From the moment on.
    pub after: Stretch,
}

/// How the readings of a series are made of its values.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reading {
    /// As they are.
    Level,
    /// Growth a second.
    Rate,
    /// Growth of this sum over the growth of the count that follows it.
    Mean,
    /// None: a bucket.
    Skipped,
}

/// Watches the pages of a fleet around one moment.
///
/// Memory: about 200 bytes for each series.
///
/// ```
/// use auscult_simulate::observation::Observer;
/// use auscult_simulate::page::{PageBuilder, Values};
/// let mut builder = PageBuilder::new("j", "i", &[]);
/// builder.counter("tokens", "Tokens.");
/// let page = builder.build();
/// let mut observer = Observer::new(&[page]);
/// for (second, tokens) in [(10, 100.0), (20, 200.0), (30, 300.0), (40, 300.0)] {
///     let mut values = Values::default();
///     values.push(tokens);
///     observer.take(0, second > 30, 10.0, Some(&values));
/// }
/// let tokens = observer.page(0)[0];
/// assert_eq!((tokens.before.mean, tokens.after.mean), (10.0, 0.0));
/// ```
#[derive(Debug, Clone)]
pub struct Observer {
    readings: Vec<Reading>,
    /// Number of the first series of each page, and the number of all.
    starts: Vec<usize>,
    last: Vec<Option<f64>>,
    observed: Vec<Observed>,
}

impl Observer {
    /// Of a fleet with these pages.
    pub fn new(pages: &[Page]) -> Self {
        let mut readings = Vec::new();
        let mut starts = vec![0];
        for page in pages {
            readings.extend(page.lines().map(|(family, line)| match (family.kind, line.suffix) {
                (Kind::Histogram, "_bucket") => Reading::Skipped,
                (Kind::Histogram, "_sum") => Reading::Mean,
                (Kind::Histogram | Kind::Counter, _) => Reading::Rate,
                _ => Reading::Level,
            }));
            starts.push(readings.len());
        }
        let count = readings.len();
        Self {
            readings,
            starts,
            last: vec![None; count],
            observed: vec![Observed::default(); count],
        }
    }

    /// Takes in one sample of page number `page`, `interval` seconds after the one before;
    /// `None` for a page that could not be read.
    pub fn take(&mut self, page: usize, is_after: bool, interval: f64, values: Option<&Values>) {
        let all = self.starts[page]..self.starts[page + 1];
        let mut values = values.map(Values::iter);
        let now: Vec<Option<f64>> = all
            .clone()
            .map(|_| values.as_mut().and_then(|values| values.next().flatten()))
            .collect();
        for (place, series) in all.enumerate() {
            let (before, value) = (self.last[series], now[place]);
            let reading = match self.readings[series] {
                Reading::Skipped => continue,
                Reading::Level => value,
                Reading::Rate => growth(before, value).map(|growth| growth / interval),
                Reading::Mean => {
                    let sum = growth(before, value);
                    let count = now.get(place + 1).copied().flatten();
                    let count = growth(self.last[series + 1], count).filter(|count| *count > 0.0);
                    sum.zip(count).map(|(sum, count)| sum / count)
                }
            };
            self.last[series] = value.or(before);
            let observed = &mut self.observed[series];
            let stretch = if is_after { &mut observed.after } else { &mut observed.before };
            stretch.came += u64::from(value.is_some());
            stretch.missing += u64::from(value.is_none());
            stretch.same += u64::from(value.is_some() && value == before);
            let grows = self.readings[series] != Reading::Level;
            let fell = before.zip(value).is_some_and(|(before, value)| value < before);
            stretch.resets += u64::from(grows && fell);
            if let Some(reading) = reading {
                stretch.take(reading);
            }
        }
    }

    /// What the series of page number `page` did, in the order of the page.
    pub fn page(&self, page: usize) -> &[Observed] {
        &self.observed[self.starts[page]..self.starts[page + 1]]
    }
}

/// How much a counter grew; one that fell began anew.
fn growth(before: Option<f64>, now: Option<f64>) -> Option<f64> {
    let (before, now) = (before?, now?);
    Some(if now >= before { now - before } else { now })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Histogram, PageBuilder};

    #[test]
    fn histograms_read_as_means_and_rates_and_gaps_are_counted() {
        const BOUNDS: &[f64] = &[1.0];
        let mut builder = PageBuilder::new("j", "i", &[]);
        builder.histogram("wait_seconds", "Waiting.", BOUNDS);
        builder.gauge("level", "Level.");
        let mut observer = Observer::new(&[builder.build()]);
        let mut histogram = Histogram::new(BOUNDS);
        for second in 0..6 {
            histogram.observe_many(if second < 3 { 0.5 } else { 2.0 }, 10);
            let mut values = Values::default();
            values.histogram(&histogram);
            values.push(if second == 4 { f64::NAN } else { 3.0 });
            observer.take(0, second >= 3, 5.0, (second != 5).then_some(&values));
        }
        let [_, _, mean, rate, level] = observer.page(0) else { panic!("five series") };
        assert_eq!((mean.before.mean, mean.after.mean), (0.5, 2.0));
        assert_eq!((rate.before.mean, rate.after.mean), (2.0, 2.0));
        assert_eq!((level.after.count, level.after.not_finite, level.after.missing), (1, 1, 1));
        assert_eq!((level.before.count, level.before.same), (3, 2));
    }

    #[test]
    fn a_counter_that_begins_anew_is_not_negative() {
        let mut builder = PageBuilder::new("j", "i", &[]);
        builder.counter("work", "Work.");
        let mut observer = Observer::new(&[builder.build()]);
        for total in [100.0, 110.0, 5.0, 15.0] {
            let mut values = Values::default();
            values.push(total);
            observer.take(0, true, 1.0, Some(&values));
        }
        let work = observer.page(0)[0].after;
        assert!(work.resets == 1 && work.least == 5.0 && (work.mean - 25.0 / 3.0).abs() < 1e-12);
    }
}
