//! From symptoms to causes: learnt troubleshooting trees and explanations of a change.

pub mod diagnosis;
pub mod draw;
pub mod evidence;
pub mod explain;
pub mod learn;
pub mod model;
pub mod scene;
pub mod troubleshoot;
