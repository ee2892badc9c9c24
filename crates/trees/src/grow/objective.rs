//! What makes a split good.
//!
//! A set of rows is summed up in a few numbers, its *sums*. A split is worth
//! the *worth* of both sides: the higher, the purer they are, so that the worth
//! of a split less that of the node is the fall in impurity times weight.

/// A target to predict and a measure of how well a set of rows predicts it.
pub(crate) trait Objective: Sync + Send + Sized {
    /// Both sides of a split, while rows move from the right to the left.
    type Scan;

    /// The same objective for only `rows`, packed.
    fn restrict(&self, rows: &[u32]) -> Self;

    /// Numbers that sum up a set of rows.
    fn width(&self) -> usize;

    /// What a sort key carries along of a row.
    fn payload(&self, row: u32) -> u32;

    /// Adds the row behind `payload` to `sums`.
    fn add(&self, payload: u32, sums: &mut [f64]);

    /// Weight behind `sums`.
    fn weight(&self, sums: &[f64]) -> f64;

    /// How mixed `rows` are, summed up in `sums`.
    fn impurity(&self, rows: &[u32], sums: &[f64]) -> f64;

    /// Impurity up to which a node counts as pure.
    fn pure(&self) -> f64;

    /// What one unit of impurity is in units of the target.
    fn unit(&self) -> f64 {
        1.0
    }

    /// What a node that `sums` sum up predicts.
    fn value(&self, sums: &[f64], value: &mut Vec<f64>);

    /// What rows summed up in `sums` are worth together.
    fn worth(&self, sums: &[f64]) -> f64;

    /// Orders in which categories may be cut in two; `sums` has one entry of
    /// width numbers for each of them, `present` says which occur.
    fn orders(&self, sums: &[f64], present: &[u32]) -> Vec<Vec<u32>>;

    /// Begins with `left` and `right` on the two sides.
    fn scan(&self, left: &[f64], right: &[f64]) -> Self::Scan;

    /// Moves a row to the left.
    fn shift(&self, scan: &mut Self::Scan, payload: u32);

    /// Worth of both sides, each of which has weight.
    fn worth_of_both(&self, scan: &Self::Scan) -> f64;

    /// Weight of the left and the right side.
    fn weights(&self, scan: &Self::Scan) -> [f64; 2];
}
