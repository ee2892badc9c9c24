//! Nearest neighbours by a tree of boxes.

use rayon::prelude::*;

use super::Neighbours;
use super::nearest::Nearest;

/// Rows in a leaf: all leaves but the last are full.
const LEAF: usize = 16;
/// Below this many leaves, a subtree is built without another thread.
const LEAVES_TO_SPLIT: usize = 64;
/// Leaves whose rows are searched as one piece of work.
const LEAVES_AT_ONCE: usize = 16;

/// A balanced k-d tree with tight boxes.
///
/// The rows are copied in the order of the leaves, and within a leaf channel
/// by channel, so that sixteen distances are found at once from memory that
/// lies together; queries from the history run leaf by leaf, so that one query
/// finds in the cache what the one before it left there.
///
/// Reference: J. L. Bentley, "Multidimensional binary search trees used for
/// associative searching", Communications of the ACM 18(9), 1975, with the
/// boxes of R. F. Sproull, "Refinements to nearest-neighbor searching in
/// k-dimensional trees", Algorithmica 6, 1991.
#[derive(Debug, Clone)]
pub(crate) struct KdTree {
    channels: usize,
    rows: usize,
    /// Lowest, then highest reading of every channel, for each node. Nodes
    /// stand in the order of a walk that visits a parent before its children.
    boxes: Vec<f64>,
    /// For each leaf, channel by channel, the readings of its rows; infinite
    /// where the last leaf has no more rows.
    leaves: Vec<f64>,
    /// The row of the history behind each place in `leaves`.
    order: Vec<u32>,
    /// The place of each row of the history.
    places: Vec<u32>,
}

impl KdTree {
    /// A tree over `points`, shape `(rows, channels)`.
    pub(super) fn new(points: &[f64], channels: usize) -> Self {
        let rows = points.len() / channels;
        let leaves = rows.div_ceil(LEAF).max(1);
        let mut order: Vec<u32> = (0..rows as u32).collect();
        let mut boxes = vec![0.0; (2 * leaves - 1) * 2 * channels];
        Builder { points, channels }.split(&mut order, &mut boxes);

        let mut blocks = vec![f64::INFINITY; leaves * LEAF * channels];
        let mut places = vec![0; rows];
        for (place, row) in order.iter().enumerate() {
            places[*row as usize] = place as u32;
            let (leaf, lane) = (place / LEAF, place % LEAF);
            for channel in 0..channels {
                blocks[(leaf * channels + channel) * LEAF + lane] =
                    points[*row as usize * channels + channel];
            }
        }
        order.resize(leaves * LEAF, u32::MAX);
        Self { channels, rows, boxes, leaves: blocks, order, places }
    }

    /// Writes row `row` of the history.
    pub(super) fn read_row(&self, row: u32, readings: &mut [f64]) {
        self.read_place(self.places[row as usize] as usize, readings);
    }

    fn leaf_count(&self) -> usize {
        self.order.len() / LEAF
    }

    pub(super) fn of_history(&self, k: usize) -> Neighbours {
        let leaves: Vec<usize> = (0..self.leaf_count()).collect();
        let found: Vec<(usize, Neighbours)> = leaves
            .par_chunks(LEAVES_AT_ONCE)
            .map(|leaves| {
                let first = leaves[0] * LEAF;
                let last = (first + leaves.len() * LEAF).min(self.rows);
                let mut found = Neighbours::new(last - first, k);
                let mut search = Search::new(self, k);
                for place in first..last {
                    self.read_place(place, &mut search.query);
                    search.own = self.order[place];
                    found.set(place - first, search.run());
                }
                (first, found)
            })
            .collect();

        let mut all = Neighbours::new(self.rows, k);
        for (first, found) in &found {
            for (at, (distances, rows)) in found.iter().enumerate() {
                let slot = self.order[first + at] as usize * k;
                all.distances[slot..slot + k].copy_from_slice(distances);
                all.rows[slot..slot + k].copy_from_slice(rows);
            }
        }
        all
    }

    /// The readings at `place`.
    fn read_place(&self, place: usize, readings: &mut [f64]) {
        let block = &self.leaves[place / LEAF * LEAF * self.channels..];
        for (channel, reading) in readings.iter_mut().enumerate() {
            *reading = block[channel * LEAF + place % LEAF];
        }
    }

    pub(super) fn of_queries(&self, queries: &[f64], k: usize) -> Neighbours {
        let mut all = Neighbours::new(queries.len() / self.channels, k);
        let piece = LEAF * LEAVES_AT_ONCE;
        all.distances
            .par_chunks_mut(piece * k)
            .zip(all.rows.par_chunks_mut(piece * k))
            .zip(queries.par_chunks(piece * self.channels))
            .for_each(|((distances, rows), queries)| {
                let mut search = Search::new(self, k);
                let slots = distances.chunks_exact_mut(k).zip(rows.chunks_exact_mut(k));
                for (query, (distances, rows)) in queries.chunks_exact(self.channels).zip(slots) {
                    search.query.copy_from_slice(query);
                    search.run().write(distances, rows);
                }
            });
        all
    }
}

/// How many leaves the left child of a node of `leaves` leaves has.
fn left_leaves(leaves: usize) -> usize {
    leaves.div_ceil(2)
}

