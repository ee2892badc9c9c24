//! Exact posteriors of a Bayesian network.

use super::net::Network;

/// Numbers in one table, at most: 128 MB.
const MOST_NUMBERS: usize = 1 << 24;

/// Why there are no posteriors.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum InferenceError {
    /// Too many variables hang together.
    #[error(
        "exact answers would need a table over {variables} variables around `{variable}`, more than \
         {MOST_NUMBERS} numbers; give variables fewer parents or states"
    )]
    TooLarge { variable: String, variables: usize },
    /// Evidence of another length, or a state that is not there.
    #[error("evidence is for {found} variables; expected {expected}")]
    Length { found: usize, expected: usize },
    /// A state that is not there.
    #[error("`{variable}` has {states} states; there is no state {state}")]
    State { variable: String, state: usize, states: usize },
    /// Evidence that contradicts itself.
    #[error("this evidence cannot come together: the network gives it probability 0")]
    Impossible,
}

/// What is known of a network's variables under some evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// Probability of the evidence.
    pub probability: f64,
    /// Probability of each state of each variable, given the evidence.
    pub marginals: Vec<Vec<f64>>,
}

/// A table over some variables, the last changing fastest.
#[derive(Debug, Clone)]
struct Table {
    variables: Vec<usize>,
    values: Vec<f64>,
}

/// What is worked out once for a network, to answer many questions.
///
/// Variables are eliminated in the order in which each adds the fewest edges
/// among its neighbours (min-fill; of equals the one with the smaller table,
/// then the first). Each elimination is a table; messages between tables, once
/// up and once down, give the posteriors of all variables at once. Time and
/// memory are in proportion to the tables, which are exponential in the number
/// of variables that hang together.
///
/// Reference: R. Dechter, "Bucket elimination: a unifying framework for
/// reasoning", Artificial Intelligence 113, 1999.
#[derive(Debug, Clone)]
pub struct Inference {
    states: Vec<usize>,
    names: Vec<String>,
    buckets: Vec<Bucket>,
}

/// The elimination of one variable.
#[derive(Debug, Clone)]
struct Bucket {
    variable: usize,
    /// The product of the network's tables that end here.
    own: Table,
    /// The bucket that the rest goes to.
    parent: Option<usize>,
    /// For each number of the table, its place in the message to the parent.
    to_message: Vec<u32>,
    /// For each number of the table, the state of the variable.
    state: Vec<u32>,
    /// Numbers in the message.
    message: usize,
    /// For each number of the parent's table, its place in the message.
    from_parent: Vec<u32>,
}

impl Inference {
    /// Chooses the order and lays out the tables.
    pub fn new(network: &Network) -> Result<Self, InferenceError> {
        let variables = network.variables();
        let states: Vec<usize> = variables.iter().map(|variable| variable.states.len()).collect();
        let cliques = cliques(network, &states)?;
        let mut bucket_of = vec![0; variables.len()];
        for (at, clique) in cliques.iter().enumerate() {
            bucket_of[clique[0]] = at;
        }
        let mut tables: Vec<Table> = cliques
            .iter()
            .map(|clique| {
                let size = clique.iter().map(|&variable| states[variable]).product();
                Table { variables: clique.clone(), values: vec![1.0; size] }
            })
            .collect();
        for (at, variable) in variables.iter().enumerate() {
            let mut scope = variable.parents.clone();
            scope.push(at);
            let first = scope.iter().map(|&variable| bucket_of[variable]).min().unwrap_or(0);
            let places = places(&tables[first].variables, &scope, &states);
            let values = tables[first].values.iter_mut().zip(places);
            values.for_each(|(value, place)| *value *= variable.table[place as usize]);
        }
        let scopes: Vec<Vec<usize>> = tables.iter().map(|table| table.variables.clone()).collect();
        let bucket = |own: Table| {
            let rest = &own.variables[1..];
            let parent = rest.iter().map(|&variable| bucket_of[variable]).min();
            Bucket {
                variable: own.variables[0],
                parent,
                to_message: places(&own.variables, rest, &states),
                state: places(&own.variables, &own.variables[..1], &states),
                message: rest.iter().map(|&variable| states[variable]).product(),
                from_parent: parent.map_or(vec![], |parent| places(&scopes[parent], rest, &states)),
                own,
            }
        };
        let buckets = tables.into_iter().map(bucket).collect();
        let names = variables.iter().map(|variable| variable.name.clone()).collect();
        Ok(Self { states, names, buckets })
    }

