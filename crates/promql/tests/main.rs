//! Queries over made-up series.
