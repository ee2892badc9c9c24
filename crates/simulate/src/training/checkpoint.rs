//! When to save, and what a save takes.

use super::settings::JobSettings;
use crate::conditions::JobConditions;

/// Seconds between saves that lose least: `√(2 · save · interruption)` (J. Young, 1974).
pub fn best_interval(save_seconds: f64, interruption_seconds: f64) -> f64 {
    (2.0 * save_seconds * interruption_seconds).sqrt()
}

/// Bytes that each host writes or reads.
pub(super) fn bytes_each(settings: &JobSettings, conditions: &JobConditions) -> f64 {
    settings.checkpoint_bytes() * conditions.checkpoint_size / settings.hosts() as f64
}

/// Seconds between saves as they are set.
pub(super) fn interval(settings: &JobSettings, conditions: &JobConditions) -> f64 {
    let planned = settings.checkpoint_bytes() / settings.hosts() as f64 / settings.planned_write;
    best_interval(planned, settings.interruption_seconds) * conditions.checkpoint_interval
}
