//! Which look at a system, or which part of it, is worth its cost next.

use super::inference::{Inference, InferenceError, Posterior};
use super::net::Network;

/// Looks whose cost is worked out with posteriors; later ones by formula.
const EXACT_LOOKS: usize = 6;

/// Settings of a [`Troubleshooter`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TroubleshootSettings {
    /// Probability from which on a suspect is named without looking at it, in
    /// (0.5, 1).
    pub certainty: f64,
    /// A root is a suspect if going wrong brings the symptom to a system that
    /// does not show it with at least this probability, in (0, 1).
    pub sufficiency: f64,
}

impl Default for TroubleshootSettings {
    fn default() -> Self {
        Self { certainty: 0.99, sufficiency: 0.1 }
    }
}

/// A root that may be the cause of the symptom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// Its place among the variables.
    pub variable: usize,
    /// The state in which it is most often: that of a part that works.
    pub usual: usize,
    /// Probability that leaving the usual state brings the symptom to a system
    /// that does not show it.
    pub sufficiency: f64,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Look at this variable.
    Look {
        /// Which.
        variable: usize,
        /// Cost expected until a cause can be named, this look included.
        expected_cost: f64,
    },
    /// Name this suspect.
    Name {
        /// Which variable.
        variable: usize,
        /// Probability that it is out of its usual state.
        probability: f64,
    },
}

/// Why a [`Troubleshooter`] cannot be set up.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum TroubleshootError {
    /// Costs of another length.
    #[error("costs are for {found} variables; expected {expected}")]
    Costs { found: usize, expected: usize },
    /// A cost that is none.
    #[error("looking at `{variable}` costs {cost}; expected a finite number above 0")]
    Cost { variable: String, cost: f64 },
    /// A setting out of its range.
    #[error("{what} is {value}; expected a number {range}")]
    Setting { what: &'static str, value: f64, range: &'static str },
    /// A symptom of a variable that is not there.
    #[error("the symptom is one of variable {variable}, but there are only {count}")]
    Symptom { variable: usize, count: usize },
    /// No root can bring the symptom.
    #[error(
        "no root of the network makes `{variable}` = `{state}` more likely; there is nothing to suspect"
    )]
    NoSuspects { variable: String, state: String },
    /// No posteriors.
    #[error(transparent)]
    Inference(#[from] InferenceError),
}

/// Finds the cause of a symptom at little cost.
///
/// Suspects are the roots of the network, out of their usual (most probable)
/// state, that can bring the symptom. Without tests one would look at suspects
/// in order of probability over cost, which is optimal for one fault and
/// independent costs, until one can be named; the expected cost of that is the
/// yardstick (`ECR`). The next look is the one, at a suspect or anything else,
/// after which its cost and the expected `ECR` together are least: one step of
/// looking ahead, which in expectation is never worse than the yardstick.
///
/// Posteriors are exact for any number of simultaneous faults; so is the
/// yardstick for its first six looks, after which it takes suspects for
/// exclusive. A step takes at most seven posteriors for each state of each
/// unseen variable.
///
/// Reference: D. Heckerman, J. Breese, K. Rommelse, "Decision-theoretic
/// troubleshooting", Communications of the ACM 38(3), 1995. We look instead of
/// repairing, and name a suspect as soon as it is certain enough.
#[derive(Debug, Clone)]
pub struct Troubleshooter {
    inference: Inference,
    states: Vec<usize>,
    suspects: Vec<Suspect>,
    costs: Vec<f64>,
    certainty: f64,
    /// Variables that nobody can look at.
    closed: Vec<bool>,
}

