//! Data whose last column is a class, cut into training and test rows.

use auscult_trees::Features;

pub(crate) struct Labelled {
    pub(crate) train: Features<'static>,
    pub(crate) train_labels: Vec<u32>,
    pub(crate) test: Features<'static>,
    pub(crate) classes: usize,
    test_labels: Vec<u32>,
}

impl Labelled {
    /// The first three quarters of the rows to learn from, the rest to test on.
    pub(crate) fn new(readings: &[f64], rows: usize, columns: usize) -> Self {
        let labels: Vec<u32> =
            readings.chunks_exact(columns).map(|row| row[columns - 1] as u32).collect();
        let features: Vec<f64> =
            readings.chunks_exact(columns).flat_map(|row| &row[..columns - 1]).copied().collect();
        let cut = rows * 3 / 4;
        let (train, test) = features.split_at(cut * (columns - 1));
        let of = |part| Features::from_rows(part, columns - 1).expect("whole rows of numbers");
        Self {
            train: of(train),
            test: of(test),
            classes: labels.iter().max().map_or(1, |most| *most as usize + 1),
            train_labels: labels[..cut].to_vec(),
            test_labels: labels[cut..].to_vec(),
        }
    }

    /// Share of the test rows for which `predicted` is right.
    pub(crate) fn accuracy(&self, predicted: &[u32]) -> f64 {
        let hits = predicted.iter().zip(&self.test_labels).filter(|(ours, label)| ours == label);
        hits.count() as f64 / predicted.len() as f64
    }
}
