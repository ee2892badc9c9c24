//! From the cells of a file to the columns of the tables.

use crate::blocks::Block;
use crate::column::{Builder, Reading};
use crate::error::Fault;
use crate::table::{Column, Table};

/// The columns of every table that a reader yields.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Name of each column and how its cells are read.
    pub(crate) columns: Vec<(String, Reading)>,
    /// Most rows in a table.
    pub(crate) batch_rows: usize,
}

/// What is wrong with a block, and where.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// Bytes into the block.
    pub(crate) offset: usize,
    /// Column of the plan.
    pub(crate) column: Option<usize>,
    pub(crate) fault: Fault,
}

/// Turns blocks of one file into tables.
pub(crate) trait Decode: Send + Sync {
    /// The tables of `block`, which is so many `lines`, in order.
    fn decode(&self, block: &Block, lines: usize, plan: &Plan) -> Result<Decoded, Misfit>;
}

/// What a block holds.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) tables: Vec<Table>,
    /// Names that the first rows did not have, which are left out.
    pub(crate) late: Vec<String>,
}

/// Tables in the making.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    plan: &'a Plan,
    builders: Vec<Builder>,
    /// Columns that this file lacks.
    absent: Vec<usize>,
    rows: usize,
    tables: Vec<Table>,
}

impl<'a> Batches<'a> {
    /// For a file with the columns `present`, and room for `rows` rows of it,
    /// so that columns need not be moved as they grow.
    pub(crate) fn new(plan: &'a Plan, present: &[usize], rows: usize) -> Self {
        let room = rows.min(plan.batch_rows);
        let builder = |&(_, reading): &(String, Reading)| Builder::new(reading, room);
        let builders = plan.columns.iter().map(builder).collect();
        let mut is_absent = vec![true; plan.columns.len()];
        for &column in present {
            is_absent[column] = false;
        }
        let absent = (0..plan.columns.len()).filter(|&column| is_absent[column]).collect();
        Self { plan, builders, absent, rows: 0, tables: Vec::new() }
    }

    /// Rows that the table in the making still takes; at least 1.
    pub(crate) fn room(&self) -> usize {
        self.plan.batch_rows - self.rows
    }

    /// The column in the making.
    #[inline]
    pub(crate) fn column(&mut self, column: usize) -> &mut Builder {
        &mut self.builders[column]
    }

    /// Says that every present column has got `count` cells, no more than
    /// there was room for.
    pub(crate) fn end_rows(&mut self, count: usize) {
        self.rows += count;
        if self.rows == self.plan.batch_rows {
            self.end_table();
        }
    }

    /// The tables, the last of them perhaps shorter.
    pub(crate) fn finish(mut self) -> Vec<Table> {
        if self.rows > 0 {
            self.end_table();
        }
        self.tables
    }

    fn end_table(&mut self) {
        for &absent in &self.absent {
            self.builders[absent].push_missing(self.rows);
        }
        let columns = self
            .builders
            .iter_mut()
            .zip(&self.plan.columns)
            .map(|(builder, (name, _))| Column { name: name.clone(), cells: builder.take() });
        self.tables.push(Table::new(columns.collect()));
        self.rows = 0;
    }
}
