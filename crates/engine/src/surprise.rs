//! How surprising several events are together, and what a target's own history makes of it.

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

/// `max over k of k (the k-th) - ln C(series, k)`, at least 0, and where it is; `nats` are
/// ordered, largest first. Not the sum of the first k: it passes `s` more often than `e^-s`, the
/// more so the more common events are that are counted.
pub(crate) fn surprise(nats: &[f64], series: usize) -> (f64, usize) {
    let series = series.max(nats.len()) as f64;
    let (mut ways, mut best) = (0.0, (0.0, 0));
    for (place, nats) in nats.iter().enumerate() {
        let chosen = place as f64;
        ways += ((series - chosen) / (chosen + 1.0)).ln();
        let together = (chosen + 1.0) * nats - ways;
        if together > best.0 {
            best = (together, place + 1);
        }
    }
    best
}

/// `max over k of (the k-th of nats) - ln(series / k)`, at least 0, and where it is; `nats` are
/// ordered, largest first.
///
/// The exponent of Simes' bound: the `k`-th smallest of `N` probabilities times `N / k`, which
/// holds for the least of them over `k` where series go along with each other, and where they have
/// nothing to do with each other (R. Simes, "An improved Bonferroni procedure for multiple tests of
/// significance", Biometrika 73, 1986; S. Sarkar, "Some probability inequalities for ordered MTP2
/// random variables: a proof of the Simes conjecture", Annals of Statistics 26, 1998).
pub(crate) fn dependent_surprise(nats: &[f64], series: usize) -> (f64, usize) {
    let series = series.max(nats.len()) as f64;
    let mut best = (0.0, 0);
    for (place, nats) in nats.iter().enumerate() {
        let count = (place + 1) as f64;
        let bound = nats - (series / count).ln();
        if bound > best.0 {
            best = (bound, place + 1);
        }
    }
    best
}

/// Surprise above which history is kept.
const KEPT_FROM: f64 = 2.0;
/// Windows after which a target's own history says what its series do together: six hours of
/// five minutes each.
const KNOWN: f64 = 72.0;
/// Clusters that theory counts for beside those that were seen.
const THEORY: f64 = 4.0;
/// Scales that one cluster may teach, so that no fault makes a target deaf.
const HELD: f64 = 6.0;
/// Nanoseconds after which history counts half: four weeks.
const HALF_LIFE: f64 = 28.0 * 86_400e9;

/// The tail of a target's surprise.
///
/// Of a target with one series the surprise is how rare an event is by that series' own history,
/// whatever its distribution: theory holds, and there is nothing to estimate.
///
/// Were its series independent and their tails well known, a surprise above `s` would come
/// in a share `e^-s` of all windows. They are not: series of one target move together. So
/// the rate of clusters above 2 and their mean excess are estimated from history, theory
/// counting for as much as four clusters: peaks over a threshold with a prior.
///
/// Time O(1), memory 64 bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SurpriseTail {
    /// Windows that an alarm's interval holds.
    windows: f64,
    /// Nanoseconds of a window.
    window: f64,
    last: Option<Timestamp>,
    /// Windows watched, clusters seen, and their excess; older ones count less.
    watched: f64,
    clusters: f64,
    excess: f64,
    /// Highest of the cluster that is open.
    open: Option<f64>,
}

impl SurpriseTail {
    /// For one alarm in `interval` seconds from now on; what history said of the tail stays.
    pub(crate) fn set_interval(&mut self, interval: f64) {
        self.windows = (interval * 1e9 / self.window).max(1.0);
    }

    /// For one alarm in `interval` seconds, where events within `together` seconds belong together.
    pub(crate) fn new(interval: f64, together: f64) -> Self {
        Self {
            windows: (interval / together).max(1.0),
            window: together * 1e9,
            last: None,
            watched: 0.0,
            clusters: 0.0,
            excess: 0.0,
            open: None,
        }
    }

    /// Whether a stored one can be, and is of the same budget as `self`.
    pub(crate) fn fits(&self, stored: &Self) -> bool {
        let numbers = [stored.watched, stored.clusters, stored.excess, stored.open.unwrap_or(0.0)];
        self.windows == stored.windows
            && self.window == stored.window
            && numbers.iter().all(|number| number.is_finite() && *number >= 0.0)
    }

    /// Nobody watched until now.
    pub(crate) fn awake(&mut self) {
        self.last = None;
    }

