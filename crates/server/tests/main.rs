//! The service, as its clients see it.

mod alertmanager;
mod otlp;
mod service;
