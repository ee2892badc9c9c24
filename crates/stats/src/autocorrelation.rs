//! How a series resembles its own past.

use realfft::RealFftPlanner;

/// Autocorrelation of `values` at lags `0..=lags`.
///
/// The mean is taken out; sums run over the overlap and are divided by the
/// whole sum of squares, so that every value lies in `-1..=1` and noise at long
/// lags is damped. All 0 when every value is the same. Lags beyond the series
/// give 0. Time O(n log n) by the fast Fourier transform.
///
/// Equals `statsmodels.tsa.stattools.acf(values, nlags=lags, fft=True)`.
///
/// Reference: G. E. P. Box, G. M. Jenkins, G. C. Reinsel, "Time Series
/// Analysis", 4th edition, section 2.1; by the Wiener-Khinchin theorem.
///
/// ```
/// use auscult_stats::autocorrelation::autocorrelation;
/// let wave: Vec<f64> = (0..400).map(|i| f64::from(i % 4)).collect();
/// let correlation = autocorrelation(&wave, 8);
/// assert!((correlation[0] - 1.0).abs() < 1e-12);
/// assert!(correlation[4] > 0.98 && correlation[2] < 0.0);
/// ```
#[must_use]
pub fn autocorrelation(values: &[f64], lags: usize) -> Vec<f64> {
    let mut correlation = vec![0.0; lags + 1];
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if largest == 0.0 {
        return correlation;
    }
    // Scaling keeps the squares of tiny and of huge values within range.
    let mean = values.iter().map(|value| value / largest).sum::<f64>() / values.len() as f64;
    let reach = lags.min(values.len() - 1);
    let size = (values.len() + reach).next_power_of_two();
    let mut padded = vec![0.0; size];
    for (slot, value) in padded.iter_mut().zip(values) {
        *slot = value / largest - mean;
    }
    let power: f64 = padded.iter().map(|value| value * value).sum();
    if power <= f64::EPSILON * f64::EPSILON * values.len() as f64 {
        return correlation;
    }
    let mut planner = RealFftPlanner::new();
    let forward = planner.plan_fft_forward(size);
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut padded, &mut spectrum).expect("the plan made the buffers");
    for bin in &mut spectrum {
        *bin = realfft::num_complex::Complex::new(bin.norm_sqr(), 0.0);
    }
    let inverse = planner.plan_fft_inverse(size);
    inverse.process(&mut spectrum, &mut padded).expect("the plan made the buffers");
    let whole = padded[0];
    for (slot, sum) in correlation.iter_mut().zip(&padded[..=reach]) {
        *slot = sum / whole;
    }
    correlation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_agrees_with_the_plain_sums() {
        let values: Vec<f64> = (0..57).map(|i| f64::from(i * i % 23) - f64::from(i % 5)).collect();
        let mean = values.iter().sum::<f64>() / 57.0;
        let sum = |lag: usize| -> f64 {
            (lag..57).map(|at| (values[at] - mean) * (values[at - lag] - mean)).sum()
        };
        for (lag, correlation) in autocorrelation(&values, 56).iter().enumerate() {
            assert!((correlation - sum(lag) / sum(0)).abs() < 1e-12, "lag {lag}");
        }
    }

    #[test]
    fn constants_and_nothing_have_none() {
        assert_eq!(autocorrelation(&[], 3), [0.0; 4]);
        assert_eq!(autocorrelation(&[5.0; 9], 2), [0.0; 3]);
        assert_eq!(autocorrelation(&[0.1; 9], 2), [0.0; 3]);
        assert_eq!(autocorrelation(&[1.0, 2.0], 5)[2..], [0.0; 4]);
    }
}
