//! What one series and one sample cost, as measured.

use serde::Serialize;

/// What one series and one sample cost the service.
///
/// `bench/src/bin/plan_costs.rs` measures them again and prints them next to [`COSTS`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Costs {
    /// Memory without series and samples.
    pub base_bytes: f64,
    /// Memory that comes and goes while full segments of the log become history and files of it are merged, at the
    /// peak.
    pub conversion_bytes: f64,
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
/// on 2 busy cores (AMD EPYC): 13.2 million samples each of 10,000, 40,000 and 200,000
/// series, judged and not, with labels of 140 and 350 bytes; one run each. At the peak, 40,000 series took 420 and
/// 500 MB in two runs, so memory is known to a fifth. Memory and bytes do not depend on how much a build is optimised.
/// Processor does, and on how samples come: flat out it was 2.3 microseconds for a pushed sample and 1.9 for a scraped
/// one; both are reckoned with the 4.0 of samples that come at their pace (`docs/serve.md`, release build). The history
/// is that of samples with jitter (`docs/storage.md`); without, it was 1.7 bytes.
pub const COSTS: Costs = Costs {
    base_bytes: 2.5e7,
    conversion_bytes: 3.0e8,
    bytes_per_series: 450.0,
    bytes_per_label_byte: 5.0,
    bytes_per_detector: 1300.0,
    processor_seconds_per_pushed_sample: 4.0e-6,
    processor_seconds_per_scraped_sample: 4.0e-6,
    log_bytes_per_sample: 13.0,
    history_bytes_per_sample: 3.3,
    checkpoint_bytes_per_detector: 930.0,
    push_bytes_per_sample: 13.0,
};

/// Bytes of labels of a series where they are not known: as a replica has them that is scraped.
pub const USUAL_LABEL_BYTES: f64 = 170.0;
