//! What a configuration will cost before it runs.
//!
//! [`look`] asks each source once what it would bring; [`estimate()`] reckons memory, processor, disk and network from
//! that and from [`COSTS`], which were measured. It looks at nothing itself.

mod costs;
mod counted;
mod estimate;
mod sources;
mod warnings;

pub use costs::{COSTS, Costs, USUAL_LABEL_BYTES};
pub use counted::{Counted, MethodNeed};
pub use estimate::{Disk, Estimate, Figure, WrittenBack, estimate};
pub use sources::{Pushed, SourceKind, SourcePlan, look};
