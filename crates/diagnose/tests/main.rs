//! Diagnosis against references and public data.

mod public_logs;
