//! Orders of the basic events: what makes a diagram small or huge.

use super::tree::{FaultTree, Formula};

/// Which argument of an operation is followed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heuristic {
    /// As written.
    Written,
    /// Few events below first; those that stand alone stay near their gate.
    LightFirst,
    /// Many events below first.
    HeavyFirst,
    /// What is referred to most often first.
    SharedFirst,
}

/// Tried in this order.
pub(super) const HEURISTICS: [Heuristic; 4] =
    [Heuristic::Written, Heuristic::LightFirst, Heuristic::SharedFirst, Heuristic::HeavyFirst];

/// The place of every event in an order of variables, and the order: events as
/// a walk down from the top, depth first, comes to them, then the events that
/// the top does not depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// Variable of each event.
    pub(super) variable: Vec<u32>,
    /// Event of each variable.
    pub(super) event: Vec<usize>,
}

/// What is known of each gate, for the choice among arguments.
struct Sizes {
    /// References to events below, repeated ones counted each time.
    gates: Vec<f64>,
    /// References to each gate.
    gate_uses: Vec<f64>,
    /// References to each event.
    event_uses: Vec<f64>,
}

/// The different orders that the heuristics give.
pub(super) fn orders(tree: &FaultTree) -> Vec<Order> {
    let sizes = Sizes::of(tree);
    let mut orders: Vec<Order> = Vec::new();
    for heuristic in HEURISTICS {
        let order = order(tree, &sizes, heuristic);
        if !orders.contains(&order) {
            orders.push(order);
        }
    }
    orders
}

fn order(tree: &FaultTree, sizes: &Sizes, heuristic: Heuristic) -> Order {
    const NONE: u32 = u32::MAX;
    let mut variable = vec![NONE; tree.events().len()];
    let mut event = Vec::with_capacity(tree.events().len());
    let mut was_entered = vec![false; tree.gates().len()];
    let top = tree.order().last().copied().unwrap_or(0);
    let top = Formula::Gate(top);
    let mut open: Vec<&Formula> = vec![&top];
    while let Some(formula) = open.pop() {
        match formula {
            Formula::Event(at) => {
                if variable[*at] == NONE {
                    variable[*at] = event.len() as u32;
                    event.push(*at);
                }
            }
            Formula::Gate(at) => {
                if !std::mem::replace(&mut was_entered[*at], true) {
                    open.push(&tree.gates()[*at].formula);
                }
            }
            Formula::Constant(_) => {}
            operation => {
                let mut arguments: Vec<&Formula> = operation.arguments().iter().collect();
                let key = |formula: &&Formula| -> f64 {
                    match heuristic {
                        Heuristic::Written => 0.0,
                        Heuristic::LightFirst => sizes.weight(formula),
                        Heuristic::HeavyFirst => -sizes.weight(formula),
                        Heuristic::SharedFirst => -sizes.uses(formula),
                    }
                };
                arguments.sort_by(|one, other| key(one).total_cmp(&key(other)));
                // The first is taken first, so it goes on top.
                open.extend(arguments.into_iter().rev());
            }
        }
    }
    for (at, variable) in variable.iter_mut().enumerate() {
        if *variable == NONE {
            *variable = event.len() as u32;
            event.push(at);
        }
    }
    Order { variable, event }
}

impl Sizes {
    fn of(tree: &FaultTree) -> Self {
        let mut sizes = Self {
            gates: vec![0.0; tree.gates().len()],
            gate_uses: vec![0.0; tree.gates().len()],
            event_uses: vec![0.0; tree.events().len()],
        };
        for &gate in tree.order() {
            let formula = &tree.gates()[gate].formula;
            sizes.gates[gate] = sizes.weight(formula);
            formula.walk(&mut |formula| match formula {
                Formula::Event(at) => sizes.event_uses[*at] += 1.0,
                Formula::Gate(at) => sizes.gate_uses[*at] += 1.0,
                _ => {}
            });
        }
        sizes
    }

    /// References to events below; at most 1e300, for chains that double.
    fn weight(&self, formula: &Formula) -> f64 {
        match formula {
            Formula::Event(_) => 1.0,
            Formula::Gate(at) => self.gates[*at],
            Formula::Constant(_) => 0.0,
            operation => {
                let sum: f64 = operation.arguments().iter().map(|one| self.weight(one)).sum();
                sum.min(1e300)
            }
        }
    }

    /// References to what is most referred to in it.
    fn uses(&self, formula: &Formula) -> f64 {
        match formula {
            Formula::Event(at) => self.event_uses[*at],
            Formula::Gate(at) => self.gate_uses[*at],
            Formula::Constant(_) => 0.0,
            operation => operation.arguments().iter().map(|one| self.uses(one)).fold(0.0, f64::max),
        }
    }
}
