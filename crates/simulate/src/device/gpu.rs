//! One GPU: what it gives its program, and what it shows of itself.

use std::collections::VecDeque;

use super::clock::{Governor, Seen, reason};
use super::errors::{ErrorCounters, Errors, WINDOW};
use super::heat::Heat;
use super::power::{Draw, sm_active};
use super::spec::Spec;
use super::xid::Xid;
use crate::conditions::GpuConditions;
use crate::random::Random;
use crate::supply::{GpuDemand, GpuSupply};

/// Bytes in a MiB, the unit of the driver's memory figures.
const MIB: f64 = 1_048_576.0;

/// What the driver would answer now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Clock of the multiprocessors, in MHz.
    pub sm_mhz: f64,
    /// Clock of the memory, in MHz.
    pub memory_mhz: f64,
    /// Temperature of the die, in °C.
    pub celsius: f64,
    /// Temperature of the memory, in °C.
    pub memory_celsius: f64,
    /// Power, in watts, with the meter's noise of half a percent.
    pub watts: f64,
    /// Share of the second with any kernel.
    pub active: f64,
    /// Share of the second with work on the multiprocessors.
    pub sm_active: f64,
    /// Share of the second with the tensor pipes busy.
    pub tensor: f64,
    /// Share of the second with memory traffic.
    pub dram: f64,
    /// Memory in use, in MiB.
    pub used_mib: f64,
    /// Memory that is free, in MiB.
    pub free_mib: f64,
    /// Memory that the driver keeps, in MiB.
    pub reserved_mib: f64,
    /// Bytes a second to the host.
    pub pcie_sent: f64,
    /// Bytes a second from the host.
    pub pcie_received: f64,
    /// Lanes to the host.
    pub pcie_width: f64,
    /// Speed of the fans, as a share of the highest.
    pub fan: f64,
    /// Bits of [`super::reason`].
    pub reasons: u16,
}

/// What only grows, since the driver was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// Energy, in joules: the integral of the power drawn.
    pub joules: f64,
    /// Bytes over the links to other GPUs.
    pub nvlink_bytes: f64,
    /// Seconds in which the power limit held the clock down.
    pub power_seconds: f64,
    /// Seconds in which heat held it down.
    pub thermal_seconds: f64,
    /// Seconds in which the brake signal held it down.
    pub brake_seconds: f64,
}

/// How far GPUs of one model differ: deviation of the power that dies switch (P. Sinha et al.,
/// "Not All GPUs Are Created Equal", SC 2022, saw speeds differ by 8 % on average, 22 % at most),
/// and of the resistance of their mounting.
const SPREAD: (f64, f64) = (0.03, 0.05);
/// Degrees by which the air is warmer at the last of the eight places behind one another.
const PREHEATED: f64 = 4.0;

/// One GPU in steps of a second or a few.
///
/// No two are alike: each die has its own hunger for power, each sink its own mounting, and the
/// air that reaches the rear places has passed the front ones. A step costs some 100 ns; memory
/// of a few hundred bytes. While its host is down there is nothing to advance; when the host is
/// back, [`Gpu::restart`] it.
#[derive(Debug, Clone)]
pub struct Gpu {
    spec: &'static Spec,
    random: Random,
    now: f64,
    heat: Heat,
    governor: Governor,
    errors: Errors,
    reading: Reading,
    totals: Totals,
    /// When the reasons changed in the last [`WINDOW`] seconds, and what they became.
    held: VecDeque<(f64, u16)>,
    on_bus: bool,
    answers: bool,
    slow: bool,
    hunger: f64,
    preheated: f64,
}

impl Gpu {
    /// GPU number `index` of the run `seed`, counted over all hosts of eight, at rest.
    pub fn new(spec: &'static Spec, seed: u64, index: u64) -> Self {
        let mut random = Random::member(seed, "gpu", index);
        let errors = Errors::new(&mut random, seed);
        let hunger = random.log_normal(1.0, SPREAD.0);
        let mount = random.log_normal(1.0, SPREAD.1);
        let preheated = PREHEATED * (index % 8 / 4) as f64 * random.between(0.6, 1.0);
        let mut gpu = Self {
            spec,
            random,
            now: 0.0,
            heat: Heat::new(27.0, mount),
            governor: Governor::new(spec),
            errors,
            reading: Reading::default(),
            totals: Totals::default(),
            held: VecDeque::new(),
            on_bus: true,
            answers: true,
            slow: false,
            hunger,
            preheated,
        };
        gpu.read(
            1.0,
            &GpuDemand::default(),
            &GpuConditions::default(),
            spec.accelerator.idle_watts,
        );
        gpu
    }

