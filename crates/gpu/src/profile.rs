//! Shares of cycles that parts of a GPU were busy, between two readings.
//!
//! NVML's "GPU performance monitoring" (GPM) tells them from Hopper on; older GPUs tell them
//! through DCGM alone.

use nvml_wrapper::Device;
use nvml_wrapper::enums::gpm::GpmMetricId as Metric;
use nvml_wrapper::gpm::{GpmSample, gpm_metrics_get};

/// Shares from 0 to 1 and bytes a second.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Profile {
    pub(crate) graphics_active: Option<f64>,
    pub(crate) sm_active: Option<f64>,
    pub(crate) sm_occupancy: Option<f64>,
    pub(crate) tensor_active: Option<f64>,
    pub(crate) dram_active: Option<f64>,
    pub(crate) pcie_sent: Option<f64>,
    pub(crate) pcie_received: Option<f64>,
    pub(crate) nvlink_sent: Option<f64>,
    pub(crate) nvlink_received: Option<f64>,
}

const METRICS: [Metric; 9] = [
    Metric::GraphicsUtil,
    Metric::SmUtil,
    Metric::SmOccupancy,
    Metric::AnyTensorUtil,
    Metric::DramBwUtil,
    Metric::PcieTxPerSec,
    Metric::PcieRxPerSec,
    Metric::NvlinkTotalTxPerSec,
    Metric::NvlinkTotalRxPerSec,
];

/// GPM tells percents and MiB a second.
const PERCENT: f64 = 0.01;
const MIB: f64 = 1_048_576.0;

impl Profile {
    /// Of the time between two samples of one GPU.
    pub(crate) fn between(before: &GpmSample<'_>, now: &GpmSample<'_>) -> Option<Self> {
        let mut values = gpm_metrics_get(now.nvml(), before, now, &METRICS).ok()?.into_iter();
        // What is not told, and what a broken division tells, is left out.
        let mut next = |scale: f64| {
            let value = values.next()?.ok()?.value;
            value.is_finite().then_some(value * scale)
        };
        Some(Self {
            graphics_active: next(PERCENT),
            sm_active: next(PERCENT),
            sm_occupancy: next(PERCENT),
            tensor_active: next(PERCENT),
            dram_active: next(PERCENT),
            pcie_sent: next(MIB),
            pcie_received: next(MIB),
            nvlink_sent: next(MIB),
            nvlink_received: next(MIB),
        })
    }
}

/// A sample to compare the next with, if this GPU has such counters.
pub(crate) fn sample<'n>(device: &Device<'n>) -> Option<GpmSample<'n>> {
    if !device.gpm_support().ok()? {
        return None;
    }
    device.gpm_sample().ok()
}
