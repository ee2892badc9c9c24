//! The words that every auscult crate shares.
//!
//! A [`Sample`] is a moment with one reading per channel, a [`Frame`] many of
//! them. A [`Detector`] watches samples one by one; an [`Estimator`] learns a
//! [`Model`] from a whole history. Both yield scores, where higher is stranger,
//! and an [`Explanation`] of a single score. A series is known by its [`Labels`].
//!
//! Numbers that reach a method are finite by construction: [`Sample::new`] and
//! [`Frame::new`] refuse anything else, and hold readings within
//! ±[`LARGEST_READING`].
//!
//! This crate has no input or output, no clock and no threads.

mod detector;
mod estimator;
mod frame;
mod labels;
mod nearest;
mod sample;
mod score;
mod settings;
mod snapshot;
pub mod units;

pub use detector::{DetectError, Detector};
pub use estimator::{Accumulator, Estimator, Fit, FitError, LabelledEstimator, Model};
pub use frame::{Frame, FrameError};
pub use labels::{Labels, LabelsError, LabelsRef, METRIC_NAME, MOST_LABEL_BYTES};
pub use nearest::nearest;
pub use sample::{LARGEST_READING, Sample, SampleError, Timestamp};
pub use score::{Band, Explanation, Score};
pub use settings::{Parameter, SettingError, Settings, SettingsMap, trimmed};
pub use snapshot::Snapshot;

#[doc(hidden)]
pub use {serde, serde_json};
