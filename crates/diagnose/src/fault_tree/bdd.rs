//! Boolean functions as binary decision diagrams.

use hashbrown::HashMap;

use super::diagram::{Full, Node, Nodes, ONE, Root, ZERO};

/// What joins two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Op {
    And,
    Or,
    Xor,
}

/// Functions of the same variables in the same order.
///
/// Operations keep their own stack, since a diagram may be as deep as there
/// are events. Reference: R. E. Bryant, "Graph-based algorithms for Boolean
/// function manipulation", IEEE Transactions on Computers 35(8), 1986.
#[derive(Debug)]
pub(super) struct Bdd {
    nodes: Nodes,
    known: HashMap<(Op, Root, Root), Root>,
    budget: usize,
}

/// What is left to do of an operation.
enum Task {
    Join(Root, Root),
    Make { variable: u32, pair: (Root, Root) },
}

impl Bdd {
    pub(super) fn new(budget: usize) -> Self {
        Self { nodes: Nodes::new(budget), known: HashMap::new(), budget }
    }

    pub(super) fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    pub(super) fn constant(value: bool) -> Root {
        if value { ONE } else { ZERO }
    }

    pub(super) fn variable(&mut self, variable: u32) -> Result<Root, Full> {
        self.make(variable, ONE, ZERO)
    }

    /// The function that is `high` where `variable` is true, else `low`; both
    /// of variables below it.
    pub(super) fn make(&mut self, variable: u32, high: Root, low: Root) -> Result<Root, Full> {
        if high == low { Ok(high) } else { self.nodes.place(Node { variable, high, low }) }
    }

    pub(super) fn not(&mut self, of: Root) -> Result<Root, Full> {
        self.join(Op::Xor, of, ONE)
    }

    pub(super) fn join(&mut self, op: Op, one: Root, other: Root) -> Result<Root, Full> {
        // Remembered results only save time, and may not outgrow the nodes.
        if self.known.len() > self.budget.saturating_mul(2) {
            self.known.clear();
        }
        let mut tasks = vec![Task::Join(one, other)];
        let mut done: Vec<Root> = Vec::new();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Join(one, other) => {
                    if let Some(simple) = simple(op, one, other) {
                        done.push(simple);
                        continue;
                    }
                    let pair = (one.min(other), one.max(other));
                    if let Some(&known) = self.known.get(&(op, pair.0, pair.1)) {
                        done.push(known);
                        continue;
                    }
                    self.nodes.step()?;
                    let (a, b) = (self.nodes.get(pair.0), self.nodes.get(pair.1));
                    let variable = a.variable.min(b.variable);
                    let (a_high, a_low) = sides(a, pair.0, variable);
                    let (b_high, b_low) = sides(b, pair.1, variable);
                    tasks.push(Task::Make { variable, pair });
                    tasks.push(Task::Join(a_high, b_high));
                    tasks.push(Task::Join(a_low, b_low));
                }
                Task::Make { variable, pair } => {
                    // The low side was joined first.
                    let (Some(high), Some(low)) = (done.pop(), done.pop()) else {
                        unreachable!("each of two joins leaves a result");
                    };
                    let root = self.make(variable, high, low)?;
                    self.known.insert((op, pair.0, pair.1), root);
                    done.push(root);
                }
            }
        }
        Ok(done.pop().unwrap_or(ZERO))
    }

    /// The probability of each function in `places` (children first), and of
    /// the two ends; elsewhere 0.
    pub(super) fn probabilities(&self, places: &[Root], of: &[f64]) -> Vec<f64> {
        let length = places.last().map_or(0, |&last| last as usize + 1).max(2);
        let mut probabilities = vec![0.0; length];
        probabilities[ONE as usize] = 1.0;
        for &at in places {
            let node = self.nodes.get(at);
            let happens = of[node.variable as usize];
            probabilities[at as usize] = happens * probabilities[node.high as usize]
                + (1.0 - happens) * probabilities[node.low as usize];
        }
        probabilities
    }

    /// The probability of `root`, given that of each variable.
    pub(super) fn probability(&self, root: Root, of: &[f64]) -> f64 {
        self.probabilities(&self.nodes.reachable(&[root]), of)[root as usize]
    }

    /// The probability of coming through each node of `root`, whose nodes are
    /// `places`.
    pub(super) fn reach(&self, root: Root, places: &[Root], of: &[f64]) -> Vec<f64> {
        let mut reach = vec![0.0; (root as usize + 1).max(2)];
        reach[root as usize] = 1.0;
        for &at in places.iter().rev() {
            let node = self.nodes.get(at);
            let (here, happens) = (reach[at as usize], of[node.variable as usize]);
            reach[node.high as usize] += here * happens;
            reach[node.low as usize] += here * (1.0 - happens);
        }
        reach
    }
}

/// The two sides of `node` at `variable`, which it may not decide on.
fn sides(node: Node, at: Root, variable: u32) -> (Root, Root) {
    if node.variable == variable { (node.high, node.low) } else { (at, at) }
}

/// The results that need no work.
fn simple(op: Op, one: Root, other: Root) -> Option<Root> {
    match (op, one.min(other), one.max(other)) {
        (Op::And, ZERO, _) | (Op::Xor, ONE, ONE) => Some(ZERO),
        (Op::And, ONE, rest) | (Op::Or | Op::Xor, ZERO, rest) => Some(rest),
        (Op::Or, ONE, _) => Some(ONE),
        (Op::And | Op::Or, one, other) if one == other => Some(one),
        (Op::Xor, one, other) if one == other => Some(ZERO),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_functions_are_one_node() {
        let mut bdd = Bdd::new(1_000);
        let (a, b) = (bdd.variable(0).unwrap(), bdd.variable(1).unwrap());
        let both = bdd.join(Op::And, a, b).unwrap();
        let (not_a, not_b) = (bdd.not(a).unwrap(), bdd.not(b).unwrap());
        let neither = bdd.join(Op::Or, not_a, not_b).unwrap();
        assert_eq!(bdd.not(neither), Ok(both));
        let one = bdd.join(Op::Xor, a, b).unwrap();
        assert!((bdd.probability(one, &[0.5, 0.25]) - 0.5).abs() < 1e-15);
        let reach = bdd.reach(both, &bdd.nodes().reachable(&[both]), &[0.5, 0.25]);
        assert_eq!(reach[ONE as usize], 0.125);
    }

    #[test]
    fn a_deep_diagram_needs_no_deep_stack() {
        let mut bdd = Bdd::new(10_000_000);
        let deep = 30_000;
        let mut all = ONE;
        for variable in (0..deep).rev() {
            all = bdd.make(variable, all, ZERO).unwrap();
        }
        assert_eq!(bdd.join(Op::Or, all, all), Ok(all));
        let none = bdd.not(all).unwrap();
        assert_eq!(bdd.join(Op::And, all, none), Ok(ZERO));
    }

    #[test]
    fn a_small_budget_is_kept() {
        let mut bdd = Bdd::new(4);
        let (a, b) = (bdd.variable(0).unwrap(), bdd.variable(1).unwrap());
        assert_eq!(bdd.join(Op::And, a, b), Err(Full));
    }
}
