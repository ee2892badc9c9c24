//! Indices that are a quadratic form of the scaled row.

use auscult_core::{Band, Explanation, FitError, Frame, LARGEST_READING};
use auscult_stats::chi_square::{from_normal_equivalent, normal_equivalent};
use nalgebra::linalg::SymmetricEigen;
use nalgebra::{DMatrix, DMatrixView, DVector};
use rayon::prelude::*;

use crate::scaler::Scaler;

/// Eigenvalues below this share of the largest count as this share. A relation
/// between channels that held exactly may then be off by a millionth.
const SMALLEST_EIGENVALUE: f64 = 1e-12;
/// Rows multiplied at once.
const BLOCK: usize = 256;

/// `q = z' M z` of the scaled row `z`, distributed about as chi-square of `dof`
/// degrees of freedom on normal rows.
///
/// The Mahalanobis distance, Hotelling's T² and the squared prediction error
/// of a principal component model are all of this form, and so share one
/// score, the equivalent normal deviation, and one exact explanation.
#[derive(Debug, Clone)]
pub(super) struct QuadraticIndex {
    scaler: Scaler,
    /// `F` with `M = F F'`, shape `(channels, rank)`.
    factor: DMatrix<f64>,
    dof: f64,
}

impl QuadraticIndex {
    pub(super) fn new(scaler: Scaler, factor: DMatrix<f64>, dof: f64) -> Self {
        Self { scaler, factor, dof }
    }

    pub(super) fn channels(&self) -> usize {
        self.factor.nrows()
    }

    pub(super) fn scaler(&self) -> &Scaler {
        &self.scaler
    }

    /// `q` of every row of `rows`, which have the right width.
    pub(super) fn squares(&self, rows: &Frame<'_>) -> Vec<f64> {
        let channels = self.channels();
        let mut squares = vec![0.0; rows.rows()];
        squares.par_chunks_mut(BLOCK).zip(rows.readings().par_chunks(BLOCK * channels)).for_each(
            |(squares, block)| {
                let mut scaled = vec![0.0; block.len()];
                for (row, slot) in
                    block.chunks_exact(channels).zip(scaled.chunks_exact_mut(channels))
                {
                    self.scaler.apply_to(row, slot);
                }
                let scaled = DMatrixView::from_slice(&scaled, channels, squares.len());
                let projected = self.factor.tr_mul(&scaled);
                for (square, column) in squares.iter_mut().zip(projected.column_iter()) {
                    *square = column.norm_squared();
                }
            },
        );
        squares
    }

    /// The score of every row of `rows`, which have the right width.
    pub(super) fn rate(&self, rows: &Frame<'_>) -> Vec<f64> {
        let mut scores = self.squares(rows);
        scores.par_iter_mut().for_each(|square| *square = self.score_of(*square));
        scores
    }

    /// The score of a row from its `q`.
    pub(super) fn score_of(&self, square: f64) -> f64 {
        normal_equivalent(square, self.dof)
    }

    /// What each channel should have read given the others, and what part of
    /// `q` would go away if it did.
    ///
    /// Channel `j` given the others is `-Σ M[j, i] z[i] / M[j, j]` over the
    /// other `i`; going there takes `M[j, j] (z[j] - that)²` off.
    pub(super) fn explain(&self, row: &[f64], threshold: f64) -> Explanation {
        let channels = self.channels();
        let mut scaled = vec![0.0; channels];
        self.scaler.apply_to(row, &mut scaled);
        let mut scaled = DVector::from_vec(scaled);
        let matrix = &self.factor * self.factor.transpose();
        let budget = from_normal_equivalent(threshold, self.dof);

        let mut explanation = Explanation::new(Vec::new(), None, Vec::new());
        let (mut bands, mut parts) = (Vec::new(), Vec::new());
        for channel in 0..channels {
            let weight = matrix[(channel, channel)];
            if weight <= 0.0 {
                // The index does not look at this channel.
                explanation.expected.push(self.scaler.centre[channel]);
                bands.push(Band { low: -LARGEST_READING, high: LARGEST_READING });
                parts.push(0.0);
                continue;
            }
            // Left out of the sum rather than taken off it: it may be huge.
            let own = std::mem::replace(&mut scaled[channel], 0.0);
            let expected = -matrix.column(channel).dot(&scaled) / weight;
            scaled[channel] = expected;
            let rest = self.factor.tr_mul(&scaled).norm_squared();
            scaled[channel] = own;

            parts.push(weight * (own - expected) * (own - expected));
            let centre = self.scaler.reading(channel, expected);
            let reach = ((budget - rest).max(0.0) / weight).sqrt() * self.scaler.unit[channel];
            explanation.expected.push(centre);
            bands.push(Band::around(centre, reach));
        }
        explanation.share = Explanation::shares(&parts);
        explanation.band = Some(bands);
        explanation
    }
}

