//! A tree laid out for walking many rows down it.

use rayon::prelude::*;

use crate::tree::{Question, Tree};
use crate::{Answer, Feature, Features};

/// What is needed to go down: 24 bytes per node, so that a large tree stays in
/// the cache.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    tree: &'a Tree,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    threshold: f64,
    /// Children: yes first.
    next: [u32; 2],
    feature: u32,
    kind: StepKind,
    /// Index into `next`.
    missing: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepKind {
    Leaf,
    AtMost,
    Other,
}

/// Rows that one task walks.
const CHUNK: usize = 4096;

impl<'a> Compact<'a> {
    pub(crate) fn new(tree: &'a Tree) -> Self {
        let step = |node: &crate::Node| match &node.split {
            None => {
                Step { threshold: 0.0, next: [0, 0], feature: 0, kind: StepKind::Leaf, missing: 0 }
            }
            Some(split) => {
                let (threshold, kind) = match split.question {
                    Question::AtMost { threshold } => (threshold, StepKind::AtMost),
                    _ => (0.0, StepKind::Other),
                };
                Step {
                    threshold,
                    next: [split.yes as u32, split.no as u32],
                    feature: split.feature as u32,
                    kind,
                    missing: u8::from(!split.missing_goes_yes),
                }
            }
        };
        Self { tree, steps: tree.nodes.iter().map(step).collect() }
    }

    /// The leaf of row `row`.
    pub(crate) fn leaf(&self, features: &Features<'_>, row: usize) -> u32 {
        let mut node = 0;
        loop {
            let step = &self.steps[node as usize];
            let column = &features.columns()[step.feature as usize];
            node = match (step.kind, column) {
                (StepKind::Leaf, _) => return node,
                (StepKind::AtMost, Feature::Number(values)) => {
                    let value = values[row];
                    if value.is_nan() {
                        step.next[step.missing as usize]
                    } else {
                        step.next[usize::from(value > step.threshold)]
                    }
                }
                _ => self.other(node, column.answer(row)),
            };
        }
    }

    fn other(&self, node: u32, answer: Answer) -> u32 {
        let split = self.tree.nodes[node as usize].split.as_ref();
        let split = split.expect("only nodes with a question are walked through");
        let yes = split.goes_yes(answer).unwrap_or(split.missing_goes_yes);
        (if yes { split.yes } else { split.no }) as u32
    }

    /// The leaf of every row, in parallel over rows.
    pub(crate) fn leaves(&self, features: &Features<'_>) -> Vec<u32> {
        let mut leaves = vec![0; features.rows()];
        leaves.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, leaves)| {
            for (at, leaf) in leaves.iter_mut().enumerate() {
                *leaf = self.leaf(features, chunk * CHUNK + at);
            }
        });
        leaves
    }
}
