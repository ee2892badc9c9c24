//! Minimal cut sets, as a diagram of sets.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use super::bdd::{Bdd, Op};
use super::diagram::{Full, Node, Nodes, ONE, Root, ZERO};

/// A family of sets of variables: a path to [`ONE`] is the set of variables at
/// which it goes high.
///
/// Reference: A. Rauzy, "Mathematical foundations of minimal cutsets", IEEE
/// Transactions on Reliability 50(4), 2001; S. Minato, "Zero-suppressed BDDs
/// for set manipulation in combinatorial problems", DAC 1993.
#[derive(Debug)]
pub(super) struct Cuts {
    nodes: Nodes,
    known: HashMap<(Root, Root), Root>,
    root: Root,
}

/// What is left to do of a difference.
enum Task {
    Without(Root, Root),
    /// Without this too, from what comes out of the step before.
    Then(Root),
    Make {
        variable: u32,
        pair: (Root, Root),
    },
    Remember((Root, Root)),
}

impl Cuts {
    /// The smallest sets of variables that, true while all others are false,
    /// make `function` true.
    pub(super) fn of(bdd: &Bdd, function: Root, budget: usize) -> Result<Self, Full> {
        let mut cuts = Self { nodes: Nodes::new(budget), known: HashMap::new(), root: ZERO };
        let places = bdd.nodes().reachable(&[function]);
        let mut minimal = vec![ZERO; (function as usize + 1).max(2)];
        minimal[ONE as usize] = ONE;
        for at in places {
            let node = bdd.nodes().get(at);
            let low = minimal[node.low as usize];
            let high = cuts.without(minimal[node.high as usize], low)?;
            minimal[at as usize] = cuts.make(node.variable, high, low)?;
        }
        cuts.root = minimal[function as usize];
        Ok(cuts)
    }

    fn make(&mut self, variable: u32, high: Root, low: Root) -> Result<Root, Full> {
        if high == ZERO { Ok(low) } else { self.nodes.place(Node { variable, high, low }) }
    }

