//! When it began, by all series together.

use std::ops::Range;

use super::case::{Case, LEAST_NORMAL};

/// When something began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Onset {
    /// The first abnormal row.
    pub row: usize,
    /// Where the onset lies, both ends included: the rows in which the series that
    /// changed most clearly each have their own change. One row when it was given.
    pub interval: (usize, usize),
}

impl Onset {
    /// As it was given.
    pub(super) fn given(row: usize) -> Self {
        Self { row, interval: (row, row) }
    }
}

/// Share of rows at either end in which no onset is looked for.
const MARGIN: usize = 50;

/// Rows from a given onset to the end that suffice to look for an earlier one.
const LEAST_TO_LOOK_BACK: usize = 20;

/// A series has changed when two means gain this much log likelihood, and two units more for
/// each unit of the logarithm of the rows, in which the best of them was sought.
const CHANGED: f64 = 4.0;

/// How much better, as a ratio, an earlier row must divide the rows than the given one.
const CLEARLY_BETTER: f64 = 1.1;

/// The onset of `case`: found among all rows when none was given.
///
/// A given onset is when somebody noticed, which may be late: the rows around it, as
/// many before as there are after, are searched for a row before it that divides them
/// clearly better.
///
/// Each series is replaced by its ranks, so that no single reading decides; a row divides
/// a series as well as the log likelihood gained by two means instead of one; the gains
/// of the series that changed at all are added, or of all when none did. Finds one lasting
/// change: after a second one, or a recovery, cut the rows. Time O(series · rows · log rows).
///
/// Reference: the likelihood ratio is that of D. M. Hawkins, "Testing a sequence of
/// observations for a shift in location", JASA 72, 1977, here of ranks and summed over
/// series.
#[must_use]
pub fn onset(case: &Case) -> Onset {
    match case.onset() {
        None => search(case, &(0..case.rows())).best,
        Some(given) => {
            let after = case.rows() - given;
            if after < LEAST_TO_LOOK_BACK {
                return Onset::given(given);
            }
            let around = given.saturating_sub(after)..case.rows();
            let found = search(case, &around);
            let gain = |row: usize| found.gains.get(row - found.first).copied();
            let better = |at: f64, best: f64| best > CLEARLY_BETTER * at;
            match (gain(given), gain(found.best.row)) {
                (Some(at), Some(best))
                    if found.is_change && found.best.row < given && better(at, best) =>
                {
                    found.best
                }
                _ => Onset::given(given),
            }
        }
    }
}

/// What a search found.
struct Found {
    best: Onset,
    /// Whether any series changed beyond what noise does.
    is_change: bool,
    /// The gain of every row from `first` on.
    gains: Vec<f64>,
    first: usize,
}

/// The row of `rows` that divides all series best.
fn search(case: &Case, rows: &Range<usize>) -> Found {
    let count = rows.len();
    let margin = LEAST_NORMAL.max(count / MARGIN).min(count / 2);
    let candidates = margin..=count - margin;
    let length = candidates.clone().count();
    let changed = CHANGED + 2.0 * (count as f64).ln();
    let (mut moved, mut all) = (vec![0.0; length], vec![0.0; length]);
    let mut own: Vec<(f64, usize)> = Vec::new();
    for series in case.series() {
        let Some(deviations) = rank_deviations(&series.values[rows.clone()]) else { continue };
        let (mut before, mut gains) = (0.0, Vec::with_capacity(length));
        for (at, deviation) in deviations.iter().enumerate() {
            if candidates.contains(&at) {
                let share: f64 = before * before / (at * (count - at)) as f64;
                gains.push(-0.5 * count as f64 * (1.0 - share).max(1e-12).ln());
            }
            before += deviation;
        }
        let best = first_of_the_largest(&gains);
        if gains[best] > changed {
            own.push((gains[best], margin + best));
            add(&mut moved, &gains);
        }
        add(&mut all, &gains);
    }
    let is_change = !own.is_empty();
    let total = if is_change { moved } else { all };
    let row = rows.start + margin + first_of_the_largest(&total);
    Found {
        best: Onset { row, interval: interval(own, rows.start, row) },
        is_change,
        gains: total,
        first: rows.start + margin,
    }
}

