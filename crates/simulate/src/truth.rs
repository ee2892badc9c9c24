//! What a fault truly touched: the ill fleet held against its healthy twin.
//!
//! Both run with one seed, and every part draws from a stream of its own; until the fault
//! begins they are equal bit by bit, and whatever differs afterwards the fault has caused.
//! What counts as touched is what moved by more than the twin moves by itself.

use crate::page::{Family, Kind, Page, Values};

/// How far the mean of a series over the time of a fault lies from that of its twin.
#[derive(Debug, Clone, PartialEq)]
pub struct Touched {
    /// Number of the page.
    pub page: usize,
    /// Number of the series on it.
    pub series: usize,
    /// Mean of the twin (of counters, its rate per second).
    pub healthy: f64,
    /// Mean under the fault; not a number if the series was gone.
    pub ill: f64,
    /// The difference in spreads of the twin, with a floor of a twentieth of its mean; signed.
    pub effect: f64,
}

/// Effect from which a series counts as touched.
const LEAST_EFFECT: f64 = 1.0;
/// Spread that is assumed of a series at least, as a share of its mean.
const LEAST_SPREAD: f64 = 0.05;
/// Readings of a counter's rate in a row that are taken to move together.
const TOGETHER: f64 = 4.0;
/// Effect of a series that is gone.
const GONE: f64 = -1e6;

/// Sums over the time of one fault.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    ill: f64,
    ill_count: f64,
    healthy: f64,
    healthy_count: f64,
}

/// The last values, and the twin's moments over the whole run.
#[derive(Debug, Clone, Copy, Default)]
struct Track {
    last_ill: Option<f64>,
    last_healthy: Option<f64>,
    count: f64,
    mean: f64,
    squares: f64,
}

/// Holds two runs against each other, sample by sample.
///
/// Memory: 72 bytes for each series and 32 for each series and fault.
#[derive(Debug, Clone)]
pub struct Comparison {
    is_counter: Vec<bool>,
    /// Number of the first series of each page.
    starts: Vec<usize>,
    tracks: Vec<Track>,
    /// For each fault: start, end and the sums of each series.
    windows: Vec<(f64, f64, Vec<Sums>)>,
}

impl Comparison {
    /// Of fleets with these pages, over faults with these starts and ends (seconds).
    pub fn new(pages: &[Page], windows: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut is_counter = Vec::new();
        let mut starts = Vec::with_capacity(pages.len());
        for page in pages {
            starts.push(is_counter.len());
            let grows = |family: &Family| matches!(family.kind, Kind::Counter | Kind::Histogram);
            is_counter.extend(page.lines().map(|(family, _)| grows(family)));
        }
        let count = is_counter.len();
        let windows =
            windows.into_iter().map(|(start, end)| (start, end, vec![Sums::default(); count]));
        Self {
            is_counter,
            starts,
            tracks: vec![Track::default(); count],
            windows: windows.collect(),
        }
    }

    /// Takes in one sample of page number `page` at second `at`, `interval` seconds after the
    /// one before; `None` for a page that could not be read.
    pub fn take(
        &mut self,
        page: usize,
        at: f64,
        interval: f64,
        ill: Option<&Values>,
        healthy: Option<&Values>,
    ) {
        let start = self.starts[page];
        let end = self.starts.get(page + 1).copied().unwrap_or(self.is_counter.len());
        let mut ill = ill.map(Values::iter);
        let mut healthy = healthy.map(Values::iter);
        for series in start..end {
            let ill = ill.as_mut().and_then(|values| values.next().flatten());
            let healthy = healthy.as_mut().and_then(|values| values.next().flatten());
            let track = &mut self.tracks[series];
            let (before_ill, before_healthy) = (track.last_ill, track.last_healthy);
            (track.last_ill, track.last_healthy) = (ill, healthy);
            let (ill, healthy) = if self.is_counter[series] {
                (rate(before_ill, ill, interval), rate(before_healthy, healthy, interval))
            } else {
                (ill, healthy)
            };
            if let Some(value) = healthy.filter(|value| value.is_finite()) {
                // Welford's recursion.
                track.count += 1.0;
                let away = value - track.mean;
                track.mean += away / track.count;
                track.squares += away * (value - track.mean);
            }
            for (from, to, sums) in &mut self.windows {
                if at < *from || at >= *to {
                    continue;
                }
                let sums = &mut sums[series];
                if let Some(value) = ill.filter(|value| value.is_finite()) {
                    sums.ill += value;
                    sums.ill_count += 1.0;
                }
                if let Some(value) = healthy.filter(|value| value.is_finite()) {
                    sums.healthy += value;
                    sums.healthy_count += 1.0;
                }
            }
        }
    }

