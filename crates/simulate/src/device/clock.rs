//! The governor of the clock, and why it holds the clock down.

use super::power::{Draw, LOWEST};
use super::spec::Spec;
use crate::conditions::GpuConditions;

/// Why a clock is held down, as NVML's bits of clock events.
pub mod reason {
    /// Nothing runs.
    pub const IDLE: u16 = 0x1;
    /// A clock that was set.
    pub const SETTING: u16 = 0x2;
    /// The power limit; routine.
    pub const POWER_CAP: u16 = 0x4;
    /// The hardware slows down: with one of the two below.
    pub const HARDWARE: u16 = 0x8;
    /// The driver slows down for heat of die or memory.
    pub const SOFTWARE_THERMAL: u16 = 0x20;
    /// The hardware slows down for heat of the die.
    pub const HARDWARE_THERMAL: u16 = 0x40;
    /// The power supply's brake signal.
    pub const POWER_BRAKE: u16 = 0x80;
}

/// Share of the highest clock that the governor adds in a second when nothing holds it down.
const RISE: f64 = 0.25;
/// Share of the highest clock that the driver takes off, for each kelvin too much and second.
const THERMAL_FALL: f64 = 0.012;
/// Share of the highest clock that it gives back in a second when it is cool again.
const THERMAL_RISE: f64 = 0.008;

/// State of the governor. Clocks are shares of the highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Governor {
    /// The clock.
    pub(super) clock: f64,
    /// Bits of [`reason`].
    pub(super) reasons: u16,
    /// What heat leaves.
    thermal: f64,
    /// Whether the hardware's slowdown is engaged.
    halved: bool,
}

/// What the governor looks at.
pub(super) struct Seen {
    pub(super) draw: Draw,
    pub(super) die: f64,
    pub(super) memory: f64,
    pub(super) active: bool,
    pub(super) awake: bool,
}

impl Governor {
    pub(super) fn new(spec: &Spec) -> Self {
        Self {
            clock: spec.idle_mhz / spec.accelerator.max_clock_mhz,
            reasons: reason::IDLE,
            thermal: 1.0,
            halved: false,
        }
    }

    /// Sets the clock for the second to come.
    pub(super) fn advance(
        &mut self,
        spec: &Spec,
        seconds: f64,
        seen: &Seen,
        conditions: &GpuConditions,
    ) {
        self.heat(spec, seconds, seen);
        let mut reasons = 0;
        let mut target: f64 = 1.0;
        let setting = conditions.clock_limit.clamp(LOWEST, 1.0);
        let power = seen.draw.clock(conditions.power_limit.min(1.0) * spec.accelerator.power_watts);
        let mut hold = |limit: f64, bit: u16| {
            if limit < 0.999 && limit <= target {
                target = limit;
                reasons |= bit;
            }
        };
        hold(setting, reason::SETTING);
        hold(power, reason::POWER_CAP);
        hold(self.thermal, reason::SOFTWARE_THERMAL);
        if target < setting {
            reasons &= !reason::SETTING;
        }
        if self.halved {
            target = (0.5 * target).max(LOWEST);
            reasons |= reason::HARDWARE_THERMAL | reason::HARDWARE;
        }
        if conditions.power_brake < 1.0 {
            let brake = seen.draw.clock(conditions.power_brake * spec.accelerator.power_watts);
            // The signal at least halves the clock, whatever is drawn.
            target = target.min(brake).min(0.5);
            reasons |= reason::POWER_BRAKE | reason::HARDWARE;
        }
        if !seen.awake {
            target = spec.idle_mhz / spec.accelerator.max_clock_mhz;
        }
        if !seen.active {
            reasons = (reasons & !reason::POWER_CAP) | reason::IDLE;
        }
        self.clock = target.min(self.clock + RISE * seconds);
        self.reasons = reasons;
    }

    /// The driver's integral control of heat, and the hardware's last resort.
    fn heat(&mut self, spec: &Spec, seconds: f64, seen: &Seen) {
        let excess = (seen.die - spec.software_slowdown).max(seen.memory - spec.memory_slowdown);
        if excess > 0.0 {
            let ceiling = self.thermal.min(self.clock.max(LOWEST) + 0.05);
            self.thermal = ceiling - THERMAL_FALL * excess.min(8.0) * seconds;
        } else if excess < -1.0 {
            self.thermal += THERMAL_RISE * seconds;
        }
        self.thermal = self.thermal.clamp(LOWEST, 1.0);
        self.halved = seen.die > spec.hardware_slowdown
            || self.halved && seen.die > spec.hardware_slowdown - 3.0;
    }
}
