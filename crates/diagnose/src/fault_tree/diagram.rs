//! Nodes of decision diagrams, each once.

use hashbrown::HashMap;

/// A diagram, by the place of its root.
pub(super) type Root = u32;

/// Never; the empty family of sets.
pub(super) const ZERO: Root = 0;
/// Always; the family of the empty set alone.
pub(super) const ONE: Root = 1;
/// The variable of the two ends: below all others.
pub(super) const END: u32 = u32::MAX;

/// A decision: on `variable`, go `high` when it is true and `low` when not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Node {
    /// Place in the order of variables; smaller in every node above.
    pub(super) variable: u32,
    pub(super) high: Root,
    pub(super) low: Root,
}

/// The budget was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// All nodes so far. A node's place is above those of the nodes that it leads
/// to, so that one loop over places visits children first.
#[derive(Debug)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    places: HashMap<Node, Root>,
    budget: usize,
    /// Steps that operations may still take.
    steps: u64,
}

/// Steps of operations for each node of the budget.
const STEPS_A_NODE: u64 = 16;

impl Nodes {
    pub(super) fn new(budget: usize) -> Self {
        let end = |at| Node { variable: END, high: at, low: at };
        let steps = (budget as u64).saturating_mul(STEPS_A_NODE);
        Self { nodes: vec![end(ZERO), end(ONE)], places: HashMap::new(), budget, steps }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn get(&self, root: Root) -> Node {
        self.nodes[root as usize]
    }

    /// The place of `node`, which is new or was there.
    pub(super) fn place(&mut self, node: Node) -> Result<Root, Full> {
        if let Some(&place) = self.places.get(&node) {
            return Ok(place);
        }
        if self.nodes.len() >= self.budget {
            return Err(Full);
        }
        let place = u32::try_from(self.nodes.len()).map_err(|_| Full)?;
        self.nodes.push(node);
        self.places.insert(node, place);
        Ok(place)
    }

    /// Counts a step of an operation.
    pub(super) fn step(&mut self) -> Result<(), Full> {
        self.steps = self.steps.checked_sub(1).ok_or(Full)?;
        Ok(())
    }

    /// Places of the nodes of these diagrams, ends left out, children first.
    pub(super) fn reachable(&self, roots: &[Root]) -> Vec<Root> {
        let Some(&last) = roots.iter().max() else { return Vec::new() };
        let mut is_reached = vec![false; last as usize + 1];
        roots.iter().for_each(|&root| is_reached[root as usize] = true);
        for at in (2..=last as usize).rev() {
            if is_reached[at] {
                let node = self.nodes[at];
                is_reached[node.high as usize] = true;
                is_reached[node.low as usize] = true;
            }
        }
        (2..=last).filter(|&at| is_reached[at as usize]).collect()
    }
}
