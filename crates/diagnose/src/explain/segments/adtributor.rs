//! Explanatory values of single attributes.

use super::{Cells, Measure, Tally};

/// Settings of [`adtributor`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdtributorOptions {
    /// Explanatory power that each value of a set must have at least.
    pub least_each: f64,
    /// Explanatory power at which a set is complete.
    pub enough: f64,
}

impl Default for AdtributorOptions {
    fn default() -> Self {
        Self { least_each: 0.1, enough: 0.67 }
    }
}

/// A value of an attribute and its part in the change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueEffect {
    /// Index of the value.
    pub value: usize,
    /// Part of the change that goes away when this value alone had stayed as
    /// before; over all values of an attribute it sums to 1.
    pub power: f64,
    /// How much its share of the measure changed: its term of the
    /// Jensen-Shannon divergence, at least 0.
    pub surprise: f64,
}

/// The smallest set of values of one attribute that explains the change.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueSet {
    /// Index of the attribute.
    pub attribute: usize,
    /// The values, most surprising first.
    pub values: Vec<ValueEffect>,
    /// Sum of their surprise.
    pub surprise: f64,
}

/// Ranks attributes by the sets of their values that explain the change, most
/// surprising set first.
///
/// Within an attribute, values are taken by surprise, those below `least_each`
/// left out, until their explanatory power reaches `enough`; an attribute that
/// does not get there has no set. Sees single attributes only: a change at a
/// combination appears at whichever attribute shows it best. Time O(cells ·
/// attributes).
///
/// Reference: R. Bhagwan and others, "Adtributor: revenue debugging in
/// advertising systems", NSDI 2014. The forecast is the period before.
#[must_use]
pub fn adtributor(cells: &Cells, options: &AdtributorOptions) -> Vec<ValueSet> {
    let mut sets: Vec<ValueSet> = (0..cells.attributes().len())
        .filter_map(|attribute| explaining_set(cells, attribute, options))
        .collect();
    sets.sort_by(|one, two| two.surprise.total_cmp(&one.surprise));
    sets
}

fn explaining_set(
    cells: &Cells,
    attribute: usize,
    options: &AdtributorOptions,
) -> Option<ValueSet> {
    let mut effects = value_effects(cells, attribute)?;
    effects.sort_by(|one, two| two.surprise.total_cmp(&one.surprise));
    let mut values = Vec::new();
    let mut power = 0.0;
    for effect in effects {
        if effect.power <= options.least_each {
            continue;
        }
        power += effect.power;
        values.push(effect);
        if power > options.enough {
            let surprise = values.iter().map(|effect: &ValueEffect| effect.surprise).sum();
            return Some(ValueSet { attribute, values, surprise });
        }
    }
    None
}

/// Power and surprise of every value; `None` when nothing changed or nothing
/// can be compared.
fn value_effects(cells: &Cells, attribute: usize) -> Option<Vec<ValueEffect>> {
    let (before, after) = (cells.total(false), cells.total(true));
    let tallies = cells.by_value(attribute);
    // Per unit of time for a sum, so that periods of unequal length compare.
    let scale = match cells.measure() {
        Measure::Sum => after.denominator / before.denominator,
        Measure::Mean | Measure::Ratio => 1.0,
    };
    let numerator =
        |tally: &Tally, forecast: bool| tally.numerator * if forecast { scale } else { 1.0 };
    let (total_forecast, total_actual) = (numerator(&before, true), numerator(&after, false));
    let powers: Vec<f64> = tallies
        .iter()
        .map(|(old, new)| {
            let change = numerator(new, false) - numerator(old, true);
            if cells.measure() == Measure::Sum {
                return change;
            }
            // Both sides as they would be with this value alone changed.
            let other = new.denominator - old.denominator;
            let changed = before.denominator + other;
            if changed <= 0.0 || before.denominator <= 0.0 {
                return 0.0;
            }
            (change * before.denominator - other * before.numerator)
                / (before.denominator * changed)
        })
        .collect();
    let total: f64 = powers.iter().sum();
    if total == 0.0 || !total.is_finite() {
        return None;
    }
    let effect = |(value, ((old, new), power)): (usize, (&(Tally, Tally), &f64))| {
        let mut surprise = divergence(
            share(numerator(old, true), total_forecast),
            share(numerator(new, false), total_actual),
        );
        if cells.measure() != Measure::Sum {
            let old_share = share(old.denominator, before.denominator);
            surprise += divergence(old_share, share(new.denominator, after.denominator));
        }
        ValueEffect { value, power: power / total, surprise }
    };
    Some(tallies.iter().zip(&powers).enumerate().map(effect).collect())
}

fn share(part: f64, total: f64) -> f64 {
    if total > 0.0 { (part / total).max(0.0) } else { 0.0 }
}

/// The term of the Jensen-Shannon divergence of two shares.
fn divergence(one: f64, two: f64) -> f64 {
    let half = |x: f64| if x > 0.0 { x * (2.0 * x / (one + two)).ln() } else { 0.0 };
    (0.5 * (half(one) + half(two))).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::segments::Attribute;

    #[test]
    fn the_value_that_lost_the_requests_is_named_first() {
        let attribute = |name: &str, values: &[&str]| Attribute {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let attributes =
            vec![attribute("centre", &["x", "y", "z"]), attribute("kind", &["chat", "batch"])];
        let mut cells = Cells::new(Measure::Sum, attributes, (2.0, 1.0));
        for kind in [0, 1] {
            for (centre, before, after) in [(0, 100.0, 50.0), (1, 60.0, 31.0), (2, 80.0, 5.0)] {
                cells.add(&[centre, kind], false, before, 1.0);
                cells.add(&[centre, kind], true, after, 1.0);
            }
        }
        let sets = adtributor(&cells, &AdtributorOptions::default());
        assert_eq!((sets[0].attribute, sets[0].values[0].value), (0, 2));
        // Of 34 per unit of time lost on either kind, centre z lost 35 and y gained 1.
        assert!((sets[0].values[0].power - 35.0 / 34.0).abs() < 1e-12, "{sets:?}");
    }
}
