//! The service, as its clients see it.

mod alertmanager;
mod delivery;
mod otlp;
mod peers;
mod scores;
mod scrape;
mod service;
mod sources;
mod support;
