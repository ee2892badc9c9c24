//! Metrics that others push by OTLP.

mod grpc;
pub(crate) mod http;
mod listeners;
mod take;

pub(crate) use listeners::OtlpListeners;

/// The routes of both ports.
#[cfg(test)]
pub(crate) fn routes(shared: &std::sync::Arc<crate::serve::Shared>) -> [crate::access::Routes; 2] {
    [http::routes(shared), grpc::routes(shared)]
}
