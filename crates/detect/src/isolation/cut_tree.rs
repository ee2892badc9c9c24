//! A random cut tree that points enter and leave.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::forest::generator;

/// A tree of random cuts over the points in some slots.
///
/// After any insertions and deletions its shape is distributed as if it had
/// been grown on its points alone: a cut falls into a dimension with a chance
/// proportional to the extent of the points there, and uniformly within it.
/// Equal points share a leaf.
#[derive(Debug, Clone)]
pub(super) struct CutTree {
    dimensions: usize,
    seed: u64,
    /// Points that ever entered; each draws its cuts anew from seed and number.
    entered: u64,
    root: Option<u32>,
    nodes: Vec<Node>,
    free: Vec<u32>,
    /// Box around the points of each node, shape `(nodes, 2, dimensions)`:
    /// lowest values, then highest.
    boxes: Vec<f64>,
    /// Leaf of each slot, or `NONE`.
    leaf_of: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    parent: u32,
    /// Both `NONE` in a leaf.
    children: [u32; 2],
    /// Points in the node.
    count: u32,
    /// Values of `dimension` up to `cut` go to the first child.
    dimension: u32,
    cut: f64,
}

const NONE: u32 = u32::MAX;

/// Where a point would enter.
enum Place {
    /// Into a leaf of equal points.
    Leaf(u32),
    /// Beside a node, parted from it by a cut.
    Beside { node: u32, dimension: usize, cut: f64 },
}

impl CutTree {
    /// An empty tree for points of `dimensions` values in `slots` slots.
    pub(super) fn new(dimensions: usize, slots: usize, seed: u64) -> Self {
        Self {
            dimensions,
            seed,
            entered: 0,
            root: None,
            nodes: Vec::new(),
            free: Vec::new(),
            boxes: Vec::new(),
            leaf_of: vec![NONE; slots],
        }
    }

    /// Puts `point` into `slot` in place of what is there, and returns its
    /// displacement as [`CutTree::displacement`] does.
    ///
    /// The old point leaves after the new one has entered.
    pub(super) fn replace_point(&mut self, slot: usize, point: &[f64]) -> f64 {
        let old = std::mem::replace(&mut self.leaf_of[slot], NONE);
        let displacement = self.insert(slot, point);
        let new = std::mem::replace(&mut self.leaf_of[slot], old);
        self.remove(slot);
        self.leaf_of[slot] = new;
        displacement
    }

    /// Puts `point` into `slot`, which must be empty, and returns its displacement.
    pub(super) fn insert(&mut self, slot: usize, point: &[f64]) -> f64 {
        let place = self.place(point);
        let displacement = self.displacement_at(place.as_ref());
        self.entered = self.entered.wrapping_add(1);
        let leaf = match place {
            None => {
                let leaf = self.new_leaf(point);
                self.root = Some(leaf);
                leaf
            }
            Some(Place::Leaf(leaf)) => {
                self.nodes[leaf as usize].count += 1;
                leaf
            }
            Some(Place::Beside { node, dimension, cut }) => {
                self.insert_beside(node, dimension, cut, point)
            }
        };
        self.leaf_of[slot] = leaf;
        let mut at = self.nodes[leaf as usize].parent;
        while at != NONE {
            self.nodes[at as usize].count += 1;
            self.extend_box(at, point);
            at = self.nodes[at as usize].parent;
        }
        displacement
    }

    /// Takes the point of `slot` out.
    pub(super) fn remove(&mut self, slot: usize) {
        let leaf = std::mem::replace(&mut self.leaf_of[slot], NONE);
        if leaf == NONE {
            return;
        }
        let Node { parent, count, .. } = self.nodes[leaf as usize];
        let mut at = parent;
        if count > 1 {
            self.nodes[leaf as usize].count -= 1;
        } else {
            self.free.push(leaf);
            at = NONE;
            if parent == NONE {
                self.root = None;
            } else {
                let sibling = self.sibling(leaf);
                at = self.nodes[parent as usize].parent;
                self.replace(parent, sibling);
                self.free.push(parent);
            }
        }
        let mut shrinking = count == 1;
        while at != NONE {
            self.nodes[at as usize].count -= 1;
            // Where a box stays as it was, so do those around it.
            shrinking = shrinking && self.refresh_box(at);
            at = self.nodes[at as usize].parent;
        }
    }

