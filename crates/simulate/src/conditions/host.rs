//! What may be wrong with a host and with the storage that hosts share.

use super::conditions;

conditions! {
    /// One host.
    pub struct HostConditions of "host" {
        /// Cores that neighbours on the host take.
        neighbour_cores = 0.0,
        /// Processor quota of the workload's containers, as a share of the cores.
        cpu_quota = 1.0,
        /// From 0.5 on, the host is down.
        down = 0.0,
        /// Seconds by which its clock is ahead.
        clock_offset = 0.0,
        /// Bytes a second that something writes to the local disk and never deletes.
        disk_fill = 0.0,
        /// Speed of its processors, as a share of its peers.
        cpu_speed = 1.0,
        /// Failures a day of jobs that use it, whatever the cause.
        failures_per_day = 0.0,
    }
}

conditions! {
    /// Storage that hosts share: checkpoints, data sets, weights.
    pub struct StorageConditions of "storage" {
        /// Bandwidth it gives to all together, as a share of the design.
        bandwidth = 1.0,
        /// Requests of others that wait before each of ours.
        backlog = 0.0,
    }
}
