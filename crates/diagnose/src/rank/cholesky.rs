//! Symmetric positive matrices by their Cholesky factor.

/// A lower triangular factor `L` of `L Lᵀ`, row by row, shape `(size, size)`.
#[derive(Debug, Clone)]
pub(super) struct Factor {
    size: usize,
    lower: Vec<f64>,
}

impl Factor {
    /// The factor of a multiple of the identity.
    pub(super) fn identity(size: usize, scale: f64) -> Self {
        let mut lower = vec![0.0; size * size];
        (0..size).for_each(|at| lower[at * size + at] = scale.sqrt());
        Self { size, lower }
    }

    /// The factor of `matrix`, shape `(size, size)`; `None` unless it is positive definite.
    pub(super) fn of(matrix: &[f64], size: usize) -> Option<Self> {
        let mut lower = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let dot: f64 =
                    (0..column).map(|k| lower[row * size + k] * lower[column * size + k]).sum();
                let left = matrix[row * size + column] - dot;
                lower[row * size + column] = if row == column {
                    if left <= 0.0 {
                        return None;
                    }
                    left.sqrt()
                } else {
                    left / lower[column * size + column]
                };
            }
        }
        Some(Self { size, lower })
    }

    /// Makes `L Lᵀ + v vᵀ` of `L Lᵀ`. Time O(size²).
    pub(super) fn add(&mut self, mut vector: Vec<f64>) {
        for at in 0..self.size {
            let diagonal = self.lower[at * self.size + at];
            let new = diagonal.hypot(vector[at]);
            let (cosine, sine) = (new / diagonal, vector[at] / diagonal);
            self.lower[at * self.size + at] = new;
            for (row, value) in vector.iter_mut().enumerate().skip(at + 1) {
                let place = row * self.size + at;
                self.lower[place] = (self.lower[place] + sine * *value) / cosine;
                *value = cosine * *value - sine * self.lower[place];
            }
        }
    }

    /// `vᵀ (L Lᵀ)⁻¹ v`.
    pub(super) fn distance(&self, vector: &[f64]) -> f64 {
        self.forward(vector).iter().map(|value| value * value).sum()
    }

    /// Logarithm of the determinant of `L Lᵀ`.
    pub(super) fn ln_determinant(&self) -> f64 {
        (0..self.size).map(|at| 2.0 * self.lower[at * self.size + at].ln()).sum()
    }

    /// The `x` with `L Lᵀ x = v`.
    pub(super) fn solve(&self, vector: &[f64]) -> Vec<f64> {
        let mut solution = self.forward(vector);
        for row in (0..self.size).rev() {
            let above = row + 1..self.size;
            let dot: f64 = above.map(|k| self.lower[k * self.size + row] * solution[k]).sum();
            solution[row] = (solution[row] - dot) / self.lower[row * self.size + row];
        }
        solution
    }

    fn forward(&self, vector: &[f64]) -> Vec<f64> {
        let mut solution = vector.to_vec();
        for row in 0..self.size {
            let dot: f64 = (0..row).map(|k| self.lower[row * self.size + k] * solution[k]).sum();
            solution[row] = (solution[row] - dot) / self.lower[row * self.size + row];
        }
        solution
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_a_vector_is_factoring_the_sum() {
        let mut added = Factor::of(&[4.0, 1.0, 1.0, 3.0], 2).expect("positive");
        added.add(vec![0.5, -2.0]);
        let whole = Factor::of(&[4.25, 0.0, 0.0, 7.0], 2).expect("positive");
        for (one, other) in added.lower.iter().zip(&whole.lower) {
            assert!((one - other).abs() < 1e-12);
        }
        assert!((added.ln_determinant() - (4.25_f64 * 7.0).ln()).abs() < 1e-12);
        assert!((added.distance(&[1.0, 1.0]) - (1.0 / 4.25 + 1.0 / 7.0)).abs() < 1e-12);
        let solution = added.solve(&[4.25, 14.0]);
        assert!((solution[0] - 1.0).abs() < 1e-12 && (solution[1] - 2.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_positive_has_no_factor() {
        assert!(Factor::of(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
    }
}
