//! What makes a split good.
//!
//! A set of rows is summed up in a few numbers, its *sums*. A split is worth
//! the *worth* of both sides: the higher, the purer they are, so that the worth
//! of a split less that of the node is the fall in impurity times weight.

use crate::Criterion;

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

/// Two classes, rows of whole weight, Gini impurity.
#[derive(Debug)]
pub(crate) struct TwoClasses {
    /// The label in the lowest bit, the weight above it.
    rows: Vec<u32>,
}

/// Largest weight that a payload with a label of one byte holds.
pub(crate) const LARGEST_WHOLE: f64 = 16_777_215.0;

impl TwoClasses {
    /// `None` when a weight does not fit.
    pub(crate) fn new(labels: &[u32], weights: Option<&[f64]>) -> Option<Self> {
        Some(Self { rows: whole(labels, weights, 1)? })
    }
}

/// Label and whole weight of each row in one number.
fn whole(labels: &[u32], weights: Option<&[f64]>, label_bits: u32) -> Option<Vec<u32>> {
    let Some(weights) = weights else {
        return Some(labels.iter().map(|label| label | 1 << label_bits).collect());
    };
    if weights.iter().any(|weight| weight.fract() != 0.0 || *weight > LARGEST_WHOLE) {
        return None;
    }
    let pack = |(label, weight): (&u32, &f64)| label | (*weight as u32) << label_bits;
    Some(labels.iter().zip(weights).map(pack).collect())
}

fn pick(all: &[u32], rows: &[u32]) -> Vec<u32> {
    rows.iter().map(|row| all[*row as usize]).collect()
}

impl Objective for TwoClasses {
    type Scan = [f64; 4];

    fn restrict(&self, rows: &[u32]) -> Self {
        Self { rows: pick(&self.rows, rows) }
    }

    fn width(&self) -> usize {
        2
    }

    fn payload(&self, row: u32) -> u32 {
        self.rows[row as usize]
    }

    fn add(&self, payload: u32, sums: &mut [f64]) {
        sums[(payload & 1) as usize] += f64::from(payload >> 1);
    }

    fn weight(&self, sums: &[f64]) -> f64 {
        sums[0] + sums[1]
    }

    fn impurity(&self, _rows: &[u32], sums: &[f64]) -> f64 {
        Criterion::Gini.impurity(sums)
    }

    fn pure(&self) -> f64 {
        f64::EPSILON
    }

    fn value(&self, sums: &[f64], value: &mut Vec<f64>) {
        value.extend_from_slice(sums);
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        Criterion::Gini.worth(sums)
    }

    fn orders(&self, sums: &[f64], present: &[u32]) -> Vec<Vec<u32>> {
        super::categories::orders_of_classes(sums, 2, present)
    }

    fn scan(&self, left: &[f64], right: &[f64]) -> [f64; 4] {
        [left[0], left[1], right[0], right[1]]
    }

    #[inline]
    fn shift(&self, scan: &mut [f64; 4], payload: u32) {
        let weight = f64::from(payload >> 1);
        let one = if payload & 1 == 1 { weight } else { 0.0 };
        let zero = weight - one;
        scan[0] += zero;
        scan[1] += one;
        scan[2] -= zero;
        scan[3] -= one;
    }

    #[inline]
    fn worth_of_both(&self, scan: &[f64; 4]) -> f64 {
        let [l0, l1, r0, r1] = *scan;
        let (left, right) = (l0 + l1, r0 + r1);
        // Both fractions over one denominator: one division instead of two.
        ((l0 * l0 + l1 * l1) * right + (r0 * r0 + r1 * r1) * left) / (left * right)
    }

    #[inline]
    fn weights(&self, scan: &[f64; 4]) -> [f64; 2] {
        [scan[0] + scan[1], scan[2] + scan[3]]
    }
}

/// Up to 256 classes, rows of whole weight, Gini impurity.
///
/// Sums of squares are kept up to date as rows move. They are whole numbers, so
/// nothing is lost on the way.
#[derive(Debug)]
pub(crate) struct WholeGini {
    /// The label in the lowest byte, the weight above it.
    rows: Vec<u32>,
    classes: usize,
}

/// Most classes that [`WholeGini`] takes.
pub(crate) const MOST_WHOLE_CLASSES: usize = 256;

impl WholeGini {
    /// `None` when a weight or the number of classes does not fit.
    pub(crate) fn new(labels: &[u32], classes: usize, weights: Option<&[f64]>) -> Option<Self> {
        if classes > MOST_WHOLE_CLASSES {
            return None;
        }
        Some(Self { rows: whole(labels, weights, 8)?, classes })
    }
}

/// Class weights, total weights and sums of squares, left then right.
#[derive(Debug)]
pub(crate) struct WholeScan {
    left: Vec<f64>,
    right: Vec<f64>,
    weights: [f64; 2],
    squares: [f64; 2],
}

impl Objective for WholeGini {
    type Scan = WholeScan;

    fn restrict(&self, rows: &[u32]) -> Self {
        Self { rows: pick(&self.rows, rows), classes: self.classes }
    }

    fn width(&self) -> usize {
        self.classes
    }

    fn payload(&self, row: u32) -> u32 {
        self.rows[row as usize]
    }

    fn add(&self, payload: u32, sums: &mut [f64]) {
        sums[(payload & 0xff) as usize] += f64::from(payload >> 8);
    }

    fn weight(&self, sums: &[f64]) -> f64 {
        sums.iter().sum()
    }

    fn impurity(&self, _rows: &[u32], sums: &[f64]) -> f64 {
        Criterion::Gini.impurity(sums)
    }