    /// The collusive displacement that `point` would have if it entered now, by
    /// the very cuts that [`CutTree::insert`] would draw.
    pub(super) fn displacement(&self, point: &[f64]) -> f64 {
        self.displacement_at(self.place(point).as_ref())
    }

    /// Adds to `parts` what each dimension contributes to the displacement of
    /// `point`, averaged over all cuts that could be drawn.
    pub(super) fn attribute(&self, point: &[f64], parts: &mut [f64]) {
        let Some(mut at) = self.root else { return };
        let mut reach = 1.0;
        loop {
            let (low, high) = self.bounds(at);
            let outside = |d: usize| (low[d] - point[d]).max(point[d] - high[d]).max(0.0);
            let inside: f64 = low.iter().zip(high).map(|(low, high)| high - low).sum();
            let beyond: f64 = (0..self.dimensions).map(outside).sum();
            let total = inside + beyond;
            if total <= 0.0 {
                return;
            }
            let displaced = self.displacement_beside(at);
            for (d, part) in parts.iter_mut().enumerate() {
                *part += reach * (outside(d) / total) * displaced;
            }
            reach *= inside / total;
            let node = &self.nodes[at as usize];
            if node.children[0] == NONE || reach == 0.0 {
                return;
            }
            at = node.children[usize::from(point[node.dimension as usize] > node.cut)];
        }
    }

    fn displacement_at(&self, place: Option<&Place>) -> f64 {
        match place {
            None => 0.0,
            Some(Place::Leaf(leaf)) => self.displacement_above(*leaf),
            Some(Place::Beside { node, .. }) => self.displacement_beside(*node),
        }
    }

    /// Draws the cuts that bring `point` to its place; `None` in an empty tree.
    fn place(&self, point: &[f64]) -> Option<Place> {
        let mut random = generator(self.seed, self.entered);
        let mut at = self.root?;
        loop {
            let node = &self.nodes[at as usize];
            let leaf = node.children[0] == NONE;
            if leaf && self.bounds(at).0 == point {
                return Some(Place::Leaf(at));
            }
            if let Some((dimension, cut)) = self.parting_cut(at, point, leaf, &mut random) {
                return Some(Place::Beside { node: at, dimension, cut });
            }
            at = node.children[usize::from(point[node.dimension as usize] > node.cut)];
        }
    }

    /// Draws a cut through the box around node `at` and `point`, and returns it
    /// if it parts the two; in a `leaf` every cut does.
    fn parting_cut(
        &self,
        at: u32,
        point: &[f64],
        leaf: bool,
        random: &mut Pcg64Mcg,
    ) -> Option<(usize, f64)> {
        let (low, high) = self.bounds(at);
        let extent = |d: usize| high[d].max(point[d]) - low[d].min(point[d]);
        let total: f64 = (0..self.dimensions).map(extent).sum();
        let mut left = random.random::<f64>() * total;
        let mut dimension = 0;
        for d in 0..self.dimensions {
            if extent(d) > 0.0 {
                dimension = d;
                if left < extent(d) {
                    break;
                }
                left -= extent(d);
            }
        }
        let d = dimension;
        let cut = low[d].min(point[d]) + left;
        if point[d] > high[d] && (cut >= high[d] || leaf) {
            // Rounding must not put the point on the side of the node.
            return Some((d, if cut < point[d] { cut.max(high[d]) } else { high[d] }));
        }
        if point[d] < low[d] && (cut < low[d] || leaf) {
            return Some((d, if cut < low[d] { cut.max(point[d]) } else { point[d] }));
        }
        None
    }

    fn insert_beside(&mut self, node: u32, dimension: usize, cut: f64, point: &[f64]) -> u32 {
        let leaf = self.new_leaf(point);
        let children = if point[dimension] <= cut { [leaf, node] } else { [node, leaf] };
        let count = self.nodes[node as usize].count;
        let dimension = dimension as u32;
        let branch = self.new_node(Node { parent: NONE, children, count, dimension, cut });
        // The leaf joins it with the branches above.
        let width = 2 * self.dimensions;
        let from = node as usize * width;
        self.boxes.copy_within(from..from + width, branch as usize * width);
        self.replace(node, branch);
        self.nodes[node as usize].parent = branch;
        self.nodes[leaf as usize].parent = branch;
        leaf
    }

