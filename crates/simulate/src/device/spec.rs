//! What each GPU is as hardware: heat, clocks at rest, what the driver keeps for itself.

use crate::catalogue::accelerator::{A100, Accelerator, B200, H100, H200};

/// A GPU model in its socketed (SXM) form, beyond what [`Accelerator`] says of it.
///
/// Clocks and memory as `nvidia-smi -q` shows them on such boards; limits of temperature as recalled
/// of it, not read again. Thermal resistances and time constants are not published: ours are an
/// assumption, set so that design power at an inlet of 27 °C gives a die of 60 to 75 °C,
/// well below the slowdown, as a healthy air-cooled board must, and a load step is half done after
/// some ten seconds ("Cloud GPUs Throttled to 25% Due to Poor Cooling", matt.sh, shows such a step by the second).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// What it computes with, and how much power that may take.
    pub accelerator: Accelerator,
    /// Clock at rest without a program, in MHz.
    pub idle_mhz: f64,
    /// Kelvin per watt from the die to its heat sink.
    pub die_resistance: f64,
    /// Kelvin per watt from the heat sink to the air at the inlet, fans at full speed.
    pub sink_resistance: f64,
    /// Seconds in which the heat sink takes up most of a step of power.
    pub sink_seconds: f64,
    /// Temperature of the die above which the driver lowers the clock, in °C.
    pub software_slowdown: f64,
    /// Temperature of the die above which the hardware halves the clock, in °C.
    pub hardware_slowdown: f64,
    /// Temperature of the memory above which the driver lowers the clock, in °C.
    pub memory_slowdown: f64,
    /// Part of it that the driver keeps for itself, in bytes.
    pub reserved_bytes: f64,
    /// PCIe generation.
    pub pcie_generation: u8,
}

const MIB: f64 = 1_048_576.0;

/// The GPUs that are known.
pub const SPECS: &[Spec] = &[
    Spec {
        accelerator: A100,
        idle_mhz: 210.0,
        die_resistance: 0.034,
        sink_resistance: 0.062,
        sink_seconds: 32.0,
        software_slowdown: 85.0,
        hardware_slowdown: 89.0,
        memory_slowdown: 95.0,
        reserved_bytes: 606.0 * MIB,
        pcie_generation: 4,
    },
    Spec {
        accelerator: H100,
        idle_mhz: 345.0,
        die_resistance: 0.020,
        sink_resistance: 0.037,
        sink_seconds: 35.0,
        software_slowdown: 87.0,
        hardware_slowdown: 89.0,
        memory_slowdown: 95.0,
        reserved_bytes: 529.0 * MIB,
        pcie_generation: 5,
    },
    Spec {
        accelerator: H200,
        idle_mhz: 345.0,
        die_resistance: 0.020,
        sink_resistance: 0.036,
        sink_seconds: 35.0,
        software_slowdown: 87.0,
        hardware_slowdown: 89.0,
        memory_slowdown: 95.0,
        reserved_bytes: 611.0 * MIB,
        pcie_generation: 5,
    },
    Spec {
        accelerator: B200,
        idle_mhz: 120.0,
        die_resistance: 0.013,
        sink_resistance: 0.027,
        sink_seconds: 40.0,
        software_slowdown: 87.0,
        hardware_slowdown: 92.0,
        memory_slowdown: 95.0,
        reserved_bytes: 725.0 * MIB,
        pcie_generation: 5,
    },
];

impl Spec {
    /// The GPU with this name, whatever the case.
    pub fn named(name: &str) -> Option<&'static Self> {
        SPECS.iter().find(|spec| spec.accelerator.name.eq_ignore_ascii_case(name))
    }
}
