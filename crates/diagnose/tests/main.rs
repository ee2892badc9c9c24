//! Diagnosis against references, public data and strangers' files.

mod golden_learn;
mod hostile_models;
mod public_logs;
