//! Sums that lose little, and what is made of them.

/// A sum with the error of its additions beside it (Neumaier's variant of Kahan's summation).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    sum: f64,
    error: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        if next.is_infinite() {
            self.error = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.error += (self.sum - next) + value;
        } else {
            self.error += (value - next) + self.sum;
        }
        self.sum = next;
    }

    pub(crate) fn value(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.error }
    }
}

/// The sum of `values`.
pub(crate) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.for_each(|value| sum.add(value));
    sum.value()
}

/// The mean of `values`, also where their sum is beyond the largest number.
pub(crate) fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let whole = sum(values.clone());
    if whole.is_infinite() && values.clone().all(f64::is_finite) {
        return sum(values.map(|value| value / count));
    }
    whole / count
}

/// The variance of `values`, over their number (not one less).
pub(crate) fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let middle = mean(values.clone());
    sum(values.map(|value| (value - middle) * (value - middle))) / count
}

/// The quantile `share` of `values`, between neighbours; they get sorted, NaN first.
pub(crate) fn quantile(share: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || share.is_nan() {
        return f64::NAN;
    }
    if share < 0.0 {
        return f64::NEG_INFINITY;
    }
    if share > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(|one, other| {
        other
            .is_nan()
            .cmp(&one.is_nan())
            .then(one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal))
    });
    let rank = share * (values.len() - 1) as f64;
    let low = rank.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[low] * (1.0 - weight) + values[high] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_what_is_small_and_means_what_is_large() {
        assert_eq!(sum([1e100, 1.0, -1e100].into_iter()), 1.0);
        assert_eq!(mean([f64::MAX, f64::MAX].into_iter()), f64::MAX);
        assert_eq!(sum([f64::INFINITY, 1.0].into_iter()), f64::INFINITY);
        assert_eq!(variance([1.0, 3.0].into_iter()), 1.0);
        assert_eq!(
            variance([f64::INFINITY].into_iter()).to_bits() & !(1 << 63),
            f64::NAN.to_bits()
        );
    }

    #[test]
    fn quantiles_lie_between_neighbours_and_nan_is_lowest() {
        assert_eq!(quantile(0.5, &mut [4.0, 1.0]), 2.5);
        assert_eq!(quantile(1.0, &mut [f64::NAN, 1.0, 2.0]), 2.0);
        assert!(quantile(0.0, &mut [1.0, f64::NAN]).is_nan());
        assert_eq!(quantile(-0.1, &mut [1.0]), f64::NEG_INFINITY);
        assert_eq!(quantile(1.1, &mut [1.0]), f64::INFINITY);
    }
}
