//! Memory of a host: programs, files kept in it, and the killer of last resort. Swap is off.

use super::counters::HostCounters;
use crate::random::Random;
use crate::supply::HostDemand;

/// Bytes of the system itself.
const SYSTEM: f64 = 14.0e9;
/// Share of memory below which tasks wait for some to be freed.
const TIGHT: f64 = 0.03;

/// Accounts for a step. Says which program the kernel kills.
pub(super) fn account(
    counters: &mut HostCounters,
    total: f64,
    seconds: f64,
    programs: &[HostDemand],
    random: &mut Random,
) -> Option<usize> {
    let system = SYSTEM * random.between(0.99, 1.01);
    let used: f64 = system + programs.iter().map(|program| program.memory_bytes).sum::<f64>();
    let moved: f64 =
        programs.iter().map(|program| program.read_bytes + program.written_bytes).sum();
    let free = (total - used).max(0.0);
    counters.memory_used = used.min(total);
    counters.memory_cached = (counters.memory_cached + moved + 2.0e6 * seconds).min(0.92 * free);
    counters.memory_available = 0.98 * free;
    let tight = (1.0 - free / (TIGHT * total)).clamp(0.0, 1.0);
    counters.memory_waiting += tight * seconds;
    counters.memory_stalled += 0.5 * tight * tight * seconds;
    if used <= total {
        return None;
    }
    counters.oom_kills += 1;
    let largest =
        |a: &usize, b: &usize| programs[*a].memory_bytes.total_cmp(&programs[*b].memory_bytes);
    (0..programs.len()).max_by(largest)
}
