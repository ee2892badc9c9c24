//! What all questions to other services over HTTP have in common.

use reqwest::ClientBuilder;

/// A client that says who asks.
pub(crate) fn builder() -> ClientBuilder {
    reqwest::Client::builder().user_agent(concat!("auscult/", env!("CARGO_PKG_VERSION")))
}

/// The innermost reason of `error`: the outer ones say that a request failed, and its address.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}
