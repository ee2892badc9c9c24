//! Agreement with reference programs and with public data.

mod golden_seasonal;
mod shared_seasons;
