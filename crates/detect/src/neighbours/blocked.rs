//! Nearest neighbours by comparison with every row.

use nalgebra::{DMatrix, DMatrixView};
use rayon::prelude::*;

use super::Neighbours;
use super::nearest::Nearest;

/// Queries compared at once.
const QUERIES: usize = 64;
/// Rows they are compared with at once.
const ROWS: usize = 512;

/// Compares every query with every row, many at once by a matrix product.
///
/// `|q - x|² = |q|² + |x|² - 2 q·x` is quick but rounds badly, so it only says
/// which rows may be near; their distances are then taken directly. Results
/// are therefore exact.
#[derive(Debug, Clone)]
pub(crate) struct BlockedSearch {
    channels: usize,
    /// Shape `(rows, channels)`, as columns of a matrix.
    points: Vec<f64>,
    /// Squared length of every row.
    lengths: Vec<f64>,
}

impl BlockedSearch {
    /// A search among `points`, shape `(rows, channels)`.
    pub(super) fn new(points: Vec<f64>, channels: usize) -> Self {
        let lengths = points.chunks_exact(channels).map(squared_length).collect();
        Self { channels, points, lengths }
    }

    /// Writes row `row` of the history.
    pub(super) fn read_row(&self, row: u32, readings: &mut [f64]) {
        let first = row as usize * self.channels;
        readings.copy_from_slice(&self.points[first..first + self.channels]);
    }

    pub(super) fn of_history(&self, k: usize) -> Neighbours {
        self.search(&self.points, k, true)
    }

    pub(super) fn of_queries(&self, queries: &[f64], k: usize) -> Neighbours {
        self.search(queries, k, false)
    }

    fn search(&self, queries: &[f64], k: usize, from_history: bool) -> Neighbours {
        let mut all = Neighbours::new(queries.len() / self.channels, k);
        all.distances
            .par_chunks_mut(QUERIES * k)
            .zip(all.rows.par_chunks_mut(QUERIES * k))
            .zip(queries.par_chunks(QUERIES * self.channels))
            .enumerate()
            .for_each(|(piece, ((distances, rows), queries))| {
                let first = from_history.then_some(piece * QUERIES);
                let nearest = self.search_piece(queries, k, first);
                let slots = distances.chunks_exact_mut(k).zip(rows.chunks_exact_mut(k));
                for (nearest, (distances, rows)) in nearest.iter().zip(slots) {
                    nearest.write(distances, rows);
                }
            });
        all
    }

    /// Searches for `queries`, which are the rows of the history from
    /// `first_own` on, if they come from it.
    fn search_piece(&self, queries: &[f64], k: usize, first_own: Option<usize>) -> Vec<Nearest> {
        let channels = self.channels;
        let count = queries.len() / channels;
        let matrix = DMatrixView::from_slice(queries, channels, count);
        let lengths: Vec<f64> = queries.chunks_exact(channels).map(squared_length).collect();
        let mut nearest = vec![Nearest::new(k); count];
        // Each of the three terms is a sum of `channels` products, rounded.
        let slack = 4.0 * (channels as f64 + 4.0) * f64::EPSILON;
        let mut products = DMatrix::zeros(ROWS, count);
        for (block, points) in self.points.chunks(ROWS * channels).enumerate() {
            let rows = points.len() / channels;
            let points = DMatrixView::from_slice(points, channels, rows);
            let mut products = products.rows_mut(0, rows);
            products.gemm_tr(1.0, &points, &matrix, 0.0);
            for (at, nearest) in nearest.iter_mut().enumerate() {
                let query = &queries[at * channels..(at + 1) * channels];
                let own = first_own.map(|first| first + at);
                let column = products.column(at);
                let lengths_here = &self.lengths[block * ROWS..block * ROWS + rows];
                for (offset, (product, length)) in column.iter().zip(lengths_here).enumerate() {
                    let sum = lengths[at] + length;
                    if (sum - 2.0 * product) - slack * sum <= nearest.reach() {
                        let row = block * ROWS + offset;
                        if own != Some(row) {
                            nearest.offer(self.squared_distance(query, row), row as u32);
                        }
                    }
                }
            }
        }
        nearest
    }

    fn squared_distance(&self, query: &[f64], row: usize) -> f64 {
        let point = &self.points[row * self.channels..(row + 1) * self.channels];
        query.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum()
    }
}

fn squared_length(row: &[f64]) -> f64 {
    row.iter().map(|value| value * value).sum()
}
