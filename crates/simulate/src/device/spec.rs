//! What is published of each GPU: power, heat, clocks, memory, links.

/// Figures of one GPU model in its socketed (SXM) form.
///
/// Clocks and memory as `nvidia-smi -q` shows them on such boards; limits of temperature as recalled
/// of it, not read again; power,
/// bandwidths and arithmetic from NVIDIA's data sheets (A100 80GB SXM, 2021; H100 SXM, 2023;
/// H200 SXM, 2024; HGX B200, 2025). Thermal resistances and time constants are not published:
/// ours are an assumption, set so that design power at an inlet of 27 °C gives a die of 60 to 75 °C,
/// well below the slowdown, as a healthy air-cooled board must, and a load step is half done after
/// some ten seconds ("Cloud GPUs Throttled to 25% Due to Poor Cooling", matt.sh, shows such a step by the second).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// Key in catalogues: `H100`.
    pub key: &'static str,
    /// What the driver calls it (label `modelName`).
    pub model: &'static str,
    /// Power at rest without a program, in watts.
    pub idle_watts: f64,
    /// Highest power by design, in watts.
    pub design_watts: f64,
    /// Clock at rest without a program, in MHz.
    pub idle_mhz: f64,
    /// Highest clock of the multiprocessors, in MHz.
    pub max_mhz: f64,
    /// Clock of the memory, in MHz.
    pub memory_mhz: f64,
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
    /// Memory that the driver counts, in bytes.
    pub memory_bytes: f64,
    /// Part of it that the driver keeps for itself, in bytes.
    pub reserved_bytes: f64,
    /// Bytes a second from memory.
    pub bandwidth: f64,
    /// Operations a second in BF16 without sparsity.
    pub flops: f64,
    /// Bytes a second over all links to other GPUs, both directions together.
    pub nvlink: f64,
    /// Bytes a second to the host, one direction.
    pub pcie: f64,
    /// PCIe generation.
    pub pcie_generation: u8,
}

const MIB: f64 = 1_048_576.0;

/// The GPUs that are known.
pub const SPECS: &[Spec] = &[
    Spec {
        key: "A100",
        model: "NVIDIA A100-SXM4-80GB",
        idle_watts: 58.0,
        design_watts: 400.0,
        idle_mhz: 210.0,
        max_mhz: 1410.0,
        memory_mhz: 1593.0,
        die_resistance: 0.034,
        sink_resistance: 0.062,
        sink_seconds: 32.0,
        software_slowdown: 85.0,
        hardware_slowdown: 89.0,
        memory_slowdown: 95.0,
        memory_bytes: 81_920.0 * MIB,
        reserved_bytes: 606.0 * MIB,
        bandwidth: 2.039e12,
        flops: 312.0e12,
        nvlink: 600.0e9,
        pcie: 31.5e9,
        pcie_generation: 4,
    },
    Spec {
        key: "H100",
        model: "NVIDIA H100 80GB HBM3",
        idle_watts: 70.0,
        design_watts: 700.0,
        idle_mhz: 345.0,
        max_mhz: 1980.0,
        memory_mhz: 2619.0,
        die_resistance: 0.020,
        sink_resistance: 0.037,
        sink_seconds: 35.0,
        software_slowdown: 87.0,
        hardware_slowdown: 89.0,
        memory_slowdown: 95.0,
        memory_bytes: 81_559.0 * MIB,
        reserved_bytes: 529.0 * MIB,
        bandwidth: 3.35e12,
        flops: 989.4e12,
        nvlink: 900.0e9,
        pcie: 63.0e9,
        pcie_generation: 5,
    },
    Spec {
        key: "H200",
        model: "NVIDIA H200",
        idle_watts: 76.0,
        design_watts: 700.0,
        idle_mhz: 345.0,
        max_mhz: 1980.0,
        memory_mhz: 3201.0,
        die_resistance: 0.020,
        sink_resistance: 0.036,
        sink_seconds: 35.0,
        software_slowdown: 87.0,
        hardware_slowdown: 89.0,
        memory_slowdown: 95.0,
        memory_bytes: 143_771.0 * MIB,
        reserved_bytes: 611.0 * MIB,
        bandwidth: 4.8e12,
        flops: 989.4e12,
        nvlink: 900.0e9,
        pcie: 63.0e9,
        pcie_generation: 5,
    },
    Spec {
        key: "B200",
        model: "NVIDIA B200",
        idle_watts: 140.0,
        design_watts: 1000.0,
        idle_mhz: 120.0,
        max_mhz: 1965.0,
        memory_mhz: 3996.0,
        die_resistance: 0.013,
        sink_resistance: 0.027,
        sink_seconds: 40.0,
        software_slowdown: 87.0,
        hardware_slowdown: 92.0,
        memory_slowdown: 95.0,
        memory_bytes: 183_359.0 * MIB,
        reserved_bytes: 725.0 * MIB,
        bandwidth: 8.0e12,
        flops: 2250.0e12,
        nvlink: 1800.0e9,
        pcie: 63.0e9,
        pcie_generation: 5,
    },
];

impl Spec {
    /// The GPU called `key`.
    pub fn find(key: &str) -> Option<&'static Self> {
        SPECS.iter().find(|spec| spec.key == key)
    }
}
