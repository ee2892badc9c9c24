//! Files in, tables out, as callers see it.

mod compression;
mod csv;
mod errors;
mod expositions;
mod json_lines;
mod otlp;
mod parquet;
mod public_data;
mod robustness;
mod round_trip;
mod scratch;
