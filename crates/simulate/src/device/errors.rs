//! Errors of one GPU: memory, links, system processor, bus, and what the driver does about them.

use std::collections::VecDeque;

use super::xid::Xid;
use crate::conditions::GpuConditions;
use crate::random::Random;
use crate::supply::Kill;

/// Mean seconds between memory errors that are corrected by themselves, in a healthy GPU.
const SINGLE_BIT_SECONDS: f64 = 30.0 * 3600.0;
/// Mean seconds until a program in use meets the next uncontained error.
const UNCONTAINED_SECONDS: f64 = 30.0;
/// Mean seconds between calls into a system processor that does not answer.
const GSP_SECONDS: f64 = 45.0;
/// Reports that are kept until somebody takes them.
const REPORTS: usize = 4096;
/// Chance that the driver reports its cleanup (XID 45) after a process died.
const CLEANUP: f64 = 0.5;
/// Seconds for which `DCGM_EXP_XID_ERRORS_COUNT` counts.
pub(super) const WINDOW: f64 = 300.0;

/// Counters as the driver keeps them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ErrorCounters {
    /// The code that the gauge shows; it stays until the driver is loaded anew.
    pub last_xid: u16,
    /// Corrected memory errors since the last reset.
    pub single_bit: u64,
    /// Memory errors that were not corrected, since the last reset.
    pub double_bit: u64,
    /// Corrected memory errors, ever.
    pub single_bit_ever: u64,
    /// Memory errors that were not corrected, ever.
    pub double_bit_ever: u64,
    /// Rows replaced after corrected errors.
    pub remapped_correctable: u64,
    /// Rows replaced after errors that were not corrected.
    pub remapped_uncorrectable: u64,
    /// Whether a row could not be replaced.
    pub remap_failure: bool,
    /// Packets sent again over PCIe.
    pub pcie_replays: u64,
    /// Checksum errors of NVLink in flow control units.
    pub nvlink_crc_flit: u64,
    /// Checksum errors of NVLink in data.
    pub nvlink_crc_data: u64,
    /// Packets sent again over NVLink.
    pub nvlink_replays: u64,
    /// Links of NVLink that were trained anew.
    pub nvlink_recoveries: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Errors {
    pub(super) counters: ErrorCounters,
    /// Reports that nobody has taken yet.
    pub(super) reports: Vec<Xid>,
    /// Reports of the last [`WINDOW`] seconds.
    pub(super) recent: VecDeque<Xid>,
    /// Reports that are still to come, soonest first.
    later: Vec<Xid>,
    next_single_bit: f64,
    /// Rows that the next reset replaces.
    remap_pending: u64,
    /// What stood at 0.5 or more a step ago.
    struck: Struck,
    links_down: f64,
    /// The code of the application's fault: one program, one mistake, on whichever GPU.
    application: u16,
}

#[derive(Debug, Clone, Copy, Default)]
struct Struck {
    contained: bool,
    uncontained: bool,
    no_spare_rows: bool,
    off_bus: bool,
    gsp: bool,
}

impl Errors {
    pub(super) fn new(random: &mut Random, seed: u64) -> Self {
        let application = if Random::new(seed, "application").chance(0.5) { 13 } else { 31 };
        Self {
            counters: ErrorCounters::default(),
            reports: Vec::new(),
            recent: VecDeque::new(),
            later: Vec::new(),
            next_single_bit: random.exponential(SINGLE_BIT_SECONDS),
            remap_pending: 0,
            struck: Struck::default(),
            links_down: 0.0,
            application,
        }
    }

    /// Goes on by `seconds` to `now`; `used` when a program runs on the GPU. Says what killed it.
    pub(super) fn advance(
        &mut self,
        now: f64,
        seconds: f64,
        used: bool,
        conditions: &GpuConditions,
        random: &mut Random,
    ) -> Option<Kill> {
        if !self.later.is_empty() {
            while self.later.first().is_some_and(|xid| xid.seconds <= now) {
                let xid = self.later.remove(0);
                self.report(xid.seconds, xid.code);
            }
        }
        while self.recent.front().is_some_and(|xid| xid.seconds <= now - WINDOW) {
            self.recent.pop_front();
        }
        if now >= self.next_single_bit {
            self.counters.single_bit += 1;
            self.counters.single_bit_ever += 1;
            self.next_single_bit = now + random.exponential(SINGLE_BIT_SECONDS);
        }
        let kill = self
            .bus(now, conditions)
            .or_else(|| self.memory(now, seconds, used, conditions, random))
            .or_else(|| self.system_processor(now, seconds, conditions, random))
            .or_else(|| self.application(now, seconds, used, conditions, random));
        self.links(now, seconds, conditions, random);
        if kill.is_some() && used && !self.struck.off_bus && random.chance(CLEANUP) {
            self.later(now + 1.0, 45);
        }
        kill
    }

