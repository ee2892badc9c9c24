//! A mechanistic fleet of large models in service and in training.
//!
//! Nothing here draws a curve with a bump on it: queues, schedulers, caches, clocks and links
//! are simulated, and the metrics *emerge*. A fault turns a dial of the mechanism
//! ([`conditions`]); every symptom follows, the misleading ones too.
//!
//! The fleet advances in steps of one second. In each, hardware says what it gives
//! ([`supply`]), programs run on it and say what they used, hardware answers with heat,
//! clocks and errors. Inside the second, serving and training run as discrete events.
//!
//! The same seed gives the same bytes on any machine: no platform mathematics, no hash maps,
//! one random stream for each part. This crate has no input or output, no clock, no threads.

pub mod catalogue;
pub mod conditions;
pub mod device;
pub mod exporter;
pub mod fabric;
pub mod fault;
pub mod fleet;
pub mod host;
pub mod identity;
pub mod logs;
pub mod observation;
pub mod page;
pub mod place;
pub mod quality;
pub mod random;
pub mod scenario;
pub mod serving;
pub mod shape;
pub mod simulation;
pub mod supply;
pub mod training;
pub mod truth;
pub mod workload;