struct Builder<'a> {
    points: &'a [f64],
    channels: usize,
}

impl Builder<'_> {
    /// Orders the rows of `order` into leaves, and writes the boxes of the
    /// subtree.
    fn split(&self, order: &mut [u32], boxes: &mut [f64]) {
        let (own, below) = boxes.split_at_mut(2 * self.channels);
        self.write_box(order, own);
        let leaves = order.len().div_ceil(LEAF);
        if leaves <= 1 {
            return;
        }
        let widest = self.widest(own);
        let left = left_leaves(leaves);
        let reading = |row: u32| self.points[row as usize * self.channels + widest];
        // Rows with equal readings go by number, so that the tree is the same every time.
        order.select_nth_unstable_by(left * LEAF, |a, b| {
            reading(*a).total_cmp(&reading(*b)).then(a.cmp(b))
        });
        let (order_left, order_right) = order.split_at_mut(left * LEAF);
        let (boxes_left, boxes_right) = below.split_at_mut((2 * left - 1) * 2 * self.channels);
        if leaves < LEAVES_TO_SPLIT {
            self.split(order_left, boxes_left);
            self.split(order_right, boxes_right);
        } else {
            rayon::join(
                || self.split(order_left, boxes_left),
                || self.split(order_right, boxes_right),
            );
        }
    }

    fn write_box(&self, order: &[u32], own: &mut [f64]) {
        let (low, high) = own.split_at_mut(self.channels);
        low.fill(f64::INFINITY);
        high.fill(f64::NEG_INFINITY);
        for row in order {
            let row = &self.points[*row as usize * self.channels..][..self.channels];
            for ((low, high), reading) in low.iter_mut().zip(high.iter_mut()).zip(row) {
                *low = low.min(*reading);
                *high = high.max(*reading);
            }
        }
    }

    /// The channel with the widest range; the first of equally wide ones.
    fn widest(&self, own: &[f64]) -> usize {
        let (low, high) = own.split_at(self.channels);
        let mut widest = 0;
        for channel in 1..self.channels {
            if high[channel] - low[channel] > high[widest] - low[widest] {
                widest = channel;
            }
        }
        widest
    }
}

/// One query after the other, in memory that is used again.
struct Search<'a> {
    tree: &'a KdTree,
    query: Vec<f64>,
    /// The row that is the query itself, and no neighbour.
    own: u32,
    nearest: Nearest,
}

impl<'a> Search<'a> {
    fn new(tree: &'a KdTree, k: usize) -> Self {
        let query = vec![0.0; tree.channels];
        Self { tree, query, own: u32::MAX, nearest: Nearest::new(k) }
    }

    fn run(&mut self) -> &Nearest {
        self.nearest.clear();
        self.visit(0, 0, self.tree.leaf_count());
        &self.nearest
    }

    /// Searches the subtree at `node`, of `leaves` leaves from `first_leaf` on.
    fn visit(&mut self, node: usize, first_leaf: usize, leaves: usize) {
        if leaves == 1 {
            self.scan(first_leaf);
            return;
        }
        let left = left_leaves(leaves);
        let (left_node, right_node) = (node + 1, node + 2 * left);
        let (to_left, to_right) = (self.distance_to(left_node), self.distance_to(right_node));
        // The nearer box first: it draws the reach in. A box at the very reach
        // may hold an equally near row that comes earlier in the history.
        if to_left <= to_right {
            if to_left <= self.nearest.reach() {
                self.visit(left_node, first_leaf, left);
            }
            if to_right <= self.nearest.reach() {
                self.visit(right_node, first_leaf + left, leaves - left);
            }
        } else {
            if to_right <= self.nearest.reach() {
                self.visit(right_node, first_leaf + left, leaves - left);
            }
            if to_left <= self.nearest.reach() {
                self.visit(left_node, first_leaf, left);
            }
        }
    }

    /// Squared distance to the box of `node`. It sums in the same order as
    /// distances to rows, and is therefore never above them, not even by rounding.
    fn distance_to(&self, node: usize) -> f64 {
        let channels = self.tree.channels;
        let own = &self.tree.boxes[node * 2 * channels..][..2 * channels];
        let (low, high) = own.split_at(channels);
        let mut square = 0.0;
        for ((reading, low), high) in self.query.iter().zip(low).zip(high) {
            let outside = (low - reading).max(reading - high).max(0.0);
            square += outside * outside;
        }
        square
    }

    fn scan(&mut self, leaf: usize) {
        let channels = self.tree.channels;
        let block = &self.tree.leaves[leaf * LEAF * channels..][..LEAF * channels];
        let mut squares = [0.0; LEAF];
        for (readings, own) in block.chunks_exact(LEAF).zip(&self.query) {
            for (square, reading) in squares.iter_mut().zip(readings) {
                let apart = own - reading;
                *square += apart * apart;
            }
        }
        let rows = &self.tree.order[leaf * LEAF..][..LEAF];
        for (square, row) in squares.iter().zip(rows) {
            if *square <= self.nearest.reach() && *row != self.own {
                self.nearest.offer(*square, *row);
            }
        }
    }
}
