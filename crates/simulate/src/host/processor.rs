//! How the cores of a host are shared, and who waits for them.

use crate::conditions::HostConditions;

/// What a step gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    /// Share of what programs asked for that they got, slower cores counted.
    pub(super) given: f64,
    /// Cores that programs kept busy.
    pub(super) busy: f64,
    /// Cores that neighbours kept busy.
    pub(super) neighbours: f64,
    /// Share of time in which some task waited for a core.
    pub(super) waiting: f64,
    /// Share of quota periods that were cut short.
    pub(super) throttled: f64,
    /// Cores that the quota withheld.
    pub(super) withheld: f64,
    /// Share of the time that a task wants to run in which it does.
    pub(super) running: f64,
    /// How much longer work takes on cores that are slower.
    pub(super) longer: f64,
}

impl Shared {
    /// Share of time in which some task of a program that asks for `asked` cores waits for one, or is
    /// held back by the quota: what the kernel calls pressure, of one control group.
    pub(super) fn waiting_of(&self, asked: f64) -> f64 {
        let wanted = asked * self.longer;
        // One task that runs now and then, or several that run all the time.
        let there = (wanted / self.running).min(1.0);
        let none_waits = libm::pow(self.running, wanted.max(1.0));
        (there * (1.0 - none_waits).max(self.throttled)).min(1.0)
    }
}

/// Shares `cores` among programs that ask for `asked` of them and the neighbours.
///
/// Every runnable task weighs the same, as under the kernel's fair scheduler. Below saturation
/// tasks wait with the probability of Sakasegawa's approximation for a queue with many servers
/// (H. Sakasegawa, 1977): `load^(√(2(cores + 1)) − 1)`. A quota holds tasks back in periods of
/// 100 ms; as demand comes in bursts, that begins below the quota: from 60 % of it on.
pub(super) fn share(cores: f64, asked: f64, conditions: &HostConditions) -> Shared {
    let speed = conditions.cpu_speed.max(0.01);
    let wanted = asked / speed;
    let others = conditions.neighbour_cores.max(0.0);
    let all = wanted + others;
    let part = if all > cores { cores / all } else { 1.0 };
    let limited = conditions.cpu_quota < 1.0;
    let quota = if limited { conditions.cpu_quota.max(0.001) * cores } else { f64::INFINITY };
    let busy = (wanted * part).min(quota);
    let neighbours = (others * part).max((cores - busy).min(others));
    let tight = ((wanted / quota - 0.6) / 0.4).clamp(0.0, 1.0);
    let throttled = tight * tight;
    let load = ((busy + neighbours) / cores).min(1.0);
    let queued = libm::pow(load, (2.0 * (cores + 1.0)).sqrt() - 1.0);
    // Held back before the quota is used up, a task gets its time late: up to a fifth of it.
    let late = 1.0 - 0.2 * throttled * f64::from(u8::from(limited));
    let got = if wanted > 0.0 { busy / wanted } else { part };
    let crowded = 1.0 / (1.0 + 0.1 * queued);
    Shared {
        given: (got * speed * late * crowded).clamp(1.0e-4, 1.0),
        busy,
        neighbours,
        // Wakeups land on a busy core now and then, however many are idle.
        waiting: (queued + throttled + 0.004 * load).min(1.0),
        throttled,
        withheld: (wanted * part - busy).max(0.0) + 0.2 * throttled * busy,
        running: (got * crowded * (1.0 - 0.004 * load)).clamp(1.0e-4, 1.0),
        longer: 1.0 / speed,
    }
}
