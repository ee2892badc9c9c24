//! What was read of each GPU.

use crate::field;

/// All GPUs of a host at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Version of the driver.
    pub driver: String,
    /// The GPUs that answered, by index. One that fell off the bus is missing.
    pub gpus: Vec<Gpu>,
    /// GPUs that the driver knows of and that did not answer: index and what it said instead.
    pub lost: Vec<(u32, String)>,
}

/// One GPU at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// Place in the driver's order, as `nvidia-smi` shows it.
    pub index: u32,
    /// The identity that stays.
    pub uuid: String,
    /// Address on the bus, such as `00000000:1B:00.0`.
    pub pci_bus_id: String,
    /// Product name.
    pub model: String,
    /// Values in the order of the table of fields; `None` where this GPU does not tell.
    pub(crate) values: Vec<Option<f64>>,
    /// Codes of XID errors of the last five minutes with how often each came.
    pub recent_xids: Vec<(u64, u64)>,
    /// Programs that compute on it.
    pub processes: Vec<Process>,
}

/// A program that computes on a GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Number of the process, as the driver's namespace has it.
    pub id: u32,
    /// Its name, where this host knows it.
    pub name: Option<String>,
    /// Memory of the GPU that it holds in bytes, where the driver tells.
    pub memory: Option<u64>,
}

/// Why a clock is held down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockEvent {
    /// Nothing runs.
    Idle,
    /// By a setting.
    Setting,
    /// By the limit of power.
    PowerCap,
    /// By the hardware: heat, or the supply of power.
    HardwareSlowdown,
    /// By another GPU of its group.
    SyncBoost,
    /// For heat, by the driver.
    SoftwareThermal,
    /// For heat, by the hardware.
    HardwareThermal,
    /// By the supply of power.
    PowerBrake,
    /// By the setting of a display.
    Display,
}

/// Bits of `nvmlClocksEventReasons`.
const CLOCK_EVENTS: [(u64, ClockEvent, &str); 9] = [
    (0x1, ClockEvent::Idle, "idle"),
    (0x2, ClockEvent::Setting, "clock setting"),
    (0x4, ClockEvent::PowerCap, "power cap"),
    (0x8, ClockEvent::HardwareSlowdown, "hardware slowdown"),
    (0x10, ClockEvent::SyncBoost, "sync boost"),
    (0x20, ClockEvent::SoftwareThermal, "heat (software)"),
    (0x40, ClockEvent::HardwareThermal, "heat (hardware)"),
    (0x80, ClockEvent::PowerBrake, "power brake"),
    (0x100, ClockEvent::Display, "display"),
];

impl Gpu {
    /// Value of a field by dcgm-exporter's name, in that exporter's unit; `None` where this GPU
    /// does not tell, or there is no such field.
    pub fn value(&self, name: &str) -> Option<f64> {
        let place = field::FIELDS.iter().position(|field| field.name == name)?;
        self.values[place]
    }

    /// All values that it tells, by dcgm-exporter's names and in its units.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let fields = field::FIELDS.iter().zip(&self.values);
        fields.filter_map(|(field, value)| Some((field.name, (*value)?)))
    }

    /// Why the clock is held down now.
    pub fn clock_events(&self) -> impl Iterator<Item = ClockEvent> {
        let bits = self.value("DCGM_FI_DEV_CLOCKS_EVENT_REASONS").unwrap_or(0.0) as u64;
        CLOCK_EVENTS.into_iter().filter(move |(bit, ..)| bits & bit != 0).map(|(_, event, _)| event)
    }
}

impl std::fmt::Display for ClockEvent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = CLOCK_EVENTS.iter().find(|(_, event, _)| event == self);
        formatter.write_str(found.map_or("", |(.., words)| words))
    }
}
