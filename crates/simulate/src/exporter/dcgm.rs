//! The page of NVIDIA's dcgm-exporter, with its quirks.
//!
//! Names, types and the list of what is on by default follow its `etc/default-counters.csv`.
//! Kept from reality: the XID gauge shows the last code for ever and misses repetitions; why a
//! clock is held down and memory errors are not on the page unless the list of fields is
//! [extended](DcgmExporter::extended); the series of a GPU that fell off the bus vanish; a
//! driver whose calls do not return lets the scrape hang.

use crate::device::{CODES, Gpu, reason};
use crate::page::{Answer, Kind, Page, PageBuilder, Values};
use crate::random::Random;

/// The exporter of one host.
#[derive(Debug, Clone)]
pub struct DcgmExporter {
    extended: bool,
}

/// Reads one value of a GPU.
type Read = fn(&Gpu) -> f64;

/// A family with one series for each GPU.
struct Field {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    read: Read,
}

const fn gauge(name: &'static str, help: &'static str, read: Read) -> Field {
    Field { name, kind: Kind::Gauge, help, read }
}

const fn counter(name: &'static str, help: &'static str, read: Read) -> Field {
    Field { name, kind: Kind::Counter, help, read }
}

/// What is on by default.
const DEFAULT: &[Field] = &[
    gauge("DCGM_FI_DEV_SM_CLOCK", "Clock of the multiprocessors in MHz.", |gpu| {
        gpu.reading().sm_mhz
    }),
    gauge("DCGM_FI_DEV_MEM_CLOCK", "Clock of the memory in MHz.", |gpu| gpu.reading().memory_mhz),
    gauge("DCGM_FI_DEV_MEMORY_TEMP", "Temperature of the memory in C.", |gpu| {
        gpu.reading().memory_celsius.round()
    }),
    gauge("DCGM_FI_DEV_GPU_TEMP", "Temperature of the GPU in C.", |gpu| {
        gpu.reading().celsius.round()
    }),
    gauge("DCGM_FI_DEV_POWER_USAGE", "Power draw in W.", |gpu| {
        (gpu.reading().watts * 1000.0).round() / 1000.0
    }),
    counter("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Energy since boot in mJ.", |gpu| {
        (gpu.totals().joules * 1000.0).floor()
    }),
    counter("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "Packets sent again over PCIe.", |gpu| {
        gpu.errors().pcie_replays as f64
    }),
    gauge("DCGM_FI_DEV_GPU_UTIL", "Utilisation of the GPU in %.", |gpu| {
        (gpu.reading().active * 100.0).round()
    }),
    gauge("DCGM_FI_DEV_MEM_COPY_UTIL", "Utilisation of the memory in %.", |gpu| {
        (gpu.reading().dram * 100.0).round()
    }),
    gauge("DCGM_FI_DEV_ENC_UTIL", "Utilisation of the encoder in %.", |_| 0.0),
    gauge("DCGM_FI_DEV_DEC_UTIL", "Utilisation of the decoder in %.", |_| 0.0),
    gauge("DCGM_FI_DEV_XID_ERRORS", "The last XID error.", |gpu| gpu.errors().last_xid.into()),
    gauge("DCGM_FI_DEV_FB_FREE", "Memory that is free in MiB.", |gpu| gpu.reading().free_mib),
    gauge("DCGM_FI_DEV_FB_USED", "Memory in use in MiB.", |gpu| gpu.reading().used_mib),
    gauge("DCGM_FI_DEV_FB_RESERVED", "Memory that the driver keeps in MiB.", |gpu| {
        gpu.reading().reserved_mib
    }),
    counter("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "Traffic of all lanes of NVLink.", |gpu| {
        gpu.totals().nvlink_bytes.floor()
    }),
    counter(
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
        "Rows remapped for errors that could not be corrected.",
        |gpu| gpu.errors().remapped_uncorrectable as f64,
    ),
    counter(
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
        "Rows remapped for errors that were corrected.",
        |gpu| gpu.errors().remapped_correctable as f64,
    ),
    gauge("DCGM_FI_DEV_ROW_REMAP_FAILURE", "Whether remapping of rows failed.", |gpu| {
        f64::from(u8::from(gpu.errors().remap_failure))
    }),
    gauge("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Share of time with the graphics engine active.", |g| {
        micro(g.reading().active)
    }),
    gauge(
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
        "Share of cycles with the tensor pipes active.",
        |g| micro(g.reading().tensor),
    ),
    gauge("DCGM_FI_PROF_DRAM_ACTIVE", "Share of cycles with memory traffic.", |gpu| {
        micro(gpu.reading().dram)
    }),
    gauge("DCGM_FI_PROF_PCIE_TX_BYTES", "Bytes sent over PCIe a second.", |gpu| {
        gpu.reading().pcie_sent.round()
    }),
    gauge("DCGM_FI_PROF_PCIE_RX_BYTES", "Bytes received over PCIe a second.", |gpu| {
        gpu.reading().pcie_received.round()
    }),
];

