//! How likely hypotheses are as one thing after the other becomes known, and what it is worth to know
//! more.

use std::collections::BTreeMap;

use super::super::weigh::{self, Weighed};

/// What a statement does to hypotheses of one place.
#[derive(Debug)]
pub(super) struct Test {
    /// The place that it is made from.
    pub(super) place: usize,
    /// Of each hypothesis there, in the order of the belief: what is added to its odds if the
    /// statement fails and if it holds; and how likely it is to hold then.
    pub(super) effects: Vec<([f64; 2], f64)>,
    /// How likely it is to hold under any other hypothesis.
    pub(super) otherwise: f64,
}

/// Hypotheses and their odds.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    hypotheses: Vec<Weighed>,
    /// Numbers of hypotheses, by place.
    by_place: BTreeMap<usize, Vec<usize>>,
    health: f64,
    unknown: f64,
    /// Part of the best explanation that an unknown cause is credited with.
    credit: f64,
}

/// A cause that leads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lead {
    /// A fault by number, at the place where it is likeliest.
    Fault(usize, usize),
    /// None of those that are known.
    Unknown,
    /// Nothing is wrong.
    Healthy,
}

impl Belief {
    /// `health` and `unknown` are the logarithms of prior odds.
    pub(super) fn new(hypotheses: Vec<Weighed>, health: f64, unknown: f64, credit: f64) -> Self {
        let mut by_place: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, one) in hypotheses.iter().enumerate() {
            by_place.entry(one.place).or_default().push(number);
        }
        Self { hypotheses, by_place, health, unknown, credit }
    }

    /// Hypotheses of a place, in the order in which a [`Test`] has its effects.
    pub(super) fn at(&self, place: usize) -> impl Iterator<Item = &Weighed> {
        let numbers = self.by_place.get(&place).into_iter().flatten();
        numbers.map(|number| &self.hypotheses[*number])
    }

    /// Places with hypotheses.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.by_place.keys().copied()
    }

    /// The places of causes that are at least as likely as `least`, the likeliest first and `most` of
    /// them, each with the numbers of these faults there.
    pub(super) fn likely(&self, least: f64, most: usize) -> Vec<(usize, Vec<usize>)> {
        let odds = self.normal();
        let mut places: BTreeMap<usize, (f64, Vec<usize>)> = BTreeMap::new();
        for one in &self.hypotheses {
            let share = odds.mass(one.odds) / odds.sum;
            if share >= least {
                let (all, faults) = places.entry(one.place).or_default();
                *all += share;
                faults.push(one.fault);
            }
        }
        let mut places: Vec<(usize, (f64, Vec<usize>))> = places.into_iter().collect();
        places.sort_by(|one, other| other.1.0.total_cmp(&one.1.0));
        places.truncate(most);
        places.into_iter().map(|(place, (_, faults))| (place, faults)).collect()
    }

    fn unknown(&self) -> f64 {
        let possible = self.hypotheses.iter().filter(|one| one.odds.is_finite());
        weigh::unknown(self.unknown, self.credit, possible)
    }

    /// Takes in that the statement of `test` holds or does not.
    pub(super) fn take(&mut self, test: &Test, holds: bool) {
        let numbers = self.by_place.get(&test.place).into_iter().flatten();
        for (number, (adds, _)) in numbers.zip(&test.effects) {
            let one = &mut self.hypotheses[*number];
            one.odds += adds[usize::from(holds)];
            one.by_evidence += adds[usize::from(holds)];
        }
    }

    /// Probability that the statement of `test` holds.
    fn chance(&self, test: &Test, odds: &Normal) -> f64 {
        let there = self.at(test.place).zip(&test.effects);
        let there = there.map(|(one, (_, share))| (odds.mass(one.odds), share));
        let (mut there_all, mut holds) = (0.0, 0.0);
        for (mass, share) in there {
            there_all += mass;
            holds += mass * share;
        }
        ((holds + (odds.sum - there_all).max(0.0) * test.otherwise) / odds.sum).clamp(0.0, 1.0)
    }

    /// Bits by which the entropy over all hypotheses is expected to fall once it is known whether the
    /// statement of each test holds; of several tests one after the other, as if they did not depend
    /// on each other.
    pub(super) fn gain<'t>(&self, tests: impl IntoIterator<Item = &'t Test>) -> f64 {
        let odds = self.normal();
        let before = odds.entropy();
        let gain = tests.into_iter().map(|test| {
            let chance = self.chance(test, &odds);
            let after = [(false, 1.0 - chance), (true, chance)].map(|(holds, chance)| {
                if chance == 0.0 {
                    return 0.0;
                }
                let mut odds = odds.clone();
                for (one, (adds, _)) in self.at(test.place).zip(&test.effects) {
                    odds.replace(one.odds, one.odds + adds[usize::from(holds)]);
                }
                chance * odds.entropy()
            });
            (before - after[0] - after[1]).max(0.0)
        });
        gain.sum::<f64>() / std::f64::consts::LN_2
    }

    fn normal(&self) -> Normal {
        let all = || self.hypotheses.iter().map(|one| one.odds);
        let (health, unknown) = (self.health, self.unknown());
        let most = all().fold(health.max(unknown), f64::max);
        let mut normal = Normal { most, sum: 0.0, logs: 0.0 };
        all().chain([health, unknown]).for_each(|odds| normal.add(odds, 1.0));
        normal
    }

    /// What leads, and how likely it is: a fault wherever it is, that nothing is wrong, or that it is
    /// none of the known causes.
    pub(super) fn lead(&self) -> (Lead, f64) {
        let odds = self.normal();
        let mut faults: BTreeMap<usize, (f64, &Weighed)> = BTreeMap::new();
        for one in &self.hypotheses {
            let (all, best) = faults.entry(one.fault).or_insert((0.0, one));
            *all += odds.mass(one.odds);
            if one.odds > best.odds {
                *best = one;
            }
        }
        let faults = faults.into_values();
        let faults = faults.map(|(mass, best)| (Lead::Fault(best.fault, best.place), mass));
        let others = [(Lead::Unknown, self.unknown()), (Lead::Healthy, self.health)];
        let others = others.map(|(lead, one)| (lead, odds.mass(one)));
        let first = others
            .into_iter()
            .chain(faults)
            .reduce(|best, one| if one.1 > best.1 { one } else { best });
        let (lead, mass) = first.unwrap_or((Lead::Unknown, 0.0));
        (lead, mass / odds.sum)
    }

    /// What would lead, and how likely the answer is, if the statement failed and if it held.
    pub(super) fn outlook(&self, test: &Test) -> [(f64, Lead, f64); 2] {
        let chance = self.chance(test, &self.normal());
        [(false, 1.0 - chance), (true, chance)].map(|(holds, chance)| {
            let mut then = self.clone();
            then.take(test, holds);
            let (lead, confidence) = then.lead();
            (chance, lead, confidence)
        })
    }
}

