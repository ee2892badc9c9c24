//! GPUs: power, heat, clocks, memory, links, errors.
//!
//! [`Gpu::advance`] takes what the program did ([`crate::supply::GpuDemand`]), the air at the
//! inlet and the [conditions](crate::conditions::GpuConditions), and gives what the program gets
//! next ([`crate::supply::GpuSupply`]). [`Gpu::reading`], [`Gpu::totals`] and [`Gpu::errors`] are
//! what the driver shows; [`Gpu::take_xids`] what it writes to the kernel log.
//!
//! ```
//! use auscult_simulate::conditions::GpuConditions;
//! use auscult_simulate::device::{Gpu, Spec};
//! use auscult_simulate::supply::GpuDemand;
//!
//! let mut gpu = Gpu::new(Spec::named("H100").expect("a known GPU"), 1, 0);
//! let busy = GpuDemand { active: 1.0, tensor: 0.5, dram: 0.4, memory_bytes: 6e10, ..Default::default() };
//! for _ in 0..300 {
//!     gpu.advance(1.0, &busy, 27.0, &GpuConditions::default());
//! }
//! assert!((40.0..87.0).contains(&gpu.reading().celsius));
//! ```

mod clock;
mod errors;
mod gpu;
mod heat;
mod power;
mod spec;
mod xid;

pub use clock::reason;
pub use errors::ErrorCounters;
pub use gpu::{Gpu, Reading, Totals};
pub use spec::{SPECS, Spec};
pub use xid::{CODES, Xid};
