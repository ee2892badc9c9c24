//! From histograms to numbers that can be judged: how many, how large on average, how
//! large at most for half and for nearly all.

use auscult_core::Timestamp;
use auscult_telemetry::metrics::Histogram;

use super::lateness::{Arrival, Lateness};

/// Quantiles that are taken of a distribution, as label values name them.
pub(crate) const QUANTILES: [(f64, &str); 2] = [(0.5, "0.5"), (0.99, "0.99")];
/// Observations that figures should rest on.
const ENOUGH: f64 = 20.0;
/// Nanoseconds after which fewer must do.
const LONGEST: i64 = 60_000_000_000;

/// What a distribution says, each where it says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    /// Observations a second; for what is there now, their number.
    pub(crate) rate: f64,
    pub(crate) mean: Option<f64>,
    pub(crate) quantiles: [Option<f64>; QUANTILES.len()],
}

/// A point that comes after so many times the wait before, and this late at least, says nothing
/// of the rate now: the source was away, or a clock jumped. Nanoseconds.
const LONG: i64 = 5;
const AWAY: i64 = 300_000_000_000;

/// Follows one histogram.
///
/// Figures are of the observations since the figures before: of twenty at least, or of
/// those of a minute. A count that falls is a reset, and gives none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Distribution {
    /// What was known when figures were given last.
    before: Option<(Timestamp, Histogram)>,
    lateness: Lateness,
    /// The last point, and nanoseconds between it and the one before; 0 if there is none.
    last: Option<Timestamp>,
    wait: i64,
}

impl Distribution {
    /// Takes what counts since the start of the process, or since the point before if it says so.
    pub(crate) fn step(
        &mut self,
        time: Timestamp,
        histogram: Histogram,
        arrival: Arrival,
    ) -> Option<Figures> {
        self.follow_clock(time, arrival);
        let histogram = match &self.before {
            // What was left from before counts too.
            Some((_, pending)) if histogram.delta => sum(pending, histogram),
            _ => histogram,
        };
        let Some((then, before)) = &self.before else {
            let start = if histogram.delta {
                Histogram { delta: true, ..Default::default() }
            } else {
                histogram
            };
            self.before = Some((time, start));
            return None;
        };
        let since = time.nanos().saturating_sub(then.nanos());
        if since <= 0 || self.last > Some(time) {
            return None;
        }
        let grown = if histogram.delta { histogram.clone() } else { growth(before, &histogram) };
        if grown.count < 0.0 {
            self.before = Some((time, histogram));
            return None;
        }
        if grown.count < ENOUGH && since < LONGEST {
            if histogram.delta {
                let then = *then;
                self.before = Some((then, histogram));
            }
            return None;
        }
        let rest = if histogram.delta {
            Histogram { delta: true, ..Default::default() }
        } else {
            histogram
        };
        self.before = Some((time, rest));
        Some(figures(&grown, since as f64 / 1e9))
    }

    /// Begins anew if the clock of the source was set back to `time`, or nothing came for long.
    fn follow_clock(&mut self, time: Timestamp, arrival: Arrival) {
        let Some(last) = self.last else {
            self.last = Some(time);
            return;
        };
        let wait = time.nanos().saturating_sub(last.nanos());
        if wait < 0 {
            if self.lateness.is_set_back(wait.saturating_neg(), arrival) {
                *self = Self { last: Some(time), ..Self::default() };
            }
            return;
        }
        self.lateness.end();
        if wait > 0 {
            let usual = std::mem::replace(&mut self.wait, wait);
            if usual > 0 && wait > AWAY.max(usual.saturating_mul(LONG)) {
                self.before = None;
            }
            self.last = Some(time);
        }
    }

    /// Takes what is there now.
    pub(crate) fn now(histogram: &Histogram) -> Figures {
        figures(histogram, 1.0)
    }
}

/// What came between two readings; its count is negative if the later one began anew.
fn growth(before: &Histogram, now: &Histogram) -> Histogram {
    let below = |bound: f64| {
        let place = before.buckets.partition_point(|(other, _)| *other <= bound);
        place.checked_sub(1).map_or(0.0, |place| before.buckets[place].1)
    };
    let mut buckets: Vec<(f64, f64)> =
        now.buckets.iter().map(|(bound, count)| (*bound, count - below(*bound))).collect();
    let is_reset = now.count < before.count || buckets.iter().any(|(_, count)| *count < 0.0);
    // Scrapes are not atomic: a bucket may have grown a moment before a smaller one.
    let mut most = 0.0_f64;
    for (_, count) in &mut buckets {
        most = most.max(*count);
        *count = most;
    }
    let sum = now.sum.zip(before.sum).map(|(now, before)| now - before);
    let count = if is_reset { -1.0 } else { (now.count - before.count).max(most) };
    Histogram { count, sum, buckets, delta: false }
}

/// Both together.
fn sum(one: &Histogram, other: Histogram) -> Histogram {
    let at = |histogram: &Histogram, bound: f64| {
        let place = histogram.buckets.partition_point(|(other, _)| *other <= bound);
        place.checked_sub(1).map_or(0.0, |place| histogram.buckets[place].1)
    };
    let mut bounds: Vec<f64> =
        one.buckets.iter().chain(&other.buckets).map(|(bound, _)| *bound).collect();
    bounds.sort_unstable_by(f64::total_cmp);
    bounds.dedup();
    let buckets = bounds.into_iter().map(|bound| (bound, at(one, bound) + at(&other, bound)));
    Histogram {
        count: one.count + other.count,
        sum: match (one.sum, other.sum) {
            (Some(one), Some(other)) => Some(one + other),
            (None, sum) if one.count == 0.0 => sum,
            _ => None,
        },
        buckets: buckets.collect(),
        delta: true,
    }
}

