//! The laws that every detector and estimator must obey.
//!
//! Hand [`detector_failures`], [`estimator_failures`] and [`labelled_failures`]
//! your cases; each failure says which method broke which law and how. A method may be excused
//! from a law for a stated reason; an excuse that is not needed is a failure
//! too, so that excuses do not outlive their cause.

mod detectors;
mod estimators;
mod fits;
mod labelled;
mod stream;
mod verdict;

pub use detectors::{DetectorCase, detector_failures};
pub use estimators::{EstimatorCase, FitFn, PiecesFn, estimator_failures};
pub use labelled::{LabelledCase, LabelledFitFn, labelled_failures};
pub use stream::Stream;
pub use verdict::Excuse;
