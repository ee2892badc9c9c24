//! What the kernel of a host counts and shows.

/// Requests to shared storage since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RpcCounters {
    /// Requests.
    pub requests: f64,
    /// Seconds that they waited on the host to be sent, summed.
    pub queue_seconds: f64,
    /// Seconds until they were answered, summed.
    pub response_seconds: f64,
    /// Bytes moved.
    pub bytes: f64,
}

/// What the kernel counts of one program and its container.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProgramCounters {
    /// Processor seconds that it got.
    pub cpu_seconds: f64,
    /// Periods of its quota, 100 ms each.
    pub periods: f64,
    /// Those in which the quota ran out.
    pub throttled_periods: f64,
    /// Seconds for which its tasks were held back, summed.
    pub throttled_seconds: f64,
    /// Seconds in which some task of it waited for a processor.
    pub cpu_waiting: f64,
    /// Bytes that it holds.
    pub memory_bytes: f64,
    /// Times that it was killed for want of memory.
    pub oom_kills: u64,
    /// Times that it was started.
    pub starts: u64,
    /// When it was started last, in seconds since the simulation began.
    pub started: f64,
    /// Bytes that it received on the front network.
    pub received: f64,
    /// Bytes that it sent on it.
    pub sent: f64,
}

/// Counters since the start, and levels now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HostCounters {
    /// When the host started, in seconds since the simulation began.
    pub started: f64,
    /// Processor seconds of programs.
    pub user_seconds: f64,
    /// Processor seconds of the kernel.
    pub system_seconds: f64,
    /// Processor seconds with work that waits for storage.
    pub iowait_seconds: f64,
    /// Processor seconds of interrupts that were put off.
    pub softirq_seconds: f64,
    /// Processor seconds taken by neighbours outside of our view.
    pub steal_seconds: f64,
    /// Processor seconds without work.
    pub idle_seconds: f64,
    /// Seconds in which some task waited for a processor.
    pub cpu_waiting: f64,
    /// Seconds in which some task waited for input or output.
    pub io_waiting: f64,
    /// Seconds in which all tasks waited for input or output.
    pub io_stalled: f64,
    /// Seconds in which some task waited for memory.
    pub memory_waiting: f64,
    /// Seconds in which all tasks waited for memory.
    pub memory_stalled: f64,
    /// Averages of tasks that run or want to, over 1, 5 and 15 minutes.
    pub load: [f64; 3],
    /// Periods of the processor quota, 100 ms each.
    pub quota_periods: f64,
    /// Those in which the quota ran out.
    pub quota_throttled: f64,
    /// Seconds for which tasks were held back by it, summed.
    pub throttled_seconds: f64,
    /// Bytes that programs hold.
    pub memory_used: f64,
    /// Bytes of files kept in memory.
    pub memory_cached: f64,
    /// Bytes that programs can still have.
    pub memory_available: f64,
    /// Programs killed for want of memory.
    pub oom_kills: u64,
    /// Bytes of the local disk in use.
    pub disk_used: f64,
    /// Bytes read from it.
    pub disk_read: f64,
    /// Bytes written to it.
    pub disk_written: f64,
    /// Seconds in which it worked.
    pub disk_busy: f64,
    /// Seconds of waiting for it, times requests that waited.
    pub disk_weighted: f64,
    /// Bytes received on the front network.
    pub received: f64,
    /// Bytes sent on the front network.
    pub sent: f64,
    /// Packets dropped for want of its bandwidth.
    pub dropped: u64,
    /// Distance of the clock from its reference, in seconds.
    pub clock_offset: f64,
    /// Reads from shared storage.
    pub reads: RpcCounters,
    /// Writes to shared storage.
    pub writes: RpcCounters,
    /// Requests that found all slots of the transport taken.
    pub rpc_backlog: f64,
}
