//! Causes against published and simulated answers.

mod explain_robustspot;
