//! Alarms within a budget: from the raw scores of any method to decisions.
//!
//! A person says how many false alarms are bearable, not which score is too
//! high. The gate keeps the highest clusters of scores so far and asks for the
//! score that the history would pass as often as the budget allows. Where that is
//! rarer than the history is long, it goes on along a heavy tail.

use std::str::FromStr;

use auscult_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::conditioning::{Clock, Step};
use super::peaks::{Extent, Peaks};

/// Clusters that make the tail.
const KEPT: usize = 16;
/// Least scale of the tail, as a share of the range of the scores.
const LEAST_SCALE: f32 = 0.01;
/// The highest clusters count only as high as the next below them: one or two outliers
/// do not say how far the others scatter.
const HELD: usize = 2;
/// Shape of the tail beyond the kept clusters: 0 would be exponential. What comes is
/// never quite like what came.
const SHAPE: f64 = 0.25;
/// Share of the interval of a budget that a history must be long for its tail to count as
/// it is; along the tail of one as short as that the bar lies twice as far out.
const SHORT: f64 = 0.2;
/// Alarms that a block of history should hold; older blocks are forgotten. Two blocks
/// hold as many as clusters are kept, so that a bar never lies below all of these.
const BLOCK: f64 = 8.0;
/// Steps between samples that a budget must leave to an alarm.
const LEAST_STEPS: f64 = 12.0;
/// Samples after an alarm that belong to it, at most.
const APART: f64 = 60.0;
/// Least correction of a hard gate.
const LEAST_CORRECTION: f64 = -1.0;
/// Usual steps that a gap counts as.
const GAP: f64 = 3.0;
/// Samples after a confirmed anomaly that are still about it.
const AFTER: u16 = 60;

/// How many false alarms are bearable.
///
/// ```
/// use auscult_detect::ensemble::AlarmBudget;
/// let budget: AlarmBudget = "2/day".parse()?;
/// assert_eq!(budget.interval_seconds(), 43_200.0);
/// assert_eq!(budget.to_string(), "2/day");
/// assert!("2/fortnight".parse::<AlarmBudget>().is_err());
/// # Ok::<(), auscult_detect::ensemble::BudgetError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlarmBudget {
    alarms: f64,
    unit: &'static str,
    unit_seconds: f64,
}

const UNITS: [(&str, f64); 5] = [
    ("hour", 3600.0),
    ("day", 86_400.0),
    ("week", 604_800.0),
    ("month", 2_629_800.0),
    ("year", 31_557_600.0),
];

impl AlarmBudget {
    /// Seconds from one alarm to the next, on average.
    #[must_use]
    pub fn interval_seconds(&self) -> f64 {
        self.unit_seconds / self.alarms
    }
}

impl FromStr for AlarmBudget {
    type Err = BudgetError;

    fn from_str(text: &str) -> Result<Self, BudgetError> {
        let refuse = || BudgetError { text: text.to_owned() };
        let (alarms, unit) = text.split_once('/').ok_or_else(refuse)?;
        let alarms: f64 = alarms.trim().parse().map_err(|_| refuse())?;
        let unit = UNITS.into_iter().find(|(name, _)| *name == unit.trim());
        match unit {
            Some((unit, unit_seconds)) if (1e-3..=1e3).contains(&alarms) => {
                Ok(Self { alarms, unit, unit_seconds })
            }
            _ => Err(refuse()),
        }
    }
}

impl std::fmt::Display for AlarmBudget {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.alarms, self.unit)
    }
}

/// A budget that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "`{text}` is no budget; expected a number from 0.001 to 1000 per hour, day, week, month or year, such as 1/week"
)]
pub struct BudgetError {
    text: String,
}

/// How a budget is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetMode {
    /// Kept as far as the future is like the past. A time full of true anomalies
    /// may bring more alarms.
    Soft,
    /// Kept in the long run whatever comes: each alarm raises the bar, and time
    /// without lowers it. True alarms use up the budget too.
    Hard,
}

