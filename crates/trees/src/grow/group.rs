//! The best split of a node by the categories of one column.

use super::Context;
use super::objective::Objective;
use super::split::{Cut, Found, Open, SAME, allowed};
use crate::MISSING;

/// The rows of a node by category, only those that occur, ascending.
struct Groups {
    codes: Vec<u32>,
    rows: Vec<usize>,
    /// Width numbers for each.
    sums: Vec<f64>,
    missing_rows: usize,
    missing: Vec<f64>,
}

impl Groups {
    fn new<O: Objective>(objective: &O, node: Open<'_>, column: &[u32], categories: usize) -> Self {
        let code = |row: &u32| column[*row as usize];
        let known = || node.rows.iter().map(code).filter(|code| *code != MISSING);
        // A table of all categories would dwarf a small node.
        let few_rows = node.rows.len() < categories;
        let mut place = vec![0_u32; if few_rows { 0 } else { categories }];
        let codes: Vec<u32> = if few_rows {
            let mut codes: Vec<u32> = known().collect();
            codes.sort_unstable();
            codes.dedup();
            codes
        } else {
            known().for_each(|code| place[code as usize] = 1);
            (0..categories as u32).filter(|code| place[*code as usize] > 0).collect()
        };
        codes.iter().enumerate().take(place.len()).for_each(|(at, code)| {
            place[*code as usize] = at as u32;
        });
        let width = objective.width();
        let mut groups = Self {
            rows: vec![0; codes.len()],
            sums: vec![0.0; codes.len() * width],
            missing_rows: 0,
            missing: vec![0.0; width],
            codes,
        };
        for row in node.rows {
            let payload = objective.payload(*row);
            let code = code(row);
            if code == MISSING {
                groups.missing_rows += 1;
                objective.add(payload, &mut groups.missing);
                continue;
            }
            let at = if few_rows {
                groups.codes.partition_point(|other| *other < code)
            } else {
                place[code as usize] as usize
            };
            groups.rows[at] += 1;
            objective.add(payload, &mut groups.sums[at * width..(at + 1) * width]);
        }
        groups
    }

    /// The sums of group `at`.
    fn of(&self, at: u32) -> &[f64] {
        let width = self.missing.len();
        &self.sums[at as usize * width..(at as usize + 1) * width]
    }

    /// These groups to yes, those to no.
    fn cut(&self, yes: &[u32], no: &[u32]) -> Cut {
        let side = |groups: &[u32]| {
            let mut codes: Vec<u32> = groups.iter().map(|at| self.codes[*at as usize]).collect();
            codes.sort_unstable();
            codes
        };
        Cut::Categories(side(yes), side(no))
    }
}

fn add(into: &mut [f64], from: &[f64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
}

/// The best split of a node by category.
pub(super) fn best<O: Objective>(
    context: &Context<'_, O>,
    objective: &O,
    node: Open<'_>,
    column: &[u32],
    categories: usize,
) -> Option<Found> {
    let groups = Groups::new(objective, node, column, categories);
    let all: Vec<u32> = (0..groups.codes.len() as u32).collect();
    if all.is_empty() {
        return None;
    }
    let margin = SAME * objective.worth(node.sums).abs();
    let mut best: Option<Found> = None;
    for order in objective.orders(&groups.sums, &all) {
        for missing_goes_yes in [false, true] {
            if missing_goes_yes && groups.missing_rows == 0 {
                continue;
            }
            let found = best_cut(context, objective, &groups, &order, missing_goes_yes);
            let Some((at, worth)) = found else { continue };
            if best.as_ref().is_none_or(|(_, _, most)| worth > most + margin) {
                let cut = groups.cut(&order[..=at], &order[at + 1..]);
                best = Some((cut, missing_goes_yes, worth));
            }
        }
    }
    if groups.missing_rows > 0 {
        let mut known = vec![0.0; groups.missing.len()];
        all.iter().for_each(|at| add(&mut known, groups.of(*at)));
        let both = [node.rows.len() - groups.missing_rows, groups.missing_rows];
        let worth = objective.worth(&known) + objective.worth(&groups.missing);
        if allowed(context, objective, both, [&known, &groups.missing])
            && best.as_ref().is_none_or(|(_, _, most)| worth > most + margin)
        {
            best = Some((Cut::Present, false, worth));
        }
    }
    best
}

/// The best place to cut groups in this order: the last one on the left, and the
/// worth of both sides.
fn best_cut<O: Objective>(
    context: &Context<'_, O>,
    objective: &O,
    groups: &Groups,
    order: &[u32],
    missing_goes_yes: bool,
) -> Option<(usize, f64)> {
    let zero = vec![0.0; groups.missing.len()];
    let (mut left, end) = if missing_goes_yes {
        (groups.missing.clone(), zero)
    } else {
        (zero, groups.missing.clone())
    };
    // Both sides are added up, rather than taken from the whole, so that
    // nothing is lost to rounding.
    let mut right = vec![end];
    for at in order.iter().skip(1).rev() {
        let mut sums = right.last().expect("it begins with one").clone();
        add(&mut sums, groups.of(*at));
        right.push(sums);
    }
    let all_rows = groups.rows.iter().sum::<usize>() + groups.missing_rows;
    let mut left_rows = if missing_goes_yes { groups.missing_rows } else { 0 };
    let mut best: Option<(usize, f64)> = None;
    for (at, group) in order.iter().enumerate().take(order.len() - 1) {
        add(&mut left, groups.of(*group));
        left_rows += groups.rows[*group as usize];
        let right = right.pop().expect("one for each group but the first, and the end");
        if allowed(context, objective, [left_rows, all_rows - left_rows], [&left, &right]) {
            let worth = objective.worth(&left) + objective.worth(&right);
            let margin = SAME * worth.abs();
            if best.is_none_or(|(_, most)| worth > most + margin) {
                best = Some((at, worth));
            }
        }
    }
    best
}
