//! The triangular factor behind least squares, in one pass.

use crate::quantile::median;

use super::{Equation, LinearFit};

/// Rows that are taken in at once: a block stays in the cache.
const BLOCK: usize = 256;
/// A column spread less than this share of its mean is constant but for rounding.
const CONSTANT: f64 = 1e-12;
/// A column with less than this share of its spread of its own is a linear
/// combination of the columns before it: the tolerance of R's `lm`.
const COLLINEAR: f64 = 1e-7;

/// The triangular factor of columns with an intercept: all that least squares
/// needs to know of any number of rows.
///
/// Any column can then be regressed on any others. Rows arrive in pieces, and
/// only O(columns²) numbers are kept. Orthogonal throughout, so it is as exact
/// as a QR decomposition of all rows, unlike normal equations, whose error
/// grows with the square of the condition. Time O(rows · columns²).
///
/// Columns whose deviations are all below 1e-145 count as constant.
///
/// Reference: G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th edition,
/// 2013, sections 5.2 and 6.5 (updating). We first subtract the median of the
/// first block from each column, so that large offsets cost no digits.
///
/// ```
/// use auscult_stats::linear::Triangle;
/// // y = 1 + 2 x
/// let rows = [[1.0, 3.0], [2.0, 5.0], [3.0, 7.0]];
/// let mut triangle = Triangle::new(2);
/// triangle.observe(3, |row, column| rows[row][column], None);
/// let fit = triangle.fit(1, &[0], &[]);
/// assert!((fit.equation.intercept - 1.0).abs() < 1e-12);
/// assert!((fit.equation.coefficients[0] - 2.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone)]
pub struct Triangle {
    columns: usize,
    rows: u64,
    /// Subtracted from each column; set by the first block.
    shift: Vec<f64>,
    /// Upper triangle of shape `(columns + 1, columns + 1)`, column by column;
    /// column 0 is the intercept.
    factor: Vec<f64>,
}

/// Why an input was left out of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unused {
    /// It never changes.
    Constant,
    /// It is a linear combination of inputs before it.
    Collinear,
}

