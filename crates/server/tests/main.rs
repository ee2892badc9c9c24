//! The service, as its clients see it.

mod alertmanager;
mod service;
