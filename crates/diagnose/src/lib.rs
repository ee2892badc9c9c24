//! From symptoms to causes: evidence, knowledge and statistics.

pub mod diagnosis;
pub mod draw;
pub mod evidence;
pub mod explain;
pub mod fault_tree;
pub mod features;
pub mod laws;
pub mod learn;
pub mod model;
pub mod network;
pub mod rank;
pub mod replay;
pub mod scene;
pub mod troubleshoot;