impl Troubleshooter {
    /// For the symptom that a variable is in a state; `costs` are those of
    /// looking at each variable.
    pub fn new(
        network: &Network,
        symptom: (usize, usize),
        costs: Vec<f64>,
        settings: &TroubleshootSettings,
    ) -> Result<Self, TroubleshootError> {
        let variables = network.variables();
        let (found, expected) = (costs.len(), variables.len());
        if found != expected {
            return Err(TroubleshootError::Costs { found, expected });
        }
        let absurd = costs.iter().position(|cost| !(*cost > 0.0 && cost.is_finite()));
        if let Some(at) = absurd {
            let (variable, cost) = (variables[at].name.clone(), costs[at]);
            return Err(TroubleshootError::Cost { variable, cost });
        }
        let TroubleshootSettings { certainty, sufficiency } = *settings;
        if !(certainty > 0.5 && certainty < 1.0) {
            let (what, range) = ("certainty", "between 0.5 and 1");
            return Err(TroubleshootError::Setting { what, value: certainty, range });
        }
        if !(sufficiency > 0.0 && sufficiency < 1.0) {
            let (what, range) = ("sufficiency", "between 0 and 1");
            return Err(TroubleshootError::Setting { what, value: sufficiency, range });
        }
        let inference = Inference::new(network)?;
        let mut evidence = vec![None; variables.len()];
        let before = inference.posterior(&evidence)?;
        let Some(seen) = evidence.get_mut(symptom.0) else {
            let (variable, count) = (symptom.0, variables.len());
            return Err(TroubleshootError::Symptom { variable, count });
        };
        *seen = Some(symptom.1);
        let after = inference.posterior(&evidence)?;
        let roots =
            (0..variables.len()).filter(|&at| at != symptom.0 && variables[at].parents.is_empty());
        let suspects: Vec<Suspect> = roots
            .map(|at| suspect(at, &before, &after))
            .filter(|suspect| suspect.sufficiency >= sufficiency)
            .collect();
        if suspects.is_empty() {
            let variable = &variables[symptom.0];
            let (variable, state) = (variable.name.clone(), variable.states[symptom.1].clone());
            return Err(TroubleshootError::NoSuspects { variable, state });
        }
        let states = variables.iter().map(|variable| variable.states.len()).collect();
        let closed = vec![false; expected];
        Ok(Self { inference, states, suspects, costs, certainty, closed })
    }

    /// Says whether a variable cannot be looked at: it is then no next look.
    ///
    /// # Panics
    ///
    /// When there is no such variable.
    pub fn set_closed(&mut self, variable: usize, is_closed: bool) {
        self.closed[variable] = is_closed;
    }

    /// Cost of looking at each variable.
    #[must_use]
    pub fn costs(&self) -> &[f64] {
        &self.costs
    }

    /// The suspects, in order of variables.
    #[must_use]
    pub fn suspects(&self) -> &[Suspect] {
        &self.suspects
    }

    /// The posterior under `evidence`, the symptom included.
    pub fn posterior(&self, evidence: &[Option<usize>]) -> Result<Posterior, InferenceError> {
        self.inference.posterior(evidence)
    }

    /// The suspect to name, if one is certain enough, or if it is all but
    /// certain that none is out of its usual state.
    #[must_use]
    pub fn verdict(&self, posterior: &Posterior) -> Option<Step> {
        let chances = self.chances(posterior);
        let (variable, probability) = self.likeliest(&chances);
        let none: f64 = chances.iter().map(|chance| 1.0 - chance).product();
        let is_over = probability >= self.certainty || none >= self.certainty;
        is_over.then_some(Step::Name { variable, probability })
    }

    /// What to do next when `evidence`, the symptom included, is what was seen.
    pub fn next(&self, evidence: &[Option<usize>]) -> Result<Step, InferenceError> {
        let now = self.posterior(evidence)?;
        if let Some(verdict) = self.verdict(&now) {
            return Ok(verdict);
        }
        let mut best: Option<(usize, f64)> = None;
        let mut evidence = evidence.to_vec();
        for variable in (0..evidence.len()).filter(|&at| now.marginals[at].len() > 1) {
            if evidence[variable].is_some() || self.closed[variable] {
                continue;
            }
            let mut cost = self.costs[variable];
            for state in 0..self.states[variable] {
                let chance = now.marginals[variable][state];
                // No way of looking can be worth more than this.
                if chance <= 0.0 || best.is_some_and(|(_, best)| cost >= best) {
                    continue;
                }
                evidence[variable] = Some(state);
                cost += chance * self.cost_to_find(&mut evidence)?;
            }
            evidence[variable] = None;
            if best.is_none_or(|(_, least)| cost < least - 1e-12) {
                best = Some((variable, cost));
            }
        }
        Ok(match best {
            Some((variable, expected_cost)) => Step::Look { variable, expected_cost },
            None => {
                let (variable, probability) = self.likeliest(&self.chances(&now));
                Step::Name { variable, probability }
            }
        })
    }

