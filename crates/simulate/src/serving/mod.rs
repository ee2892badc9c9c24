//! Serving a model: blocks, steps, batches, replicas, the router before them, the service as a whole.
//!
//! [`Service`] is what a fleet advances second by second: it gives each replica what its GPUs
//! and host give ([`Supply`]) and what is wrong with it, and asks afterwards what each took
//! ([`Replica::demand`]), what a scrape gets ([`Replica::scrape`]), and what clients got
//! ([`Service::clients`]). The pages are in [`crate::exporter`].

mod adapters;
mod batch;
mod blocks;
mod engine;
mod frontend;
mod llama_cpp;
mod meters;
mod process;
mod replica;
mod roofline;
mod router;
mod service;
mod slot;
mod spec;

pub use adapters::{Adapters, Lease};
pub use batch::Batch;
pub use blocks::Blocks;
pub use engine::{End, Engine, Outcome, Tick, Usage};
pub use frontend::Frontend;
pub use llama_cpp::{
    LlamaConditions, LlamaMeters, LlamaOutcome, LlamaRequest, LlamaServer, LlamaSpec,
};
pub use meters::{Gauges, Meters, Reason};
pub use process::{Process, Start, State};
pub use replica::{Arrival, Demand, Replica};
pub use roofline::{Cost, Roofline, Work};
pub(crate) use router::LATENCY;
pub use router::{Policy, Route, Router, Worker};
pub use service::{Clients, Service, ServiceSpec, Supply};
pub use spec::{EngineKind, ReplicaSpec, Role, SpecError};