    /// Goes on by `seconds` in which the program did `demand`, with air of `inlet` °C.
    /// Says what it gives for the step to come.
    pub fn advance(
        &mut self,
        seconds: f64,
        demand: &GpuDemand,
        inlet: f64,
        conditions: &GpuConditions,
    ) -> GpuSupply {
        self.now += seconds;
        let used = demand.memory_bytes > 0.0;
        let kill = self.errors.advance(self.now, seconds, used, conditions, &mut self.random);
        self.on_bus = conditions.off_bus < 0.5;
        self.slow = conditions.gsp_timeout >= 0.5;
        self.answers = conditions.wedged_driver < 0.5;
        let alive = self.on_bus && !self.slow;

        let awake = used && alive;
        let draw = Draw::of(self.spec, demand, self.heat.die, awake, self.hunger);
        let watts = draw.watts(self.governor.clock);
        self.totals.joules += watts * seconds;
        let inlet = inlet + conditions.inlet + self.preheated;
        let cooling = conditions.cooling;
        self.heat.advance(self.spec, seconds, watts, draw.memory, inlet, cooling);
        let seen = Seen {
            draw,
            die: self.heat.die,
            memory: self.heat.memory,
            active: demand.active > 0.01,
            awake,
        };
        self.governor.advance(self.spec, seconds, &seen, conditions);
        self.hold(seconds);
        self.totals.nvlink_bytes += demand.nvlink_bytes;
        if alive {
            self.read(seconds, demand, conditions, watts);
        }

        let clock = if awake { self.governor.clock } else { conditions.clock_limit.min(1.0) };
        let lossy = 1.0 / (1.0 + conditions.pcie_replays * 1.0e-3);
        GpuSupply {
            alive,
            clock: clock * conditions.compute,
            bandwidth: 1.0,
            nvlink: (1.0 - conditions.nvlinks_down).max(0.0)
                / (1.0 + conditions.nvlink_errors * 1.0e-3),
            pcie: conditions.pcie_lanes.clamp(0.0, 1.0) * lossy,
            taken_bytes: conditions.orphan_bytes,
            corruption: conditions.corruption,
            kill,
        }
    }

    /// Its host started and loaded the driver anew: what counts since then begins at nothing.
    pub fn restart(&mut self) {
        self.totals = Totals::default();
        self.errors.reset();
        self.held.clear();
    }

    /// What the driver would answer now.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// What only grows.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Counters of errors.
    pub fn errors(&self) -> &ErrorCounters {
        &self.errors.counters
    }

    /// Its figures.
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Whether the host still sees it.
    pub fn on_bus(&self) -> bool {
        self.on_bus
    }

    /// Whether calls into the driver return.
    pub fn answers(&self) -> bool {
        self.answers
    }

    /// Whether calls into the driver wait for a system processor that does not answer.
    pub fn slow(&self) -> bool {
        self.slow
    }

    /// Takes the driver's reports since the last call, oldest first.
    pub fn take_xids(&mut self) -> std::vec::Drain<'_, Xid> {
        self.errors.reports.drain(..)
    }

    /// Reports with this code in the last five minutes.
    pub(crate) fn recent_xids(&self, code: u16) -> usize {
        self.errors.recent.iter().filter(|xid| xid.code == code).count()
    }

    /// Whether there was any report in the last five minutes.
    pub(crate) fn any_recent_xid(&self) -> bool {
        !self.errors.recent.is_empty()
    }

    /// Seconds of the last five minutes in which `bit` of the reasons was set.
    pub(crate) fn held_seconds(&self, bit: u16) -> f64 {
        let ends = self.held.iter().skip(1).map(|(at, _)| *at).chain([self.now]);
        self.held
            .iter()
            .zip(ends)
            .filter(|((_, reasons), _)| reasons & bit != 0)
            .map(|((begin, _), end)| end - begin.max(self.now - WINDOW))
            .sum()
    }

    fn hold(&mut self, seconds: f64) {
        let reasons = self.governor.reasons;
        if self.held.back().is_none_or(|(_, last)| *last != reasons) {
            self.held.push_back((self.now - seconds, reasons));
            while self.held.get(1).is_some_and(|(at, _)| *at <= self.now - WINDOW) {
                self.held.pop_front();
            }
        }
        if reasons & reason::POWER_CAP != 0 {
            self.totals.power_seconds += seconds;
        }
        if reasons & (reason::SOFTWARE_THERMAL | reason::HARDWARE_THERMAL) != 0 {
            self.totals.thermal_seconds += seconds;
        }
        if reasons & reason::POWER_BRAKE != 0 {
            self.totals.brake_seconds += seconds;
        }
    }

    fn read(&mut self, seconds: f64, demand: &GpuDemand, conditions: &GpuConditions, watts: f64) {
        let spec = self.spec;
        let total = (spec.accelerator.memory_bytes / MIB).round();
        let reserved = (spec.reserved_bytes / MIB).round();
        let used = ((demand.memory_bytes + conditions.orphan_bytes) / MIB).round();
        let used = used.min(total - reserved);
        let noise = 1.0 + 0.01 * (self.random.uniform() - 0.5);
        self.reading = Reading {
            // Clocks are set in steps of 15 MHz.
            sm_mhz: (self.governor.clock * spec.accelerator.max_clock_mhz / 15.0).round() * 15.0,
            memory_mhz: spec.accelerator.memory_clock_mhz,
            celsius: self.heat.die,
            memory_celsius: self.heat.memory,
            watts: watts * noise,
            active: demand.active,
            sm_active: sm_active(demand),
            tensor: demand.tensor,
            dram: demand.dram,
            used_mib: used,
            free_mib: total - reserved - used,
            reserved_mib: reserved,
            pcie_sent: demand.pcie_out_bytes / seconds,
            pcie_received: demand.pcie_in_bytes / seconds,
            pcie_width: lanes(conditions.pcie_lanes),
            fan: self.heat.fan,
            reasons: self.governor.reasons,
        };
    }
}

/// Widths that links are trained to.
fn lanes(share: f64) -> f64 {
    [16.0, 8.0, 4.0, 2.0].into_iter().find(|width| share * 16.0 >= width - 0.01).unwrap_or(1.0)
}