impl Triangle {
    /// An empty one for rows of `columns` numbers.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        let order = columns + 1;
        Self { columns, rows: 0, shift: Vec::new(), factor: vec![0.0; order * order] }
    }

    /// How many rows were taken in.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes in `rows` rows, `value(row, column)` each, with `weights` (at
    /// least 0, one per row) if given.
    pub fn observe(
        &mut self,
        rows: usize,
        value: impl Fn(usize, usize) -> f64,
        weights: Option<&[f64]>,
    ) {
        let mut scratch = Vec::with_capacity(BLOCK * (self.columns + 1));
        for start in (0..rows).step_by(BLOCK) {
            let size = BLOCK.min(rows - start);
            if self.shift.is_empty() {
                let middle = |column| {
                    let mut first: Vec<f64> = (0..size).map(|row| value(row, column)).collect();
                    median(&mut first)
                };
                self.shift = (0..self.columns).map(middle).collect();
            }
            let root = |row: usize| weights.map_or(1.0, |weights| weights[start + row].sqrt());
            scratch.clear();
            scratch.extend((0..size).map(root));
            for column in 0..self.columns {
                let shift = self.shift[column];
                scratch
                    .extend((0..size).map(|row| (value(start + row, column) - shift) * root(row)));
            }
            fold_in(&mut self.factor, self.columns + 1, &mut scratch, size);
        }
        self.rows += rows as u64;
    }

    /// Regresses column `target` on the columns `inputs`.
    ///
    /// `penalties`, empty or one per input and at least 0, are added to the
    /// sum of squares times each squared coefficient (ridge regression); the
    /// intercept is never penalised. Inputs that are constant, or that are
    /// linear combinations of inputs before them, are left out and named.
    /// Time O(columns · inputs²).
    ///
    /// # Panics
    ///
    /// When a column does not exist, or no row was observed.
    #[must_use]
    pub fn fit(&self, target: usize, inputs: &[usize], penalties: &[f64]) -> LinearFit {
        assert!(self.rows > 0, "a fit needs rows");
        assert!(penalties.is_empty() || penalties.len() == inputs.len(), "one penalty per input");
        let reduced = self.reduce(target, inputs, penalties);
        let width = inputs.len();
        let used = &reduced.used;
        let solution = reduced.solve();
        let mut coefficients = vec![0.0; width];
        for (at, input) in used.iter().enumerate() {
            coefficients[*input] = solution[at + 1];
        }
        let shifts: Vec<f64> = used.iter().map(|input| self.shift[inputs[*input]]).collect();
        let moved: f64 = shifts.iter().zip(&solution[1..]).map(|(s, b)| s * b).sum();
        let penalised: f64 = penalties.iter().zip(&coefficients).map(|(p, b)| p * b * b).sum();
        LinearFit {
            equation: Equation {
                intercept: solution[0] + self.shift[target] - moved,
                coefficients,
            },
            unused: reduced.unused.clone(),
            rows: self.rows,
            residual_squares: (reduced.rest_squares - penalised).max(0.0),
            total_squares: reduced.total_squares,
            inverse: reduced.inverse(&shifts, width),
            input_means: inputs.iter().map(|input| self.mean(*input)).collect(),
        }
    }

    /// Mean of `column`.
    ///
    /// # Panics
    ///
    /// When the column does not exist, or no row was observed.
    #[must_use]
    pub fn mean(&self, column: usize) -> f64 {
        let order = self.columns + 1;
        self.shift[column] + self.factor[(column + 1) * order] / self.factor[0]
    }

    /// Sum of squared deviations of `column` from its mean.
    ///
    /// # Panics
    ///
    /// When the column does not exist.
    #[must_use]
    pub fn squares(&self, column: usize) -> f64 {
        let order = self.columns + 1;
        let start = (column + 1) * order;
        self.factor[start + 1..start + order].iter().map(|x| x * x).sum()
    }

    /// Makes the chosen columns triangular, leaving out what adds nothing.
    fn reduce(&self, target: usize, inputs: &[usize], penalties: &[f64]) -> Reduced {
        let order = self.columns + 1;
        let column = |at: usize| &self.factor[(at + 1) * order..(at + 2) * order];
        let height = order + inputs.len();
        let padded = |at: usize| {
            let mut long = column(at).to_vec();
            long.resize(height, 0.0);
            long
        };
        let mut rest = padded(target);
        let mut reduced = Reduced {
            triangle: vec![vec![self.factor[0]]],
            used: Vec::new(),
            unused: Vec::new(),
            target: Vec::new(),
            rest_squares: 0.0,
            total_squares: squares(&rest[1..]),
        };
        let mut reflections: Vec<Vec<f64>> = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            let mut long = padded(*input);
            let spread = squares(&long[1..]).sqrt();
            if let Some(penalty) = penalties.get(at) {
                long[order + at] = penalty.sqrt();
            }
            let size = self.factor[0].abs();
            if spread <= CONSTANT * self.mean(*input).abs() * size || spread * spread < TINY {
                reduced.unused.push((at, Unused::Constant));
                continue;
            }
            for (step, reflection) in reflections.iter().enumerate() {
                reflect(reflection, &mut long[step + 1..]);
            }
            let row = reflections.len() + 1;
            let own = squares(&long[row..]).sqrt();
            if own <= COLLINEAR * spread {
                reduced.unused.push((at, Unused::Collinear));
                continue;
            }
            let reflection = reflection(&long[row..], own);
            let diagonal = if long[row] > 0.0 { -own } else { own };
            reflect(&reflection, &mut rest[row..]);
            reflections.push(reflection);
            long.truncate(row);
            long.push(diagonal);
            reduced.triangle.push(long);
            reduced.used.push(at);
        }
        let row = reflections.len() + 1;
        reduced.rest_squares = squares(&rest[row..]);
        rest.truncate(row);
        reduced.target = rest;
        reduced
    }
}

/// A triangular system in as many unknowns as there are useful columns.
struct Reduced {
    /// Column `j` holds its first `j + 1` entries.
    triangle: Vec<Vec<f64>>,
    used: Vec<usize>,
    unused: Vec<(usize, Unused)>,
    target: Vec<f64>,
    rest_squares: f64,
    total_squares: f64,
}

impl Reduced {
    fn solve(&self) -> Vec<f64> {
        let mut solution = self.target.clone();
        for at in (0..solution.len()).rev() {
            solution[at] /= self.triangle[at][at];
            let known = solution[at];
            for (above, entry) in solution[..at].iter_mut().zip(&self.triangle[at]) {
                *above -= entry * known;
            }
        }
        solution
    }

    /// Inverse of the cross products of intercept and inputs, in the units of
    /// the rows: shape `(width + 1, width + 1)`, zero for unused inputs.
    fn inverse(&self, shifts: &[f64], width: usize) -> Vec<f64> {
        let size = self.triangle.len();
        // Columns of the inverse triangle.
        let mut columns = vec![vec![0.0; size]; size];
        for (at, column) in columns.iter_mut().enumerate() {
            column[at] = 1.0 / self.triangle[at][at];
            for row in (0..at).rev() {
                let sum: f64 = (row + 1..=at).map(|k| self.triangle[k][row] * column[k]).sum();
                column[row] = -sum / self.triangle[row][row];
            }
        }
        // The intercept at 0 instead of at the shift.
        for column in &mut columns {
            let moved: f64 = shifts.iter().zip(&column[1..]).map(|(s, x)| s * x).sum();
            column[0] -= moved;
        }
        let place = |at: usize| if at == 0 { 0 } else { self.used[at - 1] + 1 };
        let mut inverse = vec![0.0; (width + 1) * (width + 1)];
        for one in 0..size {
            for two in 0..size {
                let product: f64 = columns.iter().map(|column| column[one] * column[two]).sum();
                inverse[place(one) * (width + 1) + place(two)] = product;
            }
        }
        inverse
    }
}

