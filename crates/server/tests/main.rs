//! The service, as its clients see it.

mod access_limits;
mod access_peers;
mod access_tls;
mod access_users;
mod alertmanager;
mod certificates;
mod otlp;
mod peers;
mod scrape;
mod service;
mod sources;
mod support;
