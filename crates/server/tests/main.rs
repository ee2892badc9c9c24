//! The service, as its clients see it.

mod otlp;
mod service;
