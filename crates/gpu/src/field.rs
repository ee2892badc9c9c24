//! The values of a GPU: dcgm-exporter's name, type and unit for each, and how NVML tells it.

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{
    Clock, EccCounter, MemoryError, PcieUtilCounter, PerformancePolicy, TemperatureSensor,
    TemperatureThreshold,
};
use nvml_wrapper::enum_wrappers::nv_link::ErrorCounter;
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id::{
    NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_REMAPPED_COR, NVML_FI_DEV_REMAPPED_FAILURE,
    NVML_FI_DEV_REMAPPED_PENDING, NVML_FI_DEV_REMAPPED_UNC,
};

use crate::profile::Profile;

/// A family of the page with one series for each GPU.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// `counter` or `gauge`.
    pub(crate) kind: &'static str,
    pub(crate) help: &'static str,
    read: Read,
}

/// Asks the driver.
type Call = fn(&Device<'_>) -> Result<f64, NvmlError>;

/// How a value comes about.
#[derive(Debug)]
enum Read {
    /// A call of its own.
    Asked(Call),
    /// From the counters of the profiler, or else by the call.
    Profiled(fn(&Profile) -> Option<f64>, Option<Call>),
    /// The last XID, which arrives as an event.
    LastXid,
}

/// What is known of a GPU before its fields are read.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) device: &'a Device<'a>,
    pub(crate) profile: Option<&'a Profile>,
    /// `None` where the driver sends no events.
    pub(crate) last_xid: Option<u64>,
}

impl Field {
    /// The value, unless this GPU has none, which is common: many are told by some models only.
    pub(crate) fn read(&self, known: &Known<'_>) -> Option<f64> {
        match &self.read {
            Read::Asked(call) => call(known.device).ok(),
            Read::Profiled(of, call) => known
                .profile
                .and_then(of)
                .or_else(|| call.as_ref().and_then(|call| call(known.device).ok())),
            Read::LastXid => known.last_xid.map(|code| code as f64),
        }
    }
}

const fn gauge(name: &'static str, help: &'static str, call: Call) -> Field {
    Field { name, kind: "gauge", help, read: Read::Asked(call) }
}

const fn counter(name: &'static str, help: &'static str, call: Call) -> Field {
    Field { name, kind: "counter", help, read: Read::Asked(call) }
}

const fn profiled(
    name: &'static str,
    help: &'static str,
    of: fn(&Profile) -> Option<f64>,
) -> Field {
    Field { name, kind: "gauge", help, read: Read::Profiled(of, None) }
}

/// Bytes in the unit of the `FB` fields.
const MIB: f64 = 1_048_576.0;

