//! From symptoms to causes: learnt troubleshooting trees and explanations of a change.

pub mod explain;
pub mod draw;
pub mod learn;
pub mod model;
pub mod troubleshoot;
