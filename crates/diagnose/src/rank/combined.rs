//! Our default: joint onset, robust shift against healthy windows, explained away.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use auscult_stats::quantile::quantile;

use super::case::{Case, CaseSeries, LEAST_NORMAL, Layer, RankError};
use super::healthy::windows;
use super::onset::onset;
use super::ranking::{ABSTAIN_ABOVE, Ranking, sorted};
use super::scale::{Level, levels};

/// Quantile of healthy windows that a series must exceed before its shift counts in full.
const USUAL: f64 = 0.95;

/// A series that moved this many times what is usual explains the layers above it.
const BEYOND_DOUBT: f64 = 10.0;

/// Correlation taken for two series of which nothing is known.
const NOTHING_KNOWN: f64 = 0.5;

/// Share of the variance that a correlation leaves open at least, however close it is.
const LEAST_LEFT_OPEN: f64 = 1e-3;

/// Rows that suffice to compare two series with each other.
const LEAST_TO_COMPARE: usize = 4;

/// Ranks by how far series moved, on average over the abnormal rows, against how far they
/// move in healthy windows, and explains away what known dependencies explain.
pub(super) fn combined(case: &Case) -> Result<Ranking, RankError> {
    let onset = onset(case);
    // An onset that is not certain must not let abnormal rows pass for normal ones.
    let normal = onset.interval.0.max(LEAST_NORMAL).min(onset.row);
    let abnormal = onset.row..case.rows();
    let before = abnormal.start - case.around(&abnormal).start;
    let eyes = Eyes { case, levels: levels(case, &(0..normal)), before };
    let windows = windows(case, normal, abnormal.len());
    let healthy: Vec<Vec<f64>> = windows.iter().map(|window| eyes.shifts(window)).collect();
    let usual = usual(&healthy, case.series().len());
    let against = |shifts: &[f64]| -> Vec<f64> {
        shifts.iter().zip(&usual).map(|(shift, usual)| shift / usual).collect()
    };
    let blame = eyes.blame(&against(&eyes.shifts(&abnormal)), &abnormal);
    let first = blame.targets.values().copied().fold(0.0, f64::max);
    let as_suspect = windows.iter().zip(&healthy).filter(|(window, shifts)| {
        let best = eyes.blame(&against(shifts), window).targets.into_values().fold(0.0, f64::max);
        best >= first
    });
    let chance = (1 + as_suspect.count()) as f64 / (1 + windows.len()) as f64;
    // Of few windows even none that is as bad would not speak for a cause.
    let tells = 1.0 / (1 + windows.len()) as f64 <= ABSTAIN_ABOVE;
    let names = case.series().iter().map(|series| series.name.as_str());
    Ok(Ranking {
        series: sorted(names.zip(blame.series)),
        targets: sorted(blame.targets),
        onset,
        chance: tells.then_some(chance),
    })
}

/// How far each series usually moves in healthy windows, at least one scale.
fn usual(healthy: &[Vec<f64>], series: usize) -> Vec<f64> {
    let of = |at: usize| {
        let mut shifts: Vec<f64> = healthy.iter().map(|shifts| shifts[at]).collect();
        quantile(&mut shifts, USUAL).max(1.0)
    };
    (0..series).map(of).collect()
}

/// Who is to blame.
struct Blame<'c> {
    series: Vec<f64>,
    targets: BTreeMap<&'c str, f64>,
}

/// A case, and what is normal in it.
struct Eyes<'c> {
    case: &'c Case,
    levels: Vec<Level>,
    /// Rows before a window in which series are compared with the symptom too, so that a step
    /// counts.
    before: usize,
}

impl<'c> Eyes<'c> {
    /// How far each series is off on average over `rows`, in scales.
    fn shifts(&self, rows: &Range<usize>) -> Vec<f64> {
        let shift = |(series, level): (&CaseSeries, &Level)| {
            let read = series.values[rows.clone()].iter().filter(|value| !value.is_nan());
            let (sum, count) = read
                .fold((0.0, 0.0), |(sum, count), value| (sum + level.steps(*value), count + 1.0));
            if count > 0.0 { f64::abs(sum / count) } else { 0.0 }
        };
        self.case.series().iter().zip(&self.levels).map(shift).collect()
    }

