//! A discrete Bayesian network.

use std::collections::HashMap;

use rand::{Rng, RngExt};

/// Rows of a table may miss 1 by this much; they are scaled to 1.
const ROUNDING: f64 = 0.01;

/// Something with a few states.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Names of its states.
    pub states: Vec<String>,
    /// Places of the variables that it depends on.
    pub parents: Vec<usize>,
    /// Probability of each state given the states of the parents: a row for
    /// each combination, the last parent's state changing fastest.
    pub table: Vec<f64>,
}

/// Variables and how they depend on each other, checked.
///
/// ```
/// use auscult_diagnose::network::{Inference, Network, Variable};
///
/// let states = |names: [&str; 2]| names.map(str::to_owned).to_vec();
/// let network = Network::new(vec![
///     Variable {
///         name: "rain".to_owned(),
///         states: states(["no", "yes"]),
///         parents: vec![],
///         table: vec![0.8, 0.2],
///     },
///     Variable {
///         name: "wet".to_owned(),
///         states: states(["no", "yes"]),
///         parents: vec![0],
///         table: vec![0.9, 0.1, 0.0, 1.0],
///     },
/// ])?;
/// let posterior = Inference::new(&network)?.posterior(&[None, Some(1)])?;
/// assert!((posterior.probability - 0.28).abs() < 1e-12);
/// assert!((posterior.marginals[0][1] - 0.2 / 0.28).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    variables: Vec<Variable>,
    /// Each variable after its parents.
    order: Vec<usize>,
}

/// Why variables are no network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum NetworkError {
    /// No variables.
    #[error("the network has no variables")]
    Empty,
    /// Two variables, or states of one, of one name.
    #[error(
        "`{name}` is there twice; every variable, and every state of a variable, needs a name of its own"
    )]
    Twice { name: String },
    /// A variable that cannot vary.
    #[error("variable `{variable}` has no states; expected at least one")]
    NoStates { variable: String },
    /// A parent that is not there, or twice.
    #[error("variable `{variable}` depends on variable {parent}, which is {problem}")]
    Parent { variable: String, parent: usize, problem: &'static str },
    /// A table of another size.
    #[error(
        "the table of `{variable}` has {found} numbers; expected {expected}, a row of {states} for each combination of its parents"
    )]
    Size { variable: String, found: usize, expected: usize, states: usize },
    /// A number that is no probability.
    #[error("the table of `{variable}` has {value}; expected a number from 0 to 1")]
    Probability { variable: String, value: f64 },
    /// A row that is no distribution.
    #[error("row {row} of the table of `{variable}` sums to {sum}; expected 1")]
    Sum { variable: String, row: usize, sum: f64 },
    /// A variable that is its own cause.
    #[error("variable `{variable}` depends on itself: {}", path.join(" ← "))]
    Cycle { variable: String, path: Vec<String> },
}

impl NetworkError {
    /// The variable that is at fault, where it is one.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Empty => None,
            Self::Twice { name: variable }
            | Self::NoStates { variable }
            | Self::Parent { variable, .. }
            | Self::Size { variable, .. }
            | Self::Probability { variable, .. }
            | Self::Sum { variable, .. }
            | Self::Cycle { variable, .. } => Some(variable),
        }
    }
}

impl Network {
    /// Checks everything; rows that miss 1 by rounding are scaled.
    pub fn new(variables: Vec<Variable>) -> Result<Self, NetworkError> {
        if variables.is_empty() {
            return Err(NetworkError::Empty);
        }
        distinct(variables.iter().map(|variable| &variable.name))?;
        let states: Vec<usize> = variables.iter().map(|variable| variable.states.len()).collect();
        let mut variables = variables;
        for (at, variable) in variables.iter_mut().enumerate() {
            check(at, variable, &states)?;
        }
        let order = order(&variables)?;
        Ok(Self { variables, order })
    }

    /// All variables.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The place of the variable of that name.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|variable| variable.name == name)
    }

    /// A state by the names of variable and state.
    #[must_use]
    pub fn state(&self, variable: &str, state: &str) -> Option<(usize, usize)> {
        let place = self.place(variable)?;
        let states = &self.variables[place].states;
        Some((place, states.iter().position(|name| name == state)?))
    }

    /// A case, drawn at random: the state of every variable.
    pub fn draw(&self, random: &mut impl Rng) -> Vec<usize> {
        let mut case = vec![0; self.variables.len()];
        for &at in &self.order {
            let variable = &self.variables[at];
            let row = variable
                .parents
                .iter()
                .fold(0, |row, &parent| row * self.variables[parent].states.len() + case[parent]);
            let states = variable.states.len();
            let mut left: f64 = random.random();
            let row = &variable.table[row * states..(row + 1) * states];
            let reached = row.iter().position(|probability| {
                left -= probability;
                left < 0.0
            });
            // Rounding may leave a little; it goes to the last that can be.
            let last = row.iter().rposition(|probability| *probability > 0.0);
            case[at] = reached.or(last).unwrap_or(0);
        }
        case
    }
}

fn distinct<'n>(names: impl Iterator<Item = &'n String>) -> Result<(), NetworkError> {
    let mut seen = HashMap::new();
    for name in names {
        if seen.insert(name, ()).is_some() {
            return Err(NetworkError::Twice { name: name.clone() });
        }
    }
    Ok(())
}

