//! A fault tree: how basic events make the top event happen.

use std::collections::HashMap;

/// Levels of formulas within one gate, at most.
pub const DEEPEST_FORMULA: usize = 100;

/// Something that happens by itself, independently of all other basic events.
#[derive(Debug, Clone, PartialEq)]
pub struct BasicEvent {
    /// Its name, unique among events and gates.
    pub name: String,
    /// How probable it is, in [0, 1].
    pub probability: f64,
    /// What it is in words.
    pub label: Option<String>,
}

/// Something that happens because of other events.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Its name, unique among events and gates.
    pub name: String,
    /// When it happens.
    pub formula: Formula,
    /// What it is in words.
    pub label: Option<String>,
}

/// When something happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// A basic event, by its place.
    Event(usize),
    /// Another gate, by its place.
    Gate(usize),
    /// Always or never: a house event.
    Constant(bool),
    /// All of them.
    And(Vec<Formula>),
    /// Any of them.
    Or(Vec<Formula>),
    /// An odd number of them.
    Xor(Vec<Formula>),
    /// Not this.
    Not(Box<Formula>),
    /// At least `min` of them.
    AtLeast {
        /// How many, from 1 to all.
        min: usize,
        /// Of which.
        of: Vec<Formula>,
    },
}

impl Formula {
    /// The formulas just below.
    #[must_use]
    pub fn arguments(&self) -> &[Formula] {
        match self {
            Self::Event(_) | Self::Gate(_) | Self::Constant(_) => &[],
            Self::And(of) | Self::Or(of) | Self::Xor(of) | Self::AtLeast { of, .. } => of,
            Self::Not(one) => std::slice::from_ref(one),
        }
    }

    /// Calls `visit` with this and everything below, from left to right.
    pub(super) fn walk<'f>(&'f self, visit: &mut impl FnMut(&'f Formula)) {
        visit(self);
        self.arguments().iter().for_each(|argument| argument.walk(visit));
    }

    fn is_deeper_than(&self, levels: usize) -> bool {
        levels == 0 || self.arguments().iter().any(|argument| argument.is_deeper_than(levels - 1))
    }
}

/// A fault tree that makes sense: no cycles, everything defined, one top.
///
/// ```
/// use auscult_diagnose::fault_tree::{BasicEvent, FaultTree, Formula, Gate, analyse};
///
/// let event = |name: &str, probability| BasicEvent {
///     name: name.to_owned(),
///     probability,
///     label: None,
/// };
/// let both = Formula::And(vec![Formula::Event(0), Formula::Event(1)]);
/// let tree = FaultTree::new(
///     "power",
///     vec![event("mains", 0.1), event("battery", 0.02)],
///     vec![Gate { name: "dark".to_owned(), formula: both, label: None }],
///     None,
/// )?;
/// let analysis = analyse(&tree, &Default::default());
/// assert!((analysis.top.low - 0.002).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FaultTree {
    name: String,
    events: Vec<BasicEvent>,
    gates: Vec<Gate>,
    top: usize,
    /// The gates below the top and the top, each after those that it refers to.
    order: Vec<usize>,
}

/// Why events and gates do not make a fault tree.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum FaultTreeError {
    /// A number that is no probability.
    #[error("basic event `{event}` has probability {value}; expected a number from 0 to 1")]
    Probability { event: String, value: f64 },
    /// Two things of one name.
    #[error("`{name}` is defined twice; every event and gate needs a name of its own")]
    Twice { name: String },
    /// A gate without arguments.
    #[error("gate `{gate}` has an operation without arguments; expected at least one")]
    Empty { gate: String },
    /// At least none, or more than there are.
    #[error("gate `{gate}` asks for at least {min} of {of}; expected a number from 1 to {of}")]
    AtLeast { gate: String, min: usize, of: usize },
    /// A place that is not there.
    #[error("gate `{gate}` refers to {what} {place}, but there are only {count}")]
    Place { gate: String, what: &'static str, place: usize, count: usize },
    /// Nested out of all proportion.
    #[error(
        "gate `{gate}` nests formulas more than {DEEPEST_FORMULA} deep; give the inner ones gates of their own"
    )]
    Deep { gate: String },
    /// A gate that is its own cause.
    #[error("gate `{gate}` depends on itself: {}", path.join(" → "))]
    Cycle { gate: String, path: Vec<String> },
    /// No gates at all.
    #[error("there is no gate; a fault tree needs at least one, its top")]
    NoGates,
    /// Everything is referred to by something.
    #[error("no gate is the top: something refers to each; name the one that is meant")]
    NoTop,
    /// Several gates to which nothing refers.
    #[error("{} gates could be the top, as nothing refers to them ({}); name the one that is meant", tops.len(), list(tops))]
    Tops { tops: Vec<String> },
    /// The top that was asked for is not there.
    #[error(
        "there is no gate `{name}` to be the top; gates that nothing refers to are {}",
        list(tops)
    )]
    UnknownTop { name: String, tops: Vec<String> },
}

