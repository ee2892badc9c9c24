//! Numbers by least squares.

use super::categories::order_by;
use super::objective::Objective;

/// Numbers by least squares.
#[derive(Debug)]
pub(crate) struct Squares {
    /// Weight, and target less the overall mean in units of `scale`, of each row.
    rows: Vec<[f64; 2]>,
    mean: f64,
    /// A power of two, so that nothing is rounded; keeps squares of tiny and
    /// huge targets in range.
    scale: f64,
    pure: f64,
}

impl Squares {
    /// Takes targets of rows whose weights are not all 0.
    pub(crate) fn new(targets: &[f64], weights: Option<&[f64]>) -> Self {
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let total: f64 = (0..targets.len()).map(weight).sum();
        let mean: f64 = targets.iter().enumerate().map(|(row, y)| y * (weight(row) / total)).sum();
        let largest = targets.iter().fold(0.0, |most: f64, y| most.max((y - mean).abs()));
        let scale = if largest > f64::MIN_POSITIVE { largest.log2().floor().exp2() } else { 1.0 };
        let row = |(row, y): (usize, &f64)| [weight(row), (y - mean) / scale];
        let rows: Vec<[f64; 2]> = targets.iter().enumerate().map(row).collect();
        let variance: f64 = rows.iter().map(|[weight, y]| weight / total * y * y).sum();
        // Relative, so that units do not matter.
        Self { rows, mean, scale, pure: f64::EPSILON * variance }
    }
}

impl Objective for Squares {
    /// Weight and weighted sum, left then right.
    type Scan = [f64; 4];

    fn restrict(&self, rows: &[u32]) -> Self {
        let rows = rows.iter().map(|row| self.rows[*row as usize]).collect();
        Self { rows, ..*self }
    }

    fn width(&self) -> usize {
        2
    }

    fn payload(&self, row: u32) -> u32 {
        row
    }

    fn add(&self, payload: u32, sums: &mut [f64]) {
        let [weight, y] = self.rows[payload as usize];
        sums[0] += weight;
        sums[1] += weight * y;
    }

    fn weight(&self, sums: &[f64]) -> f64 {
        sums[0]
    }

    fn impurity(&self, rows: &[u32], sums: &[f64]) -> f64 {
        let mean = sums[1] / sums[0];
        let square = |row: &u32| {
            let [weight, y] = self.rows[*row as usize];
            weight * (y - mean) * (y - mean)
        };
        rows.iter().map(square).sum::<f64>() / sums[0]
    }

    fn pure(&self) -> f64 {
        self.pure
    }

    fn unit(&self) -> f64 {
        self.scale * self.scale
    }

    fn value(&self, sums: &[f64], value: &mut Vec<f64>) {
        value.push(self.mean + self.scale * (sums[1] / sums[0]));
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        if sums[0] > 0.0 { sums[1] * sums[1] / sums[0] } else { 0.0 }
    }

    fn orders(&self, sums: &[f64], present: &[u32]) -> Vec<Vec<u32>> {
        let mean = |category: u32| sums[category as usize * 2 + 1] / sums[category as usize * 2];
        vec![order_by(present, mean)]
    }

    fn scan(&self, left: &[f64], right: &[f64]) -> [f64; 4] {
        [left[0], left[1], right[0], right[1]]
    }

    #[inline]
    fn shift(&self, scan: &mut [f64; 4], payload: u32) {
        let [weight, y] = self.rows[payload as usize];
        scan[0] += weight;
        scan[1] += weight * y;
        scan[2] -= weight;
        scan[3] -= weight * y;
    }

    #[inline]
    fn worth_of_both(&self, scan: &[f64; 4]) -> f64 {
        let [left, left_sum, right, right_sum] = *scan;
        left_sum * left_sum / left + right_sum * right_sum / right
    }

    #[inline]
    fn weights(&self, scan: &[f64; 4]) -> [f64; 2] {
        [scan[0], scan[2]]
    }
}
