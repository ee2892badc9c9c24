//! JSON Lines: an object per line.

mod decode;
mod probe;
mod scan;

pub(crate) use decode::Decoder;
pub(crate) use probe::{Probed, looks_like_json, probe};
