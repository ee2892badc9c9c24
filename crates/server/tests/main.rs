//! The service, as its clients see it.

mod scrape;
mod service;
mod support;
