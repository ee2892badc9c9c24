//! A change of mix apart from a change within segments.

use super::{Cells, Measure};

/// How the values of one attribute make up a change of a mean or a ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct MixAndRate {
    /// Index of the attribute.
    pub attribute: usize,
    /// Part of the change owed to segments growing and shrinking.
    pub mix: f64,
    /// Part owed to changes within segments; `mix + rate` is the change.
    pub rate: f64,
    /// Each value that occurs, in the order of the attribute's values.
    pub values: Vec<ValueChange>,
    /// Whether the segments on the whole moved against the total (Simpson's
    /// paradox): what looks like a change is one of mix.
    pub reversed: bool,
}

/// One value's part in a change of a mean or a ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueChange {
    /// Index of the value.
    pub value: usize,
    /// Its share of the denominator before and after.
    pub share: (f64, f64),
    /// Its own rate before and after; `None` where it does not occur.
    pub rate: (Option<f64>, Option<f64>),
    /// Part of the change owed to its share having changed.
    pub by_mix: f64,
    /// Part of the change owed to its own rate having changed.
    pub by_rate: f64,
}

/// Splits the change of a mean or ratio along `attribute`.
///
/// With shares `w` and rates `r` of the values, and the total `R`: the mix part
/// of a value is `Δw · (r̄ - R̄)`, its rate part `Δr · w̄`, bars being means of
/// before and after. The parts add up to the change. A value that occurs on one
/// side only counts as mix. `None` for a sum, or when a period has no
/// denominator. Time O(cells).
///
/// Reference: E. M. Kitagawa, "Components of a difference between two rates",
/// JASA 50, 1955.
#[must_use]
pub fn mix_and_rate(cells: &Cells, attribute: usize) -> Option<MixAndRate> {
    if cells.measure() == Measure::Sum {
        return None;
    }
    let (before, after) = (cells.total(false), cells.total(true));
    let (old_total, new_total) = (before.rate()?, after.rate()?);
    let middle = (old_total + new_total) / 2.0;
    let mut values = Vec::new();
    for (value, (old, new)) in cells.by_value(attribute).into_iter().enumerate() {
        let share = (old.denominator / before.denominator, new.denominator / after.denominator);
        let rate = (old.rate(), new.rate());
        let (old_rate, new_rate) = match rate {
            (Some(old), Some(new)) => (old, new),
            (Some(one), None) | (None, Some(one)) => (one, one),
            (None, None) => continue,
        };
        values.push(ValueChange {
            value,
            share,
            rate,
            by_mix: (share.1 - share.0) * ((old_rate + new_rate) / 2.0 - middle),
            by_rate: (new_rate - old_rate) * (share.0 + share.1) / 2.0,
        });
    }
    let mix: f64 = values.iter().map(|value| value.by_mix).sum();
    let rate: f64 = values.iter().map(|value| value.by_rate).sum();
    let change = new_total - old_total;
    // A reversal worth the name: the segments moved by a tenth of the change at least.
    let reversed = rate * change < 0.0 && rate.abs() > 0.1 * change.abs();
    Some(MixAndRate { attribute, mix, rate, values, reversed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::segments::Attribute;

    #[test]
    fn a_shift_to_the_slow_segment_is_a_change_of_mix() {
        let values = vec!["short".to_owned(), "long".to_owned()];
        let attribute = Attribute { name: "prompt".to_owned(), values };
        let mut cells = Cells::new(Measure::Ratio, vec![attribute], (1.0, 1.0));
        // Both segments improve, the total falls: Simpson's paradox.
        cells.add(&[0], false, 900.0, 10.0);
        cells.add(&[1], false, 100.0, 10.0);
        cells.add(&[0], true, 190.0, 2.0);
        cells.add(&[1], true, 220.0, 18.0);
        let split = mix_and_rate(&cells, 0).expect("a ratio");
        let change = 410.0 / 20.0 - 1000.0 / 20.0;
        assert!((split.mix + split.rate - change).abs() < 1e-12);
        assert!(split.rate > 0.0 && split.mix < change && split.reversed);
    }
}
