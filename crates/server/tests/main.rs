//! The service, as its clients see it.

mod peers;
mod scrape;
mod service;
mod sources;
mod support;
