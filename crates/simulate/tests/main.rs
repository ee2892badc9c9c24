//! Tests of the simulator from outside.

mod serving;
