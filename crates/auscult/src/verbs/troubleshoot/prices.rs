//! What it costs to find out about each feature.

use std::path::Path;

use auscult_core::nearest;
use auscult_diagnose::troubleshoot::Session;
use auscult_telemetry::{Cells, Input, ReadOptions, TimeColumn};

use super::super::learn::read;
use crate::outcome::CallError;

/// Sets the prices that `costs` gives: `feature=price,…`, or a file with a
/// column of features and one of prices.
pub(super) fn set(session: &mut Session<'_>, costs: &str) -> Result<(), CallError> {
    let is_list = is_list(costs);
    for (feature, price) in of(costs)? {
        let Some(at) = session.model().feature(&feature) else {
            unknown(session, &feature, is_list)?;
            continue;
        };
        session.set_price(at, price).map_err(CallError::input)?;
    }
    Ok(())
}

/// The prices that `costs` gives, by name.
pub(in super::super) fn of(costs: &str) -> Result<Vec<(String, f64)>, CallError> {
    if is_list(costs) { list(costs) } else { file(costs) }
}

fn is_list(costs: &str) -> bool {
    costs.contains('=') && !Path::new(costs).exists()
}

/// A list names what the person has in mind now; a file may well be older
/// than the model and list more.
fn unknown(session: &Session<'_>, feature: &str, is_list: bool) -> Result<(), CallError> {
    let names = session.model().features().iter().map(|feature| feature.name.as_str());
    let hint = nearest(feature, names).map(|near| format!(": did you mean `{near}`"));
    let sentence = format!(
        "--costs: the model has no feature `{feature}`{}",
        hint.clone().unwrap_or_default()
    );
    if is_list || hint.is_some() {
        return Err(CallError::input(sentence));
    }
    eprintln!("note: {sentence}: ignored");
    Ok(())
}

fn list(costs: &str) -> Result<Vec<(String, f64)>, CallError> {
    let pair = |pair: &str| {
        let refuse = || {
            CallError::input(format!("--costs: expected `feature=price`, got `{}`", pair.trim()))
        };
        let (feature, price) = pair.rsplit_once('=').ok_or_else(refuse)?;
        let price = price.trim().parse().map_err(|_| refuse())?;
        Ok((feature.trim().to_owned(), price))
    };
    costs.split(',').filter(|part| !part.trim().is_empty()).map(pair).collect()
}

fn file(path: &str) -> Result<Vec<(String, f64)>, CallError> {
    let options = ReadOptions { time: TimeColumn::Without, ..ReadOptions::default() };
    let table = read(&[Input::from_argument(path)], &options)?;
    let (words, numbers) = match table.columns() {
        [features, prices, ..] => match (&features.cells, &prices.cells) {
            (Cells::Words(words), Cells::Numbers(numbers)) => (words, numbers),
            _ => return Err(refuse(path)),
        },
        _ => return Err(refuse(path)),
    };
    let pair = |row: usize| Some((words.get(row)?.to_owned(), numbers[row]));
    Ok((0..table.rows()).filter_map(pair).collect())
}

fn refuse(path: &str) -> CallError {
    CallError::input(format!("{path}: expected a column of features and a column of prices"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_of_prices_is_read() {
        let prices = list("fan=1, clock = 2.5,").expect("a list");
        assert_eq!(prices, [("fan".to_owned(), 1.0), ("clock".to_owned(), 2.5)]);
    }

    proptest! {
        #[test]
        fn no_list_panics_and_every_refusal_quotes_the_pair(costs in any::<String>()) {
            if let Err(error) = list(&costs) {
                prop_assert!(error.to_string().contains("expected `feature=price`, got `"));
            }
        }
    }
}