    /// Numbers in all tables together.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.buckets.iter().map(|bucket| bucket.own.values.len()).sum()
    }

    /// The posteriors of all variables, given the state of some.
    pub fn posterior(&self, evidence: &[Option<usize>]) -> Result<Posterior, InferenceError> {
        self.check(evidence)?;
        let allowed = |bucket: &Bucket, state: u32| {
            evidence[bucket.variable].is_none_or(|seen| seen == state as usize)
        };
        // Up: what each bucket knows, and what it tells its parent.
        let mut beliefs: Vec<Vec<f64>> = Vec::with_capacity(self.buckets.len());
        for bucket in &self.buckets {
            let own = bucket.own.values.iter().zip(&bucket.state);
            let seen = |(value, &state): (&f64, &u32)| {
                if allowed(bucket, state) { *value } else { 0.0 }
            };
            beliefs.push(own.map(seen).collect());
        }
        let mut messages: Vec<Vec<f64>> = Vec::with_capacity(self.buckets.len());
        let mut probability = 1.0;
        for (at, bucket) in self.buckets.iter().enumerate() {
            let message = bucket.message_of(&beliefs[at]);
            match bucket.parent {
                None => probability *= message[0],
                Some(parent) => {
                    let places = beliefs[parent].iter_mut().zip(&bucket.from_parent);
                    places.for_each(|(value, &place)| *value *= message[place as usize]);
                }
            }
            messages.push(message);
        }
        if probability <= 0.0 {
            return Err(InferenceError::Impossible);
        }
        // Down: what all others know, without what was told.
        let mut marginals = vec![Vec::new(); self.states.len()];
        for (at, bucket) in self.buckets.iter().enumerate().rev() {
            if let Some(parent) = bucket.parent {
                let mut told = vec![0.0; bucket.message];
                for (value, &place) in beliefs[parent].iter().zip(&bucket.from_parent) {
                    told[place as usize] += value;
                }
                for (told, own) in told.iter_mut().zip(&messages[at]) {
                    *told = if *own > 0.0 { *told / own } else { 0.0 };
                }
                let places = beliefs[at].iter_mut().zip(&bucket.to_message);
                places.for_each(|(value, &place)| *value *= told[place as usize]);
            }
            let mut marginal = vec![0.0; self.states[bucket.variable]];
            for (value, &state) in beliefs[at].iter().zip(&bucket.state) {
                marginal[state as usize] += value;
            }
            let total: f64 = marginal.iter().sum();
            marginal.iter_mut().for_each(|value| *value /= total);
            marginals[bucket.variable] = marginal;
        }
        Ok(Posterior { probability, marginals })
    }

    fn check(&self, evidence: &[Option<usize>]) -> Result<(), InferenceError> {
        let (found, expected) = (evidence.len(), self.states.len());
        if found != expected {
            return Err(InferenceError::Length { found, expected });
        }
        for (at, seen) in evidence.iter().enumerate() {
            if let Some(state) = seen.filter(|&state| state >= self.states[at]) {
                let (variable, states) = (self.names[at].clone(), self.states[at]);
                return Err(InferenceError::State { variable, state, states });
            }
        }
        Ok(())
    }
}

impl Bucket {
    fn message_of(&self, belief: &[f64]) -> Vec<f64> {
        let mut message = vec![0.0; self.message];
        for (value, &place) in belief.iter().zip(&self.to_message) {
            message[place as usize] += value;
        }
        message
    }
}

/// For each number of a table over `scope`, its place in one over `part`.
fn places(scope: &[usize], part: &[usize], states: &[usize]) -> Vec<u32> {
    let mut strides = vec![0_usize; scope.len()];
    let mut stride = 1;
    for variable in part.iter().rev() {
        if let Some(at) = scope.iter().position(|other| other == variable) {
            strides[at] = stride;
        }
        stride *= states[*variable];
    }
    let size: usize = scope.iter().map(|&variable| states[variable]).product();
    let mut counter = vec![0_usize; scope.len()];
    let mut place = 0;
    let mut places = Vec::with_capacity(size);
    for _ in 0..size {
        places.push(place as u32);
        for at in (0..scope.len()).rev() {
            counter[at] += 1;
            place += strides[at];
            if counter[at] < states[scope[at]] {
                break;
            }
            place -= strides[at] * counter[at];
            counter[at] = 0;
        }
    }
    places
}

/// The variables of each elimination, the eliminated one first, in order.
fn cliques(network: &Network, states: &[usize]) -> Result<Vec<Vec<usize>>, InferenceError> {
    let variables = network.variables();
    let count = variables.len();
    let mut is_near = vec![vec![false; count]; count];
    for (at, variable) in variables.iter().enumerate() {
        let family: Vec<usize> = variable.parents.iter().copied().chain([at]).collect();
        for &one in &family {
            for &other in &family {
                is_near[one][other] = one != other;
            }
        }
    }
    let mut left: Vec<usize> = (0..count).collect();
    let mut cliques = Vec::with_capacity(count);
    while !left.is_empty() {
        let cost = |&variable: &usize| {
            let near: Vec<usize> =
                left.iter().copied().filter(|&other| is_near[variable][other]).collect();
            let mut fill = 0;
            for (at, &one) in near.iter().enumerate() {
                fill += near[at + 1..].iter().filter(|&&other| !is_near[one][other]).count();
            }
            let logs = near.iter().chain([&variable]).map(|&other| (states[other] as f64).log2());
            (fill, logs.sum::<f64>(), variable, near)
        };
        let best = left.iter().map(cost).min_by(|one, other| {
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then(one.2.cmp(&other.2))
        });
        let Some((_, logs, variable, near)) = best else { break };
        if logs > (MOST_NUMBERS as f64).log2() {
            let (variable, variables) = (variables[variable].name.clone(), near.len() + 1);
            return Err(InferenceError::TooLarge { variable, variables });
        }
        for &one in &near {
            for &other in &near {
                is_near[one][other] |= one != other;
            }
        }
        left.retain(|&other| other != variable);
        cliques.push([vec![variable], near].concat());
    }
    Ok(cliques)
}
