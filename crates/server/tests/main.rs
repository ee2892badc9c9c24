//! The service, as its clients see it.

mod access_limits;
mod access_peers;
mod access_tls;
mod access_users;
mod alertmanager;
mod api;
mod certificates;
mod delivery;
mod openapi;
mod otlp;
mod peers;
mod query;
mod reload;
mod scores;
mod scrape;
mod service;
mod sources;
mod support;
