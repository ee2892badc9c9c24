//! Isolation trees, laid out for speed.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::path::{expected_path, levels};

/// Rows that walk down a tree side by side, so that the processor works on
/// the others while one waits for memory.
pub(super) const LANES: usize = 8;

/// A full binary tree stored level by level: node 1 is the root, the children
/// of node `i` are `2i` and `2i + 1`.
///
/// Every row takes the same number of steps, without a branch; below an early
/// leaf each step goes left. A tree of depth 8 takes 4 kB and stays in the
/// fastest cache while a block of rows passes through it.
#[derive(Debug, Clone)]
pub(super) struct IsolationTree {
    levels: u32,
    /// Shape `(2^levels,)`; entry 0 is unused.
    nodes: Vec<Node>,
    /// Path length of each leaf, shape `(2^levels,)`.
    paths: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Readings above go right.
    threshold: f32,
    channel: u32,
}

impl IsolationTree {
    /// A tree of `levels` levels where every row ends in one leaf.
    fn blank(levels: u32) -> Self {
        let size = 1 << levels;
        let left_always = Node { threshold: f32::INFINITY, channel: 0 };
        Self { levels, nodes: vec![left_always; size], paths: vec![0.0; size] }
    }

    /// Grows a tree on `rows` of `width` readings, cutting only `channels`.
    pub(super) fn grow(
        rows: &[f32],
        width: usize,
        channels: &mut [u32],
        random: &mut Pcg64Mcg,
    ) -> Self {
        let count = rows.len() / width;
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mut tree = Self::blank(levels(count));
        Grower { rows, width, channels, random, tree: &mut tree }.grow(1, 0, &mut order);
        tree
    }

    /// A tree from another program, as lists of nodes; node 0 is the root and
    /// a leaf has no children.
    pub(super) fn import(nodes: &[ImportedNode]) -> Result<Self, String> {
        let mut tree = Self::blank(depth(nodes)?);
        let mut open = vec![(0, 1, 0)];
        while let Some((from, at, depth)) = open.pop() {
            match &nodes[from] {
                ImportedNode::Leaf { rows } => tree.set_leaf(at, depth, *rows),
                ImportedNode::Cut { channel, threshold, left, right } => {
                    tree.nodes[at] = Node { threshold: below(*threshold), channel: *channel };
                    open.extend([(*left, 2 * at, depth + 1), (*right, 2 * at + 1, depth + 1)]);
                }
            }
        }
        Ok(tree)
    }

    fn set_leaf(&mut self, at: usize, depth: u32, rows: usize) {
        // Where one arrives going left all the way down.
        let leaf = (at << (self.levels - depth)) - self.paths.len();
        self.paths[leaf] = f64::from(depth) + expected_path(rows);
    }

    /// The path length of `row`.
    pub(super) fn path(&self, row: &[f32]) -> f64 {
        let mut at = 1;
        for _ in 0..self.levels {
            let node = self.nodes[at];
            at = 2 * at + usize::from(row[node.channel as usize] > node.threshold);
        }
        self.paths[at - self.paths.len()]
    }

    /// Adds the path length of every row of `block` to `sums`.
    ///
    /// `block` has shape `(sums.len(), width)`, `sums.len()` a multiple of [`LANES`].
    pub(super) fn add_paths(&self, block: &[f32], width: usize, sums: &mut [f64]) {
        for (rows, sums) in block.chunks_exact(LANES * width).zip(sums.chunks_exact_mut(LANES)) {
            let mut at = [1; LANES];
            for _ in 0..self.levels {
                for lane in 0..LANES {
                    let node = self.nodes[at[lane]];
                    let reading = rows[lane * width + node.channel as usize];
                    at[lane] = 2 * at[lane] + usize::from(reading > node.threshold);
                }
            }
            for lane in 0..LANES {
                sums[lane] += self.paths[at[lane] - self.paths.len()];
            }
        }
    }
}

/// A node of a tree that another program grew.
#[derive(Debug, Clone)]
pub(super) enum ImportedNode {
    /// Readings of `channel` up to `threshold` go to node `left`.
    Cut { channel: u32, threshold: f64, left: usize, right: usize },
    /// Holds `rows` rows of the sample.
    Leaf { rows: usize },
}

/// Deepest tree that is imported; 2^20 leaves are far beyond any isolation tree.
const DEEPEST: u32 = 20;

