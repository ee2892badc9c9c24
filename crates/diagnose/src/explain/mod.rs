//! What accounts for a change between two periods.
//!
//! [`shift()`] says how much a column changed, [`attribute()`] what accounts for it
//! among other columns, [`relations()`] which pairs of columns go together
//! otherwise than before, and [`segments`] which parts of the traffic carry the
//! change.

mod attribution;
mod relations;
pub mod segments;
mod shift;

pub use attribution::{
    Attribution, AttributionError, AttributionOptions, Estimator, InputEffect, Joint, Part,
    Threefold, Unusable, attribute,
};
pub use relations::{Relation, relations};
pub use shift::{Quantity, Shift, ShiftError, ShiftOptions, shift};
