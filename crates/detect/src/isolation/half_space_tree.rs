//! A tree of half-spaces, filled with a window of samples.

use auscult_core::Frame;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::forest::{generator, mix};
use super::tree::split;

/// Lowest and highest reading of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// Ranges of the channels of `readings`; never empty.
    pub(super) fn of_channels(readings: &[f64], channels: usize) -> Vec<Self> {
        let range = |channel: usize| {
            let column = readings.iter().skip(channel).step_by(channels).copied();
            let low = column.clone().fold(f64::INFINITY, f64::min);
            let high = column.fold(f64::NEG_INFINITY, f64::max);
            if low < high {
                return Self { low, high };
            }
            // A constant channel: whatever differs at all is to count.
            let reach = (1e-9 * low.abs()).max(f64::MIN_POSITIVE);
            Self { low: low - reach, high: high + reach }
        };
        (0..channels).map(range).collect()
    }

    pub(super) fn is_sound(&self) -> bool {
        let held = 2.0 * auscult_core::LARGEST_READING;
        self.low < self.high && self.low.abs() <= held && self.high.abs() <= held
    }
}

/// The box that a tree halves, and which channel it halves where.
#[derive(Debug)]
pub(super) struct WorkSpace {
    bounds: Vec<Range>,
    seed: u64,
    tree: u64,
}

impl WorkSpace {
    /// A random box around `ranges`: from a point in the range of each channel,
    /// twice as far both ways as the farther end.
    pub(super) fn new(ranges: &[Range], seed: u64, tree: u64) -> Self {
        let mut random = generator(seed, tree);
        let bounds = ranges.iter().map(|range| {
            let at = random.random::<f64>();
            let width = range.high - range.low;
            let (centre, reach) = (range.low + at * width, 2.0 * at.max(1.0 - at) * width);
            Range { low: centre - reach, high: centre + reach }
        });
        let bounds = bounds.collect();
        Self { bounds, seed, tree }
    }

    /// The channel that node `at` of a tree halves: random, but always the same.
    fn channel(&self, at: u64) -> usize {
        let mixed = mix(mix(self.seed ^ mix(self.tree)) ^ at);
        // Bias is at most the number of channels over 2^64.
        (mixed % self.bounds.len() as u64) as usize
    }
}

/// The half-spaces that hold enough samples to be halved, and their halves.
#[derive(Debug)]
pub(super) struct HalfSpaceTree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    /// Readings of `channel` below `middle` go to node `below`, others to the next.
    Halved { channel: u32, middle: f64, below: u32 },
    /// Density relative to an even spread.
    Leaf { density: f64 },
}

impl HalfSpaceTree {
    /// Halves `space` around the samples of `window`, at most `depth` times,
    /// until a half-space holds `limit` samples or fewer.
    pub(super) fn fill(space: WorkSpace, depth: u32, limit: usize, window: &Frame<'_>) -> Self {
        let mut tree = Self { nodes: vec![Node::Leaf { density: 0.0 }] };
        let mut order: Vec<u32> = (0..window.rows() as u32).collect();
        Filler { space, depth, limit, window, tree: &mut tree }.fill(0, 1, 0, &mut order);
        tree
    }

    /// How dense the region of `row` was, 1 for an even spread.
    pub(super) fn density(&self, row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf { density } => return density,
                Node::Halved { channel, middle, below } => {
                    at = below as usize + usize::from(row[channel as usize] >= middle);
                }
            }
        }
    }
}

struct Filler<'a> {
    space: WorkSpace,
    depth: u32,
    limit: usize,
    window: &'a Frame<'a>,
    tree: &'a mut HalfSpaceTree,
}

impl Filler<'_> {
    /// Fills node `slot` of the tree, which is number `at` of the full tree.
    fn fill(&mut self, slot: usize, at: u64, depth: u32, order: &mut [u32]) {
        if depth == self.depth || order.len() <= self.limit {
            let share = order.len() as f64 / self.window.rows() as f64;
            self.tree.nodes[slot] = Node::Leaf { density: share * f64::from(depth).exp2() };
            return;
        }
        let channel = self.space.channel(at);
        let whole = self.space.bounds[channel];
        // Halves first, so that the sum of the bounds is not too large.
        let middle = whole.low / 2.0 + whole.high / 2.0;
        let window = self.window;
        let count = split(order, |row| window.row(row as usize)[channel] < middle);
        let (lower, upper) = order.split_at_mut(count);
        let below = self.tree.nodes.len();
        self.tree.nodes.extend([Node::Leaf { density: 0.0 }; 2]);
        self.tree.nodes[slot] =
            Node::Halved { channel: channel as u32, middle, below: below as u32 };
        self.space.bounds[channel] = Range { high: middle, ..whole };
        self.fill(below, 2 * at, depth + 1, lower);
        self.space.bounds[channel] = Range { low: middle, ..whole };
        self.fill(below + 1, 2 * at + 1, depth + 1, upper);
        self.space.bounds[channel] = whole;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(depth: u32, limit: usize, readings: &[f64]) -> HalfSpaceTree {
        let space = WorkSpace::new(&[Range { low: 0.0, high: 1.0 }; 2], 3, 4);
        HalfSpaceTree::fill(space, depth, limit, &Frame::new(readings, 2).expect("finite"))
    }

    #[test]
    fn densities_times_volumes_add_up_to_the_window() {
        let readings: Vec<f64> = (0..400).map(|i| (f64::from(i) * 0.37).sin().abs()).collect();
        let tree = tree(8, 10, &readings);
        let mut total = 0.0;
        let mut open = vec![(0_usize, 0)];
        while let Some((at, depth)) = open.pop() {
            match tree.nodes[at] {
                Node::Leaf { density } => total += density * f64::from(-depth).exp2(),
                Node::Halved { below, .. } => {
                    open.extend([(below as usize, depth + 1), (below as usize + 1, depth + 1)]);
                }
            }
        }
        assert!((total - 1.0).abs() < 1e-12, "{total}");
    }

    #[test]
    fn a_crowd_is_dense_and_the_far_corner_empty() {
        let readings = [0.5; 200];
        let tree = tree(10, 10, &readings);
        assert_eq!(tree.density(&[0.5, 0.5]), 1024.0);
        assert_eq!(tree.density(&[40.0, -40.0]), 0.0);
    }

    #[test]
    fn few_nodes_are_needed_however_deep_the_tree() {
        let readings: Vec<f64> = (0..500).map(|i| (f64::from(i) * 0.37).sin().abs()).collect();
        let tree = tree(30, 25, &readings);
        // Ten half-spaces at most on each level hold more than 25 of 250.
        assert!(tree.nodes.len() <= 1 + 2 * 10 * 30, "{}", tree.nodes.len());
    }
}
