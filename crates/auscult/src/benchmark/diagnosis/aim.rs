//! What is wanted of a method, and whether it was reached.

use serde::Serialize;

use super::Table;
use super::report::{as_printed, cell};

/// A figure that one of our methods should have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    /// Whose.
    pub method: &'static str,
    /// The key of its column.
    pub key: &'static str,
    /// How far it should come.
    pub bound: Bound,
}

/// How far a figure should come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
    /// Less than the method of that name has.
    Below(&'static str),
    /// No less than the method of that name has.
    NoLessThan(&'static str),
}

use Bound::{AtLeast, AtMost, Below, NoLessThan};

/// An aim and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    /// The set, and the title of the table where it has several.
    set: String,
    method: &'static str,
    figure: &'static str,
    /// In words.
    aim: String,
    measured: f64,
    /// The best that the publications have.
    published: Option<f64>,
    /// Whether it was.
    pub reached: bool,
    #[serde(skip)]
    decimals: usize,
}

/// The aims of a table whose methods were measured.
pub(super) fn judge(set: &str, table: &Table) -> Vec<Judged> {
    let title = match table.title.as_str() {
        "" => set.to_owned(),
        title => format!("{set}, {title}"),
    };
    let judge = |aim: &Aim| {
        let at = table.columns.iter().position(|column| column.key == aim.key)?;
        let column = table.columns[at];
        let of = |method: &str| {
            let line = table.lines.iter().find(|line| line.method == method)?;
            line.figures.get(at).copied().flatten()
        };
        let measured = of(aim.method)?;
        let shown = |figure: f64| cell(Some(figure), column.decimals);
        let (words, reached, low_is_good) = match aim.bound {
            AtLeast(bound) => (format!("≥ {}", shown(bound)), measured >= bound, false),
            AtMost(bound) => (format!("≤ {}", shown(bound)), measured <= bound, true),
            Below(other) => {
                let bound = of(other)?;
                (format!("< {} ({other})", shown(bound)), measured < bound, true)
            }
            NoLessThan(other) => {
                let bound = of(other)?;
                (format!("≥ {} ({other})", shown(bound)), measured >= bound, false)
            }
        };
        let others = table.published.iter().filter_map(|published| {
            published.figures.iter().find(|(key, _)| *key == aim.key).map(|(_, figure)| *figure)
        });
        let published = others.reduce(if low_is_good { f64::min } else { f64::max });
        Some(Judged {
            set: title.clone(),
            method: aim.method,
            figure: column.title,
            aim: words,
            measured,
            published,
            reached,
            decimals: column.decimals,
        })
    };
    table.aims.iter().filter_map(judge).collect()
}

impl Judged {
    /// A row of the table of aims.
    pub(super) fn row(&self) -> String {
        let Self { set, method, figure, aim, .. } = self;
        let measured = cell(Some(self.measured), self.decimals);
        let published = as_printed(self.published, self.decimals);
        let reached = if self.reached { "yes" } else { "no" };
        format!("| {set} | {method} | {figure} | {aim} | {measured} | {published} | {reached} |")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Line, Order, Published, column};
    use super::*;

    fn table(aims: Vec<Aim>) -> Table {
        let line = |method, figure| Line {
            method,
            figures: vec![Some(figure)],
            seconds: 0.0,
            series: 0.0,
            refused: None,
        };
        Table {
            title: "questions".to_owned(),
            cases: String::new(),
            columns: const { &[column("cost", "mean cost", 2)] },
            order: Order::LowestFirst,
            lines: vec![line("ours", 6.5), line("theirs", 9.25)],
            published: &[
                Published { who: "one", figures: &[("cost", 8.0)], note: "" },
                Published { who: "two", figures: &[("cost", 7.0)], note: "" },
            ],
            aims,
        }
    }

    #[test]
    fn an_aim_is_held_against_numbers_and_against_other_methods() {
        let aim = |bound| Aim { method: "ours", key: "cost", bound };
        let bounds = [AtMost(6.5), AtLeast(7.0), Below("theirs"), NoLessThan("theirs")];
        let judged = judge("set", &table(bounds.map(aim).to_vec()));
        let reached: Vec<bool> = judged.iter().map(|one| one.reached).collect();
        assert_eq!(reached, [true, false, true, false]);
        assert_eq!(
            judged[2].row(),
            "| set, questions | ours | mean cost | < 9.25 (theirs) | 6.50 | 7.00 | yes |"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        let aim = |method, bound| Aim { method, key: "cost", bound };
        let aims = vec![aim("absent", AtMost(1.0)), aim("ours", Below("absent"))];
        assert!(judge("set", &table(aims)).is_empty());
    }
}