fn check(at: usize, variable: &mut Variable, states: &[usize]) -> Result<(), NetworkError> {
    let name = || variable.name.clone();
    if variable.states.is_empty() {
        return Err(NetworkError::NoStates { variable: name() });
    }
    distinct(variable.states.iter())?;
    let mut rows = 1_usize;
    for (place, &parent) in variable.parents.iter().enumerate() {
        let problem = match parent {
            _ if parent >= states.len() => "not there",
            _ if parent == at => "itself",
            _ if variable.parents[..place].contains(&parent) => "its parent twice",
            _ => {
                rows = rows.saturating_mul(states[parent]);
                continue;
            }
        };
        return Err(NetworkError::Parent { variable: name(), parent, problem });
    }
    let (found, states) = (variable.table.len(), variable.states.len());
    let expected = rows.saturating_mul(states);
    if found != expected {
        return Err(NetworkError::Size { variable: name(), found, expected, states });
    }
    if let Some(&value) = variable.table.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(NetworkError::Probability { variable: name(), value });
    }
    for row in 0..rows {
        let values = &mut variable.table[row * states..(row + 1) * states];
        let sum: f64 = values.iter().sum();
        if (sum - 1.0).abs() > ROUNDING {
            return Err(NetworkError::Sum { variable: variable.name.clone(), row, sum });
        }
        values.iter_mut().for_each(|value| *value /= sum);
    }
    Ok(())
}

/// Parents first, without recursion.
fn order(variables: &[Variable]) -> Result<Vec<usize>, NetworkError> {
    let mut missing: Vec<usize> = variables.iter().map(|variable| variable.parents.len()).collect();
    let mut children = vec![Vec::new(); variables.len()];
    for (at, variable) in variables.iter().enumerate() {
        variable.parents.iter().for_each(|&parent| children[parent].push(at));
    }
    let mut order: Vec<usize> = (0..variables.len()).filter(|&at| missing[at] == 0).collect();
    let mut next = 0;
    while next < order.len() {
        for &child in &children[order[next]] {
            missing[child] -= 1;
            if missing[child] == 0 {
                order.push(child);
            }
        }
        next += 1;
    }
    let Some(stuck) = missing.iter().position(|&missing| missing > 0) else { return Ok(order) };
    // Whoever follows parents that are stuck too comes to where it was.
    let mut path = vec![stuck];
    loop {
        let last = path[path.len() - 1];
        let parent = variables[last].parents.iter().copied().find(|&parent| missing[parent] > 0);
        let Some(parent) = parent else { return Ok(order) };
        if let Some(start) = path.iter().position(|&at| at == parent) {
            path.drain(..start);
            path.push(parent);
            let names: Vec<String> = path.iter().map(|&at| variables[at].name.clone()).collect();
            return Err(NetworkError::Cycle { variable: names[0].clone(), path: names });
        }
        path.push(parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, parents: &[usize], table: &[f64]) -> Variable {
        Variable {
            name: name.to_owned(),
            states: vec!["no".to_owned(), "yes".to_owned()],
            parents: parents.to_vec(),
            table: table.to_vec(),
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let half = [0.5, 0.5];
        let refused = |variables| Network::new(variables).expect_err("absurd").to_string();
        assert_eq!(refused(vec![]), "the network has no variables");
        let one = || variable("a", &[], &half);
        assert!(refused(vec![one(), one()]).starts_with("`a` is there twice"));
        assert!(refused(vec![variable("a", &[7], &half)]).ends_with("which is not there"));
        assert!(refused(vec![variable("a", &[0], &half)]).ends_with("which is itself"));
        let twice = vec![one(), variable("b", &[0, 0], &half)];
        assert!(refused(twice).ends_with("which is its parent twice"));
        let short = vec![one(), variable("b", &[0], &half)];
        assert!(refused(short).contains("has 2 numbers; expected 4"));
        assert!(refused(vec![variable("a", &[], &[1.5, -0.5])]).contains("has 1.5"));
        assert!(refused(vec![variable("a", &[], &[0.5, 0.4])]).contains("sums to 0.9"));
        let quarter = [0.5; 4];
        let round = vec![
            variable("a", &[2], &quarter),
            variable("b", &[0], &quarter),
            variable("c", &[1], &quarter),
            variable("d", &[0], &quarter),
        ];
        assert_eq!(refused(round), "variable `a` depends on itself: a ← c ← b ← a");
    }

    #[test]
    fn draws_follow_the_tables() {
        use rand::SeedableRng;
        let network = Network::new(vec![
            variable("a", &[], &[0.7, 0.3]),
            variable("b", &[0], &[1.0, 0.0, 0.25, 0.75]),
        ]);
        let network = network.expect("sound");
        let mut random = rand_pcg::Pcg64::seed_from_u64(1);
        let cases: Vec<Vec<usize>> = (0..20_000).map(|_| network.draw(&mut random)).collect();
        let share = |state: [usize; 2]| {
            cases.iter().filter(|case| ***case == state).count() as f64 / cases.len() as f64
        };
        assert_eq!(share([0, 1]), 0.0);
        assert!((share([1, 1]) - 0.225).abs() < 0.01);
    }
}
