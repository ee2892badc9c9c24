//! Batches put together.

use crate::column::WordsBuilder;
use crate::schema::{Field, Kind};
use crate::table::{Cells, Column, Table};

/// Gathers batches of one reader into one table.
#[derive(Debug)]
pub(crate) struct Collector {
    columns: Vec<(String, Growing)>,
}

#[derive(Debug)]
enum Growing {
    Plain(Cells),
    Words(WordsBuilder),
}

impl Collector {
    pub(crate) fn new(schema: &[Field]) -> Self {
        let columns = schema.iter().map(|field| {
            let cells = match field.kind {
                Kind::Numbers => Growing::Plain(Cells::Numbers(Vec::new())),
                Kind::Times => Growing::Plain(Cells::Times(Vec::new())),
                Kind::Words => Growing::Words(WordsBuilder::default()),
            };
            (field.name.clone(), cells)
        });
        Self { columns: columns.collect() }
    }

    /// Appends `batch`, which has the columns of the schema.
    pub(crate) fn append(&mut self, batch: Table) {
        for ((_, grown), more) in self.columns.iter_mut().zip(batch.into_columns()) {
            match (grown, more.cells) {
                (Growing::Words(words), Cells::Words(more)) => words.append(&more),
                (Growing::Plain(Cells::Numbers(all)), Cells::Numbers(more)) => all.extend(more),
                (Growing::Plain(Cells::Times(all)), Cells::Times(more)) => all.extend(more),
                _ => unreachable!("batches have the kinds of the schema"),
            }
        }
    }

    pub(crate) fn finish(self) -> Table {
        let columns = self.columns.into_iter().map(|(name, grown)| {
            let cells = match grown {
                Growing::Plain(cells) => cells,
                Growing::Words(words) => Cells::Words(words.into_words()),
            };
            Column { name, cells }
        });
        Table::new(columns.collect())
    }
}
