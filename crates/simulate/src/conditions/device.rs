//! What may be wrong with a GPU and with a port of the fabric.

use super::conditions;

conditions! {
    /// One GPU.
    pub struct GpuConditions of "gpu" {
        /// Heat carried away, as a share of the design.
        cooling = 1.0,
        /// Degrees by which the air at the inlet is warmer.
        inlet = 0.0,
        /// Power it may draw, as a share of the design, by the power supply's brake signal (bit 0x80).
        power_brake = 1.0,
        /// Power limit that was set, as a share of the design (bit 0x04 while it binds).
        power_limit = 1.0,
        /// Highest clock that was set, as a share of the design (bit 0x02 while it binds).
        clock_limit = 1.0,
        /// From 0.5 on, a memory error strikes once and is contained (XID 94): one process dies.
        contained_error = 0.0,
        /// From 0.5 on, memory errors are not contained (XID 95, 48, 140): processes die until the GPU is reset.
        uncontained_error = 0.0,
        /// From 0.5 on, no spare row is left for a bad one (XID 64).
        no_spare_rows = 0.0,
        /// Rows remapped an hour (XID 63: harmless).
        remaps_per_hour = 0.0,
        /// From 0.5 on, it fell off the bus (XID 79): its series vanish.
        off_bus = 0.0,
        /// From 0.5 on, its system processor does not answer (XID 119, then 154).
        gsp_timeout = 0.0,
        /// Links to other GPUs that are down, as a share (XID 74).
        nvlinks_down = 0.0,
        /// Errors a second on its links.
        nvlink_errors = 0.0,
        /// Faults of the application an hour (XID 13 or 31): the process dies.
        application_faults_per_hour = 0.0,
        /// Lanes to the host, as a share of the design.
        pcie_lanes = 1.0,
        /// Replays a second on the lanes to the host.
        pcie_replays = 0.0,
        /// Probability that what it computes in a second is wrong without a sign.
        corruption = 0.0,
        /// From 0.5 on, calls into the driver do not return: the exporter hangs.
        wedged_driver = 0.0,
        /// Bytes held by a process that no container owns.
        orphan_bytes = 0.0,
        /// Speed of its arithmetic, as a share of its peers at the same clock (a lemon).
        compute = 1.0,
    }
}

conditions! {
    /// One port of a host on the fabric between hosts.
    pub struct PortConditions of "port" {
        /// From 0.5 on, the link is down.
        down = 0.0,
        /// Times an hour that the link goes down for some seconds.
        flaps_per_hour = 0.0,
        /// Bandwidth that paths leave under load, as a share of the published (hash collisions, pause frames).
        path = 1.0,
        /// Symbol errors a second, whatever the load.
        symbol_errors = 0.0,
    }
}
