//! What goes into a linear model, and what comes out of every kind of it.

/// Inputs of shape `(rows, width)`, stored row by row.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [f64],
    width: usize,
}

impl<'a> Rows<'a> {
    /// Takes `values` row by row, `width` to a row.
    ///
    /// # Panics
    ///
    /// When `width` is 0 or the last row is short.
    #[must_use]
    pub fn new(values: &'a [f64], width: usize) -> Self {
        assert!(width > 0 && values.len().is_multiple_of(width), "rows are whole");
        Self { values, width }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers in a row; at least 1.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Row `row`.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [f64] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// The rows in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f64> {
        self.values.chunks_exact(self.width)
    }

    /// Column `column`, from the first row to the last.
    pub fn column(&self, column: usize) -> impl ExactSizeIterator<Item = f64> + Clone + 'a {
        self.values.iter().skip(column).step_by(self.width).copied()
    }
}

/// `intercept + Σ coefficients[i] · inputs[i]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Equation {
    /// The target where every input is 0, in units of the target.
    pub intercept: f64,
    /// Change of the target per unit of each input; 0 for an unused input.
    pub coefficients: Vec<f64>,
}

impl Equation {
    /// The target that the equation gives for `inputs`.
    #[must_use]
    pub fn predict(&self, inputs: &[f64]) -> f64 {
        let sum: f64 = self.coefficients.iter().zip(inputs).map(|(b, x)| b * x).sum();
        self.intercept + sum
    }

    /// `target - predict(inputs)` for every row.
    #[must_use]
    pub fn residuals(&self, inputs: Rows<'_>, target: &[f64]) -> Vec<f64> {
        inputs.iter().zip(target).map(|(row, y)| y - self.predict(row)).collect()
    }
}
