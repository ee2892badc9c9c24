//! Counts alarms, and holds them against what was promised.

use std::path::Path;

use auscult_core::{Sample, SettingsMap};
use auscult_detect::Method;
use auscult_detect::ensemble::{AlarmBudget, BudgetMode};
use serde::Serialize;

use super::stretches::Source;
use super::{Known, Stretch, each};
use crate::detection::plan::Bar;
use crate::outcome::CallError;

/// Usual steps that a gap counts as.
const GAP: f64 = 3.0;

/// A budget, and how it is to be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub budget: AlarmBudget,
    pub mode: BudgetMode,
    /// Whether labelled anomalies are confirmed, as by `auscult detect --budget --label`.
    pub told: bool,
}

/// What came of a budget on one series.
#[derive(Debug, Clone, Copy, Default)]
struct One {
    /// Alarms where the series is healthy.
    alarms: u32,
    /// Alarms that the budget promised there.
    promised: f64,
    /// Alarms wherever, and what the budget promised for all of the time.
    all_alarms: u32,
    all_promised: f64,
    /// Labelled anomalies, and those with an alarm in them.
    anomalies: u32,
    found: u32,
    /// Whether samples were too rare for the budget.
    coarse: bool,
}

/// What came of a budget on several series. Constant ones are left out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Kept {
    pub budget: String,
    pub mode: BudgetMode,
    /// Whether labelled anomalies were confirmed.
    pub told: bool,
    /// False alarms.
    pub alarms: u32,
    /// What the budget promised for the healthy time.
    pub promised: f64,
    /// False alarms over the promise; none where nothing was promised.
    pub ratio: Option<f64>,
    /// Share of series with more than twice the promise.
    pub over: f64,
    /// That share if alarms came by chance, at just the promised rate.
    pub over_by_chance: f64,
    /// Alarms of any kind, wherever.
    pub all_alarms: u32,
    /// Alarms of any kind over what was promised for all of the time.
    pub all_ratio: Option<f64>,
    /// Labelled anomalies, and those with an alarm in them.
    pub anomalies: u32,
    pub found: u32,
    /// Series with samples too rare for the budget: they are held to one alarm in twelve samples.
    pub coarse: usize,
}

/// Several series under all budgets asked for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Group {
    /// Which series.
    pub name: String,
    /// Series that are not constant.
    pub series: usize,
    /// Constant series: no alarm can come of them, and none is counted.
    pub constant: usize,
    /// Healthy time of the series that are not constant.
    pub series_weeks: f64,
    pub kept: Vec<Kept>,
}

/// One series under all budgets.
struct Counted {
    healthy_seconds: f64,
    /// None of a constant series.
    each: Option<Vec<One>>,
}

/// Judges every series of `source` by `method`; a group for each part of it.
pub(crate) fn measure(
    source: &Source,
    data: &Path,
    method: &Method,
    settings: &SettingsMap,
    asked: &[Asked],
    threads: usize,
    done: impl Fn() + Sync,
) -> Result<(Group, Vec<Group>), CallError> {
    let names = (source.names)(data)?;
    let part = |name: &str| -> Result<Vec<Counted>, CallError> {
        let stretches = (source.load)(data, name)?;
        stretches.iter().map(|stretch| judge(stretch, method, settings, asked)).collect()
    };
    let counted = each(&names, threads, part, done)?;
    let parts =
        names.iter().zip(&counted).map(|(name, part)| group(name, part.iter(), asked)).collect();
    let all = group(source.name, counted.iter().flatten(), asked);
    Ok((all, parts))
}

/// Watches `stretch` under all budgets at once, as `auscult detect --budget` would under each.
fn judge(
    stretch: &Stretch,
    method: &Method,
    settings: &SettingsMap,
    asked: &[Asked],
) -> Result<Counted, CallError> {
    let seconds = watched(stretch);
    let healthy = stretch.known.iter().zip(&seconds).filter(|(known, _)| **known == Known::Healthy);
    let healthy_seconds = healthy.map(|(_, seconds)| seconds).sum();
    if stretch.is_constant() {
        return Ok(Counted { healthy_seconds, each: None });
    }
    let build = method.online.ok_or_else(|| refused(method, "does not judge row by row"))?;
    let mut detector = build(settings, 1).map_err(|error| refused(method, error))?;
    let mut bars: Vec<Bar> =
        asked.iter().map(|asked| Bar::new(Some((asked.budget, asked.mode)), f64::MAX)).collect();
    let mut each = vec![One::default(); asked.len()];
    // Whether the anomaly at hand was found.
    let mut found = vec![false; asked.len()];
    for (at, reading) in stretch.readings.iter().enumerate() {
        let time = stretch.times[at];
        let known = stretch.known[at];
        let begins =
            known == Known::Anomaly && (at == 0 || stretch.known[at - 1] != Known::Anomaly);
        let readings = [*reading];
        let sample = Sample::new(time, &readings).map_err(CallError::input)?;
        for (((bar, one), found), asked) in
            bars.iter_mut().zip(&mut each).zip(&mut found).zip(asked)
        {
            if begins {
                one.anomalies += 1;
                *found = false;
            }
            let score = bar.rate(detector.as_ref(), sample).map_err(CallError::input)?;
            let Some(score) = score.ready() else { continue };
            let alarm = score > bar.height(time, score);
            bar.learn(time, score, asked.told && known == Known::Anomaly);
            one.all_alarms += u32::from(alarm);
            one.alarms += u32::from(alarm && known == Known::Healthy);
            if alarm && known == Known::Anomaly && !*found {
                *found = true;
                one.found += 1;
            }
        }
        detector.learn(sample).map_err(CallError::input)?;
    }
    let all_seconds: f64 = seconds.iter().sum();
    for ((one, bar), asked) in each.iter_mut().zip(&bars).zip(asked) {
        one.coarse = bar.coarse().is_some();
        let interval = bar.coarse().unwrap_or(asked.budget.interval_seconds());
        one.promised = healthy_seconds / interval;
        one.all_promised = all_seconds / interval;
    }
    Ok(Counted { healthy_seconds, each: Some(each) })
}

