//! Files in, tables out, as callers see it.

mod csv;
mod errors;
mod scratch;
