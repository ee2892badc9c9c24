//! Tests of the simulator from outside.

mod adapters;
mod device;
mod exporter;
mod host;
mod identity;
mod library;
mod rig;
mod scenario;
mod serving;
mod side_by_side;
mod training;