fn refused(method: &Method, why: impl std::fmt::Display) -> CallError {
    CallError::input(format!("method `{}`: {why}", method.name))
}

/// Seconds that each sample of `stretch` stands for; a gap counts as three samples.
pub(super) fn watched(stretch: &Stretch) -> Vec<f64> {
    let step = usual_step(stretch);
    (0..stretch.times.len())
        .map(|at| match at {
            0 => step,
            _ => between(stretch, at).clamp(0.0, GAP * step),
        })
        .collect()
}

/// Seconds from the sample before `at` to that `at`.
fn between(stretch: &Stretch, at: usize) -> f64 {
    (stretch.times[at].nanos() as f64 - stretch.times[at - 1].nanos() as f64) / 1e9
}

/// Median seconds from sample to sample.
fn usual_step(stretch: &Stretch) -> f64 {
    let mut steps: Vec<f64> = (1..stretch.times.len()).map(|at| between(stretch, at)).collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(0.0)
}

/// What came of each budget on all of `counted` together.
fn group<'a>(name: &str, counted: impl Iterator<Item = &'a Counted>, asked: &[Asked]) -> Group {
    const WEEK: f64 = 604_800.0;
    let (mut series_weeks, mut constant) = (0.0, 0);
    let mut watched = Vec::new();
    for one in counted {
        match &one.each {
            Some(each) => {
                series_weeks += one.healthy_seconds / WEEK;
                watched.push(each);
            }
            None => constant += 1,
        }
    }
    let kept = asked.iter().enumerate().map(|(place, asked)| {
        let ones = || watched.iter().map(|each| each[place]);
        let share =
            |of: &dyn Fn(One) -> f64| ones().map(of).sum::<f64>() / watched.len().max(1) as f64;
        let over = |alarms: f64, over: f64| if over > 0.0 { Some(alarms / over) } else { None };
        let alarms: u32 = ones().map(|one| one.alarms).sum();
        let promised: f64 = ones().map(|one| one.promised).sum();
        let all: u32 = ones().map(|one| one.all_alarms).sum();
        Kept {
            budget: asked.budget.to_string(),
            mode: asked.mode,
            told: asked.told,
            alarms,
            promised,
            ratio: over(f64::from(alarms), promised),
            over: share(&|one| f64::from(u8::from(f64::from(one.alarms) > 2.0 * one.promised))),
            over_by_chance: share(&|one| more_than_twice(one.promised)),
            all_alarms: all,
            all_ratio: over(f64::from(all), ones().map(|one| one.all_promised).sum()),
            anomalies: ones().map(|one| one.anomalies).sum(),
            found: ones().map(|one| one.found).sum(),
            coarse: ones().filter(|one| one.coarse).count(),
        }
    });
    Group {
        name: name.to_owned(),
        series: watched.len(),
        constant,
        series_weeks,
        kept: kept.collect(),
    }
}

/// Chance that a number after Poisson with `mean` is more than twice the mean.
pub(super) fn more_than_twice(mean: f64) -> f64 {
    if mean > 500.0 {
        return 0.0;
    }
    let mut term = (-mean).exp();
    let mut at_most = 0.0;
    for count in 0..=(2.0 * mean).floor() as u32 {
        at_most += term;
        term *= mean / f64::from(count + 1);
    }
    (1.0 - at_most).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_that_of_the_poisson_distribution() {
        // Of mean 0.3: more than 0; of mean 1: more than 2.
        assert!((more_than_twice(0.3) - (1.0 - (-0.3f64).exp())).abs() < 1e-12);
        assert!((more_than_twice(1.0) - (1.0 - 2.5 * (-1.0f64).exp())).abs() < 1e-12);
        assert!(more_than_twice(400.0) < 1e-9 && more_than_twice(1e6) == 0.0);
    }

    #[test]
    fn constant_series_are_counted_and_left_out_of_the_ratio() {
        let one = One { alarms: 3, promised: 1.0, ..One::default() };
        let counted = [
            Counted { healthy_seconds: 604_800.0, each: Some(vec![one]) },
            Counted { healthy_seconds: 604_800.0, each: None },
        ];
        let budget = "1/week".parse().expect("a budget");
        let group =
            group("x", counted.iter(), &[Asked { budget, mode: BudgetMode::Soft, told: false }]);
        assert_eq!((group.series, group.constant, group.series_weeks), (1, 1, 1.0));
        assert_eq!((group.kept[0].ratio, group.kept[0].over), (Some(3.0), 1.0));
    }
}
