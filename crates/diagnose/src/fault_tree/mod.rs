//! Fault trees: how likely the top event is, by which smallest sets of causes,
//! and which causes matter.
//!
//! [`read_mef`] reads the exchange format of fault trees, [`analyse`] works a
//! [`FaultTree`] out exactly.

mod analysis;
mod bdd;
mod build;
mod cuts;
mod diagram;
mod dot;
mod mef;
mod order;
mod tree;

pub use analysis::{Analysis, AnalysisSettings, CutSet, CutSets, Importance, Interval, analyse};
pub use dot::dot;
pub use mef::{MefError, MefProblem, read_mef};
pub use tree::{BasicEvent, DEEPEST_FORMULA, FaultTree, FaultTreeError, Formula, Gate};
