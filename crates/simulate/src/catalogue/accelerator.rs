//! Accelerators: memory, bandwidth, arithmetic, links, power and clocks, as published.
//!
//! Sources, all NVIDIA: "A100 Tensor Core GPU Datasheet" (2021), "H100 Tensor Core GPU Datasheet"
//! (2023), "H200 Tensor Core GPU Datasheet" (2024), "DGX B200 Datasheet" (2024, divided by its
//! eight GPUs). Arithmetic is dense: half of what the sheets print with sparsity. Links are given
//! for one direction: half of what the sheets print. Clocks are those that `nvidia-smi -q -d CLOCK`
//! shows as the highest; idle power is what the same tool shows of a GPU without work.

/// One kind of accelerator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accelerator {
    /// Its name in scenarios.
    pub name: &'static str,
    /// The name its driver gives, as in `modelName` labels.
    pub product: &'static str,
    /// Memory it has, bytes.
    pub memory_bytes: f64,
    /// Bytes a second between memory and chip.
    pub bandwidth_bytes: f64,
    /// Operations a second with 16-bit numbers.
    pub bf16_flops: f64,
    /// Operations a second with 8-bit numbers (of the A100: as with 16 bits, it has no 8-bit floats).
    pub fp8_flops: f64,
    /// Bytes a second over NVLink, each way.
    pub nvlink_bytes: f64,
    /// Bytes a second to the host, each way.
    pub pcie_bytes: f64,
    /// Power limit, watts.
    pub power_watts: f64,
    /// Power without work, watts.
    pub idle_watts: f64,
    /// Highest clock of the multiprocessors, megahertz.
    pub max_clock_mhz: f64,
    /// Clock of the memory, megahertz.
    pub memory_clock_mhz: f64,
}

/// A100 SXM with 80 GB.
pub const A100: Accelerator = Accelerator {
    name: "A100",
    product: "NVIDIA A100-SXM4-80GB",
    memory_bytes: 81_920.0 * MIB,
    bandwidth_bytes: 2.039e12,
    bf16_flops: 312e12,
    fp8_flops: 312e12,
    nvlink_bytes: 300e9,
    pcie_bytes: 32e9,
    power_watts: 400.0,
    idle_watts: 60.0,
    max_clock_mhz: 1410.0,
    memory_clock_mhz: 1593.0,
};

/// H100 SXM with 80 GB.
pub const H100: Accelerator = Accelerator {
    name: "H100",
    product: "NVIDIA H100 80GB HBM3",
    memory_bytes: 81_559.0 * MIB,
    bandwidth_bytes: 3.35e12,
    bf16_flops: 989e12,
    fp8_flops: 1979e12,
    nvlink_bytes: 450e9,
    pcie_bytes: 64e9,
    power_watts: 700.0,
    idle_watts: 70.0,
    max_clock_mhz: 1980.0,
    memory_clock_mhz: 2619.0,
};

/// H200 SXM with 141 GB.
pub const H200: Accelerator = Accelerator {
    name: "H200",
    product: "NVIDIA H200",
    memory_bytes: 143_771.0 * MIB,
    bandwidth_bytes: 4.8e12,
    bf16_flops: 989e12,
    fp8_flops: 1979e12,
    nvlink_bytes: 450e9,
    pcie_bytes: 64e9,
    power_watts: 700.0,
    idle_watts: 76.0,
    max_clock_mhz: 1980.0,
    memory_clock_mhz: 3201.0,
};

/// B200 SXM with 180 GB.
pub const B200: Accelerator = Accelerator {
    name: "B200",
    product: "NVIDIA B200",
    memory_bytes: 183_359.0 * MIB,
    bandwidth_bytes: 8.0e12,
    bf16_flops: 2250e12,
    fp8_flops: 4500e12,
    nvlink_bytes: 900e9,
    pcie_bytes: 64e9,
    power_watts: 1000.0,
    idle_watts: 140.0,
    max_clock_mhz: 1965.0,
    memory_clock_mhz: 3996.0,
};

/// All of them.
pub const ACCELERATORS: &[Accelerator] = &[A100, H100, H200, B200];

const MIB: f64 = 1_048_576.0;

impl Accelerator {
    /// The one with this name, whatever the case.
    pub fn named(name: &str) -> Option<Self> {
        ACCELERATORS.iter().copied().find(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// Operations a second with numbers of so many bytes.
    pub fn flops(&self, bytes: f64) -> f64 {
        if bytes <= 1.0 { self.fp8_flops } else { self.bf16_flops }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_is_faster_than_the_one_before() {
        for pair in ACCELERATORS.windows(2) {
            assert!(pair[0].bandwidth_bytes < pair[1].bandwidth_bytes);
            assert!(pair[0].memory_bytes <= pair[1].memory_bytes * 1.01);
            assert!(pair[0].bf16_flops <= pair[1].bf16_flops);
        }
        assert_eq!(Accelerator::named("h100").map(|known| known.power_watts), Some(700.0));
        assert_eq!(Accelerator::named("V100"), None);
    }
}