fn add(sum: &mut [f64], gains: &[f64]) {
    sum.iter_mut().zip(gains).for_each(|(sum, gain)| *sum += gain);
}

fn first_of_the_largest(gains: &[f64]) -> usize {
    let larger = |best: usize, at: usize| if gains[at] > gains[best] { at } else { best };
    (0..gains.len()).fold(0, larger)
}

/// Where the middle half of the series that changed, weighed by how clearly they did,
/// have their own change; `row` belongs to it.
fn interval(mut own: Vec<(f64, usize)>, start: usize, row: usize) -> (usize, usize) {
    own.sort_by(|one, other| one.1.cmp(&other.1).then(one.0.total_cmp(&other.0)));
    let all: f64 = own.iter().map(|(gain, _)| gain).sum();
    let at_share = |share: f64| {
        let mut sum = 0.0;
        let place = own.iter().find(|(gain, _)| {
            sum += gain;
            sum >= share * all
        });
        place.map_or(row, |(_, at)| start + at)
    };
    (at_share(0.25).min(row), at_share(0.75).max(row))
}

/// The ranks of `values`, less their mean and over their deviation; 0 where a value is
/// missing, `None` where all are the same.
fn rank_deviations(values: &[f64]) -> Option<Vec<f64>> {
    let mut order: Vec<usize> = (0..values.len()).filter(|at| !values[*at].is_nan()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let middle = (order.len() as f64 - 1.0) / 2.0;
    let (mut place, mut squares) = (0, 0.0);
    // Compared as numbers, so that both zeros are the same reading.
    for equal in order.chunk_by(|one, other| values[*one] == values[*other]) {
        let rank = place as f64 + (equal.len() as f64 - 1.0) / 2.0 - middle;
        equal.iter().for_each(|at| ranks[*at] = rank);
        squares += equal.len() as f64 * rank * rank;
        place += equal.len();
    }
    if squares <= 0.0 {
        return None;
    }
    let deviation = (squares / values.len() as f64).sqrt();
    ranks.iter_mut().for_each(|rank| *rank /= deviation);
    Some(ranks)
}

#[cfg(test)]
mod tests {
    use super::super::case::{CaseSeries, Layer};
    use super::*;

    /// Series of 60 rows that move in the rows given, and noise.
    fn case(moves: &[Option<usize>], given: Option<usize>) -> Case {
        let series = moves.iter().enumerate().map(|(at, moved)| {
            let reading = |row: usize| {
                let mixed = (row as u64 * 31 + at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let noise = (mixed >> 40) as f64 / (1_u64 << 24) as f64;
                noise + if moved.is_some_and(|moved| row >= moved) { 3.0 } else { 0.0 }
            };
            CaseSeries {
                name: format!("s{at}"),
                target: "t".to_owned(),
                kind: "k".to_owned(),
                layer: Layer::Other,
                values: (0..60).map(reading).collect(),
            }
        });
        Case::new(series.collect(), given).expect("a case")
    }

    #[test]
    fn the_onset_is_where_most_series_move() {
        let found = onset(&case(&[Some(33), None, Some(33), Some(35)], None));
        assert_eq!(found.row, 33);
        assert!(found.interval.0 <= 33 && found.interval.1 >= 33 && found.interval.1 <= 35);
    }

    #[test]
    fn an_alarm_that_came_late_is_put_right() {
        assert_eq!(onset(&case(&[Some(30), Some(30), None], Some(38))).row, 30);
    }

    #[test]
    fn an_onset_that_fits_is_kept() {
        assert_eq!(onset(&case(&[Some(30), Some(30), None], Some(30))), Onset::given(30));
        // Nothing changed: nothing speaks for an earlier row.
        assert_eq!(onset(&case(&[None, None], Some(40))), Onset::given(40));
    }

    #[test]
    fn rows_after_a_given_onset_that_are_too_few_are_not_searched() {
        assert_eq!(onset(&case(&[Some(45)], Some(50))), Onset::given(50));
    }

    #[test]
    fn missing_readings_speak_for_no_row() {
        let ranks = rank_deviations(&[1.0, f64::NAN, 3.0]).expect("two readings");
        assert_eq!(ranks[1], 0.0);
        assert_eq!(ranks[0], -ranks[2]);
        assert_eq!(rank_deviations(&[2.0, 2.0, f64::NAN]), None);
    }
}
