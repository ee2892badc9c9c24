//! Trees of classes, to full depth and to depth 10.

use std::time::Instant;

use auscult_trees::{ClassifierSettings, Tree};
use serde_json::{Value, json};

use super::labelled::Labelled;

/// Fits on the first three quarters and scores the rest. The last column is the
/// class.
pub(crate) fn run(readings: &[f64], rows: usize, columns: usize) -> Value {
    let data = Labelled::new(readings, rows, columns);
    let mut result = serde_json::Map::new();
    let mut total = 0.0;
    for (name, max_depth) in [("full", None), ("depth_10", Some(10))] {
        let settings = ClassifierSettings { max_depth, ..Default::default() };
        let start = Instant::now();
        let tree =
            Tree::fit_classes(&data.train, &data.train_labels, data.classes, None, &settings)
                .expect("the data fit the settings");
        let predicted = tree.predict_classes(&data.test).expect("the same columns");
        let seconds = start.elapsed().as_secs_f64();
        total += seconds;
        result.insert(format!("seconds_{name}"), json!(seconds));
        result.insert(format!("accuracy_{name}"), json!(data.accuracy(&predicted)));
        result.insert(format!("leaves_{name}"), json!(tree.leaves()));
    }
    result.insert("seconds".to_owned(), json!(total));
    Value::Object(result)
}
