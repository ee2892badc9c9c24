//! The default detector: many cheap statistics, each calibrated on its own
//! tail, summed.

pub(crate) mod conditioning;
pub(crate) mod peaks;
pub(crate) mod profile;
