//! Kernels, and rows laid out to evaluate them fast.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::exp::exp_negative;

/// How alike two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// `exp(-gamma |x - y|^2)`, the radial basis function.
    Rbf,
    /// `x y`.
    Linear,
    /// `(gamma x y + coef0)^degree`.
    Poly,
    /// `tanh(gamma x y + coef0)`.
    Sigmoid,
}

/// How fast likeness falls with distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Gamma {
    /// Worked out from the history.
    Rule(GammaRule),
    /// A number above 0.
    Value(f64),
}

impl Gamma {
    pub(super) fn in_range(&self) -> bool {
        !matches!(self, Self::Value(gamma) if !(*gamma > 0.0 && gamma.is_finite()))
    }
}

/// How to work out gamma from a history, as scikit-learn does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GammaRule {
    /// 1 over the number of channels times the variance of all readings.
    Scale,
    /// 1 over the number of channels.
    Auto,
}

impl Gamma {
    /// The number for `readings`, as the kernel will see them.
    pub(super) fn resolve(self, readings: &[f64], channels: usize) -> f64 {
        let gamma = match self {
            Self::Value(gamma) => gamma,
            Self::Rule(GammaRule::Auto) => 1.0 / channels as f64,
            Self::Rule(GammaRule::Scale) => {
                let variance = auscult_stats::moments::Moments::of(readings).variance(0);
                1.0 / (channels as f64 * variance)
            }
        };
        // Constant readings: nothing to measure, as in scikit-learn.
        if gamma.is_finite() { gamma } else { 1.0 }
    }
}

/// A kernel with its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelFunction {
    pub(super) kernel: Kernel,
    pub(super) gamma: f64,
    pub(super) degree: u32,
    pub(super) coef0: f64,
}

/// Kernel values are held within this, so that what is made of them is finite.
const LARGEST: f64 = 1e120;

impl KernelFunction {
    /// The kernel value for a squared distance (radial kernel) or for a dot product.
    #[inline]
    fn finish(self, inner: f64) -> f64 {
        match self.kernel {
            Kernel::Rbf => exp_negative(-self.gamma * inner),
            Kernel::Linear => inner.clamp(-LARGEST, LARGEST),
            Kernel::Poly => {
                let base = self.gamma * inner + self.coef0;
                base.powi(self.degree as i32).clamp(-LARGEST, LARGEST)
            }
            Kernel::Sigmoid => (self.gamma * inner + self.coef0).tanh(),
        }
    }
}

/// Rows that are evaluated together.
const LANES: usize = 8;

/// Blocks that one thread evaluates at a time: 2048 rows.
const CHUNK: usize = 256;

/// Rows in blocks of eight, channel by channel within the block, so that one
/// instruction works on the same channel of several rows.
#[derive(Debug, Clone)]
pub(super) struct KernelRows {
    channels: usize,
    rows: usize,
    /// Shape `(blocks, channels)`; the last block is filled up with 0.
    blocks: Vec<[f64; LANES]>,
}

