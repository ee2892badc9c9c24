//! Hosts: processors, memory, disk, network, clock; and the storage that they share.
//!
//! [`Host::advance`] takes what its programs did, the [share of the storage](StorageShare) that
//! [`Storage::advance`] gave the host and the conditions of host and ports, and says what each
//! program gets next. [`Host::counters`] is what the kernel shows.
//!
//! ```
//! use auscult_simulate::conditions::{HostConditions, StorageConditions};
//! use auscult_simulate::host::{Host, HostSettings, Storage, StorageSettings};
//! use auscult_simulate::supply::HostDemand;
//!
//! let mut host = Host::new(HostSettings::default(), 1, 0);
//! let mut storage = Storage::new(StorageSettings::default(), 1);
//! let program = [HostDemand { cpu_seconds: 12.0, memory_bytes: 2e11, ..Default::default() }];
//! let (mut shares, mut supplies) = (Vec::new(), Vec::new());
//! storage.advance(1.0, &program, &StorageConditions::default(), &mut shares);
//! host.advance(1.0, &program, shares[0], &HostConditions::default(), &[], &mut supplies);
//! assert!(supplies[0].cpu > 0.99);
//! ```

mod chores;
mod counters;
mod memory;
mod processor;
mod settings;
mod storage;

mod machine;

pub use counters::{HostCounters, ProgramCounters, RpcCounters};
pub use machine::Host;
pub use settings::{Files, HostSettings};
pub use storage::{Storage, StorageSettings, StorageShare};
