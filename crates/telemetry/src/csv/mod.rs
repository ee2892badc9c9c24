//! Comma-separated values and their kin.

mod decode;
mod dialect;
mod probe;
mod records;

pub(crate) use decode::Decoder;
pub(crate) use probe::probe;
pub(crate) use records::last_record_end;
