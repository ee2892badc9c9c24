//! Metrics on the wire: every protocol fills a [`MetricBatch`].

mod batch;
mod error;
pub mod exposition;
mod native_histogram;
pub mod otlp;
mod protobuf;
pub mod remote_write;

pub use batch::{
    Histogram, HistogramPoint, MetricBatch, MetricKind, MetricSeries, Point, STALE_BITS, is_stale,
};
pub use error::WireError;
pub use exposition::Families;
