//! How well strategies of troubleshooting do on cases drawn from a network.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_pcg::Pcg64;

use super::inference::{InferenceError, Posterior};
use super::net::Network;
use super::troubleshoot::{Step, TroubleshootError, TroubleshootSettings, Troubleshooter};

/// How the next look is chosen. When to stop, and whom to name, is the same
/// for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Any variable, at random.
    Random,
    /// The suspect most likely out of its usual state.
    Probability,
    /// The suspect for which that probability over its cost is greatest.
    ProbabilityPerCost,
    /// The same among all variables, each against its own usual state.
    AnyProbabilityPerCost,
    /// The look after which the expected cost is least.
    LookAhead,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Random,
        Self::Probability,
        Self::ProbabilityPerCost,
        Self::AnyProbabilityPerCost,
        Self::LookAhead,
    ];

    /// What a person calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random order",
            Self::Probability => "probability",
            Self::ProbabilityPerCost => "probability per cost",
            Self::AnyProbabilityPerCost => "probability per cost, any variable",
            Self::LookAhead => "look-ahead",
        }
    }
}

/// The protocol of the printer network, for any network.
///
/// A case is drawn until one of the symptoms shows; the first is told. At each
/// step a strategy names a variable to look at, and in the end one root. It is
/// right when that root is a suspect (see
/// [`TroubleshootSettings::sufficiency`]) and out of its usual state in the
/// case.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// Variables and the states in which they are a symptom.
    pub symptoms: Vec<(usize, usize)>,
    /// Cases scored.
    pub cases: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Cost of looking at a root, above 0.
    pub root_cost: f64,
    /// Cost of looking at anything else, above 0.
    pub other_cost: f64,
    /// When to stop.
    pub settings: TroubleshootSettings,
}

/// How a strategy did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProtocolScore {
    /// Cost of a case, mean.
    pub mean_cost: f64,
    /// Share of cases in which the root named is guilty.
    pub right: f64,
    /// Share of cases in which some suspect is out of its usual state: no
    /// strategy can be right more often.
    pub answerable: f64,
    /// Looks in a case, mean.
    pub looks: f64,
}

/// A troubleshooter, and what it said before of what was seen.
struct Symptom {
    troubleshooter: Troubleshooter,
    place: (usize, usize),
    known: HashMap<Vec<Option<usize>>, Choice>,
}

/// What a strategy does next: the variable that it looks at or names.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Look(usize),
    Name(usize),
}

impl From<Step> for Choice {
    fn from(step: Step) -> Self {
        match step {
            Step::Look { variable, .. } => Self::Look(variable),
            Step::Name { variable, .. } => Self::Name(variable),
        }
    }
}

impl Protocol {
    /// For a network whose symptoms are the variables with names that begin so,
    /// in any but their usual state. Costs 3 and 1, 1,000 cases, as in the public
    /// protocol.
    pub fn by_prefix(network: &Network, prefix: &str) -> Result<Self, InferenceError> {
        let usual = usual_states(network)?;
        let variables = network.variables().iter().enumerate();
        let symptoms = variables
            .filter(|(_, variable)| variable.name.starts_with(prefix))
            .flat_map(|(at, variable)| (0..variable.states.len()).map(move |state| (at, state)))
            .filter(|(at, state)| usual[*at] != *state)
            .collect();
        let settings = TroubleshootSettings::default();
        Ok(Self { symptoms, cases: 1_000, seed: 1, root_cost: 3.0, other_cost: 1.0, settings })
    }