impl KernelRows {
    pub(super) fn new<'a>(channels: usize, rows: impl Iterator<Item = &'a [f64]>) -> Self {
        let mut packed = Self { channels, rows: 0, blocks: Vec::new() };
        for row in rows {
            let lane = packed.rows % LANES;
            if lane == 0 {
                packed.blocks.resize(packed.blocks.len() + channels, [0.0; LANES]);
            }
            let block = packed.blocks.len() - channels;
            let slots = packed.blocks[block..].iter_mut();
            slots.zip(row).for_each(|(slot, reading)| slot[lane] = *reading);
            packed.rows += 1;
        }
        packed
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Length of a vector with one slot per row and padding to whole blocks.
    pub(super) fn padded(&self) -> usize {
        self.rows.next_multiple_of(LANES)
    }

    /// Copies row `row` into `out`.
    pub(super) fn copy_row(&self, row: usize, out: &mut Vec<f64>) {
        let block = row / LANES * self.channels;
        out.clear();
        out.extend(self.blocks[block..block + self.channels].iter().map(|slot| slot[row % LANES]));
    }

    /// The rows `chosen`, in that order.
    pub(super) fn select(&self, chosen: impl Iterator<Item = usize>) -> Self {
        let mut packed = Self::new(self.channels, std::iter::empty());
        let mut row = Vec::new();
        for (at, from) in chosen.enumerate() {
            self.copy_row(from, &mut row);
            if at % LANES == 0 {
                packed.blocks.resize(packed.blocks.len() + self.channels, [0.0; LANES]);
            }
            let block = packed.blocks.len() - self.channels;
            let slots = packed.blocks[block..].iter_mut();
            slots.zip(&row).for_each(|(slot, reading)| slot[at % LANES] = *reading);
            packed.rows += 1;
        }
        packed
    }

    /// Writes the kernel of `row` with every row into `out`, whose length is
    /// [`KernelRows::padded`]. Uses all cores when there are many rows.
    pub(super) fn evaluate(&self, kernel: KernelFunction, row: &[f64], out: &mut [f64]) {
        if self.rows <= CHUNK * LANES {
            return evaluate_blocks(&self.blocks, kernel, row, out);
        }
        let blocks = self.blocks.par_chunks(CHUNK * self.channels);
        blocks
            .zip(out.par_chunks_mut(CHUNK * LANES))
            .for_each(|(blocks, out)| evaluate_blocks(blocks, kernel, row, out));
    }

    /// Sum of `weights` (one per row, padded with 0) times the kernel with `row`,
    /// on the calling thread only.
    pub(super) fn weighted_sum(&self, kernel: KernelFunction, row: &[f64], weights: &[f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let blocks = self.blocks.chunks_exact(self.channels);
        for (block, weights) in blocks.zip(weights.chunks_exact(LANES)) {
            let values = evaluate_block(block, kernel, row);
            for lane in 0..LANES {
                sums[lane] += weights[lane] * values[lane];
            }
        }
        ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    }
}

fn evaluate_blocks(blocks: &[[f64; LANES]], kernel: KernelFunction, row: &[f64], out: &mut [f64]) {
    for (block, out) in blocks.chunks_exact(row.len()).zip(out.chunks_exact_mut(LANES)) {
        out.copy_from_slice(&evaluate_block(block, kernel, row));
    }
}

#[inline]
fn evaluate_block(block: &[[f64; LANES]], kernel: KernelFunction, row: &[f64]) -> [f64; LANES] {
    let mut inner = [0.0; LANES];
    if kernel.kernel == Kernel::Rbf {
        for (slot, reading) in block.iter().zip(row) {
            for lane in 0..LANES {
                let apart = slot[lane] - reading;
                inner[lane] += apart * apart;
            }
        }
        return inner.map(|square| exp_negative(-kernel.gamma * square));
    }
    for (slot, reading) in block.iter().zip(row) {
        for lane in 0..LANES {
            inner[lane] += slot[lane] * reading;
        }
    }
    inner.map(|product| kernel.finish(product))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::Frame;

    #[test]
    fn blocks_give_what_the_formula_gives() {
        let readings: Vec<f64> = (0..57).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let frame = Frame::new(&readings, 3).expect("finite");
        let rows = KernelRows::new(3, frame.iter_rows());
        let mut out = vec![0.0; rows.padded()];
        for kernel in [Kernel::Rbf, Kernel::Linear, Kernel::Poly, Kernel::Sigmoid] {
            let function = KernelFunction { kernel, gamma: 0.5, degree: 3, coef0: 0.25 };
            rows.evaluate(function, frame.row(4), &mut out);
            for (other, value) in frame.iter_rows().zip(&out) {
                let pairs = || other.iter().zip(frame.row(4));
                let dot: f64 = pairs().map(|(x, y)| x * y).sum();
                let square: f64 = pairs().map(|(x, y)| (x - y) * (x - y)).sum();
                let expected = match kernel {
                    Kernel::Rbf => (-0.5 * square).exp(),
                    Kernel::Linear => dot,
                    Kernel::Poly => (0.5 * dot + 0.25).powi(3),
                    Kernel::Sigmoid => (0.5 * dot + 0.25).tanh(),
                };
                assert!((value - expected).abs() < 1e-14, "{kernel:?}: {value} {expected}");
            }
            let mut weights = vec![0.0; rows.padded()];
            weights[7] = 2.0;
            assert_eq!(rows.weighted_sum(function, frame.row(4), &weights), 2.0 * out[7]);
        }
    }

    #[test]
    fn gamma_follows_the_rules() {
        let scale = Gamma::Rule(GammaRule::Scale);
        assert_eq!(scale.resolve(&[1.0, -1.0, 1.0, -1.0], 2), 0.5);
        assert_eq!(scale.resolve(&[3.0; 4], 2), 1.0);
        assert_eq!(Gamma::Rule(GammaRule::Auto).resolve(&[3.0; 4], 4), 0.25);
    }
}