/// Depth of the tree under node 0; refuses lists that are no tree.
fn depth(nodes: &[ImportedNode]) -> Result<u32, String> {
    let mut deepest = 0;
    let mut seen = 0;
    let mut open = vec![(0, 0)];
    while let Some((at, depth)) = open.pop() {
        seen += 1;
        deepest = deepest.max(depth);
        if seen > nodes.len() || depth > DEEPEST {
            return Err("its nodes form no tree, or one that is too deep".to_owned());
        }
        match nodes.get(at) {
            None => return Err(format!("there is no node {at}")),
            Some(ImportedNode::Leaf { .. }) => {}
            Some(ImportedNode::Cut { left, right, .. }) => {
                open.extend([(*left, depth + 1), (*right, depth + 1)]);
            }
        }
    }
    Ok(deepest)
}

/// The largest `f32` not above `threshold`: comparing an `f32` with either of
/// the two gives the same answer.
fn below(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

struct Grower<'a> {
    rows: &'a [f32],
    width: usize,
    channels: &'a mut [u32],
    random: &'a mut Pcg64Mcg,
    tree: &'a mut IsolationTree,
}

impl Grower<'_> {
    /// Grows the subtree of node `at` on the rows `order`.
    fn grow(&mut self, at: usize, depth: u32, order: &mut [u32]) {
        if order.len() <= 1 || depth == self.tree.levels {
            return self.tree.set_leaf(at, depth, order.len());
        }
        let Some(node) = self.cut(order) else {
            return self.tree.set_leaf(at, depth, order.len());
        };
        self.tree.nodes[at] = node;
        let (rows, width) = (self.rows, self.width);
        let middle = split(order, |row| {
            rows[row as usize * width + node.channel as usize] <= node.threshold
        });
        let (left, right) = order.split_at_mut(middle);
        self.grow(2 * at, depth + 1, left);
        self.grow(2 * at + 1, depth + 1, right);
    }

    /// A random cut in a random channel that is not constant; `None` when all are.
    fn cut(&mut self, order: &[u32]) -> Option<Node> {
        for drawn in 0..self.channels.len() {
            let pick = self.random.random_range(drawn..self.channels.len());
            self.channels.swap(drawn, pick);
            let channel = self.channels[drawn];
            let reading = |row: &u32| self.rows[*row as usize * self.width + channel as usize];
            let (low, high) = order
                .iter()
                .map(reading)
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), reading| {
                    (low.min(reading), high.max(reading))
                });
            if low < high {
                let range = f64::from(high) - f64::from(low);
                let threshold = below(f64::from(low) + self.random.random::<f64>() * range);
                // Rounding must not put every row on one side.
                let threshold = if threshold < high { threshold.max(low) } else { low };
                return Some(Node { threshold, channel });
            }
        }
        None
    }
}

/// Moves the rows that go left to the front and says how many they are.
pub(super) fn split(order: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut middle = 0;
    for at in 0..order.len() {
        if goes_left(order[at]) {
            order.swap(middle, at);
            middle += 1;
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn every_row_of_the_sample_ends_in_a_leaf_that_counts_it() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let rows: Vec<f32> = (0..128).map(|_| random.random::<f32>()).collect();
        let tree = IsolationTree::grow(&rows, 2, &mut [0, 1], &mut random);
        assert_eq!(tree.levels, 6);
        let mut sums = vec![0.0; 64];
        tree.add_paths(&rows, 2, &mut sums);
        // With every reading different, a leaf above the last level holds one row.
        let crowded =
            |path: f64| (2..64).any(|rows| (path - 6.0 - expected_path(rows)).abs() < 1e-12);
        let fits =
            |path: &f64| (*path >= 1.0 && *path <= 6.0 && path.fract() == 0.0) || crowded(*path);
        assert!(sums.iter().all(fits), "{sums:?}");
    }

    #[test]
    fn equal_rows_are_not_cut() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let tree = IsolationTree::grow(&[3.0; 16], 1, &mut [0], &mut random);
        let mut sums = vec![0.0; 8];
        tree.add_paths(&[9.0; 8], 1, &mut sums);
        assert_eq!(sums, [expected_path(16); 8]);
    }

    #[test]
    fn lists_that_are_no_tree_are_refused() {
        let cut = |left, right| ImportedNode::Cut { channel: 0, threshold: 0.0, left, right };
        assert!(IsolationTree::import(&[]).is_err());
        assert!(IsolationTree::import(&[cut(0, 0)]).is_err());
        assert!(IsolationTree::import(&[cut(1, 9), ImportedNode::Leaf { rows: 1 }]).is_err());
    }

    #[test]
    fn thresholds_round_down() {
        assert_eq!(below(0.1), 0.1_f32.next_down());
        assert_eq!(below(0.5), 0.5);
    }
}
