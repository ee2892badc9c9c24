//! The service, as its clients see it.

mod access_limits;
mod access_peers;
mod access_tls;
mod access_users;
mod alertmanager;
mod alertmanager_ill;
mod certificates;
mod delivery;
mod flood;
mod otlp;
mod peers;
mod query;
mod reload;
mod scores;
mod scrape;
mod service;
mod sources;
mod support;
