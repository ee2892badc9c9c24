//! Causes against published and simulated answers.

mod explain_robustspot;
mod explain_two_periods;