    /// How suspect series and targets are whose series moved by `moved` over `rows`.
    fn blame(&self, moved: &[f64], rows: &Range<usize>) -> Blame<'c> {
        let suspect = self.with_the_symptom(moved, rows);
        let targets = self.case.targets();
        let views: BTreeMap<&str, View> = targets
            .iter()
            .map(|(name, series)| (*name, View::of(self.case, series, &suspect)))
            .collect();
        let seen: BTreeMap<&str, f64> =
            targets.keys().map(|name| (*name, self.seen_by_dependents(name, &views))).collect();
        let suspicion = |name: &str| {
            views.get(name).map_or(0.0, |view| view.own).max(seen.get(name).copied().unwrap_or(0.0))
        };
        let reach = self.candidates();
        let mut series = vec![0.0; moved.len()];
        let mut blamed = BTreeMap::new();
        for (name, members) in &targets {
            if reach.as_ref().is_some_and(|reach| !reach.contains(*name)) {
                continue;
            }
            let below = self.case.topology().dependencies(name).map(suspicion).fold(0.0, f64::max);
            for at in members {
                series[*at] = match self.case.series()[*at].layer {
                    Layer::Service | Layer::Dependencies => unexplained(suspect[*at], below),
                    Layer::Stock | Layer::Work | Layer::Other => suspect[*at],
                };
            }
            self.credit_deeper_layers(members, moved, &mut series);
            let own = members.iter().map(|at| series[*at]).fold(0.0, f64::max);
            blamed.insert(*name, own.max(seen[name]));
        }
        Blame { series, targets: blamed }
    }

    /// How suspect each series is that moved by `moved` over `rows`: with a symptom, how
    /// likely it moved at all times how clearly it goes along with the symptom.
    fn with_the_symptom(&self, moved: &[f64], rows: &Range<usize>) -> Vec<f64> {
        let Some(symptom) = self.case.symptom() else { return moved.to_vec() };
        // As many rows before as the case itself has, so that healthy windows are seen alike.
        let start = rows.start.saturating_sub(self.before);
        let start = if self.case.is_one_stretch(start, rows.end) { start } else { rows.start };
        let around = start..rows.end;
        let shown = &self.case.series()[symptom].values[around.clone()];
        let suspicion = |(at, moved): (usize, &f64)| {
            let along = match at == symptom {
                // That it goes along with itself says nothing.
                true => 1.0,
                false => agreement(shown, &self.case.series()[at].values[around.clone()]),
            };
            moved / (1.0 + moved) * along
        };
        moved.iter().enumerate().map(suspicion).collect()
    }

    /// The targets that can have caused the symptom; `None` when all can.
    fn candidates(&self) -> Option<BTreeSet<String>> {
        let symptom = self.case.symptom()?;
        let topology = self.case.topology();
        let target = &self.case.series()[symptom].target;
        topology.dependencies(target).next()?;
        Some(topology.reach(target))
    }

    /// What the dependents of `target` say of it: the mean of how far what others answered
    /// to them is off.
    fn seen_by_dependents(&self, target: &str, views: &BTreeMap<&str, View>) -> f64 {
        let dependents = self.case.topology().dependents(target);
        let said: Vec<f64> = dependents.filter_map(|name| views.get(name)?.dependencies).collect();
        if said.is_empty() { 0.0 } else { said.iter().sum::<f64>() / said.len() as f64 }
    }

    /// Ranks a series that moved beyond doubt just above those of layers over it in the
    /// same target: what fills takes work to fill, and work takes time, not the other way
    /// round.
    fn credit_deeper_layers(&self, members: &[usize], moved: &[f64], series: &mut [f64]) {
        let layer = |at: usize| self.case.series()[at].layer;
        let explained = |deep: Layer, high: Layer| {
            matches!(
                (deep, high),
                (Layer::Stock, Layer::Work | Layer::Service) | (Layer::Work, Layer::Service)
            )
        };
        let mut deepest_last: Vec<usize> = members.to_vec();
        deepest_last.sort_by_key(|at| std::cmp::Reverse(layer(*at)));
        for deep in deepest_last {
            if moved[deep] >= BEYOND_DOUBT {
                let over = members.iter().filter(|high| explained(layer(deep), layer(**high)));
                let highest = over.map(|high| series[*high]).fold(0.0, f64::max);
                series[deep] = series[deep].max(highest * (1.0 + f64::EPSILON));
            }
        }
    }
}

/// What the series of a target say together.
struct View {
    /// Of the target itself.
    own: f64,
    /// Of what it depends on; `None` without such a series.
    dependencies: Option<f64>,
}

impl View {
    fn of(case: &Case, members: &[usize], moved: &[f64]) -> Self {
        let mut view = Self { own: 0.0, dependencies: None };
        for at in members {
            if case.series()[*at].layer == Layer::Dependencies {
                let most = view.dependencies.unwrap_or(0.0).max(moved[*at]);
                view.dependencies = Some(most);
            } else {
                view.own = view.own.max(moved[*at]);
            }
        }
        view
    }
}

/// What is left of a shift of `moved` in what a target delivers, when what it depends on
/// moved by `below`: almost all when that is less, almost nothing when that is more.
pub(super) fn unexplained(moved: f64, below: f64) -> f64 {
    if moved > 0.0 { moved / (1.0 + (below / moved).powi(2)) } else { 0.0 }
}

/// How clearly `one` and `other` go along with each other, either way: the correlation over
/// the rows in which both are read, against what it leaves open, `|r| / sqrt(1 - r²)`.
/// Too few rows say nothing for it or against it.
fn agreement(one: &[f64], other: &[f64]) -> f64 {
    let both = one.iter().zip(other).filter(|(one, other)| !one.is_nan() && !other.is_nan());
    let (one, other): (Vec<f64>, Vec<f64>) = both.map(|(one, other)| (*one, *other)).unzip();
    let size = if one.len() < LEAST_TO_COMPARE {
        NOTHING_KNOWN
    } else {
        correlation(&one, &other).map_or(NOTHING_KNOWN, f64::abs)
    };
    size / (1.0 - size * size).max(LEAST_LEFT_OPEN).sqrt()
}

