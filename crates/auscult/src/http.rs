//! Where verbs listen, and pages over HTTP for those that show something to be scraped.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Where to listen, as `--listen` has it.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address and port such as 127.0.0.1:9709".to_owned())
}

/// Of [`answer_all`], when a connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("refused")]
pub(crate) struct Refused;

/// Gives each request what `answer` says, until it is dropped.
pub(crate) async fn answer_all<F>(
    listener: TcpListener,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
) -> Infallible
where
    F: Future<Output = Result<Response<Full<Bytes>>, Refused>> + Send + 'static,
{
    loop {
        // A connection that fails at once is the client's loss.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let answer = answer.clone();
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // A client that went away, or was refused as it should be.
            let _ = connection.await;
        });
    }
}

/// An answer of text.
pub(crate) fn response(
    status: StatusCode,
    content_type: &'static str,
    text: String,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
