//! Sorting by a few bits at a time.

/// Below this many keys a comparison sort is faster.
const SMALL: usize = 192;

/// Rows of `values` in ascending order of value, without those that are NaN.
/// Equal values keep the order of their rows.
pub(super) fn ascending(values: &[f64]) -> Vec<u32> {
    let mut keys: Vec<(u64, u32)> = values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_nan())
        .map(|(row, value)| (ordered_bits(*value), row as u32))
        .collect();
    sort_pairs(&mut keys);
    keys.into_iter().map(|(_, row)| row).collect()
}

/// Bits that order as the numbers do; both zeros alike.
fn ordered_bits(value: f64) -> u64 {
    // Adding 0 turns -0 into 0.
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn sort_pairs(keys: &mut Vec<(u64, u32)>) {
    if keys.len() < 4 * SMALL {
        keys.sort_unstable();
        return;
    }
    const DIGIT: u32 = 11;
    const BINS: usize = 1 << DIGIT;
    // Bits in which any two keys differ; f32 data in f64 leaves many the same.
    let differ = keys.iter().fold(0, |differ, (key, _)| differ | (key ^ keys[0].0));
    let mut spare = vec![(0, 0); keys.len()];
    for pass in 0..64_u32.div_ceil(DIGIT) {
        let shift = pass * DIGIT;
        if (differ >> shift) & (BINS as u64 - 1) == 0 {
            continue;
        }
        let digit = |key: u64| (key >> shift) as usize & (BINS - 1);
        let mut starts = vec![0_u32; BINS];
        keys.iter().for_each(|(key, _)| starts[digit(*key)] += 1);
        sum_up(&mut starts);
        for pair in keys.iter() {
            let slot = &mut starts[digit(pair.0)];
            spare[*slot as usize] = *pair;
            *slot += 1;
        }
        std::mem::swap(keys, &mut spare);
    }
}

/// Turns counts into the position where each bin starts.
fn sum_up(counts: &mut [u32]) {
    let mut start = 0;
    for count in counts {
        start += std::mem::replace(count, start);
    }
}

/// Sorts `keys` by their upper halves, all within `least..=most`. Few keys are
/// sorted by their lower halves too.
pub(super) fn sort_by_rank(keys: &mut Vec<u64>, spare: &mut Vec<u64>, least: u32, most: u32) {
    if keys.len() < SMALL {
        keys.sort_unstable();
        return;
    }
    let bits = 32 - (most - least).leading_zeros();
    let widest = if keys.len() < 2048 { 8 } else { 11 };
    let passes = bits.div_ceil(widest).max(1);
    let digit_bits = bits.div_ceil(passes);
    let mask = (1_usize << digit_bits) - 1;
    spare.resize(keys.len(), 0);
    let mut bins = [0_u32; 1 << 11];
    for pass in 0..passes {
        let shift = pass * digit_bits;
        let digit = |key: u64| (((key >> 32) as u32 - least) >> shift) as usize & mask;
        let starts = &mut bins[..=mask];
        starts.fill(0);
        keys.iter().for_each(|key| starts[digit(*key)] += 1);
        sum_up(starts);
        for key in keys.iter() {
            let slot = &mut starts[digit(*key)];
            spare[*slot as usize] = *key;
            *slot += 1;
        }
        std::mem::swap(keys, spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrambled(count: usize) -> Vec<f64> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            state >> 11
        };
        (0..count).map(|_| (next() % 4000) as f64 / 7.0 - 200.0).collect()
    }

    #[test]
    fn rows_ascend_and_missing_ones_are_left_out() {
        for count in [5, 5000] {
            let mut values = scrambled(count);
            values[3] = f64::NAN;
            let order = ascending(&values);
            assert_eq!(order.len(), count - 1);
            assert!(order.is_sorted_by(|a, b| {
                let (left, right) = (values[*a as usize], values[*b as usize]);
                left < right || (left == right && a < b)
            }));
        }
        assert_eq!(ascending(&[0.0, -0.0, -1.0]), [2, 0, 1]);
    }

    #[test]
    fn keys_are_sorted_by_rank() {
        for (count, ranks) in [(10, 5), (1000, 3), (5000, 4_000_000), (300, 1)] {
            let rank = |value: &f64| ((value + 200.0) * 5000.0) as u64 % ranks + 77;
            let mut keys: Vec<u64> = scrambled(count).iter().map(|v| rank(v) << 32 | 5).collect();
            let mut expected = keys.clone();
            expected.sort_unstable();
            sort_by_rank(&mut keys, &mut Vec::new(), 77, (ranks + 76) as u32);
            assert_eq!(keys, expected);
        }
    }
}
