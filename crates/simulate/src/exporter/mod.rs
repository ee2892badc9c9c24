//! What scrapers see: the pages of the programs, with the names, types, labels and quirks of the real ones.
//!
//! Each page is a schema, made once, and a function that writes the values in its order.

use crate::page::{Page, Values};
use crate::serving::{EngineKind, Replica, ReplicaSpec};

mod process;
pub mod router;
pub mod sglang;
pub mod vllm;

/// The page of a replica, whichever program serves.
pub fn replica_page(spec: &ReplicaSpec, instance: &str) -> Page {
    match spec.engine {
        EngineKind::Vllm => vllm::page(spec, instance),
        EngineKind::Sglang => sglang::page(spec, instance),
    }
}

/// Writes the values of [`replica_page`]; `start` is the Unix time of second 0.
pub fn write_replica(replica: &Replica, start: f64, values: &mut Values) {
    match replica.spec().engine {
        EngineKind::Vllm => vllm::write(replica, start, values),
        EngineKind::Sglang => sglang::write(replica, start, values),
    }
}