    /// Probability of each suspect to be out of its usual state.
    #[must_use]
    pub fn chances(&self, posterior: &Posterior) -> Vec<f64> {
        let chance = |suspect: &Suspect| {
            (1.0 - posterior.marginals[suspect.variable][suspect.usual]).clamp(0.0, 1.0)
        };
        self.suspects.iter().map(chance).collect()
    }

    /// The first of the likeliest suspects.
    fn likeliest(&self, chances: &[f64]) -> (usize, f64) {
        let better = |best, at| if chances[at] > chances[best] { at } else { best };
        let best = (1..chances.len()).fold(0, better);
        (self.suspects[best].variable, chances[best])
    }

    /// Expected cost of looking at suspects in order of probability over cost
    /// until one can be named. Exact for the first few of them; `evidence` is left
    /// as it came.
    fn cost_to_find(&self, evidence: &mut [Option<usize>]) -> Result<f64, InferenceError> {
        let (mut left, mut cost) = (1.0, 0.0);
        let mut looked = Vec::new();
        let tail = loop {
            let now = self.posterior(evidence)?;
            if self.verdict(&now).is_some() {
                break 0.0;
            }
            let chances = self.chances(&now);
            if looked.len() == EXACT_LOOKS {
                break self.cost_if_exclusive(&chances);
            }
            let worth = |at: &usize| chances[*at] / self.costs[self.suspects[*at].variable];
            let unseen = |at: &usize| {
                let variable = self.suspects[*at].variable;
                evidence[variable].is_none() && !self.closed[variable]
            };
            let better = |best: usize, at: usize| if worth(&at) > worth(&best) { at } else { best };
            let Some(next) = (0..chances.len()).filter(unseen).reduce(better) else { break 0.0 };
            let suspect = self.suspects[next];
            cost += left * self.costs[suspect.variable];
            // Out of its usual state, it would be named.
            left *= 1.0 - chances[next];
            evidence[suspect.variable] = Some(suspect.usual);
            looked.push(suspect.variable);
        };
        looked.into_iter().for_each(|variable| evidence[variable] = None);
        Ok(cost + left * tail)
    }

    /// The same by formula, suspects taken for exclusive.
    fn cost_if_exclusive(&self, chances: &[f64]) -> f64 {
        let total: f64 = chances.iter().sum();
        let scale = if total > 1.0 { 1.0 / total } else { 1.0 };
        let mut order: Vec<(f64, f64)> = self
            .suspects
            .iter()
            .zip(chances)
            .map(|(suspect, chance)| (chance * scale, self.costs[suspect.variable]))
            .collect();
        order.sort_by(|one, other| (other.0 / other.1).total_cmp(&(one.0 / one.1)));
        if chances.iter().any(|chance| *chance >= self.certainty) {
            return 0.0;
        }
        let mut left = 1.0;
        let mut guilty_left: f64 = order.iter().map(|(chance, _)| chance).sum();
        let mut cost = 0.0;
        for (chance, look) in order {
            // One is certain by now, or that none is.
            if chance >= self.certainty * left || left - guilty_left >= self.certainty * left {
                break;
            }
            cost += left * look;
            left -= chance;
            guilty_left -= chance;
        }
        cost
    }
}

fn suspect(variable: usize, before: &Posterior, after: &Posterior) -> Suspect {
    let prior = &before.marginals[variable];
    let better = |best, at| if prior[at] > prior[best] { at } else { best };
    let usual = (1..prior.len()).fold(0, better);
    // Of the symptom, by the rule of Bayes; one evidence is within the other.
    let symptom = after.probability;
    let given = |after: f64, before: f64| if before > 0.0 { after * symptom / before } else { 0.0 };
    let well = given(after.marginals[variable][usual], prior[usual]);
    let ill = given(1.0 - after.marginals[variable][usual], 1.0 - prior[usual]);
    let sufficiency = if well < 1.0 { ((ill - well) / (1.0 - well)).max(0.0) } else { 0.0 };
    Suspect { variable, usual, sufficiency }
}
