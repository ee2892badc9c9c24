//! Orders in which categories are cut in two.
//!
//! For two classes or a number, the best of all cuts of `k` categories is one
//! of the `k - 1` cuts of their order by share or mean. For more classes no
//! such order exists; we try the order along the first principal component of
//! the class shares, and the order by the share of each single class.
//!
//! Reference: W. D. Fisher, "On grouping for maximum homogeneity", JASA 53,
//! 1958; D. Coppersmith, S. J. Hong, J. R. M. Hosking, "Partitioning nominal
//! attributes in decision trees", Data Mining and Knowledge Discovery 3, 1999.

/// Most classes for which the order by each single class is tried.
const MOST_SINGLE: usize = 16;

/// `present` in ascending order of `key`; ties by code.
pub(super) fn order_by(present: &[u32], key: impl Fn(u32) -> f64) -> Vec<u32> {
    let mut keyed: Vec<(f64, u32)> = present.iter().map(|code| (key(*code), *code)).collect();
    keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    keyed.into_iter().map(|(_, code)| code).collect()
}

/// The orders to try for categories with class weights `sums`, shape
/// `(categories, classes)`.
pub(super) fn orders_of_classes(sums: &[f64], classes: usize, present: &[u32]) -> Vec<Vec<u32>> {
    let weights = |code: u32| &sums[code as usize * classes..(code as usize + 1) * classes];
    let share = |code: u32, class: usize| weights(code)[class] / weights(code).iter().sum::<f64>();
    if classes <= 2 {
        return vec![order_by(present, |code| share(code, classes - 1))];
    }
    let along = principal_component(classes, present, &weights);
    let project = |code: u32| along.iter().enumerate().map(|(k, part)| part * share(code, k)).sum();
    let mut orders = vec![order_by(present, project)];
    if classes <= MOST_SINGLE {
        orders.extend((0..classes).map(|class| order_by(present, |code| share(code, class))));
    }
    orders
}

/// The direction in which class shares of categories differ most, categories
/// weighing what their rows weigh. Power iteration from a fixed start.
fn principal_component<'a>(
    classes: usize,
    present: &[u32],
    weights: &impl Fn(u32) -> &'a [f64],
) -> Vec<f64> {
    let mut mean = vec![0.0; classes];
    for code in present {
        mean.iter_mut().zip(weights(*code)).for_each(|(mean, weight)| *mean += weight);
    }
    let total: f64 = mean.iter().sum();
    mean.iter_mut().for_each(|mean| *mean /= total);
    // A start with a part in every class and no symmetry.
    let mut along: Vec<f64> = (0..classes).map(|k| 1.0 / (k as f64 + 1.5)).collect();
    for _ in 0..50 {
        let mut next = vec![0.0; classes];
        for code in present {
            let own = weights(*code);
            let weight: f64 = own.iter().sum();
            let apart = |k: usize| own[k] / weight - mean[k];
            let dot: f64 = (0..classes).map(|k| along[k] * apart(k)).sum();
            next.iter_mut().enumerate().for_each(|(k, next)| *next += weight * dot * apart(k));
        }
        let norm = next.iter().map(|part| part * part).sum::<f64>().sqrt();
        if norm <= 0.0 {
            break;
        }
        next.iter_mut().for_each(|part| *part /= norm);
        along = next;
    }
    along
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_are_ordered_by_share() {
        let sums = [1.0, 3.0, 4.0, 0.0, 2.0, 2.0];
        assert_eq!(orders_of_classes(&sums, 2, &[0, 1, 2]), [vec![1, 2, 0]]);
    }

    #[test]
    fn many_classes_are_ordered_along_what_sets_them_apart() {
        // Categories 0 and 2 are alike, 1 and 3 are alike.
        let sums = [9.0, 1.0, 0.0, 0.0, 1.0, 9.0, 8.0, 2.0, 0.0, 1.0, 0.0, 9.0];
        let orders = orders_of_classes(&sums, 3, &[0, 1, 2, 3]);
        assert_eq!(orders.len(), 4);
        let first: Vec<u32> = orders[0][..2].iter().map(|code| code % 2).collect();
        assert_eq!(first[0], first[1], "{:?}", orders[0]);
    }
}