    /// Scores `strategy`. The cases of a seed are the same for all strategies.
    /// Cases that no symptom shows in after a million draws are left out.
    pub fn score(
        &self,
        network: &Network,
        strategy: Strategy,
    ) -> Result<ProtocolScore, TroubleshootError> {
        let costs: Vec<f64> = network
            .variables()
            .iter()
            .map(|one| if one.parents.is_empty() { self.root_cost } else { self.other_cost })
            .collect();
        let usual = usual_states(network)?;
        let mut symptoms = Vec::new();
        for &place in &self.symptoms {
            let troubleshooter =
                Troubleshooter::new(network, place, costs.clone(), &self.settings)?;
            symptoms.push(Symptom { troubleshooter, place, known: HashMap::new() });
        }
        let mut draws = Pcg64::seed_from_u64(self.seed);
        let mut score = ProtocolScore { mean_cost: 0.0, right: 0.0, answerable: 0.0, looks: 0.0 };
        let mut scored = 0.0;
        for number in 0..self.cases {
            let Some((case, at)) = self.draw(network, &mut draws) else { continue };
            // A strategy's own chances must not change the cases of others.
            let mut random = Pcg64::seed_from_u64(self.seed ^ (number as u64 + 1) << 20);
            let symptom = &mut symptoms[at];
            let mut evidence = vec![None; case.len()];
            evidence[symptom.place.0] = Some(symptom.place.1);
            let named = loop {
                match symptom.choose(strategy, &evidence, &costs, &usual, &mut random)? {
                    Choice::Name(variable) => break variable,
                    Choice::Look(variable) => {
                        evidence[variable] = Some(case[variable]);
                        score.mean_cost += costs[variable];
                        score.looks += 1.0;
                    }
                }
            };
            let suspects = symptom.troubleshooter.suspects();
            let is_guilty = |variable: usize| {
                suspects.iter().any(|one| one.variable == variable && case[variable] != one.usual)
            };
            score.right += f64::from(u8::from(is_guilty(named)));
            let any = suspects.iter().any(|one| is_guilty(one.variable));
            score.answerable += f64::from(u8::from(any));
            scored += 1.0;
        }
        for sum in [&mut score.mean_cost, &mut score.right, &mut score.answerable, &mut score.looks]
        {
            *sum /= f64::max(scored, 1.0);
        }
        Ok(score)
    }

    /// A case and the place of its first symptom.
    fn draw(&self, network: &Network, draws: &mut Pcg64) -> Option<(Vec<usize>, usize)> {
        const MOST_DRAWS: usize = 1_000_000;
        (0..MOST_DRAWS).find_map(|_| {
            let case = network.draw(draws);
            let shows = |&(variable, state): &(usize, usize)| case[variable] == state;
            let first = self.symptoms.iter().position(shows)?;
            Some((case, first))
        })
    }
}

/// The most probable state of every variable, without evidence.
fn usual_states(network: &Network) -> Result<Vec<usize>, InferenceError> {
    let prior =
        super::Inference::new(network)?.posterior(&vec![None; network.variables().len()])?;
    let usual = |marginal: &Vec<f64>| {
        let better = |best, at| if marginal[at] > marginal[best] { at } else { best };
        (1..marginal.len()).fold(0, better)
    };
    Ok(prior.marginals.iter().map(usual).collect())
}

impl Symptom {
    fn choose(
        &mut self,
        strategy: Strategy,
        evidence: &[Option<usize>],
        costs: &[f64],
        usual: &[usize],
        random: &mut Pcg64,
    ) -> Result<Choice, InferenceError> {
        if strategy == Strategy::LookAhead {
            if let Some(choice) = self.known.get(evidence) {
                return Ok(*choice);
            }
            let choice = self.troubleshooter.next(evidence)?.into();
            self.known.insert(evidence.to_vec(), choice);
            return Ok(choice);
        }
        let posterior = self.troubleshooter.posterior(evidence)?;
        if let Some(verdict) = self.troubleshooter.verdict(&posterior) {
            return Ok(verdict.into());
        }
        let unseen = |at: &usize| evidence[*at].is_none();
        let all = (0..evidence.len()).filter(unseen);
        let suspects = self.troubleshooter.suspects().iter().map(|suspect| suspect.variable);
        let suspects = suspects.filter(unseen);
        let chance = |at: usize| 1.0 - posterior.marginals[at][usual[at]];
        let look = match strategy {
            Strategy::Random => all.collect::<Vec<_>>().choose(random).copied(),
            Strategy::Probability => greatest(suspects, chance),
            Strategy::ProbabilityPerCost => greatest(suspects, |at| chance(at) / costs[at]),
            Strategy::AnyProbabilityPerCost => greatest(all, |at| chance(at) / costs[at]),
            Strategy::LookAhead => None,
        };
        Ok(look.map_or_else(|| named(&self.troubleshooter, &posterior), Choice::Look))
    }
}

/// The likeliest suspect when there is nothing left to look at.
fn named(troubleshooter: &Troubleshooter, posterior: &Posterior) -> Choice {
    let chances = troubleshooter.chances(posterior);
    let best = greatest(0..chances.len(), |at| chances[at]).unwrap_or(0);
    Choice::Name(troubleshooter.suspects()[best].variable)
}

/// The first of the greatest.
fn greatest(among: impl Iterator<Item = usize>, of: impl Fn(usize) -> f64) -> Option<usize> {
    among.fold(None, |best: Option<usize>, at| match best {
        Some(best) if of(best) >= of(at) => Some(best),
        _ => Some(at),
    })
}