/// A few names of many.
fn list(names: &[String]) -> String {
    const LISTED: usize = 6;
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut text = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text.push_str(", …");
    }
    text
}

impl FaultTreeError {
    /// The event or gate that is at fault, where it is one.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Probability { event: name, .. }
            | Self::Twice { name }
            | Self::Empty { gate: name }
            | Self::AtLeast { gate: name, .. }
            | Self::Place { gate: name, .. }
            | Self::Deep { gate: name }
            | Self::Cycle { gate: name, .. } => Some(name),
            Self::NoGates | Self::NoTop | Self::UnknownTop { .. } => None,
            Self::Tops { tops } => tops.get(1).map(String::as_str),
        }
    }
}

impl FaultTree {
    /// Checks everything. Without `top`, the top is the one gate that no other
    /// refers to.
    pub fn new(
        name: &str,
        events: Vec<BasicEvent>,
        gates: Vec<Gate>,
        top: Option<&str>,
    ) -> Result<Self, FaultTreeError> {
        for event in &events {
            if !(0.0..=1.0).contains(&event.probability) {
                let (event, value) = (event.name.clone(), event.probability);
                return Err(FaultTreeError::Probability { event, value });
            }
        }
        let mut names = HashMap::new();
        let all = events.iter().map(|event| &event.name).chain(gates.iter().map(|gate| &gate.name));
        for name in all {
            if names.insert(name.as_str(), ()).is_some() {
                return Err(FaultTreeError::Twice { name: name.clone() });
            }
        }
        for gate in &gates {
            check_formula(gate, events.len(), gates.len())?;
        }
        let top = find_top(&gates, top)?;
        let order = order(&gates, top)?;
        Ok(Self { name: name.to_owned(), events, gates, top, order })
    }

    /// The tree's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All basic events, also those that the top does not depend on.
    #[must_use]
    pub fn events(&self) -> &[BasicEvent] {
        &self.events
    }

    /// All gates, also those that the top does not depend on.
    #[must_use]
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// The gate at the top.
    #[must_use]
    pub fn top(&self) -> &Gate {
        &self.gates[self.top]
    }

    /// Places of the gates that the top depends on, each after those that it
    /// refers to; the last is the top.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Whether more failures can never help: no `not` and no `xor` below the
    /// top. A tree can be coherent in effect although this says no.
    #[must_use]
    pub fn is_coherent(&self) -> bool {
        let mut is_coherent = true;
        for &gate in &self.order {
            self.gates[gate].formula.walk(&mut |formula| {
                is_coherent &= !matches!(formula, Formula::Not(_) | Formula::Xor(_));
            });
        }
        is_coherent
    }
}

fn check_formula(gate: &Gate, events: usize, gates: usize) -> Result<(), FaultTreeError> {
    // Before anything walks it.
    if gate.formula.is_deeper_than(DEEPEST_FORMULA) {
        return Err(FaultTreeError::Deep { gate: gate.name.clone() });
    }
    let mut wrong = None;
    gate.formula.walk(&mut |formula| {
        let name = || gate.name.clone();
        let found = match formula {
            Formula::Event(place) if *place >= events => {
                let (what, place, count) = ("basic event", *place, events);
                Some(FaultTreeError::Place { gate: name(), what, place, count })
            }
            Formula::Gate(place) if *place >= gates => {
                let (what, place, count) = ("gate", *place, gates);
                Some(FaultTreeError::Place { gate: name(), what, place, count })
            }
            Formula::Event(_) | Formula::Gate(_) | Formula::Constant(_) => None,
            Formula::AtLeast { min, of } if *min == 0 || *min > of.len() => {
                Some(FaultTreeError::AtLeast { gate: name(), min: *min, of: of.len() })
            }
            operation if operation.arguments().is_empty() => {
                Some(FaultTreeError::Empty { gate: name() })
            }
            _ => None,
        };
        wrong = wrong.take().or(found);
    });
    wrong.map_or(Ok(()), Err)
}

fn find_top(gates: &[Gate], named: Option<&str>) -> Result<usize, FaultTreeError> {
    if gates.is_empty() {
        return Err(FaultTreeError::NoGates);
    }
    let mut is_referred_to = vec![false; gates.len()];
    for gate in gates {
        gate.formula.walk(&mut |formula| {
            if let Formula::Gate(place) = formula {
                is_referred_to[*place] = true;
            }
        });
    }
    let tops: Vec<usize> = (0..gates.len()).filter(|&gate| !is_referred_to[gate]).collect();
    let names = || tops.iter().map(|&top| gates[top].name.clone()).collect();
    if let Some(name) = named {
        let unknown = || FaultTreeError::UnknownTop { name: name.to_owned(), tops: names() };
        return gates.iter().position(|gate| gate.name == name).ok_or_else(unknown);
    }
    match tops.as_slice() {
        [top] => Ok(*top),
        // Whoever follows the references must come back to where they were.
        [] => Err(order(gates, 0).err().unwrap_or(FaultTreeError::NoTop)),
        _ => Err(FaultTreeError::Tops { tops: names() }),
    }
}

