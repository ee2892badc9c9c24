//! What a host has.

/// Where programs of a host keep data, weights and checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// On the disk of the host.
    Local,
    /// On storage that hosts share; the local disk takes logs and stages what is written.
    Shared,
}

/// What a host has. The default is a host of eight GPUs as cloud providers rent them
/// (Azure ND H100 v5: 96 cores, 1.9 TiB, 8 × 400 Gb/s; front network of its class) with the system
/// disk of a DGX H100 (1.92 TB of NVMe).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostSettings {
    /// Cores.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: f64,
    /// Bytes of the local disk.
    pub disk_bytes: f64,
    /// Share of the local disk that is in use at the start.
    pub disk_used: f64,
    /// Bytes a second that the disk reads.
    pub disk_read: f64,
    /// Bytes a second that the disk writes.
    pub disk_write: f64,
    /// Bytes a second of the front network, each way.
    pub network: f64,
    /// Ports on the fabric.
    pub ports: usize,
    /// Bytes a second of one port, each way.
    pub port_bytes: f64,
    /// Where files are.
    pub files: Files,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            cores: 96,
            memory_bytes: 1.9 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
            disk_bytes: 1.92e12,
            disk_used: 0.45,
            disk_read: 6.0e9,
            disk_write: 3.0e9,
            network: 10.0e9,
            ports: 8,
            port_bytes: 50.0e9,
            files: Files::Shared,
        }
    }
}