/// Sums over odds, from which the entropy follows.
#[derive(Debug, Clone)]
struct Normal {
    /// The greatest of the odds, so that none overflows.
    most: f64,
    sum: f64,
    /// Sum of masses times their logarithms.
    logs: f64,
}

impl Normal {
    fn mass(&self, odds: f64) -> f64 {
        (odds - self.most).exp()
    }

    fn add(&mut self, odds: f64, times: f64) {
        let mass = self.mass(odds);
        if mass > 0.0 {
            self.sum += times * mass;
            self.logs += times * mass * (odds - self.most);
        }
    }

    fn replace(&mut self, before: f64, after: f64) {
        self.add(before, -1.0);
        self.add(after, 1.0);
    }

    fn entropy(&self) -> f64 {
        if self.sum <= 0.0 { 0.0 } else { (self.sum.ln() - self.logs / self.sum).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belief(odds: &[f64]) -> Belief {
        let one = |(place, odds): (usize, &f64)| Weighed {
            fault: place,
            place,
            odds: odds.ln(),
            by_evidence: 0.0,
            spread: 0.0,
        };
        let hypotheses = odds.iter().enumerate().map(one).collect();
        Belief::new(hypotheses, f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0)
    }

    /// A test that is sure to hold under the hypothesis of place 0, and never under others.
    fn sure() -> Test {
        Test { place: 0, effects: vec![([f64::NEG_INFINITY, 50.0], 1.0)], otherwise: 0.0 }
    }

    #[test]
    fn what_is_sure_to_tell_two_apart_gains_one_bit_and_what_tells_nothing_none() {
        let even = belief(&[1.0, 1.0]);
        assert!((even.gain([&sure()]) - 1.0).abs() < 1e-9);
        let idle = Test { place: 0, effects: vec![([0.0, 0.0], 0.5)], otherwise: 0.5 };
        assert_eq!(even.gain([&idle]), 0.0);
        // One of four alike: the entropy of a quarter.
        let four = belief(&[1.0; 4]);
        let expected = 2.0 - 0.75 * 3.0_f64.log2();
        assert!((four.gain([&sure()]) - expected).abs() < 1e-9);
    }

    #[test]
    fn an_outlook_says_what_would_lead_and_how_likely_that_is() {
        let belief = belief(&[1.0, 3.0]);
        assert_eq!(belief.lead(), (Lead::Fault(1, 1), 0.75));
        let [no, yes] = belief.outlook(&sure());
        assert_eq!((no.1, no.2), (Lead::Fault(1, 1), 1.0));
        assert_eq!(yes.1, Lead::Fault(0, 0));
        assert!((no.0 - 0.75).abs() < 1e-9 && (yes.0 - 0.25).abs() < 1e-9);
    }
}
