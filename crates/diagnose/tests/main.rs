//! Causes against published and simulated answers.

mod explain_robustspot;
mod explain_two_periods;
//! Diagnosis against references, public data and strangers' files.
mod golden_learn;
mod hostile_models;
mod public_logs;