fn figures(histogram: &Histogram, seconds: f64) -> Figures {
    let some = histogram.count > 0.0;
    let mean = histogram.sum.filter(|_| some).map(|sum| sum / histogram.count);
    Figures {
        rate: histogram.count / seconds,
        mean: mean.filter(|mean| mean.is_finite()),
        quantiles: QUANTILES.map(|(share, _)| quantile(histogram, share)),
    }
}

/// The value that a `share` of the observations does not exceed; between two bounds
/// they are taken to lie evenly, beyond the last one at it.
///
/// Source: Prometheus documentation, `histogram_quantile`.
fn quantile(histogram: &Histogram, share: f64) -> Option<f64> {
    let rank = share * histogram.count;
    let place = histogram.buckets.partition_point(|(_, below)| *below < rank);
    let (last, _) = histogram.buckets.last()?;
    if histogram.count <= 0.0 {
        return None;
    }
    let Some((bound, below)) = histogram.buckets.get(place).copied() else { return Some(*last) };
    let (low, before) = match place.checked_sub(1) {
        Some(place) => histogram.buckets[place],
        // Nothing is known below the first bound, but that most things measured are positive.
        None if bound > 0.0 => (0.0, 0.0),
        None => return Some(bound),
    };
    let within = (rank - before) / (below - before);
    Some(low + (bound - low) * if within.is_finite() { within.clamp(0.0, 1.0) } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(count: f64, sum: f64, buckets: &[(f64, f64)], delta: bool) -> Histogram {
        Histogram { count, sum: Some(sum), buckets: buckets.to_vec(), delta }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    #[test]
    fn figures_are_of_what_came_since_the_figures_before() {
        let mut requests = Distribution::default();
        let first = histogram(1000.0, 500.0, &[(0.1, 0.0), (1.0, 900.0)], false);
        assert_eq!(requests.step(at(0), first, Arrival::First), None);
        let few = histogram(1010.0, 505.0, &[(0.1, 5.0), (1.0, 910.0)], false);
        assert_eq!(requests.step(at(15), few, Arrival::First), None, "ten are too few");
        let more = histogram(1100.0, 540.0, &[(0.1, 50.0), (1.0, 999.0)], false);
        let figures = requests.step(at(20), more, Arrival::First).expect("a hundred are enough");
        assert_eq!((figures.rate, figures.mean), (5.0, Some(0.4)));
        let [half, most] = figures.quantiles;
        assert!((half.unwrap() - 0.1).abs() < 1e-9 && (most.unwrap() - 1.0).abs() < 1e-9);
        let restarted = histogram(30.0, 3.0, &[(0.1, 30.0), (1.0, 30.0)], false);
        assert_eq!(requests.step(at(35), restarted.clone(), Arrival::First), None, "a reset");
        let idle = requests.step(at(95), restarted, Arrival::First).expect("a minute");
        assert_eq!((idle.rate, idle.mean, idle.quantiles[0]), (0.0, None, None));
    }

    #[test]
    fn what_came_while_the_source_was_away_gives_no_figures() {
        let mut requests = Distribution::default();
        let mut at = |second, count| {
            let counted = histogram(count, count, &[(1.0, count)], false);
            requests.step(at(second), counted, Arrival::First).map(|figures| figures.rate)
        };
        assert_eq!([at(0, 0.0), at(15, 150.0), at(3615, 300.0)], [None, Some(10.0), None]);
        assert_eq!(at(3630, 450.0), Some(10.0));
        // Points that are always far apart.
        assert_eq!([at(7230, 4050.0), at(10_830, 7650.0)], [None, Some(1.0)]);
    }

    #[test]
    fn deltas_add_up_until_they_are_enough() {
        let mut requests = Distribution::default();
        let some = |count: f64| histogram(count, count, &[(1.0, count / 2.0), (2.0, count)], true);
        assert_eq!(
            requests.step(at(0), some(100.0), Arrival::First),
            None,
            "since when is not known"
        );
        assert_eq!(requests.step(at(10), some(15.0), Arrival::First), None);
        let figures = requests.step(at(20), some(15.0), Arrival::First).expect("thirty");
        assert_eq!((figures.rate, figures.mean), (1.5, Some(1.0)));
        assert_eq!(figures.quantiles[0], Some(1.0));
        assert_eq!(requests.step(at(30), some(1.0), Arrival::First), None);
        let figures = requests.step(at(90), some(1.0), Arrival::First).expect("a minute");
        assert!((figures.rate - 2.0 / 70.0).abs() < 1e-9, "{figures:?}");
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let buckets = [(0.1, 10.0), (0.5, 30.0), (1.0, 90.0)];
        let histogram = histogram(100.0, 0.0, &buckets, false);
        let expected = [(0.05, 0.05), (0.2, 0.3), (0.6, 0.75), (0.95, 1.0)];
        for (share, value) in expected {
            let got = quantile(&histogram, share).unwrap();
            assert!((got - value).abs() < 1e-9, "{share}: {got}");
        }
        let below_zero = Histogram {
            buckets: vec![(-1.0, 5.0), (1.0, 10.0)],
            count: 10.0,
            ..Default::default()
        };
        assert_eq!(quantile(&below_zero, 0.2), Some(-1.0));
    }
}
