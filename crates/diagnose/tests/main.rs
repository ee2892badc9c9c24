//! Diagnosis against references, published answers, public data and strangers' files.

mod explain_robustspot;
mod explain_two_periods;
mod fault_trees;
mod golden_learn;
mod hostile_models;
mod laws;
mod log_templates;
mod mef;
mod networks;
mod public_logs;
mod replay;
