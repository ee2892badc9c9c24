//! From symptoms to causes: learnt troubleshooting trees and explanations of a change.

pub mod draw;
pub mod explain;
pub mod learn;
pub mod model;
pub mod rank;
pub mod troubleshoot;
