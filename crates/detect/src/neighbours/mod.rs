//! Exact search for the nearest rows of a history.

mod blocked;
mod kd_tree;
mod nearest;

use auscult_core::FitError;
use rayon::prelude::*;

use blocked::BlockedSearch;
use kd_tree::KdTree;
use nearest::Nearest;

/// Up to this width a tree leaves out enough to pay; beyond it nearly every
/// box must be opened and plain comparison in blocks is faster.
const WIDEST_TREE: usize = 14;

/// Finds the nearest rows of a history by Euclidean distance, exactly.
///
/// Rows at equal distance come in the order of the history, so that results
/// depend neither on the way of searching nor on the number of threads.
#[derive(Debug, Clone)]
pub(crate) enum NeighbourIndex {
    /// A tree of boxes, for few channels.
    Tree(KdTree),
    /// Comparison with every row, for many.
    Blocked(BlockedSearch),
}

impl NeighbourIndex {
    /// An index of `points`, shape `(rows, channels)`.
    ///
    /// # Errors
    ///
    /// [`FitError::History`] for more rows than can be numbered.
    pub(crate) fn new(points: Vec<f64>, channels: usize) -> Result<Self, FitError> {
        let rows = points.len() / channels;
        if u32::try_from(rows).is_err() {
            let most = u32::MAX;
            return Err(FitError::History(format!(
                "need at most {most} rows to compare with each other, got {rows}; thin them out"
            )));
        }
        Ok(if channels <= WIDEST_TREE {
            Self::Tree(KdTree::new(&points, channels))
        } else {
            Self::Blocked(BlockedSearch::new(points, channels))
        })
    }

    /// The `k` nearest other rows of every row of the history; `k` is below
    /// the number of rows.
    pub(crate) fn of_history(&self, k: usize) -> Neighbours {
        match self {
            Self::Tree(tree) => tree.of_history(k),
            Self::Blocked(search) => search.of_history(k),
        }
    }

    /// The `k` nearest rows of the history for one query, leaving out row
    /// `own` of the history; `k` is below the number of rows.
    pub(crate) fn of_query(&self, query: &[f64], own: Option<u32>, k: usize) -> Neighbours {
        let Some(own) = own else { return self.of_queries(query, k) };
        let mut found = self.of_queries(query, k + 1);
        // Where many rows equal the query, it may itself not be among those found.
        let at = found.rows.iter().position(|row| *row == own).unwrap_or(k);
        found.distances.remove(at);
        found.rows.remove(at);
        Neighbours { k, ..found }
    }

    /// Mean of `rows` of the history, channel by channel.
    pub(crate) fn mean_of(&self, rows: &[u32], channels: usize) -> Vec<f64> {
        let mut mean = vec![0.0; channels];
        let mut readings = vec![0.0; channels];
        for row in rows {
            self.read_row(*row, &mut readings);
            for (mean, reading) in mean.iter_mut().zip(&readings) {
                *mean += reading / rows.len() as f64;
            }
        }
        mean
    }

    /// Writes row `row` of the history.
    pub(crate) fn read_row(&self, row: u32, readings: &mut [f64]) {
        match self {
            Self::Tree(tree) => tree.read_row(row, readings),
            Self::Blocked(search) => search.read_row(row, readings),
        }
    }

    /// The `k` nearest rows of the history for every row of `queries`; `k` is
    /// at most the number of rows of the history.
    pub(crate) fn of_queries(&self, queries: &[f64], k: usize) -> Neighbours {
        match self {
            Self::Tree(tree) => tree.of_queries(queries, k),
            Self::Blocked(search) => search.of_queries(queries, k),
        }
    }
}

/// The nearest rows of many queries, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Neighbours {
    k: usize,
    /// Shape `(queries, k)`.
    distances: Vec<f64>,
    /// Shape `(queries, k)`.
    rows: Vec<u32>,
}

impl Neighbours {
    /// Room for `queries` with `k` neighbours each.
    fn new(queries: usize, k: usize) -> Self {
        Self { k, distances: vec![0.0; queries * k], rows: vec![0; queries * k] }
    }

    fn set(&mut self, query: usize, nearest: &Nearest) {
        let slots = query * self.k..(query + 1) * self.k;
        nearest.write(&mut self.distances[slots.clone()], &mut self.rows[slots]);
    }

    /// Distances and row numbers of each query in turn.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&[f64], &[u32])> {
        self.distances.chunks_exact(self.k).zip(self.rows.chunks_exact(self.k))
    }

    /// As [`Neighbours::iter`], in parallel.
    pub(crate) fn par_iter(&self) -> impl IndexedParallelIterator<Item = (&[f64], &[u32])> {
        self.distances.par_chunks_exact(self.k).zip(self.rows.par_chunks_exact(self.k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All distances, sorted by distance, then by row.
    fn by_definition(
        points: &[f64],
        width: usize,
        query: &[f64],
        own: Option<u32>,
    ) -> Vec<(f64, u32)> {
        let mut all: Vec<(f64, u32)> = points
            .chunks_exact(width)
            .zip(0..)
            .filter(|(_, row)| own != Some(*row))
            .map(|(point, row)| {
                let square = |(a, b): (&f64, &f64)| (a - b) * (a - b);
                (query.iter().zip(point).map(square).sum::<f64>().sqrt(), row)
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all
    }

    fn agrees(points: &[f64], width: usize, k: usize) {
        let queries: Vec<f64> = points.iter().map(|value| value + 0.25).collect();
        let indices = [
            NeighbourIndex::Tree(KdTree::new(points, width)),
            NeighbourIndex::Blocked(BlockedSearch::new(points.to_vec(), width)),
        ];
        for index in indices {
            let (own, new) = (index.of_history(k), index.of_queries(&queries, k));
            for (row, (point, query)) in
                points.chunks_exact(width).zip(queries.chunks_exact(width)).enumerate()
            {
                let expected = by_definition(points, width, point, Some(row as u32));
                assert_eq!(found(&own, row), expected[..k], "row {row}");
                let expected = by_definition(points, width, query, None);
                assert_eq!(found(&new, row), expected[..k], "query {row}");
            }
        }
    }

    fn found(neighbours: &Neighbours, query: usize) -> Vec<(f64, u32)> {
        let (distances, rows) = neighbours.iter().nth(query).expect("one entry per query");
        distances.iter().copied().zip(rows.iter().copied()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// A coarse grid gives many duplicates and many equal distances.
        #[test]
        fn both_ways_of_searching_find_the_neighbours_by_definition(
            width in 1_usize..6,
            grid in prop::collection::vec(-4_i32..4, 12..900),
            k in 1_usize..9,
            fine in any::<bool>(),
        ) {
            let rows = grid.len() / width;
            prop_assume!(rows > k);
            let spread = |(at, value): (usize, &i32)| {
                f64::from(*value) + if fine { (at as f64 * 0.37).sin() } else { 0.0 }
            };
            let points: Vec<f64> =
                grid[..rows * width].iter().enumerate().map(spread).collect();
            agrees(&points, width, k);
        }
    }

    #[test]
    fn huge_and_equal_rows_are_found_like_any_other() {
        let mut points: Vec<f64> = (0..300).map(|at| f64::from(at % 7)).collect();
        points[90] = 1e100;
        points[91] = -1e100;
        agrees(&points, 3, 5);
        agrees(&[2.5; 120], 2, 4);
    }
}
