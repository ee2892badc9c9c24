//! Tests of the simulator from outside.

mod scenario;
