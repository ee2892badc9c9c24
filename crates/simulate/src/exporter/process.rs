//! What Prometheus's client libraries say of their own process.

use crate::page::{Kind, PageBuilder, Values};
use crate::serving::Replica;

/// Adds the families to a page.
pub(super) fn families(page: &mut PageBuilder) {
    page.common(&[]);
    page.gauge("process_start_time_seconds", "When the process was started, Unix time.");
    page.gauge("process_resident_memory_bytes", "Memory of the process.");
    let about = "Processor seconds of the process.";
    page.family(Kind::Counter, "process_cpu_seconds", "_total", about, &[&[]]);
    page.gauge("process_open_fds", "Files that the process has open.");
}

/// Writes their values; `start` is the Unix time of second 0.
pub(super) fn write(replica: &Replica, start: f64, values: &mut Values) {
    values.push(start + replica.process().started());
    values.push(replica.memory_bytes());
    values.push(replica.cpu_seconds());
    values.push(64.0 + 2.0 * replica.inside() as f64);
}