/// Decides which scores of one series are alarms.
///
/// Before sixteen clusters of scores were seen there is no alarm. The budget is
/// per time that was watched: gaps do not count. More than an alarm in twelve samples
/// is not given, whatever the budget. Time O(1) per score, memory about 350 bytes.
///
/// A budget is meant for false alarms, but which ones are false only a person knows: told
/// nothing, the gate takes the highest scores for what health brings, and where anomalies are more
/// frequent than the budget they spend it. Those that are confirmed, by
/// [`BudgetGate::learn_confirmed`], do not.
///
/// With `t` the lowest of the 16 highest clusters in a time `T`, `s` their mean excess
/// over it and `x` = 16 times the interval of the budget over `T`, the bar is `t` if `x` is
/// at most 1, and else `t + s (x^h - 1) / h (1 + 0.2 x / 16)`, `h` = 1/4: a generalised
/// Pareto tail after J. Pickands, "Statistical inference using extreme order statistics",
/// Annals of Statistics 3, 1975, with a fixed shape, and stricter while the history is
/// much shorter than what it is asked about.
///
/// ```
/// use auscult_core::Timestamp;
/// use auscult_detect::ensemble::{BudgetGate, BudgetMode};
/// let mut gate = BudgetGate::new("1/day".parse()?, BudgetMode::Soft);
/// let score = |minute: i64| ((minute * 7919) % 1009) as f64 / 1009.0;
/// for minute in 0..10_000 {
///     gate.learn(Timestamp::from_seconds(60 * minute), score(minute));
/// }
/// let now = Timestamp::from_seconds(600_000);
/// assert!(5.0 > gate.bar(now, 5.0));
/// assert!(0.5 < gate.bar(now, 0.5));
/// # Ok::<(), auscult_detect::ensemble::BudgetError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetGate {
    interval_seconds: f64,
    mode: BudgetMode,
    clock: Clock,
    /// Highest clusters of the block before, and of this one.
    blocks: [Peaks<KEPT>; 2],
    /// Seconds watched in the block before, and in this one.
    watched: [f64; 2],
    /// Of the scores.
    extent: Extent,
    first: bool,
    /// Lowest of the highest clusters of both blocks, and their mean excess over it.
    /// The two highest count as high as the third.
    tail: Option<(f32, f32)>,
    /// Seconds watched since the last alarm.
    since_alarm: f64,
    /// Logarithm of what a hard gate multiplies the level by.
    correction: f64,
    /// Samples to come that are still about a confirmed anomaly.
    after: u16,
}

impl BudgetGate {
    /// A gate that has seen nothing.
    #[must_use]
    pub fn new(budget: AlarmBudget, mode: BudgetMode) -> Self {
        Self {
            interval_seconds: budget.interval_seconds(),
            mode,
            clock: Clock::new(),
            blocks: [Peaks::new(), Peaks::new()],
            watched: [0.0; 2],
            extent: Extent::new(),
            first: true,
            tail: None,
            since_alarm: f64::MAX,
            correction: 0.0,
            after: 0,
        }
    }

    /// The score that the history would pass as often as the budget allows;
    /// `None` while the history is too short.
    #[must_use]
    pub fn level(&self) -> Option<f64> {
        let (lowest, excess) = self.tail?;
        let scale = f64::from(excess) + f64::from(LEAST_SCALE * self.extent.range());
        let expected = (self.watched[0] + self.watched[1]) / self.interval();
        if expected <= 0.0 {
            // No time passed, only late samples came.
            return None;
        }
        let times = (KEPT as f64 / expected).max(1.0);
        let beyond = (times.powf(SHAPE) - 1.0) / SHAPE * (1.0 + SHORT / expected);
        let level = f64::from(lowest) + scale * beyond;
        Some(level.max(0.0) * self.correction.exp())
    }

    /// Seconds from one alarm to the next, on average: those of the budget, unless
    /// samples are too rare for it.
    #[must_use]
    pub fn interval(&self) -> f64 {
        let step = self.clock.usual_step().unwrap_or(0.0);
        self.interval_seconds.max(LEAST_STEPS * step)
    }

    /// Whether samples are too rare for the budget, so that [`BudgetGate::interval`] is longer.
    #[must_use]
    pub fn is_coarse(&self) -> bool {
        self.interval() > self.interval_seconds
    }

    /// What `score` at `time` has to pass to be an alarm: the level, or the score
    /// itself while an alarm is recent; [`f64::MAX`] while the history is too short.
    #[must_use]
    pub fn bar(&self, time: Timestamp, score: f64) -> f64 {
        let Some(level) = self.level() else { return f64::MAX };
        let (seconds, step) = self.passed(time);
        let recent = self.since_alarm + seconds < self.apart_steps(step) * step;
        if recent { level.max(score) } else { level }
    }

    /// Takes `score` at `time` in; says whether it was an alarm.
    pub fn learn(&mut self, time: Timestamp, score: f64) -> bool {
        let is_healthy = self.after == 0;
        self.after = self.after.saturating_sub(1);
        self.take(time, score, is_healthy)
    }

    /// Takes in `score` at `time`, which belongs to a confirmed anomaly; says whether it was an
    /// alarm. It says nothing of what health brings, nor do the 60 samples after the last such
    /// one: neither they nor their time count against the budget.
    pub fn learn_confirmed(&mut self, time: Timestamp, score: f64) -> bool {
        self.after = AFTER;
        self.take(time, score, false)
    }

