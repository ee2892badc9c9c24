//! Temperatures of die, heat sink and memory, and the fans that answer them.

use super::spec::Spec;

/// Seconds in which the die follows its heat sink.
const DIE_SECONDS: f64 = 2.5;
/// Seconds in which a memory stack follows the heat sink.
const MEMORY_SECONDS: f64 = 6.0;
/// Kelvin per watt of a memory stack over the sink, as a multiple of the die's resistance.
const MEMORY_RESISTANCE: f64 = 14.0;
/// By how much more the sink resists at the slowest fans.
const STILL_AIR: f64 = 0.9;
/// Share of the design that is carried away even when nothing blows.
const STILL: f64 = 0.15;

/// Heat of one GPU: two resistances and two masses in a row, and the memory beside the die.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heat {
    /// Of the die, in °C.
    pub(super) die: f64,
    /// Of the memory, in °C.
    pub(super) memory: f64,
    /// Speed of the fans, as a share of the highest.
    pub(super) fan: f64,
    sink: f64,
    /// What its sink resists beside others of its kind.
    mount: f64,
    /// Length of the step that the decays below are for.
    seconds: f64,
    decays: [f64; 3],
}

impl Heat {
    pub(super) fn new(inlet: f64, mount: f64) -> Self {
        let warm = inlet + 5.0;
        Self {
            die: warm,
            memory: warm,
            fan: 0.3,
            sink: warm,
            mount,
            seconds: 0.0,
            decays: [0.0; 3],
        }
    }

    /// Goes on by `seconds` with `watts` drawn, `memory_watts` of them in the memory.
    pub(super) fn advance(
        &mut self,
        spec: &Spec,
        seconds: f64,
        watts: f64,
        memory_watts: f64,
        inlet: f64,
        cooling: f64,
    ) {
        if self.seconds != seconds {
            self.seconds = seconds;
            self.decays = [spec.sink_seconds, DIE_SECONDS, MEMORY_SECONDS]
                .map(|constant| libm::exp(-seconds / constant));
        }
        let still = 1.0 + STILL_AIR * (1.0 - self.fan);
        let sink = inlet + watts * spec.sink_resistance * self.mount * still / cooling.max(STILL);
        let [slow, fast, beside] = self.decays;
        self.sink = sink + (self.sink - sink) * slow;
        let die = self.sink + (watts - memory_watts) * spec.die_resistance;
        self.die = die + (self.die - die) * fast;
        let memory = self.sink
            + memory_watts * spec.die_resistance * MEMORY_RESISTANCE
            + 0.25 * (self.die - self.sink);
        self.memory = memory + (self.memory - memory) * beside;
        // Fans go from slowest to full between 45 and 70 °C of the hotter of the two.
        let wanted = (0.3 + 0.7 * (self.die.max(self.memory) - 45.0) / 25.0).clamp(0.3, 1.0);
        let step = 0.05 * seconds;
        self.fan += (wanted - self.fan).clamp(-step, step);
    }
}
