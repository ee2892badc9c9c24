//! A forest of a hundred full trees of classes.

use std::time::Instant;

use auscult_trees::{ClassifierSettings, Forest, ForestSettings, Tree};
use serde_json::{Value, json};

use super::labelled::Labelled;

/// Forests whose accuracy is averaged: one alone is right by luck of its seed.
const FORESTS: u64 = 3;

/// Fits on the first three quarters and scores the rest. The last column is the
/// class. The seconds are those of the first forest.
pub(crate) fn run(readings: &[f64], rows: usize, columns: usize) -> Value {
    let data = Labelled::new(readings, rows, columns);
    let (mut seconds, mut leaves, mut accuracies) = (0.0, 0, Vec::new());
    for seed in 0..FORESTS {
        // The peer does not rate its own training rows by default either.
        let settings = ForestSettings { out_of_bag: false, ..Default::default() };
        let trees = ClassifierSettings { seed, ..ClassifierSettings::for_forest() };
        let start = Instant::now();
        let (train, labels) = (&data.train, &data.train_labels);
        let fit = Forest::fit_classes(train, labels, data.classes, None, &trees, &settings)
            .expect("the data fit the settings");
        let predicted = fit.forest.predict_classes(&data.test).expect("the same columns");
        if seed == 0 {
            seconds = start.elapsed().as_secs_f64();
            leaves = fit.forest.trees().iter().map(Tree::leaves).sum();
        }
        accuracies.push(data.accuracy(&predicted));
    }
    json!({
        "seconds": seconds,
        "accuracy": accuracies[0],
        "accuracy_mean_of_3": accuracies.iter().sum::<f64>() / FORESTS as f64,
        "leaves": leaves,
    })
}
