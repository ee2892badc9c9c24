//! The fabric between hosts: ports, their errors, and the bandwidth that paths leave.
//!
//! [`Port::advance`] says which share of its bandwidth a port gives; a program that spreads a
//! collective over the ports of its hosts goes at the slowest. Counters carry InfiniBand's
//! meanings (InfiniBand Architecture Specification, volume 1, section 16.1.3, and NVIDIA's
//! "Understanding mlx5 Linux counters").

mod port;

pub use port::{Port, PortCounters};
