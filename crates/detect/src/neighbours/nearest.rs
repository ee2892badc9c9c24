//! The nearest rows found so far.

/// Keeps the `k` nearest of the rows it is offered, nearest first; of equally
/// near ones those that come first in the history.
#[derive(Debug, Clone)]
pub(super) struct Nearest {
    squares: Vec<f64>,
    rows: Vec<u32>,
}

impl Nearest {
    /// Of no row yet.
    pub(super) fn new(k: usize) -> Self {
        Self { squares: vec![f64::INFINITY; k], rows: vec![u32::MAX; k] }
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.squares.fill(f64::INFINITY);
        self.rows.fill(u32::MAX);
    }

    /// Squared distance beyond which no row can enter any more; a row at this
    /// very distance can, if it comes early in the history.
    pub(super) fn reach(&self) -> f64 {
        self.squares[self.squares.len() - 1]
    }

    /// Takes in `row` at squared distance `square`, if it is near enough.
    #[inline]
    pub(super) fn offer(&mut self, square: f64, row: u32) {
        let last = self.squares.len() - 1;
        let before = |at: usize| (square, row) < (self.squares[at], self.rows[at]);
        if !before(last) {
            return;
        }
        // Insertion is quickest for the few neighbours that methods ask for.
        let mut at = last;
        while at > 0 && (square, row) < (self.squares[at - 1], self.rows[at - 1]) {
            self.squares[at] = self.squares[at - 1];
            self.rows[at] = self.rows[at - 1];
            at -= 1;
        }
        self.squares[at] = square;
        self.rows[at] = row;
    }

    /// Writes distances and rows.
    pub(super) fn write(&self, distances: &mut [f64], rows: &mut [u32]) {
        for (slot, square) in distances.iter_mut().zip(&self.squares) {
            *slot = square.sqrt();
        }
        rows.copy_from_slice(&self.rows);
    }
}
