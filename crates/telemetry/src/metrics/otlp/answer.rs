//! What a sender is told.
//!
//! Source: OTLP specification, "Partial Success", "Failures"; `google.rpc.Status`.

use serde_json::json;

use super::{Encoding, Written};
use crate::metrics::WireError;
use crate::metrics::protobuf::Message;

/// An `ExportMetricsServiceResponse`: which points were refused, and why.
#[must_use]
pub fn response(encoding: Encoding, written: Written, refused: Option<&WireError>) -> Vec<u8> {
    let Some(refused) = refused else {
        return match encoding {
            Encoding::Protobuf => Vec::new(),
            Encoding::Json => b"{}".to_vec(),
        };
    };
    let reason = refused.to_string();
    match encoding {
        Encoding::Protobuf => {
            let mut response = Message::default();
            response.message(1, |partial| {
                partial.unsigned(1, written.refused_points);
                partial.bytes(2, reason.as_bytes());
            });
            response.into_bytes()
        }
        Encoding::Json => {
            let rejected = written.refused_points.to_string();
            let partial = json!({"rejectedDataPoints": rejected, "errorMessage": reason});
            json!({"partialSuccess": partial}).to_string().into_bytes()
        }
    }
}

/// A `google.rpc.Status`: why a whole request was refused.
#[must_use]
pub fn status(encoding: Encoding, code: u32, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => {
            let mut status = Message::default();
            status.unsigned(1, code.into());
            status.bytes(2, message.as_bytes());
            status.into_bytes()
        }
        Encoding::Json => json!({"code": code, "message": message}).to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_as_the_specification_has_them() {
        let all = Written { samples: 3, ..Written::default() };
        assert_eq!(response(Encoding::Protobuf, all, None), b"");
        assert_eq!(response(Encoding::Json, all, None), b"{}");
        let part = Written { samples: 3, refused_points: 2, ..Written::default() };
        let why = WireError::new("odd", "metric `x`");
        let told = b"\x0a\x13\x08\x02\x12\x0fodd, metric `x`";
        assert_eq!(response(Encoding::Protobuf, part, Some(&why)), told);
        let told =
            r#"{"partialSuccess":{"errorMessage":"odd, metric `x`","rejectedDataPoints":"2"}}"#;
        assert_eq!(response(Encoding::Json, part, Some(&why)), told.as_bytes());
        assert_eq!(status(Encoding::Protobuf, 3, "no"), b"\x08\x03\x12\x02no");
        assert_eq!(status(Encoding::Json, 3, "no"), br#"{"code":3,"message":"no"}"#);
    }
}
