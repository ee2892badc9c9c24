//! Local regression on evenly spaced values.

/// Locally weighted regression (loess) of a series on its own index.
///
/// At every position a constant or a line is fitted to the nearest values,
/// with weights that fall off as the tricube of the distance and are multiplied
/// by the caller's own. Time O(rows × window / jump), memory O(window).
///
/// Reference: W. S. Cleveland, "Robust locally weighted regression and
/// smoothing scatterplots", JASA 74(368), 1979; edges, windows longer than the
/// series and interpolation over jumps as in R. B. Cleveland, W. S. Cleveland,
/// J. E. McRae, I. Terpenning, "STL: a seasonal-trend decomposition procedure
/// based on loess", Journal of Official Statistics 6(1), 1990.
///
/// ```
/// use auscult_stats::loess::Loess;
/// let line: Vec<f64> = (0..20).map(f64::from).collect();
/// let smooth = Loess { window: 7, degree: 1, jump: 1 }.smooth(&line, &[1.0; 20]);
/// assert!(smooth.iter().zip(&line).all(|(smooth, value)| (smooth - value).abs() < 1e-12));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loess {
    /// Values that take part in each fit; at least 2.
    pub window: usize,
    /// 0 fits a constant, 1 a line.
    pub degree: u8,
    /// Fits every `jump`-th position, and interpolates linearly between; at
    /// least 1.
    pub jump: usize,
}

impl Loess {
    /// Smooths `values`; `weights` has one entry per value, each at least 0.
    ///
    /// A position all of whose neighbours weigh 0 keeps its value.
    ///
    /// # Panics
    ///
    /// When there is not one weight per value.
    #[must_use]
    pub fn smooth(&self, values: &[f64], weights: &[f64]) -> Vec<f64> {
        let mut smooth = vec![0.0; values.len()];
        self.smooth_into(values, weights, &mut Kernel::default(), &mut smooth);
        smooth
    }

    /// As [`Loess::smooth`], into `smooth`, with a kernel to reuse.
    pub(crate) fn smooth_into(
        &self,
        values: &[f64],
        weights: &[f64],
        kernel: &mut Kernel,
        smooth: &mut [f64],
    ) {
        assert_eq!(values.len(), weights.len(), "need one weight per value");
        let Some(last) = values.len().checked_sub(1) else { return };
        let jump = self.jump.clamp(1, last.max(1));
        let mut before = 0;
        for at in (0..=last).step_by(jump).chain((!last.is_multiple_of(jump)).then_some(last)) {
            let (left, right) = self.neighbours(at, values.len());
            let fitted = self.fit(values, weights, kernel, at as isize, left, right);
            smooth[at] = fitted.unwrap_or(values[at]);
            interpolate(&mut smooth[before..=at]);
            before = at;
        }
    }

    /// The fit at `position`, which may lie outside the series, to the values
    /// `left..=right`; `None` when all of them weigh 0.
    pub(crate) fn fit(
        &self,
        values: &[f64],
        weights: &[f64],
        kernel: &mut Kernel,
        position: isize,
        left: usize,
        right: usize,
    ) -> Option<f64> {
        let (to_left, to_right) = (position - left as isize, right as isize - position);
        // A window longer than the series looks as far as it would in a longer one.
        let beyond = self.window.saturating_sub(values.len()) / 2;
        kernel.prepare(to_left, to_right, to_left.max(to_right) as f64 + beyond as f64);
        let sums =
            Sums::of(&kernel.weights, &weights[left..=right], &values[left..=right], -to_left);
        if sums.weight <= 0.0 {
            return None;
        }
        let level = sums.value / sums.weight;
        let centre = sums.offset / sums.weight;
        let spread = sums.offset_square / sums.weight - centre * centre;
        // Too narrow a spread cannot carry a slope.
        let narrow = 1e-3 * (values.len() as f64 - 1.0);
        if self.degree == 0 || spread.max(0.0).sqrt() <= narrow {
            return Some(level);
        }
        let slope = (sums.offset_value / sums.weight - centre * level) / spread;
        Some(level - slope * centre)
    }

    /// First and last of the values nearest to `at`.
    fn neighbours(&self, at: usize, length: usize) -> (usize, usize) {
        if self.window >= length {
            return (0, length - 1);
        }
        let left = at.saturating_sub(self.window.div_ceil(2) - 1).min(length - self.window);
        (left, left + self.window - 1)
    }
}

