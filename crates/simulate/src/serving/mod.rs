//! Serving a model: blocks, steps, batches, replicas, and the router before them.

mod adapters;
mod batch;
mod blocks;
mod frontend;
mod roofline;
mod spec;

pub use adapters::{Adapters, Place};
pub use batch::Batch;
pub use blocks::Blocks;
pub use frontend::Frontend;
pub use roofline::{Cost, Roofline, Work};
pub use spec::{EngineKind, ReplicaSpec, Role};
