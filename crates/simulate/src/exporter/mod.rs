//! What scrapers see: a page of each program, with the names, types, labels and quirks of the real one.
//!
//! Each has a page that is built once, a function that writes the values in the page's order,
//! and where a scrape can fail, one that says what it gets.

use crate::page::{Page, Values};
use crate::serving::{EngineKind, Replica, ReplicaSpec};

pub mod container;
pub mod dcgm;
pub mod llama_cpp;
pub mod log;
pub mod node;
mod process;
pub mod router;
pub mod sglang;
pub mod training;
pub mod vllm;

pub use container::ContainerExporter;
pub use dcgm::DcgmExporter;
pub use node::NodeExporter;
pub use training::TrainingExporter;

/// The page of a replica, whichever program serves.
pub fn replica_page(spec: &ReplicaSpec, instance: &str) -> Page {
    match spec.engine {
        EngineKind::Vllm => vllm::page(spec, instance),
        EngineKind::Sglang => sglang::page(spec, instance),
        EngineKind::LlamaCpp => llama_cpp::page(instance),
    }
}

/// Writes the values of [`replica_page`]; `start` is the Unix time of second 0.
pub fn write_replica(replica: &Replica, start: f64, values: &mut Values) {
    match replica.spec().engine {
        EngineKind::Vllm => vllm::write(replica, start, values),
        EngineKind::Sglang => sglang::write(replica, start, values),
        EngineKind::LlamaCpp => llama_cpp::write_replica(replica, values),
    }
}
