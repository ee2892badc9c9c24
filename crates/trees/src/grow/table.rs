//! Columns as ranks: what growing works on.
//!
//! Only the order of numbers matters for a split, so every number is replaced
//! by its rank among the distinct numbers of its column, once for a tree or a
//! whole forest. Ranks are small whole numbers, which sort fast.

use rayon::prelude::*;

use super::radix;
use crate::{Feature, Features, MISSING};

/// What a column is, whichever rows are looked at.
#[derive(Debug)]
pub(crate) enum Column {
    /// The distinct numbers, ascending; codes are indices into them.
    Number { distinct: Vec<f64>, missing: bool },
    /// Codes are categories.
    Category { categories: usize },
}

/// The columns of a training set, and a code for each row of each.
#[derive(Debug)]
pub(crate) struct Ranked {
    pub(crate) columns: Vec<Column>,
    pub(crate) table: Table,
}

impl Ranked {
    pub(crate) fn new(features: &Features<'_>) -> Self {
        let ranked: Vec<(Column, Vec<u32>)> = features.columns().par_iter().map(rank).collect();
        let mut columns = Vec::with_capacity(ranked.len());
        let mut codes = Vec::with_capacity(ranked.len() * features.rows());
        for (column, own) in ranked {
            columns.push(column);
            codes.extend_from_slice(&own);
        }
        Self { columns, table: Table { rows: features.rows(), codes } }
    }
}

fn rank(feature: &Feature<'_>) -> (Column, Vec<u32>) {
    match feature {
        Feature::Category { codes, categories } => {
            (Column::Category { categories: *categories }, codes.to_vec())
        }
        Feature::Number(values) => {
            let order = radix::ascending(values);
            let mut codes = vec![MISSING; values.len()];
            let mut distinct: Vec<f64> = Vec::new();
            for row in &order {
                let value = values[*row as usize];
                if distinct.last().is_none_or(|last| *last != value) {
                    distinct.push(value);
                }
                codes[*row as usize] = (distinct.len() - 1) as u32;
            }
            (Column::Number { distinct, missing: order.len() < values.len() }, codes)
        }
    }
}

/// A code for each row of each column, column by column: the rank of a number,
/// a category, or [`MISSING`].
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) rows: usize,
    codes: Vec<u32>,
}

impl Table {
    pub(crate) fn column(&self, column: usize) -> &[u32] {
        &self.codes[column * self.rows..(column + 1) * self.rows]
    }

    /// The same columns with only `rows`, packed so that a small subtree works
    /// in the cache.
    pub(crate) fn restrict(&self, rows: &[u32]) -> Self {
        let mut codes = Vec::with_capacity(rows.len() * self.codes.len() / self.rows);
        for column in self.codes.chunks_exact(self.rows) {
            codes.extend(rows.iter().map(|row| column[*row as usize]));
        }
        Self { rows: rows.len(), codes }
    }
}