    fn bus(&mut self, now: f64, conditions: &GpuConditions) -> Option<Kill> {
        let off = conditions.off_bus >= 0.5;
        let fell = off && !self.struck.off_bus;
        if self.struck.off_bus && !off {
            self.reset();
        }
        self.struck.off_bus = off;
        if !fell {
            return None;
        }
        self.report(now, 79);
        self.later(now + 1.0, 154);
        Some(Kill::GpuLost)
    }

    fn memory(
        &mut self,
        now: f64,
        seconds: f64,
        used: bool,
        conditions: &GpuConditions,
        random: &mut Random,
    ) -> Option<Kill> {
        if conditions.remaps_per_hour > 0.0
            && random.chance(conditions.remaps_per_hour * seconds / 3600.0)
        {
            self.counters.remapped_correctable += 1;
            self.report(now, 63);
        }
        let spent = conditions.no_spare_rows >= 0.5;
        if spent && !self.struck.no_spare_rows {
            self.report(now, 64);
        }
        self.struck.no_spare_rows = spent;
        self.counters.remap_failure = spent;

        let uncontained = conditions.uncontained_error >= 0.5;
        let first = uncontained && !self.struck.uncontained;
        if self.struck.uncontained && !uncontained {
            self.reset();
        }
        self.struck.uncontained = uncontained;
        if first || uncontained && used && random.chance(seconds / UNCONTAINED_SECONDS) {
            self.double_bit(1 + random.below(3) as u64);
            self.report(now, 48);
            self.report(now, 95);
            if first {
                self.report(now, 140);
                self.later(now + 2.0, 154);
            }
            return Some(Kill::GpuLost);
        }

        let contained = conditions.contained_error >= 0.5;
        if !contained {
            self.struck.contained = false;
        } else if used && !self.struck.contained {
            self.struck.contained = true;
            self.double_bit(1);
            self.report(now, 94);
            return Some(Kill::GpuError);
        }
        None
    }

    fn system_processor(
        &mut self,
        now: f64,
        seconds: f64,
        conditions: &GpuConditions,
        random: &mut Random,
    ) -> Option<Kill> {
        let silent = conditions.gsp_timeout >= 0.5;
        let first = silent && !self.struck.gsp;
        if self.struck.gsp && !silent {
            self.reset();
        }
        self.struck.gsp = silent;
        if first {
            self.report(now, 119);
            self.later(now + 1.0, 154);
            return Some(Kill::GpuLost);
        }
        if silent && random.chance(seconds / GSP_SECONDS) {
            self.report(now, if random.chance(0.8) { 119 } else { 120 });
        }
        None
    }

    fn application(
        &mut self,
        now: f64,
        seconds: f64,
        used: bool,
        conditions: &GpuConditions,
        random: &mut Random,
    ) -> Option<Kill> {
        let rate = conditions.application_faults_per_hour;
        if rate <= 0.0 || !used || !random.chance(rate * seconds / 3600.0) {
            return None;
        }
        self.report(now, self.application);
        Some(Kill::GpuError)
    }

    fn links(&mut self, now: f64, seconds: f64, conditions: &GpuConditions, random: &mut Random) {
        if conditions.nvlinks_down > self.links_down {
            self.report(now, 74);
            self.counters.nvlink_recoveries += 1;
        }
        self.links_down = conditions.nvlinks_down;
        if conditions.nvlink_errors > 0.0 {
            let errors = random.poisson(conditions.nvlink_errors * seconds);
            self.counters.nvlink_crc_flit += errors;
            self.counters.nvlink_crc_data += errors / 4;
            self.counters.nvlink_replays += errors;
        }
        if conditions.pcie_replays > 0.0 {
            self.counters.pcie_replays += random.poisson(conditions.pcie_replays * seconds);
        }
    }

    fn double_bit(&mut self, errors: u64) {
        self.counters.double_bit += errors;
        self.counters.double_bit_ever += errors;
        self.remap_pending += 1;
    }

    /// The driver is loaded anew: rows are replaced, the volatile counters and the gauge forgotten.
    pub(super) fn reset(&mut self) {
        self.counters.remapped_uncorrectable += self.remap_pending;
        self.remap_pending = 0;
        self.counters.single_bit = 0;
        self.counters.double_bit = 0;
        self.counters.last_xid = 0;
        self.later.clear();
    }

    fn report(&mut self, seconds: f64, code: u16) {
        let xid = Xid { seconds, code };
        self.counters.last_xid = code;
        // Nobody may ever ask for them.
        if self.reports.len() == REPORTS {
            self.reports.remove(0);
        }
        self.reports.push(xid);
        self.recent.push_back(xid);
    }

    fn later(&mut self, seconds: f64, code: u16) {
        let place = self.later.partition_point(|xid| xid.seconds <= seconds);
        self.later.insert(place, Xid { seconds, code });
    }
}