/// All of them, in the order of the page.
pub(crate) const FIELDS: &[Field] = &[
    gauge("DCGM_FI_DEV_SM_CLOCK", "Clock of the multiprocessors in MHz.", |gpu| {
        gpu.clock_info(Clock::SM).map(f64::from)
    }),
    gauge("DCGM_FI_DEV_MEM_CLOCK", "Clock of the memory in MHz.", |gpu| {
        gpu.clock_info(Clock::Memory).map(f64::from)
    }),
    gauge("DCGM_FI_DEV_MEMORY_TEMP", "Temperature of the memory in C.", |gpu| {
        special(gpu, NVML_FI_DEV_MEMORY_TEMP)
    }),
    gauge("DCGM_FI_DEV_GPU_TEMP", "Temperature of the GPU in C.", |gpu| {
        gpu.temperature(TemperatureSensor::Gpu).map(f64::from)
    }),
    gauge("DCGM_FI_DEV_SLOWDOWN_TEMP", "Temperature of slowing down in C.", |gpu| {
        gpu.temperature_threshold(TemperatureThreshold::Slowdown).map(f64::from)
    }),
    gauge("DCGM_FI_DEV_POWER_USAGE", "Power draw in W.", |gpu| {
        Ok(f64::from(gpu.power_usage()?) / 1000.0)
    }),
    gauge("DCGM_FI_DEV_POWER_MGMT_LIMIT", "Limit of the power draw in W.", |gpu| {
        Ok(f64::from(gpu.enforced_power_limit()?) / 1000.0)
    }),
    counter("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Energy since boot in mJ.", |gpu| {
        gpu.total_energy_consumption().map(|energy| energy as f64)
    }),
    counter("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "Packets sent again over PCIe.", |gpu| {
        gpu.pcie_replay_counter().map(f64::from)
    }),
    gauge("DCGM_FI_DEV_PCIE_LINK_GEN", "Generation of the link to the host.", |gpu| {
        gpu.current_pcie_link_gen().map(f64::from)
    }),
    gauge("DCGM_FI_DEV_PCIE_LINK_WIDTH", "Lanes to the host.", |gpu| {
        gpu.current_pcie_link_width().map(f64::from)
    }),
    gauge("DCGM_FI_DEV_GPU_UTIL", "Share of time with a kernel running in %.", |gpu| {
        Ok(f64::from(gpu.utilization_rates()?.gpu))
    }),
    gauge("DCGM_FI_DEV_MEM_COPY_UTIL", "Share of time with memory read or written in %.", |gpu| {
        Ok(f64::from(gpu.utilization_rates()?.memory))
    }),
    gauge("DCGM_FI_DEV_ENC_UTIL", "Utilisation of the encoder in %.", |gpu| {
        Ok(f64::from(gpu.encoder_utilization()?.utilization))
    }),
    gauge("DCGM_FI_DEV_DEC_UTIL", "Utilisation of the decoder in %.", |gpu| {
        Ok(f64::from(gpu.decoder_utilization()?.utilization))
    }),
    Field {
        name: "DCGM_FI_DEV_XID_ERRORS",
        kind: "gauge",
        help: "The last XID error since this began to watch; 0 is none.",
        read: Read::LastXid,
    },
    gauge("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "Bits that say why the clock is held down.", |gpu| {
        gpu.current_throttle_reasons().map(|reasons| reasons.bits() as f64)
    }),
    counter("DCGM_FI_DEV_POWER_VIOLATION", "Time throttled for power in us.", |gpu| {
        throttled(gpu, PerformancePolicy::Power)
    }),
    counter("DCGM_FI_DEV_THERMAL_VIOLATION", "Time throttled for heat in us.", |gpu| {
        throttled(gpu, PerformancePolicy::Thermal)
    }),
    counter("DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", "Time throttled for the board in us.", |gpu| {
        throttled(gpu, PerformancePolicy::BoardLimit)
    }),
    gauge("DCGM_FI_DEV_FB_FREE", "Memory that is free in MiB.", |gpu| {
        Ok((gpu.memory_info()?.free as f64 / MIB).floor())
    }),
    gauge("DCGM_FI_DEV_FB_USED", "Memory in use in MiB.", |gpu| {
        Ok((gpu.memory_info()?.used as f64 / MIB).floor())
    }),
    gauge("DCGM_FI_DEV_FB_RESERVED", "Memory that the driver keeps in MiB.", |gpu| {
        Ok((gpu.memory_info()?.reserved as f64 / MIB).floor())
    }),
    gauge("DCGM_FI_DEV_FAN_SPEED", "Speed of the fans in %.", |gpu| {
        gpu.fan_speed(0).map(f64::from)
    }),
    counter("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "Corrected memory errors since the reset.", |gpu| {
        ecc(gpu, MemoryError::Corrected, EccCounter::Volatile)
    }),
    counter("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "Uncorrected memory errors since the reset.", |gpu| {
        ecc(gpu, MemoryError::Uncorrected, EccCounter::Volatile)
    }),
    counter("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "Corrected memory errors, ever.", |gpu| {
        ecc(gpu, MemoryError::Corrected, EccCounter::Aggregate)
    }),
    counter("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "Uncorrected memory errors, ever.", |gpu| {
        ecc(gpu, MemoryError::Uncorrected, EccCounter::Aggregate)
    }),
    counter(
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
        "Rows remapped for errors that could not be corrected.",
        |gpu| special(gpu, NVML_FI_DEV_REMAPPED_UNC),
    ),
    counter(
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
        "Rows remapped for errors that were corrected.",
        |gpu| special(gpu, NVML_FI_DEV_REMAPPED_COR),
    ),
    gauge("DCGM_FI_DEV_ROW_REMAP_PENDING", "Whether a row is remapped at the next reset.", |gpu| {
        special(gpu, NVML_FI_DEV_REMAPPED_PENDING)
    }),
    gauge("DCGM_FI_DEV_ROW_REMAP_FAILURE", "Whether remapping of rows failed.", |gpu| {
        special(gpu, NVML_FI_DEV_REMAPPED_FAILURE)
    }),
    counter(
        "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
        "Checksum errors of NVLink in flow control.",
        |gpu| links(gpu, ErrorCounter::DlCrcFlit),
    ),
    counter(
        "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
        "Checksum errors of NVLink in data.",
        |gpu| links(gpu, ErrorCounter::DlCrcData),
    ),
    counter("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "Retries of NVLink.", |gpu| {
        links(gpu, ErrorCounter::DlReplay)
    }),
    counter("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "Recoveries of NVLink.", |gpu| {
        links(gpu, ErrorCounter::DlRecovery)
    }),
    profiled(
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
        "Share of time with the graphics engine active.",
        |profile| profile.graphics_active,
    ),
    profiled(
        "DCGM_FI_PROF_SM_ACTIVE",
        "Share of cycles with work on a multiprocessor.",
        |profile| profile.sm_active,
    ),
    profiled("DCGM_FI_PROF_SM_OCCUPANCY", "Share of the warps that are resident.", |profile| {
        profile.sm_occupancy
    }),
    profiled(
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
        "Share of cycles with the tensor pipes active.",
        |profile| profile.tensor_active,
    ),
    profiled("DCGM_FI_PROF_DRAM_ACTIVE", "Share of cycles with memory traffic.", |profile| {
        profile.dram_active
    }),
    Field {
        name: "DCGM_FI_PROF_PCIE_TX_BYTES",
        kind: "gauge",
        help: "Bytes sent over PCIe a second.",
        read: Read::Profiled(
            |profile| profile.pcie_sent,
            Some(|gpu| Ok(f64::from(gpu.pcie_throughput(PcieUtilCounter::Send)?) * 1000.0)),
        ),
    },
    Field {
        name: "DCGM_FI_PROF_PCIE_RX_BYTES",
        kind: "gauge",
        help: "Bytes received over PCIe a second.",
        read: Read::Profiled(
            |profile| profile.pcie_received,
            Some(|gpu| Ok(f64::from(gpu.pcie_throughput(PcieUtilCounter::Receive)?) * 1000.0)),
        ),
    },
    profiled("DCGM_FI_PROF_NVLINK_TX_BYTES", "Bytes sent over NVLink a second.", |profile| {
        profile.nvlink_sent
    }),
    profiled("DCGM_FI_PROF_NVLINK_RX_BYTES", "Bytes received over NVLink a second.", |profile| {
        profile.nvlink_received
    }),
];

