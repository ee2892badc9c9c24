//! OTLP over gRPC.
//!
//! Source: OTLP specification, "OTLP/gRPC"; `MetricsService` of its protobuf definitions.
//! Messages pass as bytes: the reader of OTLP takes them where they lie.

use std::sync::Arc;

use auscult_telemetry::metrics::otlp::{self, Encoding, RequestError};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use bytes::{Buf, BufMut, Bytes};
use futures_util::future::BoxFuture;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};

use super::take::{count, take};
use crate::access::{Admitted, Protocol, Refusal, Role, Routes};
use crate::own_metrics::Ending;
use crate::serve::Shared;

const PROTOCOL: &str = "otlp_grpc";
const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Answers on a port that takes nothing else.
pub(super) fn routes(shared: &Arc<Shared>) -> Routes {
    let other = || async {
        Status::unimplemented("only metrics are taken here").into_http::<axum::body::Body>()
    };
    let routes = Routes::new(shared, Protocol::otlp(refuse));
    routes.route(Role::Writer, EXPORT, post(export)).elsewhere(other)
}

/// Says in a status that a request is not let in.
fn refuse(_: &HeaderMap, refusal: &Refusal) -> Response {
    let reason = refusal.reason.as_str();
    let status = match refusal.status {
        StatusCode::UNAUTHORIZED => Status::unauthenticated(reason),
        StatusCode::FORBIDDEN => Status::permission_denied(reason),
        StatusCode::REQUEST_TIMEOUT => Status::deadline_exceeded(reason),
        // "Resource exhausted" is not sent again unless it says when in a message of its own.
        _ => Status::unavailable(reason),
    };
    status.into_http()
}

async fn export(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Response {
    let mut grpc = Grpc::new(Bare)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(shared.settings.most_unpacked_bytes);
    let mut service = Export { shared: Arc::clone(&shared), admitted, was_called: false };
    let response = grpc.unary(&mut service, request).await;
    if !service.was_called {
        count(&shared, PROTOCOL, Ending::Refused);
    }
    // Too long a message is "out of range" to the library, which a sender of OTLP repeats for ever.
    match response.extensions().get::<Status>() {
        Some(status) if status.code() == Code::OutOfRange => {
            Status::resource_exhausted(status.message()).into_http()
        }
        _ => response.map(axum::body::Body::new),
    }
}

/// `MetricsService/Export`.
#[derive(Debug)]
struct Export {
    shared: Arc<Shared>,
    admitted: Admitted,
    was_called: bool,
}

impl UnaryService<Bytes> for &mut Export {
    type Response = Vec<u8>;
    type Future = BoxFuture<'static, Result<tonic::Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        self.was_called = true;
        let (shared, admitted) = (Arc::clone(&self.shared), self.admitted.clone());
        Box::pin(async move {
            let encoding = Encoding::Protobuf;
            let message = request.into_inner();
            let taken = take(shared, PROTOCOL, encoding, message, false, admitted).await;
            match taken {
                Ok(Ok((written, refused))) => {
                    let response = otlp::response(encoding, written, refused.as_ref());
                    Ok(tonic::Response::new(response))
                }
                Ok(Err(error @ RequestError::TooLarge { .. })) => {
                    Err(Status::resource_exhausted(error.to_string()))
                }
                Ok(Err(error)) => Err(Status::invalid_argument(error.to_string())),
                Err(_) => Err(Status::internal("the request could not be judged")),
            }
        })
    }
}

/// Passes messages on as they are.
#[derive(Debug)]
struct Bare;

impl Codec for Bare {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bare {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Bare {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