    /// The sets of `one` that hold no set of `other` whole. No set of `other`
    /// may hold another one of it.
    fn without(&mut self, one: Root, other: Root) -> Result<Root, Full> {
        let mut tasks = vec![Task::Without(one, other)];
        let mut done: Vec<Root> = Vec::new();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Without(one, other) => {
                    let simple = match (one, other) {
                        (ZERO, _) | (_, ONE) => Some(ZERO),
                        (_, ZERO) => Some(one),
                        _ if one == other => Some(ZERO),
                        // The empty set holds only the empty set, which stands
                        // alone where it is.
                        (ONE, _) => Some(ONE),
                        pair => self.known.get(&pair).copied(),
                    };
                    if let Some(simple) = simple {
                        done.push(simple);
                        continue;
                    }
                    self.nodes.step()?;
                    let pair = (one, other);
                    let (a, b) = (self.nodes.get(one), self.nodes.get(other));
                    match a.variable.cmp(&b.variable) {
                        Ordering::Less => {
                            tasks.push(Task::Make { variable: a.variable, pair });
                            tasks.push(Task::Without(a.high, other));
                            tasks.push(Task::Without(a.low, other));
                        }
                        Ordering::Greater => {
                            tasks.push(Task::Remember(pair));
                            tasks.push(Task::Without(one, b.low));
                        }
                        Ordering::Equal => {
                            tasks.push(Task::Make { variable: a.variable, pair });
                            tasks.push(Task::Then(b.low));
                            tasks.push(Task::Without(a.high, b.high));
                            tasks.push(Task::Without(a.low, b.low));
                        }
                    }
                }
                Task::Then(other) => {
                    let one = done.pop().unwrap_or(ZERO);
                    tasks.push(Task::Without(one, other));
                }
                Task::Remember(pair) => {
                    let result = done.last().copied().unwrap_or(ZERO);
                    self.known.insert(pair, result);
                }
                Task::Make { variable, pair } => {
                    let (Some(high), Some(low)) = (done.pop(), done.pop()) else {
                        unreachable!("each of two differences leaves a result");
                    };
                    let root = self.make(variable, high, low)?;
                    self.known.insert(pair, root);
                    done.push(root);
                }
            }
        }
        Ok(done.pop().unwrap_or(ZERO))
    }

    /// How many sets there are; `None` beyond 2¹²⁸.
    pub(super) fn count(&self) -> Option<u128> {
        let mut counts: Vec<Option<u128>> = vec![Some(0); (self.root as usize + 1).max(2)];
        counts[ONE as usize] = Some(1);
        for at in self.nodes.reachable(&[self.root]) {
            let node = self.nodes.get(at);
            let (high, low) = (counts[node.high as usize], counts[node.low as usize]);
            counts[at as usize] = high.and_then(|high| high.checked_add(low?));
        }
        counts[self.root as usize]
    }

    /// The function that is true when all of some set is, in `bdd`.
    pub(super) fn function(&self, bdd: &mut Bdd) -> Result<Root, Full> {
        let mut functions = vec![ZERO; (self.root as usize + 1).max(2)];
        functions[ONE as usize] = ONE;
        for at in self.nodes.reachable(&[self.root]) {
            let node = self.nodes.get(at);
            let low = functions[node.low as usize];
            let either = bdd.join(Op::Or, functions[node.high as usize], low)?;
            functions[at as usize] = bdd.make(node.variable, either, low)?;
        }
        Ok(functions[self.root as usize])
    }

    /// The function that is true when, but for `variable`, all of some set
    /// with it is.
    pub(super) fn function_with(&self, variable: u32, bdd: &mut Bdd) -> Result<Root, Full> {
        // Below each node, the sets with `variable`, that taken out; as
        // functions at once.
        let mut all = vec![ZERO; (self.root as usize + 1).max(2)];
        let mut with = all.clone();
        all[ONE as usize] = ONE;
        let places = self.nodes.reachable(&[self.root]);
        let is_needed = self.below(variable, &places);
        for at in places {
            let node = self.nodes.get(at);
            let (high, low) = (node.high as usize, node.low as usize);
            if node.variable > variable {
                if is_needed[at as usize] {
                    let either = bdd.join(Op::Or, all[high], all[low])?;
                    all[at as usize] = bdd.make(node.variable, either, all[low])?;
                }
            } else if node.variable == variable {
                with[at as usize] = all[high];
            } else {
                let either = bdd.join(Op::Or, with[high], with[low])?;
                with[at as usize] = bdd.make(node.variable, either, with[low])?;
            }
        }
        Ok(with[self.root as usize])
    }

    /// Which nodes lie below the high side of a decision on `variable`.
    fn below(&self, variable: u32, places: &[Root]) -> Vec<bool> {
        let mut is_below = vec![false; (self.root as usize + 1).max(2)];
        for &at in places.iter().rev() {
            let node = self.nodes.get(at);
            if node.variable == variable {
                is_below[node.high as usize] = true;
            } else if is_below[at as usize] {
                is_below[node.high as usize] = true;
                is_below[node.low as usize] = true;
            }
        }
        is_below
    }

    /// The `most` sets of greatest probability, in that order, as variables
    /// from the top; among equals those that are found first.
    ///
    /// Best first over the diagram, with the best that can still come as the
    /// bound, so the work is in proportion to what is asked for.
    pub(super) fn most_probable(&self, most: usize, of: &[f64]) -> Vec<Vec<u32>> {
        let logs: Vec<f64> = of.iter().map(|probability| probability.ln()).collect();
        let mut best = vec![f64::NEG_INFINITY; (self.root as usize + 1).max(2)];
        best[ONE as usize] = 0.0;
        for at in self.nodes.reachable(&[self.root]) {
            let node = self.nodes.get(at);
            let high = logs[node.variable as usize] + best[node.high as usize];
            best[at as usize] = high.max(best[node.low as usize]);
        }
        // Chosen variables as a list from the last to the first.
        let mut chosen: Vec<(u32, Option<usize>)> = Vec::new();
        let mut open = BinaryHeap::new();
        let mut sequence = 0_u64;
        let mut enter = |open: &mut BinaryHeap<Way>, at: Root, so_far: f64, last| {
            if at != ZERO {
                let bound = so_far + best[at as usize];
                open.push(Way { bound, age: std::cmp::Reverse(sequence), at, so_far, last });
                sequence += 1;
            }
        };
        enter(&mut open, self.root, 0.0, None);
        let mut found = Vec::new();
        while let Some(way) = open.pop() {
            if found.len() == most {
                break;
            }
            if way.at == ONE {
                let mut set = Vec::new();
                let mut last = way.last;
                while let Some(at) = last {
                    let (variable, before) = chosen[at];
                    set.push(variable);
                    last = before;
                }
                set.reverse();
                found.push(set);
                continue;
            }
            let node = self.nodes.get(way.at);
            chosen.push((node.variable, way.last));
            let with = way.so_far + logs[node.variable as usize];
            enter(&mut open, node.high, with, Some(chosen.len() - 1));
            enter(&mut open, node.low, way.so_far, way.last);
        }
        found
    }
}

/// A way down that is not yet at its end; greater is better.
#[derive(Debug)]
struct Way {
    /// Logarithm of the greatest probability that it can still have.
    bound: f64,
    age: std::cmp::Reverse<u64>,
    at: Root,
    so_far: f64,
    last: Option<usize>,
}

impl Ord for Way {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound).then(self.age.cmp(&other.age))
    }
}

impl PartialOrd for Way {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Way {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Way {}