    fn scale(&self) -> f64 {
        (self.excess + THEORY) / (self.clusters + THEORY)
    }

    /// The surprise that history passes as often as the budget allows, for a target of so many
    /// `series`; never below what theory asks for.
    pub(crate) fn level(&self, series: usize) -> f64 {
        let theory = self.windows.ln();
        if series <= 1 {
            return theory;
        }
        let rate = (self.clusters + THEORY) / (self.watched + THEORY * KEPT_FROM.exp());
        let level = KEPT_FROM + self.scale() * (rate * self.windows).ln();
        level.max(theory)
    }

    /// Whether history is long enough to say how series move together.
    pub(crate) fn is_known(&self) -> bool {
        self.watched >= KNOWN
    }

    /// The surprise that chance passes as often as the budget allows, were tails well known.
    pub(crate) fn theory(&self) -> f64 {
        self.windows.ln()
    }

    /// Takes back a cluster of this `surprise`: something was truly wrong, so that it says nothing
    /// of how series move together.
    pub(crate) fn confirm(&mut self, surprise: f64) {
        if surprise <= KEPT_FROM {
            return;
        }
        if self.open.is_some() {
            // It has not been learnt yet.
            self.open = None;
            return;
        }
        // As much as it was held to when it was learnt, or less.
        let held = (surprise - KEPT_FROM).min(HELD * self.scale());
        self.excess = (self.excess - held).max(0.0);
        self.clusters = (self.clusters - 1.0).max(0.0);
    }

    /// Goes on to `now`; `highest` is the highest surprise since the last time.
    pub(crate) fn learn(&mut self, now: Timestamp, highest: f64) {
        let passed = self.last.map_or(0.0, |last| (now.nanos() - last.nanos()).max(0) as f64);
        self.last = Some(now);
        let fade = (-passed / HALF_LIFE).exp2();
        self.watched = self.watched * fade + passed / self.window;
        self.clusters *= fade;
        self.excess *= fade;
        match self.open {
            Some(open) if highest > KEPT_FROM => self.open = Some(open.max(highest)),
            None if highest > KEPT_FROM => self.open = Some(highest),
            Some(open) => {
                let held = (open - KEPT_FROM).min(HELD * self.scale());
                self.excess += held;
                self.clusters += 1.0;
                self.open = None;
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_among_many_series_must_be_rarer_and_several_need_less() {
        let one = surprise(&[12.0], 300);
        assert!((one.0 - (12.0 - 300_f64.ln())).abs() < 1e-9);
        assert_eq!(surprise(&[3.0], 300), (0.0, 0));
        let many = surprise(&[[6.0; 30].as_slice(), &[0.1; 5]].concat(), 300);
        assert!(many.0 > 60.0 && many.1 == 30, "{many:?}");
        assert_eq!(surprise(&[0.5; 30], 300), (0.0, 0));
    }

    /// Alarms over the promise for a target whose surprise is exponential with `scale`.
    fn kept(scale: f64) -> f64 {
        let (interval, together, weeks) = (604_800.0, 300.0, 60);
        let mut tail = SurpriseTail::new(interval, together);
        let (mut alarms, mut state) = (0, 9_u64);
        for window in 0..weeks * 2016_i64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let uniform = ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            let surprise = -scale * uniform.ln();
            alarms += i32::from(surprise > tail.level(9));
            tail.learn(Timestamp::from_seconds(300 * window), surprise);
        }
        f64::from(alarms) / weeks as f64
    }

    #[test]
    fn history_makes_good_what_theory_takes_for_independent() {
        let (independent, together) = (kept(1.0), kept(3.0));
        // Clusters that touch count as one, which makes the tail look longer than it is.
        assert!((0.1..2.0).contains(&independent), "{independent}");
        assert!((0.1..2.0).contains(&together), "{together}");
    }

    #[test]
    fn a_fault_does_not_make_a_target_deaf() {
        let mut tail = SurpriseTail::new(604_800.0, 300.0);
        let before = tail.level(9);
        for tick in 0..1000 {
            let fault = (500..520).contains(&tick);
            tail.learn(Timestamp::from_seconds(15 * tick), if fault { 500.0 } else { 0.0 });
        }
        assert!(tail.level(9) < 2.0 * before, "{} after {before}", tail.level(9));
    }
}
