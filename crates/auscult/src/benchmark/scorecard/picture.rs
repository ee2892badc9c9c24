//! The scorecard as a picture: the best methods on each data set.

use super::{ScoreTable, Scorecard};
use crate::plot::ranking::{Entry, Ranking, RankingPanel};

/// Methods shown of each table.
const MOST: usize = 8;

impl Scorecard {
    /// What to draw.
    pub(crate) fn ranking(&self) -> Ranking {
        let machine = &self.machine;
        let commit = machine.commit.as_deref().map(|commit| format!(", commit {commit}"));
        Ranking {
            title: "Detection on public data".to_owned(),
            subtitle: format!(
                "auscult {}{}; default settings; whiskers: 95 % over series; dashed: best figure published by others",
                machine.version,
                commit.unwrap_or_default()
            ),
            panels: self.tables.iter().filter(|table| !table.lines.is_empty()).map(panel).collect(),
        }
    }
}

fn panel(table: &ScoreTable) -> RankingPanel {
    let column = &table.set.columns[0];
    let entries = table.lines.iter().take(MOST).filter_map(|line| {
        Some(Entry {
            label: line.method.clone(),
            value: *line.measures.get(column.key)?,
            interval: line.intervals.get(column.key).copied().filter(|_| column.interval),
            decimals: column.decimals,
        })
    });
    let rival = table
        .published
        .first()
        .and_then(|rival| Some((rival.who.clone(), *rival.measures.get(column.key)?)));
    RankingPanel {
        title: format!(
            "{}: {}, {}",
            table.set.name.to_uppercase(),
            column.title,
            table.mode.name()
        ),
        entries: entries.collect(),
        reference: rival,
        full: if column.decimals == 1 { 100.0 } else { 1.0 },
    }
}
