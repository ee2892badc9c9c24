//! Classes by Gini impurity or entropy.

use std::sync::Arc;

use super::categories::orders_of_classes;
use super::objective::Objective;
use crate::Criterion;

/// Classes with rows of whole weight, judged by `M`.
#[derive(Debug)]
pub(crate) struct WholeClasses<M> {
    /// The label in the lowest bits, the weight above it.
    rows: Vec<u32>,
    classes: usize,
    measure: M,
}

/// How well a split tells classes of whole weight apart.
pub(crate) trait Measure: Clone + Sync + Send {
    /// The criterion it works out faster.
    const CRITERION: Criterion;
    /// Bits of a payload that hold the label.
    const LABEL_BITS: u32;
    /// Both sides of a split, while rows move from the right to the left.
    type Scan;

    /// Begins with `left` and `right` on the two sides.
    fn scan(&self, left: &[f64], right: &[f64]) -> Self::Scan;

    /// Moves a row to the left.
    fn shift(&self, scan: &mut Self::Scan, class: usize, weight: u32);

    /// Worth of both sides, each of which has weight.
    fn worth_of_both(&self, scan: &Self::Scan) -> f64;

    /// Weight of the left and the right side.
    fn weights(&self, scan: &Self::Scan) -> [f64; 2];
}

/// Two classes, Gini impurity.
pub(crate) type TwoClasses = WholeClasses<TwoGini>;
/// Up to 256 classes, Gini impurity.
pub(crate) type WholeGini = WholeClasses<Gini>;
/// Up to 256 classes, entropy.
pub(crate) type WholeEntropy = WholeClasses<Entropy>;

/// Largest weight that a payload with a label of one byte holds.
pub(crate) const LARGEST_WHOLE: f64 = 16_777_215.0;

/// Most classes that [`WholeGini`] and [`WholeEntropy`] take.
pub(crate) const MOST_WHOLE_CLASSES: usize = 256;

/// Largest total weight for which logarithms are kept: 32 MiB of them.
const MOST_LOGARITHMS: u64 = 1 << 22;

impl TwoClasses {
    /// `None` when a weight does not fit.
    pub(crate) fn new(labels: &[u32], weights: Option<&[f64]>) -> Option<Self> {
        let rows = whole(labels, weights, TwoGini::LABEL_BITS)?;
        Some(Self { rows, classes: 2, measure: TwoGini })
    }
}

impl WholeGini {
    /// `None` when a weight or the number of classes does not fit.
    pub(crate) fn new(labels: &[u32], classes: usize, weights: Option<&[f64]>) -> Option<Self> {
        if classes > MOST_WHOLE_CLASSES {
            return None;
        }
        let rows = whole(labels, weights, Gini::LABEL_BITS)?;
        Some(Self { rows, classes, measure: Gini })
    }
}

