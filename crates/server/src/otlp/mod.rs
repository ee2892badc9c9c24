//! Metrics that others push by OTLP.

mod grpc;
pub(crate) mod http;
mod listeners;
mod take;

pub(crate) use listeners::OtlpListeners;
