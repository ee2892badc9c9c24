//! Classes by Gini impurity or entropy.

use std::sync::Arc;

use super::categories::orders_of_classes;
use super::objective::Objective;
use crate::Criterion;

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
        orders_of_classes(sums, 2, present)
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
        orders_of_classes(sums, self.classes, present)
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

/// Up to 256 classes, rows of whole weight, entropy.
///
/// Of whole weights `n`, all `n log n` are worked out beforehand.
#[derive(Debug)]
pub(crate) struct WholeEntropy {
    /// The label in the lowest byte, the weight above it.
    rows: Vec<u32>,
    classes: usize,
    /// `n log₂ n` up to the weight of all rows.
    logarithms: Arc<[f64]>,
}

/// Largest total weight for which logarithms are kept: 32 MiB of them.
const MOST_LOGARITHMS: u64 = 1 << 22;

impl WholeEntropy {
    /// `None` when a weight, their sum or the number of classes does not fit.
    pub(crate) fn new(labels: &[u32], classes: usize, weights: Option<&[f64]>) -> Option<Self> {
        if classes > MOST_WHOLE_CLASSES {
            return None;
        }
        let rows = whole(labels, weights, 8)?;
        let total: u64 = rows.iter().map(|row| u64::from(row >> 8)).sum();
        if total > MOST_LOGARITHMS {
            return None;
        }
        let logarithms =
            (0..=total).map(|n| if n == 0 { 0.0 } else { n as f64 * (n as f64).log2() });
        Some(Self { rows, classes, logarithms: logarithms.collect() })
    }

    #[inline]
    fn logarithm(&self, weight: u32) -> f64 {
        self.logarithms[weight as usize]
    }
}

/// Class weights and their sum, left then right.
#[derive(Debug)]
pub(crate) struct EntropyScan {
    classes: [Vec<u32>; 2],
    weights: [u32; 2],
}

impl Objective for WholeEntropy {
    type Scan = EntropyScan;

    fn restrict(&self, rows: &[u32]) -> Self {
        let logarithms = Arc::clone(&self.logarithms);
        Self { rows: pick(&self.rows, rows), classes: self.classes, logarithms }
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
        Criterion::Entropy.impurity(sums)
    }

    fn pure(&self) -> f64 {
        f64::EPSILON
    }

    fn value(&self, sums: &[f64], value: &mut Vec<f64>) {
        value.extend_from_slice(sums);
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        Criterion::Entropy.worth(sums)
    }

    fn orders(&self, sums: &[f64], present: &[u32]) -> Vec<Vec<u32>> {
        orders_of_classes(sums, self.classes, present)
    }

    fn scan(&self, left: &[f64], right: &[f64]) -> EntropyScan {
        let whole = |sums: &[f64]| sums.iter().map(|sum| *sum as u32).collect::<Vec<u32>>();
        let classes = [whole(left), whole(right)];
        EntropyScan { weights: [classes[0].iter().sum(), classes[1].iter().sum()], classes }
    }

    #[inline]
    fn shift(&self, scan: &mut EntropyScan, payload: u32) {
        let (class, weight) = ((payload & 0xff) as usize, payload >> 8);
        scan.classes[0][class] += weight;
        scan.classes[1][class] -= weight;
        scan.weights[0] += weight;
        scan.weights[1] -= weight;
    }

    #[inline]
    fn worth_of_both(&self, scan: &EntropyScan) -> f64 {
        let side = |classes: &[u32], weight: u32| {
            let parts: f64 = classes.iter().map(|weight| self.logarithm(*weight)).sum();
            parts - self.logarithm(weight)
        };
        side(&scan.classes[0], scan.weights[0]) + side(&scan.classes[1], scan.weights[1])
    }

    #[inline]
    fn weights(&self, scan: &EntropyScan) -> [f64; 2] {
        scan.weights.map(f64::from)
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
        orders_of_classes(sums, self.classes, present)
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
