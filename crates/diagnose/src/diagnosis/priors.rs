//! How likely each cause is before any evidence: by the handbook, and by what people found here.

use std::collections::BTreeMap;
use std::fmt;

use auscult_knowledge::Knowledge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Weights;

/// Incidents that the handbook counts as beside those of which people say what they were.
pub const HANDBOOK_CASES: f64 = 100.0;

/// What incidents of a site turned out to be, by people's word.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cases {
    /// How many were each fault, by its short name.
    pub faults: BTreeMap<String, u32>,
    /// How many were none of the known causes.
    pub unknown: u32,
    /// How many were no incidents at all: false alarms.
    pub healthy: u32,
}

impl Cases {
    /// How many there are.
    pub fn all(&self) -> u32 {
        self.faults.values().sum::<u32>() + self.unknown + self.healthy
    }
}

/// Odds of all causes before any evidence.
///
/// The shares of the handbook are the mean of a Dirichlet distribution that counts as
/// [`HANDBOOK_CASES`] incidents; each incident of which people say what it was counts as one more.
/// Without any the odds are those of the handbook, to the last bit.
///
/// ```
/// use auscult_diagnose::diagnosis::{Cases, Priors, Weights};
/// let knowledge = auscult_knowledge::Knowledge::embedded();
/// let mut cases = Cases::default();
/// cases.faults.insert("G1".to_owned(), 3);
/// let priors = Priors::new(&knowledge, &Weights::default(), &cases);
/// let shares = priors.shares(&knowledge);
/// let heat = shares.iter().find(|share| share.cause == "G1").unwrap();
/// assert!(heat.now > 2.0 * heat.handbook && heat.verdicts == 3);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Priors {
    /// Of each fault, in the order of the catalogue; those of the handbook sum to 1.
    pub(super) faults: Vec<f64>,
    /// That it is none of the known causes.
    pub(super) unknown: f64,
    /// That nothing is wrong.
    pub(super) healthy: f64,
    handbook: Vec<f64>,
    weights: [f64; 2],
    cases: Cases,
}

/// How likely a cause is before any evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Prior")]
pub struct PriorShare {
    /// Short name of the fault; `none` for none of the known causes, `healthy` for nothing at all.
    pub cause: String,
    /// What people call it.
    pub name: String,
    /// Probability by the handbook alone.
    pub handbook: f64,
    /// Probability with what people said of incidents here.
    pub now: f64,
    /// Incidents that people said were this.
    pub verdicts: u32,
}

impl fmt::Display for PriorShare {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, handbook, now, verdicts, .. } = self;
        write!(to, "prior of {cause}: {handbook:.3} in the handbook")?;
        match verdicts {
            0 => write!(to, ", {now:.3} now"),
            1 => write!(to, ", {now:.3} with one verdict here"),
            verdicts => write!(to, ", {now:.3} with {verdicts} verdicts here"),
        }
    }
}

impl Priors {
    /// Of the causes that are known, with `cases` of this site. Cases of faults that are not in the
    /// catalogue count as none of the known causes.
    pub fn new(knowledge: &Knowledge, weights: &Weights, cases: &Cases) -> Self {
        let all = knowledge.faults();
        let total: f64 = all.iter().map(|fault| fault.prior.weight.sqrt()).sum();
        let handbook: Vec<f64> =
            all.iter().map(|fault| fault.prior.weight.sqrt() / total).collect();
        let is_known = |name: &String| all.iter().any(|fault| fault.fault == *name);
        let strange = cases.faults.iter().filter(|(name, _)| !is_known(name));
        let strange: u32 = strange.map(|(_, count)| count).sum();
        let mut cases = cases.clone();
        cases.faults.retain(|name, _| is_known(name));
        cases.unknown += strange;
        let weights = [weights.unknown, weights.health];
        // Odds that one more incident adds, where those of the handbook are left as they are.
        let one = (1.0 + weights.iter().sum::<f64>()) / HANDBOOK_CASES;
        let with = |odds: f64, count: u32| odds + one * f64::from(count);
        let count = |name: &str| cases.faults.get(name).copied().unwrap_or(0);
        let faults = all.iter().zip(&handbook);
        let faults = faults.map(|(fault, odds)| with(*odds, count(&fault.fault))).collect();
        let unknown = with(weights[0], cases.unknown);
        let healthy = with(weights[1], cases.healthy);
        Self { faults, unknown, healthy, handbook, weights, cases }
    }

    /// What incidents here turned out to be.
    pub fn cases(&self) -> &Cases {
        &self.cases
    }

    /// Every cause with its probability before any evidence, those with verdicts first, then the
    /// likeliest.
    pub fn shares(&self, knowledge: &Knowledge) -> Vec<PriorShare> {
        // In the same order as below, so that the same odds give the same shares.
        let before = self.handbook.iter().sum::<f64>() + self.weights[0] + self.weights[1];
        let after = self.faults.iter().sum::<f64>() + self.unknown + self.healthy;
        let share = |cause: &str, name: &str, handbook: f64, now: f64, verdicts: u32| PriorShare {
            cause: cause.to_owned(),
            name: name.to_owned(),
            handbook: handbook / before,
            now: now / after,
            verdicts,
        };
        let faults = knowledge.faults().iter().zip(self.handbook.iter().zip(&self.faults));
        let mut shares: Vec<PriorShare> = faults
            .map(|(fault, (handbook, now))| {
                let verdicts = self.cases.faults.get(&fault.fault).copied().unwrap_or(0);
                share(&fault.fault, &fault.name, *handbook, *now, verdicts)
            })
            .collect();
        let [unknown, healthy] = self.weights;
        let none = "none of the known causes";
        shares.push(share("none", none, unknown, self.unknown, self.cases.unknown));
        let nothing = "nothing is wrong";
        shares.push(share("healthy", nothing, healthy, self.healthy, self.cases.healthy));
        shares.sort_by(|one, other| {
            let verdicts = other.verdicts.cmp(&one.verdicts);
            verdicts.then_with(|| other.now.total_cmp(&one.now))
        });
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priors(cases: &Cases) -> Priors {
        Priors::new(&Knowledge::embedded(), &Weights::default(), cases)
    }

    #[test]
    fn verdicts_count_beside_the_handbook_and_leave_no_trace_once_they_are_gone() {
        let knowledge = Knowledge::embedded();
        let none = priors(&Cases::default());
        assert_eq!(none.faults, none.handbook);
        let sum = |priors: &Priors| -> f64 {
            priors.shares(&knowledge).iter().map(|share| share.now).sum()
        };
        assert!((sum(&none) - 1.0).abs() < 1e-12);
        let mut cases = Cases { unknown: 2, healthy: 5, ..Cases::default() };
        cases.faults.insert("G7".to_owned(), 3);
        cases.faults.insert("Z99".to_owned(), 1);
        let some = priors(&cases);
        assert!((sum(&some) - 1.0).abs() < 1e-12);
        assert_eq!(some.cases().all(), 11);
        let shares = some.shares(&knowledge);
        let of = |cause: &str| shares.iter().find(|share| share.cause == cause).unwrap();
        // (100 · share + count) / (100 + 11)
        for (cause, count) in [("G7", 3.0), ("none", 3.0), ("healthy", 5.0), ("G1", 0.0)] {
            let expected = (100.0 * of(cause).handbook + count) / 111.0;
            assert!((of(cause).now - expected).abs() < 1e-12, "{cause}");
        }
        assert_eq!(shares[0].cause, "healthy");
        cases = Cases::default();
        assert_eq!(priors(&cases), none);
    }
}