    /// Puts node `new` where `old` hangs.
    fn replace(&mut self, old: u32, new: u32) {
        let parent = self.nodes[old as usize].parent;
        self.nodes[new as usize].parent = parent;
        if parent == NONE {
            self.root = Some(new);
            return;
        }
        let children = &mut self.nodes[parent as usize].children;
        children.iter_mut().filter(|child| **child == old).for_each(|child| *child = new);
    }

    fn new_leaf(&mut self, point: &[f64]) -> u32 {
        let leaf = Node { parent: NONE, children: [NONE; 2], count: 1, dimension: 0, cut: 0.0 };
        let leaf = self.new_node(leaf);
        let from = leaf as usize * 2 * self.dimensions;
        self.boxes[from..from + self.dimensions].copy_from_slice(point);
        self.boxes[from + self.dimensions..from + 2 * self.dimensions].copy_from_slice(point);
        leaf
    }

    fn new_node(&mut self, node: Node) -> u32 {
        if let Some(free) = self.free.pop() {
            self.nodes[free as usize] = node;
            return free;
        }
        self.nodes.push(node);
        self.boxes.resize(self.nodes.len() * 2 * self.dimensions, 0.0);
        self.nodes.len() as u32 - 1
    }

    /// Sets count and box of a branch from its children.
    fn refresh(&mut self, at: u32) {
        let [left, right] = self.nodes[at as usize].children.map(|child| child as usize);
        self.nodes[at as usize].count = self.nodes[left].count + self.nodes[right].count;
        self.refresh_box(at);
    }

    /// Sets the box of a branch from its children; `false` when it is as before.
    fn refresh_box(&mut self, at: u32) -> bool {
        let [left, right] = self.nodes[at as usize].children.map(|child| child as usize);
        let (dimensions, width) = (self.dimensions, 2 * self.dimensions);
        let mut changed = false;
        for d in 0..width {
            let (one, other) = (self.boxes[left * width + d], self.boxes[right * width + d]);
            let bound = if d < dimensions { one.min(other) } else { one.max(other) };
            let slot = &mut self.boxes[at as usize * width + d];
            changed |= *slot != bound;
            *slot = bound;
        }
        changed
    }

    /// Extends the box of a node to hold `point`.
    fn extend_box(&mut self, at: u32, point: &[f64]) {
        let from = at as usize * 2 * self.dimensions;
        let bounds = &mut self.boxes[from..from + 2 * self.dimensions];
        let (low, high) = bounds.split_at_mut(self.dimensions);
        for ((low, high), value) in low.iter_mut().zip(high).zip(point) {
            *low = low.min(*value);
            *high = high.max(*value);
        }
    }

    fn bounds(&self, at: u32) -> (&[f64], &[f64]) {
        let from = at as usize * 2 * self.dimensions;
        self.boxes[from..from + 2 * self.dimensions].split_at(self.dimensions)
    }

    fn sibling(&self, at: u32) -> u32 {
        let children = self.nodes[self.nodes[at as usize].parent as usize].children;
        if children[0] == at { children[1] } else { children[0] }
    }

    fn displacement_beside(&self, node: u32) -> f64 {
        f64::from(self.nodes[node as usize].count).max(self.displacement_above(node))
    }

    /// The largest ratio of a sibling to the subtree that the new point, now in
    /// `node`, hangs in.
    fn displacement_above(&self, mut node: u32) -> f64 {
        let mut largest = 0.0_f64;
        while self.nodes[node as usize].parent != NONE {
            let sibling = f64::from(self.nodes[self.sibling(node) as usize].count);
            largest = largest.max(sibling / f64::from(self.nodes[node as usize].count + 1));
            node = self.nodes[node as usize].parent;
        }
        largest
    }
}

/// A tree in order of descent: first a node, then its first child's subtree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CutTreeState {
    seed: u64,
    entered: u64,
    /// The dimension of a branch, or minus the number of points of a leaf.
    shape: Vec<i64>,
    /// One per branch.
    cuts: Vec<f64>,
    /// The slots of every leaf, leaf by leaf.
    slots: Vec<u32>,
}

