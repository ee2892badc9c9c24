//! The service, as its clients see it.

mod alertmanager;
mod otlp;
mod peers;
mod query;
mod reload;
mod scrape;
mod service;
mod sources;
mod support;
