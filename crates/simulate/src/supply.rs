//! What hardware gives the program on it for a second, and what that program asks of it.

/// What one GPU, or the slowest of those that work together, gives for the next second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpuSupply {
    /// Whether it answers at all.
    pub alive: bool,
    /// Speed of its arithmetic: SM clock as a share of the highest, times how it does at that clock.
    pub clock: f64,
    /// Memory bandwidth, as a share of the published.
    pub bandwidth: f64,
    /// Bandwidth of the links between the GPUs of a host, as a share of the published.
    pub nvlink: f64,
    /// Bandwidth to the host, as a share of the published.
    pub pcie: f64,
    /// Bytes of memory that others hold.
    pub taken_bytes: f64,
    /// Probability that what it computes in a second is wrong without anyone noticing.
    pub corruption: f64,
    /// Set in the second in which the process that uses it is killed by the driver.
    pub kill: Option<Kill>,
}

impl Default for GpuSupply {
    fn default() -> Self {
        Self {
            alive: true,
            clock: 1.0,
            bandwidth: 1.0,
            nvlink: 1.0,
            pcie: 1.0,
            taken_bytes: 0.0,
            corruption: 0.0,
            kill: None,
        }
    }
}

impl GpuSupply {
    /// What a group gets whose members wait for one another.
    #[must_use]
    pub fn slowest(self, other: Self) -> Self {
        Self {
            alive: self.alive && other.alive,
            clock: self.clock.min(other.clock),
            bandwidth: self.bandwidth.min(other.bandwidth),
            nvlink: self.nvlink.min(other.nvlink),
            pcie: self.pcie.min(other.pcie),
            taken_bytes: self.taken_bytes.max(other.taken_bytes),
            corruption: 1.0 - (1.0 - self.corruption) * (1.0 - other.corruption),
            kill: self.kill.or(other.kill),
        }
    }
}

/// Why a process died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// A GPU error ended it; it may start anew at once.
    GpuError,
    /// A GPU error ended it and the GPU must be reset or replaced first.
    GpuLost,
    /// The kernel ended it for want of host memory.
    OutOfMemory,
    /// The host went down.
    HostLost,
    /// It ended itself.
    Crash,
}

/// What a program did to one GPU in the last second. Shares of the second in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GpuDemand {
    /// Share in which any kernel ran; also what GPU_UTIL shows.
    pub active: f64,
    /// Share in which the tensor pipes ran.
    pub tensor: f64,
    /// Share in which memory moved.
    pub dram: f64,
    /// Bytes of memory held.
    pub memory_bytes: f64,
    /// Bytes from the host and to it.
    pub pcie_in_bytes: f64,
    /// Bytes to the host.
    pub pcie_out_bytes: f64,
    /// Bytes to other GPUs of the host.
    pub nvlink_bytes: f64,
}

/// What a host gives its programs for the next second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostSupply {
    /// Whether it is up.
    pub alive: bool,
    /// Share of the processor time asked for that is given, in (0, 1].
    pub cpu: f64,
    /// Share of the network asked for that is given.
    pub network: f64,
    /// Share of the fabric between hosts that is given (slowest port).
    pub fabric: f64,
    /// Bytes a second that files can be read with.
    pub read_bytes: f64,
    /// Bytes a second that files can be written with.
    pub write_bytes: f64,
    /// Whether files can be written at all.
    pub writable: bool,
    /// Seconds by which its clock is ahead.
    pub clock_offset: f64,
    /// Whether the kernel is out of memory in this second.
    pub out_of_memory: bool,
    /// Set in the second in which the host ends the program.
    pub kill: Option<Kill>,
}

impl Default for HostSupply {
    fn default() -> Self {
        Self {
            alive: true,
            cpu: 1.0,
            network: 1.0,
            fabric: 1.0,
            read_bytes: 2.0e9,
            write_bytes: 1.5e9,
            writable: true,
            clock_offset: 0.0,
            out_of_memory: false,
            kill: None,
        }
    }
}

/// What a program did to its host in the last second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostDemand {
    /// Processor seconds asked for (one core for the whole second is 1).
    pub cpu_seconds: f64,
    /// Bytes of memory held.
    pub memory_bytes: f64,
    /// Bytes received and sent on the front network.
    pub received_bytes: f64,
    /// Bytes sent on the front network.
    pub sent_bytes: f64,
    /// Bytes sent over the fabric between hosts (as many are received).
    pub fabric_bytes: f64,
    /// Bytes read from files.
    pub read_bytes: f64,
    /// Bytes written to files.
    pub written_bytes: f64,
}

impl HostDemand {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds + other.cpu_seconds,
            memory_bytes: self.memory_bytes + other.memory_bytes,
            received_bytes: self.received_bytes + other.received_bytes,
            sent_bytes: self.sent_bytes + other.sent_bytes,
            fabric_bytes: self.fabric_bytes + other.fabric_bytes,
            read_bytes: self.read_bytes + other.read_bytes,
            written_bytes: self.written_bytes + other.written_bytes,
        }
    }
}