/// Eigenvalues of a covariance, largest first and not below a millionth of a
/// millionth of the largest, with their vectors as columns. All are 1 when the
/// covariance is 0.
///
/// # Errors
///
/// [`FitError::History`] when the decomposition does not converge.
pub(super) fn eigen(covariance: DMatrix<f64>) -> Result<(Vec<f64>, DMatrix<f64>), FitError> {
    let width = covariance.nrows();
    let largest = covariance.amax();
    if largest == 0.0 {
        return Ok((vec![1.0; width], DMatrix::identity(width, width)));
    }
    // Of magnitude 1, so that no square inside overflows.
    let eigen = SymmetricEigen::try_new(covariance / largest, f64::EPSILON, 1000 * width)
        .ok_or_else(|| {
            FitError::History(
                "the covariance has no eigenvalues to working precision; standardise the channels"
                    .to_owned(),
            )
        })?;
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let floor = SMALLEST_EIGENVALUE * eigen.eigenvalues[order[0]];
    let values = order.iter().map(|at| eigen.eigenvalues[*at].max(floor) * largest).collect();
    let vectors = DMatrix::from_fn(width, width, |i, j| eigen.eigenvectors[(i, order[j])]);
    Ok((values, vectors))
}

/// `columns` of `vectors`, each times its factor.
pub(super) fn scaled_columns(
    vectors: &DMatrix<f64>,
    columns: impl ExactSizeIterator<Item = (usize, f64)>,
) -> DMatrix<f64> {
    let mut scaled = DMatrix::zeros(vectors.nrows(), columns.len());
    for (at, (column, factor)) in columns.enumerate() {
        scaled.set_column(at, &(vectors.column(column) * factor));
    }
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_expected_where_the_others_put_it() {
        // Correlation 0.8, so given the other at 2 the expectation is 1.6.
        let (values, vectors) =
            eigen(DMatrix::from_row_slice(2, 2, &[1.0, 0.8, 0.8, 1.0])).expect("converges");
        let factor =
            scaled_columns(&vectors, values.iter().map(|value| 1.0 / value.sqrt()).enumerate());
        let index = QuadraticIndex::new(Scaler::identity(2), factor, 2.0);
        let explanation = index.explain(&[-5.0, 2.0], 3.0);
        assert!((explanation.expected[0] - 1.6).abs() < 1e-12, "{explanation:?}");
        assert!((explanation.expected[1] + 4.0).abs() < 1e-12, "{explanation:?}");
    }

    #[test]
    fn the_ends_of_a_band_score_the_threshold() {
        let (values, vectors) =
            eigen(DMatrix::from_row_slice(2, 2, &[4.0, 1.0, 1.0, 1.0])).expect("converges");
        let factor =
            scaled_columns(&vectors, values.iter().map(|value| 1.0 / value.sqrt()).enumerate());
        let index = QuadraticIndex::new(Scaler::identity(2), factor, 2.0);
        let band = index.explain(&[9.0, 0.5], 3.0).band.expect("a band");
        for end in [band[0].low, band[0].high] {
            let row = [end, 0.5];
            let score = index.rate(&Frame::new(&row, 2).expect("finite"))[0];
            assert!((score - 3.0).abs() < 1e-9, "{score}");
        }
    }
}
