//! Tests of the simulator from outside.

mod scenario;
mod device;
mod exporter;
