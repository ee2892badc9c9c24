//! Which segments carry a change: values of attributes, and combinations of them.
//!
//! [`Cells`] adds rows up by the values of their attributes. On them,
//! [`mix_and_rate()`] splits the change into a change of mix and a change within
//! segments, [`adtributor()`] ranks the values of single attributes, and
//! [`scan()`] searches combinations.

mod adtributor;
mod cells;
mod mix;
mod scan;

pub use adtributor::{AdtributorOptions, ValueEffect, ValueSet, adtributor};
pub use cells::{Attribute, Cell, Cells, Measure, Tally};
pub use mix::{MixAndRate, ValueChange, mix_and_rate};
pub use scan::{ScanOptions, Segment, scan};
