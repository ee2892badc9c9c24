//! OTLP over gRPC.
//!
//! Source: OTLP specification, "OTLP/gRPC"; `MetricsService` of its protobuf definitions.
//! Messages pass as bytes: the reader of OTLP takes them where they lie.

use std::sync::Arc;

use auscult_telemetry::metrics::otlp::{self, Encoding, RequestError};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use bytes::{Buf, BufMut, Bytes};
use futures_util::future::BoxFuture;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};

use super::take::{count, take};
use crate::own_metrics::Ending;
use crate::serve::Shared;

const PROTOCOL: &str = "otlp_grpc";
const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Answers on a port that takes nothing else.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let other = || async {
        Status::unimplemented("only metrics are taken here").into_http::<axum::body::Body>()
    };
    Router::new().route(EXPORT, post(export)).fallback(other).with_state(shared)
}

async fn export(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let mut grpc = Grpc::new(Bare)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(shared.settings.most_unpacked_bytes);
    let mut service = Export { shared: Arc::clone(&shared), was_called: false };
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
    was_called: bool,
}

impl UnaryService<Bytes> for &mut Export {
    type Response = Vec<u8>;
    type Future = BoxFuture<'static, Result<tonic::Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        self.was_called = true;
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let encoding = Encoding::Protobuf;
            let taken = take(shared, PROTOCOL, encoding, request.into_inner(), false).await;
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
