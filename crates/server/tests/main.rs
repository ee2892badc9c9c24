//! The service, as its clients see it.

mod alertmanager;
mod delivery;
mod otlp;
mod peers;
mod query;
mod reload;
mod scores;
mod scrape;
mod service;
mod sources;
mod support;
