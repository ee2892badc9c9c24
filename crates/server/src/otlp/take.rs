//! From a request to judged samples, whatever brought it.

use std::sync::Arc;
use std::time::Instant;

use auscult_telemetry::metrics::otlp::{self, Encoding, RequestError, Written};
use auscult_telemetry::metrics::{MetricBatch, WireError};
use bytes::Bytes;
use tokio::task::JoinError;

use crate::access::Admitted;
use crate::own_metrics::{Ending, WriteLabels};
use crate::serve::Shared;

/// Memory that a batch may take for each byte that a request may have: labels of the
/// resource stand once in a request and in each series of a batch.
const GROWTH: usize = 8;

/// What was taken, and why some points were not.
pub(super) type Taken = Result<(Written, Option<WireError>), RequestError>;

/// Reads a request, compressed or not, and judges what it holds. Judging takes the
/// processor, not the socket: it is done on a thread for such work.
pub(super) async fn take(
    shared: Arc<Shared>,
    protocol: &'static str,
    encoding: Encoding,
    body: Bytes,
    is_compressed: bool,
    admitted: Admitted,
) -> Result<Taken, JoinError> {
    let judged = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        let most = admitted.allowance();
        let mut batch = MetricBatch::default();
        let mut read =
            |message: &[u8]| otlp::read(encoding, message, most.saturating_mul(GROWTH), &mut batch);
        let taken = if is_compressed {
            otlp::gunzip(&body, most).and_then(|message| read(&message))
        } else {
            read(&body)
        };
        if let Ok((written, _)) = &taken {
            admitted.charge(written.samples.saturating_add(written.histograms));
            shared.take(&batch);
        }
        let ending = match &taken {
            Ok((_, None)) => Ending::Taken,
            Ok((_, Some(_))) => Ending::Partly,
            Err(_) => Ending::Refused,
        };
        count(&shared, protocol, ending);
        shared.metrics.write_seconds.observe(start.elapsed().as_secs_f64());
        taken
    });
    judged.await
}

/// Counts a request.
pub(super) fn count(shared: &Shared, protocol: &'static str, ending: Ending) {
    shared.metrics.writes.get_or_create(&WriteLabels { protocol, ending }).inc();
}
