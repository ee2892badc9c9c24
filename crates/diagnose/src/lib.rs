//! From symptoms to causes: learnt troubleshooting trees and explanations of a change.

pub mod draw;
pub mod explain;
pub mod fault_tree;
pub mod learn;
pub mod model;
pub mod network;
pub mod replay;
pub mod troubleshoot;
