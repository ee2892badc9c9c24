//! NVIDIA's GPUs of this host: what the driver's library (NVML) says of them, as dcgm-exporter
//! would name it.
//!
//! A host that runs no DCGM has `libnvidia-ml.so.1` all the same, as it comes with the driver; it
//! is loaded when [`Gpus::open`] is called, so that the program starts where there is none.
//! [`Gpus::read`] gives a [`Snapshot`], and [`Snapshot::page`] writes that in Prometheus's text
//! format under the names, types and labels of dcgm-exporter, so that dashboards, alerts and
//! auscult's own adapter of it fit.
//!
//! Nothing is ever set: clocks, limits and modes stay as they are.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use auscult_gpu::Gpus;
//!
//! let gpus = Gpus::open(None)?;
//! let snapshot = gpus.read(Duration::from_secs(10))?;
//! for gpu in &snapshot.gpus {
//!     println!("{} draws {:?} W", gpu.model, gpu.value("DCGM_FI_DEV_POWER_USAGE"));
//! }
//! print!("{}", snapshot.page("node-7"));
//! # Ok::<(), auscult_gpu::GpuError>(())
//! ```

mod error;
mod field;
mod page;
mod profile;
mod reader;
mod snapshot;
mod xid;

pub use error::GpuError;
pub use reader::Gpus;
pub use snapshot::{ClockEvent, Gpu, Process, Snapshot};