    fn pure(&self) -> f64 {
        f64::EPSILON
    }

    fn value(&self, sums: &[f64], value: &mut Vec<f64>) {
        value.extend_from_slice(sums);
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        Criterion::Gini.worth(sums)
    }

    fn orders(&self, sums: &[f64], present: &[u32]) -> Vec<Vec<u32>> {
        super::categories::orders_of_classes(sums, self.classes, present)
    }

    fn scan(&self, left: &[f64], right: &[f64]) -> WholeScan {
        let squares = |sums: &[f64]| sums.iter().map(|sum| sum * sum).sum();
        WholeScan {
            weights: [left.iter().sum(), right.iter().sum()],
            squares: [squares(left), squares(right)],
            left: left.to_vec(),
            right: right.to_vec(),
        }
    }

    #[inline]
    fn shift(&self, scan: &mut WholeScan, payload: u32) {
        let class = (payload & 0xff) as usize;
        let weight = f64::from(payload >> 8);
        let (left, right) = (&mut scan.left[class], &mut scan.right[class]);
        scan.squares[0] += weight * (2.0 * *left + weight);
        scan.squares[1] -= weight * (2.0 * *right - weight);
        *left += weight;
        *right -= weight;
        scan.weights[0] += weight;
        scan.weights[1] -= weight;
    }

    #[inline]
    fn worth_of_both(&self, scan: &WholeScan) -> f64 {
        let [left, right] = scan.weights;
        (scan.squares[0] * right + scan.squares[1] * left) / (left * right)
    }

    #[inline]
    fn weights(&self, scan: &WholeScan) -> [f64; 2] {
        scan.weights
    }
}

/// Any classes, any weights, either criterion.
#[derive(Debug)]
pub(crate) struct WeightedClasses {
    labels: Vec<u32>,
    /// Empty when all are 1.
    weights: Vec<f64>,
    classes: usize,
    criterion: Criterion,
}

impl WeightedClasses {
    pub(crate) fn new(
        labels: &[u32],
        classes: usize,
        weights: Option<&[f64]>,
        criterion: Criterion,
    ) -> Self {
        let weights = weights.unwrap_or_default().to_vec();
        Self { labels: labels.to_vec(), weights, classes, criterion }
    }

    #[inline]
    fn row_weight(&self, row: u32) -> f64 {
        self.weights.get(row as usize).copied().unwrap_or(1.0)
    }
}

impl Objective for WeightedClasses {
    type Scan = [Vec<f64>; 2];

    fn restrict(&self, rows: &[u32]) -> Self {
        let weights = if self.weights.is_empty() {
            Vec::new()
        } else {
            rows.iter().map(|row| self.weights[*row as usize]).collect()
        };
        Self { labels: pick(&self.labels, rows), weights, ..*self }
    }

    fn width(&self) -> usize {
        self.classes
    }

    fn payload(&self, row: u32) -> u32 {
        row
    }

    fn add(&self, payload: u32, sums: &mut [f64]) {
        sums[self.labels[payload as usize] as usize] += self.row_weight(payload);
    }

    fn weight(&self, sums: &[f64]) -> f64 {
        sums.iter().sum()
    }

    fn impurity(&self, _rows: &[u32], sums: &[f64]) -> f64 {
        self.criterion.impurity(sums)
    }

    fn pure(&self) -> f64 {
        f64::EPSILON
    }

    fn value(&self, sums: &[f64], value: &mut Vec<f64>) {
        value.extend_from_slice(sums);
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        self.criterion.worth(sums)
    }

    fn orders(&self, sums: &[f64], present: &[u32]) -> Vec<Vec<u32>> {
        super::categories::orders_of_classes(sums, self.classes, present)
    }

    fn scan(&self, left: &[f64], right: &[f64]) -> [Vec<f64>; 2] {
        [left.to_vec(), right.to_vec()]
    }

    #[inline]
    fn shift(&self, scan: &mut [Vec<f64>; 2], payload: u32) {
        let (class, weight) = (self.labels[payload as usize] as usize, self.row_weight(payload));
        scan[0][class] += weight;
        // Rounding must not leave a class with less than nothing.
        scan[1][class] = (scan[1][class] - weight).max(0.0);
    }

    fn worth_of_both(&self, scan: &[Vec<f64>; 2]) -> f64 {
        self.criterion.worth(&scan[0]) + self.criterion.worth(&scan[1])
    }

    fn weights(&self, scan: &[Vec<f64>; 2]) -> [f64; 2] {
        [scan[0].iter().sum(), scan[1].iter().sum()]
    }
}

impl Criterion {
    /// How mixed a node with these class weights is.
    pub(crate) fn impurity(self, sums: &[f64]) -> f64 {
        let weight: f64 = sums.iter().sum();
        let impurity: f64 = match self {
            Self::Gini => 1.0 - sums.iter().map(|sum| (sum / weight).powi(2)).sum::<f64>(),
            Self::Entropy => {
                let bits = |sum: &f64| {
                    if *sum > 0.0 { -sum / weight * (sum / weight).log2() } else { 0.0 }
                };
                sums.iter().map(bits).sum()
            }
        };
        impurity.max(0.0)
    }

    /// Minus impurity times weight, up to a multiple of the weight.
    fn worth(self, sums: &[f64]) -> f64 {
        let weight: f64 = sums.iter().sum();
        if weight <= 0.0 {
            return 0.0;
        }
        match self {
            Self::Gini => sums.iter().map(|sum| sum * sum).sum::<f64>() / weight,
            Self::Entropy => -weight * self.impurity(sums),
        }
    }
}

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
        vec![super::categories::order_by(present, mean)]
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