/// A value that is read by number.
fn special(gpu: &Device<'_>, field: u32) -> Result<f64, NvmlError> {
    let mut values = gpu.field_values_for(&[FieldId(field)])?;
    Ok(match values.remove(0)?.value? {
        SampleValue::F64(value) => value,
        SampleValue::U32(value) => f64::from(value),
        SampleValue::U64(value) => value as f64,
        SampleValue::I64(value) => value as f64,
    })
}

/// Microseconds throttled; NVML counts nanoseconds.
fn throttled(gpu: &Device<'_>, policy: PerformancePolicy) -> Result<f64, NvmlError> {
    Ok((gpu.violation_status(policy)?.violation_time as f64 / 1000.0).floor())
}

fn ecc(gpu: &Device<'_>, error: MemoryError, counter: EccCounter) -> Result<f64, NvmlError> {
    gpu.total_ecc_errors(error, counter).map(|count| count as f64)
}

/// Most links that a GPU has.
const MOST_LINKS: u32 = 18;

/// Sum over the links that are up; an error where there is none.
fn links(gpu: &Device<'_>, counter: ErrorCounter) -> Result<f64, NvmlError> {
    let mut sum = None;
    for link in 0..MOST_LINKS {
        let link = gpu.link_wrapper_for(link);
        if link.is_active().unwrap_or(false) {
            *sum.get_or_insert(0.0) += link.error_counter(counter)? as f64;
        }
    }
    sum.ok_or(NvmlError::NotSupported)
}
