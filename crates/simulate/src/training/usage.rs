//! What a step of the simulation did to GPUs and hosts.

use super::job::JobDemand;
use super::settings::JobSettings;
use super::stall::Flight;
use super::timing::Timing;
use crate::conditions::JobConditions;
use crate::supply::{GpuDemand, HostDemand};

/// Share of memory that weights, moments and activations take.
pub(super) const MEMORY: f64 = 0.82;
/// Cores of a rank's own thread and its helpers, and of its loaders.
const CORES: (f64, f64) = (1.3, 1.6);

/// Seconds by what the job did, and bytes that each host moved.
#[derive(Debug, Clone, Default)]
pub(super) struct Spent {
    /// All.
    pub(super) seconds: f64,
    pub(super) starting: f64,
    pub(super) loading: f64,
    pub(super) stepping: f64,
    pub(super) saving: f64,
    pub(super) stalled: f64,
    /// Steps, parts of them too.
    pub(super) steps: f64,
    pub(super) read: f64,
    pub(super) written: f64,
    /// Steps from their beginning to their end.
    pub(super) whole: f64,
    /// Parts of steps, in seconds since they began.
    pub(super) parts: Vec<(f64, f64)>,
}

impl Spent {
    /// Of a step of the simulation of `seconds`; keeps the memory of the last.
    pub(super) fn begin(&mut self, seconds: f64) {
        let mut parts = std::mem::take(&mut self.parts);
        parts.clear();
        *self = Self { seconds, parts, ..Self::default() };
    }

    /// Seconds spent between `begin` and `end` of steps, counted from where steps begin.
    fn between(&self, begin: f64, end: f64) -> f64 {
        let parts = self.parts.iter().map(|(from, to)| (end.min(*to) - begin.max(*from)).max(0.0));
        self.whole * (end - begin) + parts.sum::<f64>()
    }
}

/// What the job is at.
pub(super) struct Seen<'a> {
    pub(super) settings: &'a JobSettings,
    pub(super) timing: &'a Timing,
    pub(super) duration: f64,
    pub(super) flights: &'a [Flight],
    pub(super) stalled: bool,
}

pub(super) fn write(
    seen: &Seen<'_>,
    spent: &Spent,
    conditions: &JobConditions,
    demand: &mut JobDemand,
) {
    let settings = seen.settings;
    let timing = seen.timing;
    let ranks = settings.ranks();
    let hosts = settings.hosts();
    let each = settings.gpus_per_host as f64;
    let all = spent.seconds;
    let held = spent.loading + spent.stepping + spent.saving + spent.stalled;
    let spec = settings.gpu;
    let memory = if held > 0.0 {
        MEMORY * (spec.accelerator.memory_bytes - spec.reserved_bytes)
    } else if spent.starting > 0.0 {
        1.0e9
    } else {
        0.0
    };
    // Half of what crosses hosts crosses the links within a host as well.
    let base = settings.arithmetic_seconds();
    let within = if settings.tensor > 1 { 0.1 * base * spec.accelerator.nvlink_bytes } else { 0.0 };
    let nvlink = spent.steps * (within + 0.5 * settings.exchange_bytes());
    let pcie_in = spent.read / each + spent.steps * 2.0e7;
    let pcie_out = spent.written / each + spent.steps * 2.0e6;
    let stalled = spent.stalled / all;

    demand.gpus.clear();
    demand.gpus.reserve(ranks);
    // At first the seconds for which threads of ranks are busy, by host.
    demand.hosts.clear();
    demand.hosts.resize(hosts, HostDemand::default());
    for rank in 0..ranks {
        let (gpu, own, data) = (timing.gpu[rank], timing.own[rank], timing.data[rank]);
        // A step of a rank: wait for data, compute, wait inside the collective.
        let computing = spent.between(data, data + gpu.min(own)) / all;
        let waiting = spent.between(data + own, seen.duration.max(data + own)) / all;
        demand.hosts[rank / settings.gpus_per_host].cpu_seconds += if settings.busy_waiting {
            spent.starting + held
        } else {
            spent.starting + spent.loading + spent.saving + spent.between(data, data + own)
        };
        // A collective spins while it waits; whoever is not in it does nothing.
        let inside = !seen.stalled || seen.flights[rank] == Flight::Started;
        let spinning = if inside { stalled } else { 0.0 };
        demand.gpus.push(GpuDemand {
            active: (computing + waiting + spinning).min(1.0),
            tensor: computing * settings.efficiency,
            dram: 0.45 * computing + 0.03 * waiting,
            memory_bytes: memory,
            pcie_in_bytes: pcie_in,
            pcie_out_bytes: pcie_out,
            nvlink_bytes: nvlink,
        });
    }

    let up = spent.starting + held;
    // Loaders that cannot keep up are busy all the time.
    let making = settings.loader / conditions.loader_speed.max(1.0e-3);
    let loaders = CORES.1 * (making / settings.loader.max(1.0e-3)).clamp(1.0, 3.0);
    let tokens = settings.batch_tokens / ranks as f64 * each;
    let fabric = if hosts > 1 { settings.exchange_bytes() * each * spent.steps } else { 0.0 };
    let host = HostDemand {
        cpu_seconds: each * (loaders * spent.stepping + 1.5 * spent.starting),
        memory_bytes: if up > 0.0 { 4.0e10 + 3.0e10 * each } else { 0.0 },
        received_bytes: 2.0e6 * up,
        sent_bytes: 2.0e6 * up,
        fabric_bytes: fabric,
        read_bytes: spent.read + spent.steps * tokens * settings.token_bytes,
        written_bytes: spent.written,
    };
    for of in &mut demand.hosts {
        *of = HostDemand { cpu_seconds: host.cpu_seconds + CORES.0 * of.cpu_seconds, ..host };
    }
}
