//! One list of every method, for the command line, the manual and the tests.

use auscult_core::{
    Accumulator, Detector, Estimator, Fit, FitError, Frame, LabelledEstimator, Model, Parameter,
    SettingError, SettingsMap,
};

use crate::{
    change, density, ensemble, forest, isolation, joint, margin, point, regression, seasonal,
    subsequence, subspace,
};

/// Every method, family by family.
pub static CATALOGUE: &[&[Method]] = &[
    ensemble::METHODS,
    point::METHODS,
    change::METHODS,
    seasonal::METHODS,
    subsequence::METHODS,
    density::METHODS,
    subspace::METHODS,
    joint::METHODS,
    isolation::METHODS,
    margin::METHODS,
    forest::METHODS,
    regression::METHODS,
];

/// The method called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Method> {
    CATALOGUE.iter().copied().flatten().find(|method| method.name == name)
}

/// A method of detection: what a person needs to choose it, and how to build it.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// Its name on the command line, in `kebab-case`.
    pub name: &'static str,
    /// Its full name, as the field writes it.
    pub title: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// What it finds.
    pub sees: &'static str,
    /// What it misses, and what it mistakes.
    pub blind: &'static str,
    /// What one unit of its score is, as in "3.2 standard deviations".
    pub unit: &'static str,
    /// Time and memory, with `n` rows, `d` channels.
    pub cost: &'static str,
    /// Paper or book.
    pub source: &'static str,
    /// Which widths it takes.
    pub channels: Channels,
    /// Whether the position of a row counts.
    pub order: Order,
    /// When a score is an anomaly, unless the person says otherwise.
    pub threshold: Threshold,
    /// Its settings.
    pub parameters: &'static [Parameter],
    /// The default of a setting, as a person writes it.
    pub default_of: fn(&str) -> String,
    /// Learns from a whole history.
    pub batch: Option<BuildEstimator>,
    /// Learns from a history in pieces, the same model as `batch`.
    pub pieces: Option<BuildAccumulator>,
    /// Learns from labelled rows.
    pub labelled: Option<BuildLabelled>,
    /// Watches a stream of this many channels.
    pub online: Option<BuildDetector>,
}

/// Builds a batch method.
pub type BuildEstimator = fn(&SettingsMap) -> Result<Box<dyn DynEstimator>, SettingError>;
/// Builds a batch method that reads its history in pieces, for a number of channels.
pub type BuildAccumulator = fn(&SettingsMap, usize) -> Result<Box<dyn Accumulator>, SettingError>;
/// Builds a method that learns from labels.
pub type BuildLabelled = fn(&SettingsMap) -> Result<Box<dyn DynLabelledEstimator>, SettingError>;
/// Builds a streaming method for a number of channels.
pub type BuildDetector = fn(&SettingsMap, usize) -> Result<Box<dyn Detector>, SettingError>;

/// Which widths a method takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// One column; several columns are several series.
    One,
    /// Any number, judged jointly.
    Any,
    /// At least two, judged jointly.
    Several,
}

/// Whether the position of a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// No: rows may be left out.
    Free,
    /// Yes: a hole would shift everything after it, so holes are filled.
    Sequence,
}

/// When a score is an anomaly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Above this score: the method's own convention.
    Score(f64),
    /// The method has no convention: this share of the history, the strangest.
    Share(f64),
}

/// A fitted model of any kind.
pub type BoxedFit = Fit<Box<dyn Model>>;

/// An [`Estimator`] of any kind.
pub trait DynEstimator: std::fmt::Debug {
    /// As [`Estimator::fit`].
    ///
    /// # Errors
    ///
    /// As [`Estimator::fit`].
    fn fit(&self, history: &Frame<'_>) -> Result<BoxedFit, FitError>;
}

impl<E> DynEstimator for E
where
    E: Estimator,
    E::Fitted: 'static,
{
    fn fit(&self, history: &Frame<'_>) -> Result<BoxedFit, FitError> {
        let Fit { model, scores } = Estimator::fit(self, history)?;
        Ok(Fit { model: Box::new(model), scores })
    }
}

/// A [`LabelledEstimator`] of any kind.
pub trait DynLabelledEstimator: std::fmt::Debug {
    /// As [`LabelledEstimator::fit_labelled`].
    ///
    /// # Errors
    ///
    /// As [`LabelledEstimator::fit_labelled`].
    fn fit_labelled(
        &self,
        history: &Frame<'_>,
        labels: &[Option<bool>],
    ) -> Result<BoxedFit, FitError>;
}

impl<E> DynLabelledEstimator for E
where
    E: LabelledEstimator,
    E::Fitted: 'static,
{
    fn fit_labelled(
        &self,
        history: &Frame<'_>,
        labels: &[Option<bool>],
    ) -> Result<BoxedFit, FitError> {
        let Fit { model, scores } = LabelledEstimator::fit_labelled(self, history, labels)?;
        Ok(Fit { model: Box::new(model), scores })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique_and_every_method_can_be_built() {
        let mut names = Vec::new();
        for method in CATALOGUE.iter().copied().flatten() {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(method.name.chars().all(kebab), "{}", method.name);
            assert!(
                method.batch.is_some() || method.online.is_some() || method.labelled.is_some(),
                "{} cannot be built",
                method.name
            );
            assert!(
                method.pieces.is_none() || method.batch.is_some(),
                "{} learns in pieces what it cannot learn whole",
                method.name
            );
            names.push(method.name);
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a name stands twice");
    }
}
