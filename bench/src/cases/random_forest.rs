//! A forest of a hundred full trees of classes.

use std::time::Instant;

use auscult_trees::{ClassifierSettings, Forest, ForestSettings, Tree};
use serde_json::{Value, json};

use super::labelled::Labelled;

/// Fits on the first three quarters and scores the rest. The last column is the
/// class.
pub(crate) fn run(readings: &[f64], rows: usize, columns: usize) -> Value {
    let data = Labelled::new(readings, rows, columns);
    let trees = ClassifierSettings::for_forest();
    // The peer does not rate its own training rows by default either.
    let settings = ForestSettings { out_of_bag: false, ..Default::default() };
    let start = Instant::now();
    let fit =
        Forest::fit_classes(&data.train, &data.train_labels, data.classes, None, &trees, &settings)
            .expect("the data fit the settings");
    let predicted = fit.forest.predict_classes(&data.test).expect("the same columns");
    let seconds = start.elapsed().as_secs_f64();
    let leaves: usize = fit.forest.trees().iter().map(Tree::leaves).sum();
    json!({ "seconds": seconds, "accuracy": data.accuracy(&predicted), "leaves": leaves })
}
