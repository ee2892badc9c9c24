//! Whether the channels that were blamed are the guilty ones.

/// Share of the `guilty` channels among the `percent` per cent as many channels
/// with the largest `share`; 100 and 150 are usual. In `0..=1`; `None` when
/// nothing is guilty. Of equal shares the lower channel comes first.
///
/// Reference: Y. Su and others, "Robust anomaly detection for multivariate time
/// series through stochastic recurrent neural network", KDD 2019 (HitRate@P%).
///
/// ```
/// use auscult_evaluate::hit_rate;
/// let share = [0.1, 0.5, 0.3, 0.1];
/// assert_eq!(hit_rate(&share, &[1, 3], 100), Some(0.5));
/// assert_eq!(hit_rate(&share, &[1, 0], 150), Some(1.0));
/// ```
#[must_use]
pub fn hit_rate(share: &[f64], guilty: &[usize], percent: usize) -> Option<f64> {
    if guilty.is_empty() {
        return None;
    }
    let mut ranked: Vec<usize> = (0..share.len()).collect();
    ranked.sort_by(|one, other| share[*other].total_cmp(&share[*one]));
    ranked.truncate(guilty.len() * percent / 100);
    let hits = guilty.iter().filter(|channel| ranked.contains(channel)).count();
    Some(hits as f64 / guilty.len() as f64)
}