/// Pearson's correlation; 0 when `other` is constant, `None` when `one` is.
pub(super) fn correlation(one: &[f64], other: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (first, second) = (mean(one), mean(other));
    let (mut both, mut ones, mut others) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        let (one, other) = (one - first, other - second);
        both += one * other;
        ones += one * one;
        others += other * other;
    }
    if ones <= 0.0 {
        return None;
    }
    Some(if others > 0.0 { both / (ones * others).sqrt() } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::super::topology::Topology;
    use super::*;

    const ROWS: usize = 120;
    const ONSET: usize = 90;

    /// A series that rises by `step` noise amplitudes at the onset.
    fn series(target: &str, kind: &str, layer: Layer, level: f64, step: f64) -> CaseSeries {
        let reading = |row: usize| {
            let seed = row as u64 * 31 + (target.len() * 7 + kind.len()) as u64 + 1;
            let noise = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / 16_777_216.0;
            level + noise + if row >= ONSET { step } else { 0.0 }
        };
        CaseSeries {
            name: format!("{target} {kind}"),
            target: target.to_owned(),
            kind: kind.to_owned(),
            layer,
            values: (0..ROWS).map(reading).collect(),
        }
    }

    fn rank(series: Vec<CaseSeries>, edges: &[(&str, &str)]) -> Ranking {
        let case = Case::new(series, Some(ONSET)).expect("a case");
        combined(&case.with_topology(Topology::new(edges.to_vec()))).expect("a ranking")
    }

    #[test]
    fn what_fills_explains_the_work_of_filling_it() {
        let both = vec![
            series("shop", "cpu", Layer::Work, 1.0, 80.0),
            series("shop", "memory", Layer::Stock, 1.0, 20.0),
            series("web", "cpu", Layer::Work, 1.0, 0.0),
        ];
        assert_eq!(rank(both, &[]).series[0].name, "shop memory");
        let work = vec![
            series("shop", "cpu", Layer::Work, 1.0, 80.0),
            series("shop", "memory", Layer::Stock, 1.0, 0.5),
        ];
        assert_eq!(rank(work, &[]).series[0].name, "shop cpu");
    }

    #[test]
    fn a_dependency_that_moved_explains_its_dependents() {
        let slow = || {
            vec![
                series("web", "latency", Layer::Service, 5.0, 30.0),
                series("store", "latency", Layer::Service, 5.0, 20.0),
                series("mail", "latency", Layer::Service, 5.0, 0.0),
            ]
        };
        assert_eq!(rank(slow(), &[]).targets[0].name, "web");
        let ranking = rank(slow(), &[("web", "store"), ("web", "mail")]);
        assert_eq!(ranking.targets[0].name, "store");
        assert!(!ranking.abstains());
    }

    #[test]
    fn what_others_answered_speaks_of_them() {
        let delayed = vec![
            series("web", "answers", Layer::Dependencies, 5.0, 30.0),
            series("web", "cpu", Layer::Work, 5.0, 0.0),
            series("store", "cpu", Layer::Work, 5.0, 0.0),
            series("other", "cpu", Layer::Work, 5.0, 0.0),
        ];
        assert_eq!(rank(delayed, &[("web", "store")]).targets[0].name, "store");
    }

    #[test]
    fn nothing_that_moved_is_nobodys_fault() {
        let calm = |name| series(name, "cpu", Layer::Work, 5.0, 0.0);
        let ranking = rank(vec![calm("a"), calm("bb"), calm("ccc")], &[]);
        assert!(ranking.abstains(), "{ranking:?}");
    }

    #[test]
    fn only_what_the_symptom_depends_on_is_suspected() {
        let series = vec![
            series("web", "latency", Layer::Service, 5.0, 30.0),
            series("store", "latency", Layer::Service, 5.0, 20.0),
            series("batch", "cpu", Layer::Work, 5.0, 900.0),
        ];
        let case = Case::new(series, Some(ONSET)).expect("a case");
        let case = case.with_topology(Topology::new([("web", "store")]));
        let ranking = combined(&case.with_symptom("web latency").expect("there")).expect("ranked");
        let named: Vec<&str> = ranking.targets.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(named, ["store", "web"]);
    }

    #[test]
    fn agreement_is_the_correlation_against_what_it_leaves_open() {
        let rising = [1.0, 2.0, 3.0, 4.0];
        assert!(agreement(&rising, &[-1.0, -2.0, -3.0, -4.0]) > 30.0);
        assert_eq!(agreement(&rising, &[7.0; 4]), 0.0);
        let unknown = agreement(&rising, &[f64::NAN, 2.0, 3.0, 4.0]);
        assert!((unknown - 0.5 / 0.75_f64.sqrt()).abs() < 1e-12);
    }
}
