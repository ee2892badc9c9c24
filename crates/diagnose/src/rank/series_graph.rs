//! Which series is downstream of which, by known topology and layers.

use super::case::{Case, Layer};

/// For each series the ones that may have moved it: deeper layers of its target, and for
/// what a target delivers, the same kind at the targets that it depends on.
///
/// Known edges only; nothing is learnt from the readings.
pub(super) fn parents(case: &Case) -> Vec<Vec<usize>> {
    let targets = case.targets();
    let series = case.series();
    let of = |at: usize| {
        let own = &series[at];
        let deeper = targets[own.target.as_str()].iter().copied().filter(|other| {
            matches!(
                (series[*other].layer, own.layer),
                (Layer::Stock, Layer::Work | Layer::Service) | (Layer::Work, Layer::Service)
            )
        });
        let below = case.topology().dependencies(&own.target).filter_map(|name| targets.get(name));
        let below = below.flatten().copied().filter(|other| {
            own.layer == Layer::Service
                && series[*other].layer == Layer::Service
                && series[*other].kind == own.kind
        });
        deeper.chain(below).collect()
    };
    (0..series.len()).map(of).collect()
}

/// The other way round: for each series the ones that it may move.
pub(super) fn children(parents: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); parents.len()];
    for (child, parents) in parents.iter().enumerate() {
        parents.iter().for_each(|parent| children[*parent].push(child));
    }
    children
}
