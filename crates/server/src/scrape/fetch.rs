//! A page, asked for over HTTP, within limits.

use std::io::Read;

use auscult_telemetry::metrics::exposition::{ACCEPT, Format};
use flate2::read::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::{ACCEPT as ACCEPT_HEADER, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};

use super::target::Target;
use crate::client::{self, HttpClient};

/// Why there is no page, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ScrapeError {
    #[error("no answer within {0:?}")]
    Timeout(std::time::Duration),
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}, expected 200 OK")]
    Status(reqwest::StatusCode),
    #[error("its page has more than {0} bytes, the body_size_limit of its job")]
    TooLarge(u64),
    #[error("its page has {got} samples, more than the sample_limit {limit} of its job")]
    TooManySamples { got: u64, limit: u64 },
    #[error("its page cannot be read: {0}")]
    Malformed(String),
}

impl ScrapeError {
    /// As metrics call it.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::TooLarge(_) => "body_size_limit",
            Self::TooManySamples { .. } => "sample_limit",
            Self::Malformed(_) => "malformed",
        }
    }
}

/// A page as it came.
#[derive(Debug)]
pub(super) struct Page {
    format: Format,
    is_gzip: bool,
    body: Vec<u8>,
    limit: u64,
}

/// Asks for the page of `target`, which may have `limit` bytes (0 for any number).
pub(super) async fn fetch(
    client: &HttpClient,
    target: &Target,
    limit: u64,
) -> Result<Page, ScrapeError> {
    let limit = if limit == 0 { u64::MAX } else { limit };
    let asked = async {
        let request = client
            .get(target.url.clone())
            .await
            .map_err(|error| ScrapeError::Unreachable(error.to_string()))?
            .header(ACCEPT_HEADER, ACCEPT)
            .header(ACCEPT_ENCODING, "gzip")
            .header(
                "X-Prometheus-Scrape-Timeout-Seconds",
                target.timeout.as_secs_f64().to_string(),
            );
        receive(request.send().await.map_err(unreachable)?, limit).await
    };
    tokio::time::timeout(target.timeout, asked)
        .await
        .unwrap_or(Err(ScrapeError::Timeout(target.timeout)))
}

async fn receive(mut answer: Response, limit: u64) -> Result<Page, ScrapeError> {
    if answer.status() != reqwest::StatusCode::OK {
        return Err(ScrapeError::Status(answer.status()));
    }
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let format = Format::of_content_type(header(CONTENT_TYPE).unwrap_or_default());
    let is_gzip = header(CONTENT_ENCODING).is_some_and(|value| value.eq_ignore_ascii_case("gzip"));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(ScrapeError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Page { format, is_gzip, body, limit })
}

fn unreachable(error: reqwest::Error) -> ScrapeError {
    ScrapeError::Unreachable(client::reason(&error))
}

impl Page {
    /// Bytes that came.
    pub(super) fn received(&self) -> usize {
        self.body.len()
    }

    /// Format and bytes, unpacked.
    pub(super) fn unpack(self) -> Result<(Format, Vec<u8>), ScrapeError> {
        if !self.is_gzip {
            return Ok((self.format, self.body));
        }
        let mut bytes = Vec::new();
        MultiGzDecoder::new(self.body.as_slice())
            .take(self.limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| ScrapeError::Malformed(format!("expected gzip: {error}")))?;
        if bytes.len() as u64 > self.limit {
            return Err(ScrapeError::TooLarge(self.limit));
        }
        Ok((self.format, bytes))
    }
}
