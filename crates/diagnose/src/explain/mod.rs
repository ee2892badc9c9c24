//! What accounts for a change between two periods.

pub mod segments;