/// What is there when the list of fields is extended.
const EXTENDED: &[Field] = &[
    counter("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "Corrected memory errors since the reset.", |gpu| {
        gpu.errors().single_bit as f64
    }),
    counter("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "Uncorrected memory errors since the reset.", |gpu| {
        gpu.errors().double_bit as f64
    }),
    counter("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "Corrected memory errors, ever.", |gpu| {
        gpu.errors().single_bit_ever as f64
    }),
    counter("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "Uncorrected memory errors, ever.", |gpu| {
        gpu.errors().double_bit_ever as f64
    }),
    counter("DCGM_FI_DEV_POWER_VIOLATION", "Time throttled for power in us.", |gpu| {
        gpu.totals().power_seconds * 1.0e6
    }),
    counter("DCGM_FI_DEV_THERMAL_VIOLATION", "Time throttled for heat in us.", |gpu| {
        gpu.totals().thermal_seconds * 1.0e6
    }),
    counter("DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", "Time throttled for the board in us.", |gpu| {
        gpu.totals().brake_seconds * 1.0e6
    }),
    gauge("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "Bits that say why the clock is held down.", |gpu| {
        gpu.reading().reasons.into()
    }),
    gauge("DCGM_FI_DEV_FAN_SPEED", "Speed of the fans in %.", |gpu| {
        (gpu.reading().fan * 100.0).round()
    }),
    gauge("DCGM_FI_DEV_PCIE_LINK_WIDTH", "Lanes to the host.", |gpu| gpu.reading().pcie_width),
    gauge("DCGM_FI_PROF_SM_ACTIVE", "Share of cycles with work on a multiprocessor.", |gpu| {
        micro(gpu.reading().sm_active)
    }),
    gauge("DCGM_FI_PROF_SM_OCCUPANCY", "Share of the warps that are resident.", |gpu| {
        micro(0.35 * gpu.reading().sm_active)
    }),
    counter(
        "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
        "Checksum errors of NVLink in flow control.",
        |gpu| gpu.errors().nvlink_crc_flit as f64,
    ),
    counter(
        "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
        "Checksum errors of NVLink in data.",
        |gpu| gpu.errors().nvlink_crc_data as f64,
    ),
    counter("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "Retries of NVLink.", |gpu| {
        gpu.errors().nvlink_replays as f64
    }),
    counter("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "Recoveries of NVLink.", |gpu| {
        gpu.errors().nvlink_recoveries as f64
    }),
];

/// Reasons as the exporter names them in `clock_event`.
const CLOCK_EVENTS: &[(u16, &str)] = &[
    (reason::IDLE, "gpu_idle"),
    (reason::SETTING, "clocks_setting"),
    (reason::POWER_CAP, "power_cap"),
    (reason::HARDWARE, "hw_slowdown"),
    (reason::SOFTWARE_THERMAL, "sw_thermal"),
    (reason::HARDWARE_THERMAL, "hw_thermal"),
    (reason::POWER_BRAKE, "hw_power_brake"),
];

/// The window of the two counts, as the exporter writes it.
const WINDOW: (&str, &str) = ("window_size_in_ms", "300000");

impl DcgmExporter {
    /// As it is installed: neither the reason of a throttle nor memory errors are shown.
    pub fn new() -> Self {
        Self { extended: false }
    }

    /// With memory errors, violations, link errors, and counts of XIDs and clock events.
    pub fn extended() -> Self {
        Self { extended: true }
    }

