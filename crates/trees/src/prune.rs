//! Minimal cost-complexity pruning.

use std::collections::BinaryHeap;

use crate::tree::{Node, Tree};

/// How a tree shrinks as leaves become dearer.
///
/// Entry `i` says: from cost `alphas[i]` per leaf on, the best subtree has
/// leaves whose weighted impurities sum to `impurities[i]`. The first entry is the
/// whole tree at cost 0; the last is the root alone.
#[derive(Debug, Clone, PartialEq)]
pub struct PruningPath {
    /// Costs per leaf, ascending.
    pub alphas: Vec<f64>,
    /// Impurity of the leaves, each weighted with its share of the weight.
    pub impurities: Vec<f64>,
}

impl Tree {
    /// The costs per leaf at which the tree shrinks, weakest link first.
    ///
    /// Equals `cost_complexity_pruning_path` of scikit-learn, one entry per
    /// node that is cut. Time O(nodes · depth · log nodes).
    ///
    /// Reference: L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification
    /// and regression trees", Wadsworth, 1984, chapter 3.
    #[must_use]
    pub fn pruning_path(&self) -> PruningPath {
        let mut pruning = Pruning::new(self);
        let mut path = PruningPath { alphas: vec![0.0], impurities: vec![pruning.cost[0]] };
        while let Some((alpha, node)) = pruning.weakest() {
            pruning.cut(node);
            path.alphas.push(alpha);
            path.impurities.push(pruning.cost[0]);
        }
        path
    }

    /// The smallest subtree that is best when each leaf costs `alpha`: cuts
    /// weakest links as long as they save at most `alpha` per leaf.
    #[must_use]
    pub fn prune(&self, alpha: f64) -> Self {
        let mut pruning = Pruning::new(self);
        while let Some((_, node)) = pruning.weakest().filter(|(least, _)| *least <= alpha) {
            pruning.cut(node);
        }
        self.without_children(|node| pruning.leaves[node] == 1)
    }

    /// A copy in which nodes chosen by `is_leaf` are leaves.
    fn without_children(&self, is_leaf: impl Fn(usize) -> bool) -> Self {
        let mut keep = vec![false; self.nodes.len()];
        keep[0] = true;
        for (at, node) in self.nodes.iter().enumerate() {
            if let Some(split) = node.split.as_ref().filter(|_| keep[at] && !is_leaf(at)) {
                keep[split.yes] = true;
                keep[split.no] = true;
            }
        }
        let mut number = vec![0; self.nodes.len()];
        let kept: Vec<usize> = (0..self.nodes.len()).filter(|node| keep[*node]).collect();
        kept.iter().enumerate().for_each(|(new, old)| number[*old] = new);
        let node = |old: &usize| {
            let node = &self.nodes[*old];
            let split = node.split.clone().filter(|_| !is_leaf(*old)).map(|mut split| {
                split.yes = number[split.yes];
                split.no = number[split.no];
                split
            });
            Node { split, ..*node }
        };
        Self {
            kind: self.kind,
            features: self.features.clone(),
            nodes: kept.iter().map(node).collect(),
            values: kept.iter().flat_map(|old| self.value(*old)).copied().collect(),
        }
    }
}

/// A tree while links are cut.
struct Pruning<'a> {
    tree: &'a Tree,
    parents: Vec<Option<usize>>,
    /// Leaves below each node, itself if it is one; 0 once cut off.
    leaves: Vec<usize>,
    /// Impurity of the leaves below each node, by share of weight.
    cost: Vec<f64>,
    /// Links by what they save; entries that are out of date are passed over.
    links: BinaryHeap<Link>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    alpha: f64,
    node: usize,
    /// Leaves when it was written.
    leaves: usize,
}

impl Ord for Link {
    /// The weakest first, of equals the first node.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.alpha.total_cmp(&self.alpha).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Link {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Link {}

impl<'a> Pruning<'a> {
    fn new(tree: &'a Tree) -> Self {
        let count = tree.nodes.len();
        let mut pruning = Self {
            tree,
            parents: vec![None; count],
            leaves: vec![1; count],
            cost: vec![0.0; count],
            links: BinaryHeap::new(),
        };
        // Children come after their parents, so from the back they are done first.
        for at in (0..count).rev() {
            match &tree.nodes[at].split {
                None => pruning.cost[at] = pruning.own_cost(at),
                Some(split) => {
                    pruning.parents[split.yes] = Some(at);
                    pruning.parents[split.no] = Some(at);
                    pruning.leaves[at] = pruning.leaves[split.yes] + pruning.leaves[split.no];
                    pruning.cost[at] = pruning.cost[split.yes] + pruning.cost[split.no];
                    pruning.write(at);
                }
            }
        }
        pruning
    }

    /// What `node` costs as a leaf.
    fn own_cost(&self, node: usize) -> f64 {
        let nodes = &self.tree.nodes;
        nodes[node].impurity * (nodes[node].weight / nodes[0].weight)
    }

    fn write(&mut self, node: usize) {
        let leaves = self.leaves[node];
        let alpha = (self.own_cost(node) - self.cost[node]) / (leaves - 1) as f64;
        self.links.push(Link { alpha, node, leaves });
    }

    /// What the weakest link saves per leaf, and its node.
    fn weakest(&mut self) -> Option<(f64, usize)> {
        while let Some(link) = self.links.peek() {
            if self.leaves[link.node] == link.leaves && link.leaves > 1 {
                return Some((link.alpha, link.node));
            }
            self.links.pop();
        }
        None
    }

    /// Makes `node` a leaf.
    fn cut(&mut self, node: usize) {
        let fewer = self.leaves[node] - 1;
        let dearer = self.own_cost(node) - self.cost[node];
        let mut below = vec![node];
        while let Some(at) = below.pop() {
            self.leaves[at] = 0;
            if let Some(split) = &self.tree.nodes[at].split {
                below.extend([split.yes, split.no].into_iter().filter(|at| self.leaves[*at] > 0));
            }
        }
        self.leaves[node] = 1;
        self.cost[node] += dearer;
        let mut above = self.parents[node];
        while let Some(at) = above {
            self.leaves[at] -= fewer;
            self.cost[at] += dearer;
            self.write(at);
            above = self.parents[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{ClassifierSettings, Features, Tree};

    fn tree() -> Tree {
        let rows: Vec<f64> = (0..200).map(|row| f64::from(row * 7919 % 211)).collect();
        let labels: Vec<u32> =
            rows.iter().map(|x| u32::from(*x > 90.0 || x % 17.0 < 2.0)).collect();
        let features = Features::from_rows(&rows, 1).expect("one column");
        Tree::fit_classes(&features, &labels, 2, None, &ClassifierSettings::default())
            .expect("fits")
    }

    #[test]
    fn the_path_runs_from_the_whole_tree_to_the_root() {
        let tree = tree();
        let path = tree.pruning_path();
        assert!(path.alphas.is_sorted() && path.impurities.is_sorted());
        assert_eq!(path.impurities[0], 0.0);
        assert!((path.impurities.last().expect("a root") - tree.nodes()[0].impurity).abs() < 1e-12);
    }

    #[test]
    fn pruning_keeps_a_sound_tree_that_shrinks_with_alpha() {
        let tree = tree();
        let mut leaves = tree.leaves();
        assert_eq!(tree.prune(-1.0), tree);
        for alpha in tree.pruning_path().alphas {
            let pruned = tree.prune(alpha);
            pruned.validate().expect("sound");
            assert!(pruned.leaves() <= leaves);
            leaves = pruned.leaves();
        }
        assert_eq!(leaves, 1);
    }
}