    /// What fault number `fault` touched, strongest first.
    pub fn touched(&self, fault: usize) -> Vec<Touched> {
        let (_, _, sums) = &self.windows[fault];
        let mut touched = Vec::new();
        for (series, (sums, track)) in sums.iter().zip(&self.tracks).enumerate() {
            if sums.healthy_count == 0.0 && sums.ill_count == 0.0 {
                continue;
            }
            let page = self.starts.partition_point(|start| *start <= series) - 1;
            let healthy = sums.healthy / sums.healthy_count;
            let ill = sums.ill / sums.ill_count;
            // Gone for most of the time, though the twin has it.
            let effect = if sums.ill_count * 2.0 < sums.healthy_count {
                GONE
            } else if sums.healthy_count == 0.0 {
                -GONE
            } else {
                let spread = (track.squares / track.count.max(1.0)).sqrt();
                // What comes in bursts is held against what so long a time brings.
                let bursts =
                    if self.is_counter[series] { sums.healthy_count / TOGETHER } else { 1.0 };
                let spread = spread / bursts.max(1.0).sqrt();
                let floor = (LEAST_SPREAD * healthy.abs()).max(f64::MIN_POSITIVE);
                ((ill - healthy) / spread.max(floor)).clamp(GONE, -GONE)
            };
            if effect.abs() >= LEAST_EFFECT {
                touched.push(Touched {
                    page,
                    series: series - self.starts[page],
                    healthy,
                    ill,
                    effect,
                });
            }
        }
        touched.sort_by(|one, other| other.effect.abs().total_cmp(&one.effect.abs()));
        touched
    }
}

/// Growth per second; a counter that fell began anew.
fn rate(before: Option<f64>, now: Option<f64>, interval: f64) -> Option<f64> {
    let (before, now) = (before?, now?);
    Some(if now >= before { now - before } else { now } / interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::PageBuilder;

    fn values(list: &[f64]) -> Values {
        let mut values = Values::default();
        list.iter().for_each(|value| values.push(*value));
        values
    }

    #[test]
    fn what_moves_more_than_its_twin_is_touched() {
        let mut builder = PageBuilder::new("j", "i", &[]);
        builder.gauge("calm", "Not touched.");
        builder.gauge("hot", "Touched.");
        builder.counter("work", "Stops.");
        let pages = [builder.build()];
        let mut comparison = Comparison::new(&pages, [(50.0, 100.0)]);
        for second in 0..120 {
            let at = f64::from(second);
            let wave = f64::from(second % 7) - 3.0;
            let ill = (50..100).contains(&second);
            let healthy = [5.0 + wave, 60.0 + wave, 10.0 * at];
            let work = if ill { 500.0 } else { 10.0 * at };
            let sick = [5.0 + wave * 1.01, if ill { 90.0 } else { healthy[1] }, work];
            comparison.take(0, at, 1.0, Some(&values(&sick)), Some(&values(&healthy)));
        }
        let touched = comparison.touched(0);
        let found: Vec<(usize, bool)> =
            touched.iter().map(|touched| (touched.series, touched.effect > 0.0)).collect();
        assert_eq!(found, [(2, false), (1, true)]);
        assert!(
            (touched[1].ill, touched[1].healthy) == (90.0, touched[1].healthy)
                && (touched[0].healthy - 10.0).abs() < 0.1
        );
    }

    #[test]
    fn a_page_that_cannot_be_read_is_gone() {
        let mut builder = PageBuilder::new("j", "i", &[]);
        builder.gauge("up", "There.");
        let mut comparison = Comparison::new(&[builder.build()], [(0.0, 10.0)]);
        for second in 0..10 {
            comparison.take(0, f64::from(second), 1.0, None, Some(&values(&[1.0])));
        }
        let touched = comparison.touched(0);
        assert!(touched.len() == 1 && touched[0].effect == GONE && touched[0].ill.is_nan());
    }
}
