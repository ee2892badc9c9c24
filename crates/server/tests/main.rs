//! The service, as its clients see it.

mod access_limits;
mod access_peers;
mod access_tls;
mod access_users;
mod alertmanager;
mod alertmanager_ill;
mod api;
mod backtest;
mod certificates;
mod delivery;
mod flood;
mod integrations;
mod life;
mod llama_cpp;
mod openapi;
mod otlp;
mod peers;
mod query;
mod real_servers;
mod reload;
mod scores;
mod scrape;
mod service;
mod sources;
mod support;
