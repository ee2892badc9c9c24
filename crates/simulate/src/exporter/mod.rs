//! What scrapers see: the pages of the programs, with the names, types, labels and quirks of the real ones.
//!
//! Each page is a schema, made once, and a function that writes the values in its order.

mod process;
pub mod vllm;