    fn take(&mut self, time: Timestamp, score: f64, is_healthy: bool) -> bool {
        let score = score.clamp(0.0, 1e30);
        let alarm = score > self.bar(time, score);
        let (seconds, step) = self.passed(time);
        self.clock.learn(time, self.clock.step(time));
        self.since_alarm = if alarm { 0.0 } else { self.since_alarm + seconds };
        if is_healthy {
            self.watched[1] += seconds;
            if self.mode == BudgetMode::Hard {
                let more = f64::from(u8::from(alarm)) - seconds / self.interval();
                self.correction = (self.correction + more).max(LEAST_CORRECTION);
            }
            self.remember(score, step);
        }
        alarm
    }

    /// Remembers a `score` of health for the tail.
    fn remember(&mut self, score: f64, step: f64) {
        let least = LEAST_SCALE * self.extent.range();
        let apart = self.apart_steps(step) as u16;
        let before = self.blocks[1].clone();
        self.blocks[1].learn(score as f32, least, apart, None);
        self.extent.learn(score as f32, self.first);
        self.first = false;
        if before.peaks() != self.blocks[1].peaks() {
            self.tail = self.merged();
        }
        if self.watched[1] > BLOCK * self.interval() && self.blocks[1].threshold().is_some() {
            self.blocks = [self.blocks[1].clone(), Peaks::new()];
            self.watched = [self.watched[1], 0.0];
            self.tail = self.merged();
        }
    }

    /// Seconds watched from the last score to `time`, and in a usual step.
    fn passed(&self, time: Timestamp) -> (f64, f64) {
        let step = self.clock.usual_step().unwrap_or(1.0);
        let seconds = match self.clock.step(time) {
            Step::First | Step::Late => 0.0,
            Step::Next(steps) | Step::Gap(steps) => steps.min(GAP) * step,
            Step::SetBack => step,
        };
        (seconds, step)
    }

    /// Usual steps that belong to an alarm: fewer when alarms may be frequent.
    fn apart_steps(&self, step: f64) -> f64 {
        (0.25 * self.interval() / step).clamp(1.0, APART).floor()
    }

