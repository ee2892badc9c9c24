//! From symptoms to causes: learnt troubleshooting trees and explanations of a change.

pub mod explain;