/// Fills the inside of `piece` with the line between its ends.
fn interpolate(piece: &mut [f64]) {
    let [first, inside @ .., last] = piece else { return };
    let step = (*last - *first) / (inside.len() + 1) as f64;
    for (at, value) in inside.iter_mut().enumerate() {
        *value = *first + step * (at + 1) as f64;
    }
}

/// Tricube weights of one window; most positions share the same ones.
#[derive(Debug, Default)]
pub(crate) struct Kernel {
    reach: (isize, isize, f64),
    weights: Vec<f64>,
}

impl Kernel {
    fn prepare(&mut self, to_left: isize, to_right: isize, bandwidth: f64) {
        let reach = (to_left, to_right, bandwidth);
        if self.reach == reach && !self.weights.is_empty() {
            return;
        }
        self.reach = reach;
        self.weights.clear();
        self.weights.extend((-to_left..=to_right).map(|offset| tricube(offset as f64, bandwidth)));
    }
}

fn tricube(offset: f64, bandwidth: f64) -> f64 {
    let distance = offset.abs();
    if distance <= 1e-3 * bandwidth {
        1.0
    } else if distance <= 0.999 * bandwidth {
        let share = distance / bandwidth;
        let rest = 1.0 - share * share * share;
        rest * rest * rest
    } else {
        0.0
    }
}

/// Weighted sums of a window; offsets are counted from the fitted position.
#[derive(Debug, Default)]
struct Sums {
    weight: f64,
    offset: f64,
    offset_square: f64,
    value: f64,
    offset_value: f64,
}

/// Running sums kept side by side, so that the compiler can use wide registers.
const LANES: usize = 4;

impl Sums {
    fn of(kernel: &[f64], weights: &[f64], values: &[f64], first_offset: isize) -> Self {
        let mut lanes = [[0.0; LANES]; 5];
        let mut offsets: [f64; LANES] =
            std::array::from_fn(|lane| first_offset as f64 + lane as f64);
        let whole = kernel.len() / LANES * LANES;
        let pieces = kernel[..whole]
            .chunks_exact(LANES)
            .zip(weights[..whole].chunks_exact(LANES))
            .zip(values[..whole].chunks_exact(LANES));
        for ((kernel, weights), values) in pieces {
            for lane in 0..LANES {
                let weight = kernel[lane] * weights[lane];
                let moment = weight * offsets[lane];
                lanes[0][lane] += weight;
                lanes[1][lane] += moment;
                lanes[2][lane] += moment * offsets[lane];
                lanes[3][lane] += weight * values[lane];
                lanes[4][lane] += moment * values[lane];
                offsets[lane] += LANES as f64;
            }
        }
        for at in whole..kernel.len() {
            let offset = first_offset as f64 + at as f64;
            let weight = kernel[at] * weights[at];
            lanes[0][0] += weight;
            lanes[1][0] += weight * offset;
            lanes[2][0] += weight * offset * offset;
            lanes[3][0] += weight * values[at];
            lanes[4][0] += weight * offset * values[at];
        }
        let [weight, offset, offset_square, value, offset_value] =
            lanes.map(|lanes| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
        Self { weight, offset, offset_square, value, offset_value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line_and_a_jump_changes_it_little() {
        let line: Vec<f64> = (0..101).map(|i| 3.0 - 0.5 * f64::from(i)).collect();
        for jump in [1, 7, 50, 1000] {
            for window in [5, 31, 301] {
                let smooth = Loess { window, degree: 1, jump }.smooth(&line, &vec![1.0; 101]);
                for (smooth, value) in smooth.iter().zip(&line) {
                    assert!((smooth - value).abs() < 1e-10, "window {window} jump {jump}");
                }
            }
        }
    }

    #[test]
    fn a_value_of_weight_zero_leaves_no_trace() {
        let mut values = vec![1.0; 30];
        values[12] = 1e6;
        let mut weights = vec![1.0; 30];
        weights[12] = 0.0;
        let smooth = Loess { window: 9, degree: 1, jump: 1 }.smooth(&values, &weights);
        assert!(smooth.iter().all(|value| (value - 1.0).abs() < 1e-9), "{smooth:?}");
    }

    #[test]
    fn short_series_and_all_zero_weights_keep_their_values() {
        let loess = Loess { window: 5, degree: 1, jump: 1 };
        assert_eq!(loess.smooth(&[], &[]), []);
        assert_eq!(loess.smooth(&[4.0], &[1.0]), [4.0]);
        assert_eq!(loess.smooth(&[4.0, 7.0, 9.0], &[0.0; 3]), [4.0, 7.0, 9.0]);
    }
}
