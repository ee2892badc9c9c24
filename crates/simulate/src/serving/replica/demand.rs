//! What a replica takes of its GPUs and its host.

use crate::supply::{GpuDemand, HostDemand};

use super::{HOST_BYTES, Replica, WORKER_BYTES};

/// What a replica did to its GPUs and its host in the last second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demand {
    /// The GPU whose experts are used most; all of a dense model's.
    pub busiest: GpuDemand,
    /// Each of the others.
    pub other: GpuDemand,
    /// The host.
    pub host: HostDemand,
}

/// Bytes of host memory for each request inside, and for each picture that is prepared.
const REQUEST_BYTES: f64 = 2.0e5;
const PICTURE_BYTES: f64 = 2.5e7;
/// Bytes on the front network for a token of an answer, streamed by itself.
const TOKEN_OUT: f64 = 220.0;

impl Replica {
    /// What the second took of GPUs and host.
    pub(super) fn ask(&mut self, received: f64, picture_bytes: f64, pictures: u32) {
        let gpus = f64::from(self.spec.gpus);
        let usage = &self.usage;
        let share = |seconds: f64| seconds.clamp(0.0, 1.0);
        let tokens = usage.tokens as f64;
        let busiest = GpuDemand {
            active: share(usage.active),
            tensor: share(usage.tensor),
            dram: share(usage.memory),
            memory_bytes: self.spec.gpu_bytes(self.engine.total_blocks()) + picture_bytes,
            pcie_in_bytes: (received + 4e3 * tokens) / gpus,
            pcie_out_bytes: 4e3 * tokens / gpus,
            nvlink_bytes: usage.link_bytes,
        };
        let waits = if usage.active > 0.0 { usage.waiting / usage.active } else { 0.0 };
        let other = GpuDemand {
            tensor: busiest.tensor * (1.0 - waits),
            dram: busiest.dram * (1.0 - waits),
            ..busiest
        };
        self.memory_bytes = HOST_BYTES
            + WORKER_BYTES * gpus
            + self.leaked
            + REQUEST_BYTES * self.engine.inside() as f64
            + PICTURE_BYTES * f64::from(pictures);
        // The engine's loop and each worker keep a core busy while steps are made.
        let works =
            self.frontend.take_busy() + (1.0 + 0.7 * gpus) * share(usage.active * 1.1) + 0.05;
        let cpu = if self.stopped { 0.0 } else { works };
        self.cpu_seconds += cpu;
        let host = HostDemand {
            cpu_seconds: cpu,
            memory_bytes: self.memory_bytes,
            received_bytes: received,
            sent_bytes: TOKEN_OUT * tokens,
            fabric_bytes: usage.handed_bytes,
            ..HostDemand::default()
        };
        self.demand = Demand { busiest, other, host };
    }
}