/// Squares below this have no digits left.
const TINY: f64 = 1e-290;

fn squares(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

/// The Householder vector that turns `values` of length `norm` into the first axis.
fn reflection(values: &[f64], norm: f64) -> Vec<f64> {
    let mut vector = values.to_vec();
    vector[0] += if values[0] > 0.0 { norm } else { -norm };
    // 2 / |v|², folded into the vector so that applying it needs no division.
    let scale = (norm * (norm + values[0].abs())).sqrt();
    vector.iter_mut().for_each(|entry| *entry /= scale);
    vector
}

fn reflect(reflection: &[f64], values: &mut [f64]) {
    let along: f64 = reflection.iter().zip(values.iter()).map(|(v, x)| v * x).sum();
    for (value, entry) in values.iter_mut().zip(reflection) {
        *value -= along * entry;
    }
}

/// Folds a block of `rows` rows, column by column, into the triangle `factor`.
fn fold_in(factor: &mut [f64], order: usize, block: &mut [f64], rows: usize) {
    for pivot in 0..order {
        let (done, rest) = block.split_at_mut((pivot + 1) * rows);
        let own = &done[pivot * rows..];
        let diagonal = factor[pivot * order + pivot];
        let below = dot(own, own);
        if below < TINY {
            continue;
        }
        let norm = (diagonal * diagonal + below).sqrt();
        let lead = if diagonal > 0.0 { diagonal + norm } else { diagonal - norm };
        let beta = norm * (norm + diagonal.abs());
        for (step, other) in rest.chunks_exact_mut(rows).enumerate() {
            let entry = &mut factor[(pivot + 1 + step) * order + pivot];
            let along = (lead * *entry + dot(own, other)) / beta;
            *entry -= along * lead;
            for (value, vector) in other.iter_mut().zip(own) {
                *value -= along * vector;
            }
        }
        factor[pivot * order + pivot] = if diagonal > 0.0 { -norm } else { norm };
    }
}

/// A dot product in four running sums, which the compiler turns into vectors.
fn dot(one: &[f64], two: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (ones, twos) = (one.chunks_exact(4), two.chunks_exact(4));
    let tail: f64 = ones.remainder().iter().zip(twos.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in ones.zip(twos) {
        for lane in 0..4 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_adds_nothing_is_left_out_and_named() {
        // Columns: x, constant, 2x + 1, z, y = 3 + x - 2z.
        let row = |at: usize| {
            let (x, z) = (at as f64, ((at * 7) % 11) as f64);
            [x, 8.0, 2.0 * x + 1.0, z, 3.0 + x - 2.0 * z]
        };
        let mut triangle = Triangle::new(5);
        triangle.observe(700, |at, column| row(at)[column], None);
        let fit = triangle.fit(4, &[0, 1, 2, 3], &[]);
        assert_eq!(fit.unused, [(1, Unused::Constant), (2, Unused::Collinear)]);
        let expected = [1.0, 0.0, 0.0, -2.0];
        for (got, expected) in fit.equation.coefficients.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-12, "{fit:?}");
        }
        assert!((fit.equation.intercept - 3.0).abs() < 1e-10);
        assert!(fit.r_squared() > 1.0 - 1e-12);
    }

    #[test]
    fn pieces_agree_with_the_whole() {
        let value = |row: usize, column: usize| {
            let x = ((row * 37) % 101) as f64;
            if column == 0 { 1e6 + x } else { 5.0 * x + ((row * 13) % 7) as f64 }
        };
        let mut whole = Triangle::new(2);
        whole.observe(1000, value, None);
        let mut pieces = Triangle::new(2);
        for start in (0..1000).step_by(100) {
            pieces.observe(100, |row, column| value(start + row, column), None);
        }
        let (one, two) = (whole.fit(1, &[0], &[]), pieces.fit(1, &[0], &[]));
        assert!((one.equation.coefficients[0] - two.equation.coefficients[0]).abs() < 1e-11);
        assert!((whole.mean(0) - pieces.mean(0)).abs() < 1e-8);
        assert!((whole.squares(1) / pieces.squares(1) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn fewer_rows_than_inputs_leave_inputs_out() {
        let mut triangle = Triangle::new(3);
        triangle.observe(2, |row, column| (row * column + row) as f64 + 1.0, None);
        let fit = triangle.fit(2, &[0, 1], &[]);
        assert_eq!(fit.unused, [(1, Unused::Collinear)]);
        assert!(fit.equation.intercept.is_finite());
    }
}