impl CutTree {
    pub(super) fn state(&self) -> CutTreeState {
        let mut slots_of = vec![Vec::new(); self.nodes.len()];
        for (slot, leaf) in self.leaf_of.iter().enumerate().filter(|(_, leaf)| **leaf != NONE) {
            slots_of[*leaf as usize].push(slot as u32);
        }
        let (mut shape, mut cuts, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        let mut open: Vec<u32> = self.root.into_iter().collect();
        while let Some(at) = open.pop() {
            let node = &self.nodes[at as usize];
            if node.children[0] == NONE {
                shape.push(-(slots_of[at as usize].len() as i64));
                slots.append(&mut slots_of[at as usize]);
            } else {
                shape.push(i64::from(node.dimension));
                cuts.push(node.cut);
                open.extend([node.children[1], node.children[0]]);
            }
        }
        CutTreeState { seed: self.seed, entered: self.entered, shape, cuts, slots }
    }

    /// The tree of `state` over the points in `points`, shape `(slots, dimensions)`;
    /// `None` when the state is damaged.
    pub(super) fn of(state: &CutTreeState, points: &[f64], dimensions: usize) -> Option<Self> {
        let count = points.len() / dimensions;
        let mut tree = Self::new(dimensions, count, state.seed);
        tree.entered = state.entered;
        let (mut cuts, mut slots) = (state.cuts.iter(), state.slots.iter());
        // Branches that still lack their second child, the deepest last.
        let mut open: Vec<u32> = Vec::new();
        for (number, entry) in state.shape.iter().enumerate() {
            if number > 0 && open.is_empty() {
                return None;
            }
            let at = if *entry < 0 {
                tree.restore_leaf(entry.unsigned_abs(), &mut slots, points)?
            } else {
                let dimension =
                    u32::try_from(*entry).ok().filter(|d| (*d as usize) < dimensions)?;
                let cut = cuts.next().copied().filter(|cut| cut.is_finite())?;
                let children = [NONE; 2];
                tree.new_node(Node { parent: NONE, children, count: 0, dimension, cut })
            };
            match open.last().copied() {
                None => tree.root = Some(at),
                Some(parent) => {
                    tree.nodes[at as usize].parent = parent;
                    let children = &mut tree.nodes[parent as usize].children;
                    if children[0] == NONE {
                        children[0] = at;
                    } else {
                        children[1] = at;
                        open.pop();
                    }
                }
            }
            if *entry >= 0 {
                open.push(at);
            }
        }
        let complete = open.is_empty()
            && cuts.next().is_none()
            && slots.next().is_none()
            && tree.leaf_of.iter().all(|leaf| *leaf != NONE);
        if !complete {
            return None;
        }
        // Children come after their parents.
        for at in (0..tree.nodes.len() as u32).rev() {
            if tree.nodes[at as usize].children[0] != NONE {
                tree.refresh(at);
            }
        }
        Some(tree)
    }

    fn restore_leaf<'a>(
        &mut self,
        count: u64,
        slots: &mut impl Iterator<Item = &'a u32>,
        points: &[f64],
    ) -> Option<u32> {
        let point = |slot: u32| {
            let from = slot as usize * self.dimensions;
            points.get(from..from + self.dimensions)
        };
        let first = *slots.next()?;
        let readings = point(first)?.to_vec();
        let mut members = vec![first];
        for _ in 1..count {
            let slot = *slots.next()?;
            if point(slot)? != readings {
                return None;
            }
            members.push(slot);
        }
        let leaf = self.new_leaf(&readings);
        self.nodes[leaf as usize].count = members.len() as u32;
        for slot in members {
            if std::mem::replace(&mut self.leaf_of[slot as usize], leaf) != NONE {
                return None;
            }
        }
        Some(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const SLOTS: usize = 64;

    /// A tree after many insertions and deletions, some of equal points, and
    /// the points it holds.
    fn busy_tree() -> (CutTree, Vec<f64>) {
        let mut random = Pcg64Mcg::seed_from_u64(5);
        let mut tree = CutTree::new(2, SLOTS, 6);
        let mut points = vec![0.0; 2 * SLOTS];
        for step in 0..1000 {
            let slot = step % SLOTS;
            tree.remove(slot);
            for value in &mut points[2 * slot..2 * slot + 2] {
                *value = (random.random::<f64>() * 12.0).floor();
            }
            tree.insert(slot, &points[2 * slot..2 * slot + 2]);
        }
        (tree, points)
    }

    /// Checks the subtree and returns the slots in it.
    fn check(tree: &CutTree, points: &[f64], at: u32) -> Vec<usize> {
        let node = tree.nodes[at as usize];
        let slots: Vec<usize> = if node.children[0] == NONE {
            (0..SLOTS).filter(|slot| tree.leaf_of[*slot] == at).collect()
        } else {
            let [left, right] = node.children.map(|child| {
                assert_eq!(tree.nodes[child as usize].parent, at);
                check(tree, points, child)
            });
            let value = |slot: &usize| points[2 * slot + node.dimension as usize];
            assert!(left.iter().all(|slot| value(slot) <= node.cut));
            assert!(right.iter().all(|slot| value(slot) > node.cut));
            [left, right].concat()
        };
        assert_eq!(node.count as usize, slots.len());
        let (low, high) = tree.bounds(at);
        for d in 0..2 {
            let values = || slots.iter().map(|slot| points[2 * slot + d]);
            assert_eq!(low[d], values().fold(f64::INFINITY, f64::min));
            assert_eq!(high[d], values().fold(f64::NEG_INFINITY, f64::max));
        }
        slots
    }

    #[test]
    fn counts_boxes_and_cuts_stay_right() {
        let (tree, points) = busy_tree();
        let mut slots = check(&tree, &points, tree.root.expect("points"));
        slots.sort_unstable();
        assert_eq!(slots, (0..SLOTS).collect::<Vec<_>>());
    }

    #[test]
    fn the_displacement_is_that_of_the_point_once_it_is_in() {
        let (mut tree, mut points) = busy_tree();
        tree.remove(3);
        for point in [[4.5, 7.25], [90.0, -3.0], [points[10], points[11]]] {
            let said = tree.displacement(&point);
            tree.insert(3, &point);
            points[6..8].copy_from_slice(&point);
            check(&tree, &points, tree.root.expect("points"));
            // From the definition: over all subtrees with the point, the
            // sibling's points for each point of the subtree.
            let mut at = tree.leaf_of[3];
            let mut naive = 0.0_f64;
            while tree.nodes[at as usize].parent != NONE {
                let within = check(&tree, &points, at).len() as f64;
                let beside = check(&tree, &points, tree.sibling(at)).len() as f64;
                naive = naive.max(beside / within);
                at = tree.nodes[at as usize].parent;
            }
            assert_eq!(said, naive);
            tree.remove(3);
        }
    }

    #[test]
    fn the_first_cut_falls_where_the_points_reach_far() {
        // Extents of 9 and 1: the first cut is nine times as often in the first.
        let points = [[0.0, 0.0], [9.0, 1.0], [4.0, 0.5]];
        let mut first = 0;
        for seed in 0..4000 {
            let mut tree = CutTree::new(2, 4, seed);
            // A point that leaves again must not bend the distribution.
            tree.insert(3, &[2.0, 60.0]);
            for (slot, point) in points.iter().enumerate() {
                tree.insert(slot, point);
            }
            tree.remove(3);
            let root = tree.root.expect("points") as usize;
            first += usize::from(tree.nodes[root].dimension == 0);
        }
        // Five standard deviations around 3600.
        assert!((3505..=3695).contains(&first), "{first}");
    }

    #[test]
    fn a_state_makes_the_same_tree_and_a_damaged_one_none() {
        let (tree, points) = busy_tree();
        let state = tree.state();
        let restored = CutTree::of(&state, &points, 2).expect("sound");
        assert_eq!(restored.state(), state);
        for point in [[4.5, 7.25], [90.0, -3.0]] {
            assert_eq!(restored.displacement(&point), tree.displacement(&point));
        }
        let refused = |damage: fn(&mut CutTreeState)| {
            let mut damaged = state.clone();
            damage(&mut damaged);
            CutTree::of(&damaged, &points, 2).is_none()
        };
        assert!(refused(|state| state.shape[0] = 2));
        assert!(refused(|state| state.shape.truncate(5)));
        assert!(refused(|state| state.shape.push(-1)));
        assert!(refused(|state| state.slots[0] = 64));
        assert!(refused(|state| state.slots[1] = state.slots[0]));
        assert!(refused(|state| state.cuts[0] = f64::NAN));
        assert!(refused(|state| state.shape.iter_mut().for_each(|entry| *entry = -i64::MAX)));
        assert!(refused(|state| state.shape.clear()));
    }

    #[test]
    fn the_dimension_that_is_off_gets_the_blame() {
        let (tree, _) = busy_tree();
        let mut parts = [0.0; 2];
        tree.attribute(&[5.0, 500.0], &mut parts);
        assert!(parts[0] < 0.01 * parts[1], "{parts:?}");
    }
}
