//! Tests of the simulator from outside.

mod device;
mod exporter;
mod scenario;
mod host;
mod rig;
mod training;
