//! What a person should know of a plan before it runs.

use super::estimate::{Estimate, bytes};
use super::sources::{SourceKind, SourcePlan};
use crate::settings::ServerSettings;

/// One sentence each.
pub(super) fn warnings(
    settings: &ServerSettings,
    sources: &[SourcePlan],
    estimate: &Estimate,
) -> Vec<String> {
    let mut said = Vec::new();
    if estimate.not_watched > 0 {
        said.push(format!(
            "{} of {} series would not be watched: detection.most_series is {}",
            estimate.not_watched, estimate.counted.series, estimate.series_limit
        ));
    }
    let needs = &estimate.counted.methods;
    let wanted: f64 = needs.iter().map(|need| need.bytes_each as f64 * need.streams as f64).sum();
    if wanted > settings.engine.method_memory_limit as f64 {
        said.push(format!(
            "methods that policies assign would take {}, and detection.method_memory_limit is {}: series beyond it are judged by the default detector alone",
            bytes(wanted),
            bytes(settings.engine.method_memory_limit as f64)
        ));
    }
    if let Some(days) = estimate.disk.as_ref().and_then(|disk| disk.days_until_full) {
        let size = settings.data.as_ref().and_then(|data| data.most_bytes).unwrap_or_default();
        said.push(format!(
            "storage.retention_size of {} is reached after {days:.1} days, before storage.retention",
            bytes(size as f64)
        ));
    }
    for (write, back) in settings.delivery.remote_write.iter().zip(&estimate.written_back) {
        let name = write.name.as_deref().unwrap_or("remote_write");
        if back.left_out > 0 {
            said.push(format!(
                "receiver {name}: scores of {} selected series would be left out, its most_series is {}",
                back.left_out, write.most_series
            ));
        }
        if write.timeout > write.interval && back.selected > 0 {
            said.push(format!(
                "receiver {name}: its timeout of {:?} is longer than its interval of {:?}, so that requests wait while it is slow",
                write.timeout, write.interval
            ));
        }
    }
    for server in &settings.prometheuses {
        if server.timeout > server.step {
            said.push(format!(
                "{}: its timeout of {:?} is longer than its step of {:?}, so that samples come late while it is slow",
                server.url, server.timeout, server.step
            ));
        }
    }
    let forget = settings.engine.forget_after.as_secs_f64();
    let slow = |source: &&SourcePlan| source.interval_seconds.is_some_and(|it| it >= forget);
    let slow = sources.iter().filter(slow).filter(|source| source.kind != SourceKind::File);
    for source in slow {
        said.push(format!(
            "{}: its interval is not shorter than detection.forget_after, so that its series are forgotten between two samples",
            source.name
        ));
    }
    said
}