/// Gates referred to by `gate`, in order.
fn below(gate: &Gate) -> Vec<usize> {
    let mut below = Vec::new();
    gate.formula.walk(&mut |formula| {
        if let Formula::Gate(place) = formula {
            below.push(*place);
        }
    });
    below
}

/// Depth first and without recursion, as chains of gates may be long.
fn order(gates: &[Gate], top: usize) -> Result<Vec<usize>, FaultTreeError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; gates.len()];
    let mut order = Vec::new();
    let mut path: Vec<(usize, Vec<usize>, usize)> = vec![(top, below(&gates[top]), 0)];
    marks[top] = Mark::Open;
    while let Some((gate, arguments, next)) = path.last_mut() {
        let Some(&argument) = arguments.get(*next) else {
            marks[*gate] = Mark::Done;
            order.push(*gate);
            path.pop();
            continue;
        };
        *next += 1;
        match marks[argument] {
            Mark::Done => {}
            Mark::New => {
                marks[argument] = Mark::Open;
                path.push((argument, below(&gates[argument]), 0));
            }
            Mark::Open => return Err(cycle(gates, &path, argument)),
        }
    }
    Ok(order)
}

fn cycle(gates: &[Gate], path: &[(usize, Vec<usize>, usize)], back: usize) -> FaultTreeError {
    const LISTED: usize = 8;
    let start = path.iter().position(|(gate, ..)| *gate == back).unwrap_or(0);
    let mut names: Vec<String> =
        path[start..].iter().map(|(gate, ..)| gates[*gate].name.clone()).collect();
    if names.len() > LISTED {
        names.truncate(LISTED);
        names.push("…".to_owned());
    }
    names.push(gates[back].name.clone());
    FaultTreeError::Cycle { gate: gates[back].name.clone(), path: names }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(name: &str, formula: Formula) -> Gate {
        Gate { name: name.to_owned(), formula, label: None }
    }

    fn event(name: &str, probability: f64) -> BasicEvent {
        BasicEvent { name: name.to_owned(), probability, label: None }
    }

    fn refused(events: Vec<BasicEvent>, gates: Vec<Gate>, top: Option<&str>) -> String {
        FaultTree::new("t", events, gates, top).expect_err("absurd").to_string()
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let one = || vec![event("e", 0.5)];
        let or = |of: Vec<Formula>| Formula::Or(of);
        assert_eq!(
            refused(vec![event("e", 1.5)], vec![], None),
            "basic event `e` has probability 1.5; expected a number from 0 to 1"
        );
        assert!(refused(vec![event("e", f64::NAN)], vec![], None).contains("NaN"));
        assert!(refused(one(), vec![], None).starts_with("there is no gate"));
        let twice = vec![gate("e", or(vec![Formula::Event(0)]))];
        assert!(refused(one(), twice, None).starts_with("`e` is defined twice"));
        let empty = vec![gate("g", or(vec![]))];
        assert!(refused(one(), empty, None).contains("without arguments"));
        let many = vec![gate("g", Formula::AtLeast { min: 3, of: vec![Formula::Event(0)] })];
        assert!(refused(one(), many, None).contains("at least 3 of 1"));
        let round = vec![
            gate("a", Formula::Gate(1)),
            gate("b", Formula::Gate(2)),
            gate("c", Formula::Gate(1)),
        ];
        assert_eq!(refused(one(), round, None), "gate `b` depends on itself: b → c → b");
        let ring = vec![gate("a", Formula::Gate(1)), gate("b", Formula::Gate(0))];
        assert_eq!(refused(one(), ring, None), "gate `a` depends on itself: a → b → a");
        let tops = || vec![gate("a", Formula::Event(0)), gate("b", Formula::Event(0))];
        assert!(refused(one(), tops(), None).contains("2 gates could be the top"));
        assert!(refused(one(), tops(), Some("z")).contains("no gate `z`"));
        assert!(FaultTree::new("t", one(), tops(), Some("b")).is_ok());
        let deep = (0..200).fold(Formula::Event(0), |inner, _| Formula::Not(Box::new(inner)));
        assert!(refused(one(), vec![gate("g", deep)], None).contains("more than 100 deep"));
        assert!(refused(one(), vec![gate("g", Formula::Gate(7))], None).contains("only 1"));
    }

    #[test]
    fn long_chains_of_gates_are_put_in_order() {
        let length = 200_000;
        let chain = |at: usize| {
            let formula = if at + 1 < length { Formula::Gate(at + 1) } else { Formula::Event(0) };
            gate(&format!("g{at}"), formula)
        };
        let tree =
            FaultTree::new("t", vec![event("e", 0.5)], (0..length).map(chain).collect(), None);
        let tree = tree.expect("sound");
        assert_eq!(tree.order().first(), Some(&(length - 1)));
        assert_eq!(tree.top().name, "g0");
    }
}