    /// What it shows of `gpus` on the host `hostname`; `seed` makes their UUIDs. A GPU that a pod
    /// and container of `pods` have gets their names as labels, as the kubelet tells them.
    pub fn page(
        &self,
        hostname: &str,
        seed: u64,
        gpus: &[Gpu],
        pods: &[Option<(String, &str)>],
    ) -> Page {
        let mut builder = PageBuilder::new("dcgm-exporter", &format!("{hostname}:9400"), &[]);
        let identities: Vec<[String; 4]> =
            (0..gpus.len()).map(|index| identity(hostname, seed, index)).collect();
        let labels: Vec<Vec<(&str, &str)>> = identities
            .iter()
            .zip(gpus)
            .zip(pods.iter().map(Option::as_ref).chain(std::iter::repeat(None)))
            .map(|(([index, uuid, bus, device], gpu), pod)| {
                let mut labels = vec![
                    ("gpu", index.as_str()),
                    ("UUID", uuid.as_str()),
                    ("pci_bus_id", bus.as_str()),
                    ("device", device.as_str()),
                    ("modelName", gpu.spec().accelerator.product),
                    ("Hostname", hostname),
                    ("DCGM_FI_DRIVER_VERSION", "570.124.06"),
                ];
                if let Some((pod, container)) = pod {
                    labels.extend([("namespace", "ai"), ("pod", pod), ("container", container)]);
                }
                labels
            })
            .collect();
        let lines: Vec<&[(&str, &str)]> = labels.iter().map(Vec::as_slice).collect();
        for field in self.fields() {
            builder.family(field.kind, field.name, "", field.help, &lines);
        }
        if self.extended {
            let codes: Vec<String> = CODES.iter().map(|(code, _)| code.to_string()).collect();
            let xids: Vec<_> = codes.iter().map(|code| ("xid", code.as_str())).collect();
            let (name, help) = ("DCGM_EXP_XID_ERRORS_COUNT", "XID errors within the window.");
            let lines = with(&labels, &xids);
            builder.family(Kind::Gauge, name, "", help, &slices(&lines));
            let events: Vec<_> = CLOCK_EVENTS.iter().map(|(_, e)| ("clock_event", *e)).collect();
            let (name, help) = ("DCGM_EXP_CLOCK_EVENTS_COUNT", "Clock events within the window.");
            let lines = with(&labels, &events);
            builder.family(Kind::Gauge, name, "", help, &slices(&lines));
        }
        builder.build()
    }

    /// Their values, in the order of the page.
    pub fn write(&self, values: &mut Values, gpus: &[Gpu]) {
        for field in self.fields() {
            for gpu in gpus {
                if gpu.on_bus() { values.push((field.read)(gpu)) } else { values.absent(1) }
            }
        }
        if !self.extended {
            return;
        }
        for gpu in gpus {
            if !gpu.on_bus() || !gpu.any_recent_xid() {
                values.absent(CODES.len());
                continue;
            }
            for (code, _) in CODES {
                // A code that was not seen has no series.
                match gpu.recent_xids(*code) {
                    0 => values.absent(1),
                    count => values.push(count as f64),
                }
            }
        }
        for gpu in gpus {
            if !gpu.on_bus() {
                values.absent(CLOCK_EVENTS.len());
                continue;
            }
            for (bit, _) in CLOCK_EVENTS {
                values.push(gpu.held_seconds(*bit).round());
            }
        }
    }

    /// What a scrape of the exporter gets.
    pub fn answer(gpus: &[Gpu]) -> Answer {
        if gpus.iter().any(|gpu| !gpu.answers()) {
            return Answer::Hangs;
        }
        let slow = gpus.iter().filter(|gpu| gpu.slow()).count();
        Answer::Page(0.02 + 6.0 * slow as f64)
    }

    fn fields(&self) -> impl Iterator<Item = &'static Field> {
        let extended: &[Field] = if self.extended { EXTENDED } else { &[] };
        DEFAULT.iter().chain(extended)
    }
}

impl Default for DcgmExporter {
    fn default() -> Self {
        Self::new()
    }
}

/// Slots of eight GPUs on an HGX board's host.
const SLOTS: [&str; 8] = ["1B", "43", "52", "61", "9D", "C3", "D1", "DF"];

/// Address on the bus of GPU `index` of a host, as the driver writes it.
pub fn pci_bus_id(index: usize) -> String {
    format!("{:08X}:{}:00.0", index / SLOTS.len(), SLOTS[index % SLOTS.len()])
}

/// Index, UUID, address and device of GPU `index`.
fn identity(hostname: &str, seed: u64, index: usize) -> [String; 4] {
    let uuid = uuid(hostname, seed, index);
    [index.to_string(), uuid, pci_bus_id(index), format!("nvidia{index}")]
}

/// UUID of GPU `index` of a host in the run `seed`.
pub fn uuid(hostname: &str, seed: u64, index: usize) -> String {
    let mut random = Random::member(seed, hostname, index as u64);
    let (a, b) = (random.bits(), random.bits());
    format!(
        "GPU-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xffff,
        b >> 48,
        b & 0xffff_ffff_ffff
    )
}

/// Labels of each GPU with each of `more`, GPU by GPU.
fn with<'a>(
    labels: &[Vec<(&'a str, &'a str)>],
    more: &[(&'a str, &'a str)],
) -> Vec<Vec<(&'a str, &'a str)>> {
    let line = |labels: &Vec<_>, more| {
        let mut line = labels.clone();
        line.extend([more, WINDOW]);
        line
    };
    labels.iter().flat_map(|labels| more.iter().map(move |more| line(labels, *more))).collect()
}

fn slices<'a>(lines: &'a [Vec<(&'a str, &'a str)>]) -> Vec<&'a [(&'a str, &'a str)]> {
    lines.iter().map(Vec::as_slice).collect()
}

/// Six places behind the point, as the exporter writes shares.
fn micro(share: f64) -> f64 {
    (share * 1.0e6).round() / 1.0e6
}
