//! How good the answers are: what an evaluation job sees of a served model, and models that hear, see and drive.
//!
//! Quality follows from what was done to the answers: weights, templates, caches, arithmetic,
//! routes, and what is asked. Each answer that is looked at is drawn by itself, so that ratios
//! have the noise that their numbers give them.

mod answers;
mod evaluation;
mod perception;

pub use answers::{Answers, Chances};
pub use evaluation::Evaluation;
pub use perception::{Perception, PerceptionKind, PerceptionSpec};