    /// The tail of both blocks together.
    fn merged(&self) -> Option<(f32, f32)> {
        let mut peaks: Vec<f32> =
            self.blocks.iter().flat_map(|block| block.peaks().iter().copied()).collect();
        if peaks.len() < KEPT {
            return None;
        }
        peaks.sort_unstable_by(|a, b| b.total_cmp(a));
        let lowest = peaks[KEPT - 1];
        let held = peaks[..KEPT].iter().map(|peak| peak.min(peaks[HELD]) - lowest);
        // What was held back is left out of the count: the mean excess stays unbiased.
        Some((lowest, held.sum::<f32>() / (KEPT - HELD) as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    fn normal(random: &mut Pcg64Mcg) -> f64 {
        (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
    }

    /// The scores of a made-up series: how far it is from 0.
    #[derive(Debug, Clone, Copy)]
    enum Kind {
        Normal,
        /// Student's t with four degrees of freedom.
        Heavy,
        /// Autoregressive with coefficient 0.9.
        Sticky,
        Exponential,
    }

    const KINDS: [Kind; 4] = [Kind::Normal, Kind::Heavy, Kind::Sticky, Kind::Exponential];

    fn scores(kind: Kind, count: usize, seed: u64) -> Vec<f64> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut last = 0.0;
        (0..count)
            .map(|_| match kind {
                Kind::Normal => normal(&mut random).abs(),
                Kind::Heavy => {
                    let square = (0..4).map(|_| normal(&mut random).powi(2)).sum::<f64>() / 4.0;
                    normal(&mut random).abs() / square.sqrt()
                }
                Kind::Sticky => {
                    last = 0.9 * last + normal(&mut random);
                    f64::abs(last)
                }
                Kind::Exponential => -(1.0 - random.random::<f64>()).ln(),
            })
            .collect()
    }

    /// Alarms as a multiple of the promise, over `series` series of `count` samples
    /// a `step` of seconds apart.
    fn kept(
        budget: &str,
        mode: BudgetMode,
        series: u64,
        count: usize,
        step: i64,
    ) -> Vec<(Kind, f64)> {
        let budget: AlarmBudget = budget.parse().unwrap();
        KINDS
            .into_iter()
            .map(|kind| {
                let mut alarms = 0;
                for seed in 0..series {
                    let mut gate = BudgetGate::new(budget, mode);
                    for (at, score) in scores(kind, count, seed).into_iter().enumerate() {
                        let time = Timestamp::from_seconds(at as i64 * step);
                        alarms += u64::from(gate.learn(time, score));
                    }
                }
                let seconds = series as f64 * count as f64 * step as f64;
                (kind, alarms as f64 * budget.interval_seconds() / seconds)
            })
            .collect()
    }

    #[test]
    fn budgets_from_an_hour_to_a_month_are_kept_within_a_factor_of_two() {
        let mut missed = Vec::new();
        // Four to eight promised alarms a series, or as many as fit. Where few are
        // promised, the bar is high on purpose.
        let runs = [
            ("1/hour", 8, 20_000, 60, 0.5),
            ("1/day", 8, 20_000, 60, 0.5),
            ("1/week", 8, 20_000, 300, 0.5),
            ("1/month", 12, 20_000, 600, 0.2),
            ("1/month", 12, 20_000, 1800, 0.5),
        ];
        for (budget, series, count, step, least) in runs {
            for mode in [BudgetMode::Soft, BudgetMode::Hard] {
                for (kind, ratio) in kept(budget, mode, series, count, step) {
                    if !(least..=2.0).contains(&ratio) {
                        missed
                            .push(format!("{budget} {mode:?} {kind:?}: {ratio:.2} of the promise"));
                    }
                }
            }
        }
        assert!(missed.is_empty(), "{}", missed.join("\n"));
    }

    /// A gate that learnt `scores`, a minute apart, and how many were alarms.
    fn after(budget: &str, scores: impl IntoIterator<Item = f64>) -> (BudgetGate, usize) {
        let mut gate = BudgetGate::new(budget.parse().unwrap(), BudgetMode::Soft);
        let alarm = |(at, score)| gate.learn(Timestamp::from_seconds(60 * at as i64), score);
        let alarms = scores.into_iter().enumerate().map(alarm).filter(|alarm| *alarm).count();
        (gate, alarms)
    }

    #[test]
    fn a_score_that_was_0_for_long_takes_few_alarms_to_be_known() {
        // Something happens every four hours, but never did in the first three days.
        let score = |minute: usize| match minute {
            4320.. if minute.is_multiple_of(240) => 5.0 + (minute % 7) as f64,
            _ => 0.0,
        };
        let (_, alarms) = after("1/week", (0..20_000).map(score));
        assert!((1..=16).contains(&alarms), "{alarms} alarms");
    }

    #[test]
    fn two_outliers_do_not_blind_and_more_are_accepted() {
        let kept = |outliers: usize| {
            let usual = scores(Kind::Exponential, 20_000, 5);
            let score = |(at, score): (usize, f64)| {
                if at % 2000 == 1000 && at / 2000 < outliers { 1e6 } else { score }
            };
            let (gate, _) = after("1/week", usual.into_iter().enumerate().map(score));
            gate.level().unwrap()
        };
        let usual = kept(0);
        assert!(kept(2) < 2.0 * usual, "{} and {usual}", kept(2));
        assert!(kept(8) > 100.0 * usual);
    }

    #[test]
    fn what_is_confirmed_does_not_spend_the_budget() {
        // Four anomalies in each week, at one alarm a week.
        let alarms = |told: bool| {
            let mut gate = BudgetGate::new("1/week".parse().unwrap(), BudgetMode::Soft);
            let (mut true_alarms, mut false_alarms) = (0, 0);
            for (at, usual) in scores(Kind::Exponential, 40 * 2016, 9).into_iter().enumerate() {
                let anomaly = at % 504 == 500;
                let score = if anomaly { 8.0 + usual } else { usual };
                let time = Timestamp::from_seconds(300 * at as i64);
                let alarm = if anomaly && told {
                    gate.learn_confirmed(time, score)
                } else {
                    gate.learn(time, score)
                };
                *(if anomaly { &mut true_alarms } else { &mut false_alarms }) += u32::from(alarm);
            }
            (true_alarms, false_alarms)
        };
        let (untold, told) = (alarms(false), alarms(true));
        assert!((20..=80).contains(&told.1), "{} false alarms in 40 weeks", told.1);
        assert!(told.0 > 100 && told.0 > untold.0, "{} and {} of 160 found", told.0, untold.0);
        assert!(untold.0 + untold.1 < 80, "{untold:?} in 40 weeks");
    }

    #[test]
    fn a_budget_finer_than_the_samples_is_taken_for_one_alarm_in_twelve() {
        let mut gate = BudgetGate::new("1/hour".parse().unwrap(), BudgetMode::Soft);
        assert!(!gate.is_coarse(), "without samples nothing is known");
        let mut alarms = 0;
        let usual = scores(Kind::Normal, 20_000, 1);
        for (hour, score) in usual.into_iter().enumerate() {
            alarms += u32::from(gate.learn(Timestamp::from_seconds(3600 * hour as i64), score));
        }
        assert!(gate.is_coarse());
        assert_eq!(gate.interval(), 12.0 * 3600.0);
        let promised = 20_000.0 / 12.0;
        assert!((0.5..=2.0).contains(&(f64::from(alarms) / promised)), "{alarms} alarms");
        assert!(!after("1/hour", [1.0, 2.0, 3.0]).0.is_coarse());
    }
}
