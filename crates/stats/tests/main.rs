//! Agreement with reference programs.

mod golden_seasonal;
