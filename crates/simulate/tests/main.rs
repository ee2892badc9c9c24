//! Tests of the simulator from outside.
