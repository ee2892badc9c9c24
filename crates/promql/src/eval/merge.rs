//! Rows that came to one name.

use std::collections::HashMap;

use auscult_core::Labels;

use crate::data::Row;
use crate::error::QueryError;

/// Rows of one name become one, at the place of the first; `clash` where two have a value at
/// one step.
pub(crate) fn merged(
    rows: Vec<Row>,
    clash: impl Fn() -> QueryError,
) -> Result<Vec<Row>, QueryError> {
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(place) = places.get(&row.labels) else {
            places.insert(row.labels.clone(), kept.len());
            kept.push(row);
            continue;
        };
        let into = &mut kept[*place];
        for step in 0..row.values.len() {
            if let Some(value) = row.get(step) {
                if into.get(step).is_some() {
                    return Err(clash());
                }
                into.values[step] = value;
            }
        }
    }
    Ok(kept)
}
