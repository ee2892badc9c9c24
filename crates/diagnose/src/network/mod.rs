//! Discrete Bayesian networks: exact posteriors, and finding the cause of a
//! symptom with the fewest looks.

mod bif;
mod inference;
mod net;
mod protocol;
mod troubleshoot;

pub use bif::{BifError, BifProblem, read_bif};
pub use inference::{Inference, InferenceError, Posterior};
pub use net::{Network, NetworkError, Variable};
pub use protocol::{Protocol, ProtocolScore, Strategy};
pub use troubleshoot::{Step, Suspect, TroubleshootError, TroubleshootSettings, Troubleshooter};
