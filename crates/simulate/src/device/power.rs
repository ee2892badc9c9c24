//! Power that a GPU draws at a clock, and the clock that a power allows.
//!
//! `P = idle + leakage + dram + c · V(c)² · (awake + SM + tensor)`: the switching power of CMOS,
//! with a voltage that is flat up to [`KNEE`] of the highest clock and rises to 1 from there (the
//! voltage floor that `nvidia-smi -q -d VOLTAGE` shows at low clocks). Shares are set so that on
//! an H100 a steady large matrix product meets the power limit below the highest clock, decoding
//! (memory busy, tensor pipes nearly idle) stays near half of the limit, and a process that only
//! spins in a collective draws little more than one that waits.

use super::spec::Spec;
use crate::supply::GpuDemand;

/// Voltage at low clocks, as a share of the highest.
const FLOOR: f64 = 0.68;
/// Share of the highest clock from which the voltage rises.
const KNEE: f64 = 0.55;
/// Lowest share of the highest clock that the governor uses under load.
pub(super) const LOWEST: f64 = 0.17;

/// Parts of the power, in watts; the first two do not follow the clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw {
    /// Idle, leakage and memory.
    pub(super) fixed: f64,
    /// What switches with the clock, at the highest clock and voltage.
    pub(super) switching: f64,
    /// The memory's part of the fixed.
    pub(super) memory: f64,
}

impl Draw {
    /// Of `demand`, with the die at `celsius`; `awake` when a program holds the GPU. `hunger` is
    /// what this die switches beside others of its kind.
    pub(super) fn of(
        spec: &Spec,
        demand: &GpuDemand,
        celsius: f64,
        awake: bool,
        hunger: f64,
    ) -> Self {
        let span = spec.accelerator.power_watts - spec.accelerator.idle_watts;
        let leakage = 0.0011 * spec.accelerator.power_watts * (celsius - 45.0).max(0.0);
        let memory = 0.17 * span * demand.dram;
        let switching = if awake {
            span * hunger * (0.07 + 0.28 * sm_active(demand) + 1.1 * demand.tensor)
        } else {
            0.0
        };
        Self { fixed: spec.accelerator.idle_watts + leakage + memory, switching, memory }
    }

    /// Watts at `clock`, a share of the highest.
    pub(super) fn watts(&self, clock: f64) -> f64 {
        self.fixed + self.switching * switched(clock)
    }

    /// Highest clock at which no more than `limit` watts are drawn.
    pub(super) fn clock(&self, limit: f64) -> f64 {
        if self.watts(1.0) <= limit {
            return 1.0;
        }
        let share = ((limit - self.fixed) / self.switching).max(0.0);
        let (mut low, mut high) = (LOWEST, 1.0);
        if switched(LOWEST) >= share {
            return LOWEST;
        }
        // Ten halvings are finer than the 15 MHz in which clocks are set.
        for _ in 0..10 {
            let middle = 0.5 * (low + high);
            if switched(middle) > share { high = middle } else { low = middle }
        }
        low
    }
}

/// Share of the second in which the multiprocessors held work: a kernel that runs without
/// moving data or feeding the pipes (a collective that spins) fills few of them.
pub(super) fn sm_active(demand: &GpuDemand) -> f64 {
    demand.active * (0.1 + 1.35 * demand.tensor.max(demand.dram)).min(1.0)
}

/// `c · V(c)²`.
fn switched(clock: f64) -> f64 {
    let volts = FLOOR + (1.0 - FLOOR) * ((clock - KNEE) / (1.0 - KNEE)).max(0.0);
    clock * volts * volts
}
