//! Learning to tell causes apart from a labelled fault log.

mod folds;
mod grow;
mod importance;
mod lesson;
mod log;
mod measures;
mod screen;
mod settings;
mod validate;

pub use folds::{Fold, assigned, forward, stratified};
pub use importance::{FeatureImportance, fall};
pub use lesson::{Lesson, learn};
pub use log::{FaultLog, FeatureColumn, FeatureValues, LearnError};
pub use measures::{Confusion, wilson};
pub use screen::Finding;
pub use settings::{Alpha, LearnSettings, Learner, Validation};
pub use validate::HeldOut;

pub use auscult_trees::{Criterion, MISSING};
