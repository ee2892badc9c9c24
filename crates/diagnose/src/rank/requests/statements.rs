//! Whether other statements follow than before.

use std::collections::{BTreeMap, BTreeSet};

use super::phase::{Event, Phase, Place};

/// A moment after which something else comes than before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn<'s> {
    /// Log likelihood ratio of two distributions of what follows against one, times the
    /// share of requests that go another way.
    pub score: f64,
    /// What used to follow most, and does no longer.
    pub lost: Event<'s>,
    /// What follows more than before.
    pub gained: Event<'s>,
}

/// The turn of each moment that is known in both phases.
///
/// A moment that is new or gone shows at the moment before it.
pub(super) fn turns<'s>(before: &Phase<'s>, after: &Phase<'s>) -> Vec<(Place<'s>, Turn<'s>)> {
    let of = |place: &Place<'s>| {
        let (old, new) = (before.next.get(place)?, after.next.get(place)?);
        Some((*place, turn(old, new)?))
    };
    before.next.keys().filter_map(of).collect()
}

fn turn<'s>(old: &BTreeMap<Event<'s>, f64>, new: &BTreeMap<Event<'s>, f64>) -> Option<Turn<'s>> {
    let (all_old, all_new): (f64, f64) = (old.values().sum(), new.values().sum());
    let events: BTreeSet<Event<'s>> = old.keys().chain(new.keys()).copied().collect();
    let (mut ratio, mut moved) = (0.0, 0.0);
    let (mut lost, mut gained) = ((0.0, Event::End), (0.0, Event::End));
    for event in events {
        let count = |side: &BTreeMap<Event<'s>, f64>| side.get(&event).copied().unwrap_or(0.0);
        let (was, is) = (count(old), count(new));
        let pooled = (was + is) / (all_old + all_new);
        for (count, all) in [(was, all_old), (is, all_new)] {
            if count > 0.0 {
                ratio += count * (count / all / pooled).ln();
            }
        }
        let change = is / all_new - was / all_old;
        moved += 0.5 * change.abs();
        if change < lost.0 {
            lost = (change, event);
        }
        if change > gained.0 {
            gained = (change, event);
        }
    }
    // Rounding may leave a trace of nothing.
    (moved > 0.0).then(|| Turn { score: ratio.max(0.0) * moved, lost: lost.1, gained: gained.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_never_follows_any_more_is_a_certain_turn() {
        let (done, failed) = (Event::Statement("done"), Event::Statement("failed"));
        let turn = turn(&[(done, 20.0)].into(), &[(failed, 20.0)].into()).expect("a turn");
        // Two certainties against two coins: 40 ln 2, all requests moved.
        assert!((turn.score - 40.0 * 2.0_f64.ln()).abs() < 1e-9);
        assert_eq!((turn.lost, turn.gained), (done, failed));
    }

    #[test]
    fn the_same_mix_is_no_turn() {
        let (one, two) = (Event::Statement("one"), Event::End);
        assert_eq!(turn(&[(one, 3.0), (two, 6.0)].into(), &[(one, 5.0), (two, 10.0)].into()), None);
    }
}