impl WholeEntropy {
    /// `None` when a weight, their sum or the number of classes does not fit.
    pub(crate) fn new(labels: &[u32], classes: usize, weights: Option<&[f64]>) -> Option<Self> {
        if classes > MOST_WHOLE_CLASSES {
            return None;
        }
        let rows = whole(labels, weights, Entropy::LABEL_BITS)?;
        let total: u64 = rows.iter().map(|row| u64::from(row >> Entropy::LABEL_BITS)).sum();
        if total > MOST_LOGARITHMS {
            return None;
        }
        let logarithms =
            (0..=total).map(|n| if n == 0 { 0.0 } else { n as f64 * (n as f64).log2() });
        Some(Self { rows, classes, measure: Entropy { logarithms: logarithms.collect() } })
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

/// Label and weight of a row.
#[inline]
fn unpack<M: Measure>(payload: u32) -> (usize, u32) {
    ((payload & ((1 << M::LABEL_BITS) - 1)) as usize, payload >> M::LABEL_BITS)
}

impl<M: Measure> Objective for WholeClasses<M> {
    type Scan = M::Scan;

    fn restrict(&self, rows: &[u32]) -> Self {
        let measure = self.measure.clone();
        Self { rows: pick(&self.rows, rows), classes: self.classes, measure }
    }

    fn width(&self) -> usize {
        self.classes
    }

    fn payload(&self, row: u32) -> u32 {
        self.rows[row as usize]
    }

    fn add(&self, payload: u32, sums: &mut [f64]) {
        let (class, weight) = unpack::<M>(payload);
        sums[class] += f64::from(weight);
    }

    fn weight(&self, sums: &[f64]) -> f64 {
        sums.iter().sum()
    }

    fn impurity(&self, _rows: &[u32], sums: &[f64]) -> f64 {
        M::CRITERION.impurity(sums)
    }

    fn pure(&self) -> f64 {
        f64::EPSILON
    }

    fn value(&self, sums: &[f64], value: &mut Vec<f64>) {
        value.extend_from_slice(sums);
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        M::CRITERION.worth(sums)
    }

    fn orders(&self, sums: &[f64], present: &[u32]) -> Vec<Vec<u32>> {
        orders_of_classes(sums, self.classes, present)
    }

    fn scan(&self, left: &[f64], right: &[f64]) -> M::Scan {
        self.measure.scan(left, right)
    }

    #[inline]
    fn shift(&self, scan: &mut M::Scan, payload: u32) {
        let (class, weight) = unpack::<M>(payload);
        self.measure.shift(scan, class, weight);
    }

    #[inline]
    fn worth_of_both(&self, scan: &M::Scan) -> f64 {
        self.measure.worth_of_both(scan)
    }

    #[inline]
    fn weights(&self, scan: &M::Scan) -> [f64; 2] {
        self.measure.weights(scan)
    }
}

/// Gini impurity of two classes.
#[derive(Debug, Clone)]
pub(crate) struct TwoGini;

impl Measure for TwoGini {
    const CRITERION: Criterion = Criterion::Gini;
    const LABEL_BITS: u32 = 1;
    type Scan = [f64; 4];

    fn scan(&self, left: &[f64], right: &[f64]) -> [f64; 4] {
        [left[0], left[1], right[0], right[1]]
    }

    #[inline]
    fn shift(&self, scan: &mut [f64; 4], class: usize, weight: u32) {
        let weight = f64::from(weight);
        let one = if class == 1 { weight } else { 0.0 };
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

/// Gini impurity.
///
/// Sums of squares are kept up to date as rows move. They are whole numbers, so
/// nothing is lost on the way.
#[derive(Debug, Clone)]
pub(crate) struct Gini;

/// Class weights, total weights and sums of squares, left then right.
#[derive(Debug)]
pub(crate) struct GiniScan {
    left: Vec<f64>,
    right: Vec<f64>,
    weights: [f64; 2],
    squares: [f64; 2],
}

impl Measure for Gini {
    const CRITERION: Criterion = Criterion::Gini;
    const LABEL_BITS: u32 = 8;
    type Scan = GiniScan;

    fn scan(&self, left: &[f64], right: &[f64]) -> GiniScan {
        let squares = |sums: &[f64]| sums.iter().map(|sum| sum * sum).sum();
        GiniScan {
            weights: [left.iter().sum(), right.iter().sum()],
            squares: [squares(left), squares(right)],
            left: left.to_vec(),
            right: right.to_vec(),
        }
    }

    #[inline]
    fn shift(&self, scan: &mut GiniScan, class: usize, weight: u32) {
        let weight = f64::from(weight);
        let (left, right) = (&mut scan.left[class], &mut scan.right[class]);
        scan.squares[0] += weight * (2.0 * *left + weight);
        scan.squares[1] -= weight * (2.0 * *right - weight);
        *left += weight;
        *right -= weight;
        scan.weights[0] += weight;
        scan.weights[1] -= weight;
    }

    #[inline]
    fn worth_of_both(&self, scan: &GiniScan) -> f64 {
        let [left, right] = scan.weights;
        (scan.squares[0] * right + scan.squares[1] * left) / (left * right)
    }

    #[inline]
    fn weights(&self, scan: &GiniScan) -> [f64; 2] {
        scan.weights
    }
}

/// Entropy.
///
/// Of whole weights `n`, all `n log n` are worked out beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Entropy {
    /// `n log₂ n` up to the weight of all rows.
    logarithms: Arc<[f64]>,
}

impl Entropy {
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

impl Measure for Entropy {
    const CRITERION: Criterion = Criterion::Entropy;
    const LABEL_BITS: u32 = 8;
    type Scan = EntropyScan;

    fn scan(&self, left: &[f64], right: &[f64]) -> EntropyScan {
        let whole = |sums: &[f64]| sums.iter().map(|sum| *sum as u32).collect::<Vec<u32>>();
        let classes = [whole(left), whole(right)];
        EntropyScan { weights: [classes[0].iter().sum(), classes[1].iter().sum()], classes }
    }

    #[inline]
    fn shift(&self, scan: &mut EntropyScan, class: usize, weight: u32) {
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
