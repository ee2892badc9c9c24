//! XIDs: the driver's reports of errors, as events with a time.

/// One report of the driver about one GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Xid {
    /// When, in seconds since the simulation began.
    pub seconds: f64,
    /// The code.
    pub code: u16,
}

/// Codes that are simulated, ascending, with what the kernel log says behind them, in our words.
///
/// Meanings from NVIDIA's XID catalogue.
pub const CODES: &[(u16, &str)] = &[
    (13, "Graphics Engine Exception"),
    (31, "MMU fault at an address of the application"),
    (45, "Preemptive cleanup of the channels of a process that ended"),
    (48, "Double-bit ECC error"),
    (63, "Row remapper: remapping is pending"),
    (64, "Row remapper: remapping failed"),
    (74, "NVLink error"),
    (79, "GPU has fallen off the bus"),
    (94, "Contained ECC error"),
    (95, "Uncontained ECC error"),
    (119, "Timeout waiting for the GSP"),
    (120, "Error of the GSP"),
    (140, "Unrecovered ECC error"),
    (154, "GPU recovery action changed"),
];

impl Xid {
    /// The line of the kernel log, without its time.
    pub fn text(&self, pci_bus_id: &str) -> String {
        let about = CODES.iter().find(|(code, _)| *code == self.code).map_or("", |found| found.1);
        let slot = pci_bus_id.trim_start_matches("0000").to_lowercase();
        let slot = slot.rsplit_once('.').map_or(slot.as_str(), |(slot, _)| slot);
        format!("NVRM: Xid (PCI:0000{slot}): {}, {about}", self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_which_slot_and_which_code() {
        let line = Xid { seconds: 3.0, code: 79 }.text("00000000:1B:00.0");
        assert_eq!(line, "NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus");
    }
}
