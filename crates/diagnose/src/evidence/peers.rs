//! How far one lies from its peers, worked out for each of them without looking at all the others.

/// What the members of a group of peers read.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// Members that read something.
    members: usize,
    /// Their finite readings, in order.
    sorted: Vec<f64>,
}

impl Peers {
    pub(super) fn of(readings: impl Iterator<Item = f64>) -> Self {
        let mut members = 0;
        let finite = readings.inspect(|_| members += 1).filter(|value| value.is_finite());
        let mut sorted: Vec<f64> = finite.collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { members, sorted }
    }

    /// How many read something.
    pub(super) fn members(&self) -> usize {
        self.members
    }

    /// How far `own` lies from the others: in spreads, which are `scale` at least, and as a share of
    /// their median. `None` where there are fewer than two. Whether it `is_member` says whether `own` is
    /// among the readings, and has to be left out.
    ///
    /// Cost: the logarithm of their number.
    pub(super) fn apart(&self, own: f64, is_member: bool, scale: f64) -> Option<(f64, f64)> {
        let place = self.sorted.binary_search_by(|value| value.total_cmp(&own));
        let left_out = place.ok().filter(|_| is_member);
        let count = self.sorted.len() - usize::from(left_out.is_some());
        if count < 2 {
            return None;
        }
        let left_out = left_out.unwrap_or(count);
        let other = |place: usize| self.sorted[place + usize::from(place >= left_out)];
        let middle = count / 2;
        let median = other(middle);
        // Distances from the median grow from the middle to both ends.
        let below = |place: usize| (other(middle - 1 - place) - median).abs();
        let above = |place: usize| (other(middle + place) - median).abs();
        let away = nth_of_two(middle, (middle, below), (count - middle, above));
        let spread = (1.48 * away).max(scale).max(0.02 * median.abs());
        let by = own - median;
        if by == 0.0 {
            return Some((0.0, 0.0));
        }
        Some((by / spread.max(f64::MIN_POSITIVE), by / median.abs().max(f64::MIN_POSITIVE)))
    }
}

/// Value number `nth`, from 0 on, of two ascending lists together, each with its length.
fn nth_of_two(
    nth: usize,
    (length, one): (usize, impl Fn(usize) -> f64),
    (others, other): (usize, impl Fn(usize) -> f64),
) -> f64 {
    let taken = nth + 1;
    // So many of the first `taken` are from the first list.
    let (mut least, mut most) = (taken.saturating_sub(others), taken.min(length));
    while least < most {
        let middle = usize::midpoint(least, most);
        // The last of the others that is taken comes before the next of the first list.
        if other(taken - middle - 1) <= one(middle) {
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    let last = (least > 0).then(|| one(least - 1));
    let last_other = (taken > least).then(|| other(taken - least - 1));
    last.into_iter().chain(last_other).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Peers;

    /// The same by its definition: the others are looked at one by one.
    fn apart(own: f64, others: &[f64], scale: f64) -> Option<(f64, f64)> {
        let mut sorted: Vec<f64> =
            others.iter().copied().filter(|value| value.is_finite()).collect();
        if sorted.len() < 2 {
            return None;
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let mut away: Vec<f64> = sorted.iter().map(|value| (value - median).abs()).collect();
        away.sort_unstable_by(f64::total_cmp);
        let spread = (1.48 * away[away.len() / 2]).max(scale).max(0.02 * median.abs());
        let by = own - median;
        if by == 0.0 {
            return Some((0.0, 0.0));
        }
        Some((by / spread.max(f64::MIN_POSITIVE), by / median.abs().max(f64::MIN_POSITIVE)))
    }

    fn reading() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-4_i32..5).prop_map(f64::from),
            4 => -1e3..1e3,
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(-0.0),
        ]
    }

    proptest! {
        #[test]
        fn leaving_one_out_is_as_looking_at_all_others(
            readings in prop::collection::vec(reading(), 0..12),
            stranger in reading(),
            scale in 0.0..2.0,
        ) {
            let peers = Peers::of(readings.iter().copied());
            prop_assert_eq!(peers.members(), readings.len());
            let same = |one: Option<(f64, f64)>, other: Option<(f64, f64)>| {
                format!("{one:?}") == format!("{other:?}")
            };
            for (place, own) in readings.iter().enumerate() {
                let mut others = readings.clone();
                others.remove(place);
                prop_assert!(same(peers.apart(*own, true, scale), apart(*own, &others, scale)));
            }
            prop_assert!(
                same(peers.apart(stranger, false, scale), apart(stranger, &readings, scale))
            );
        }
    }
}
