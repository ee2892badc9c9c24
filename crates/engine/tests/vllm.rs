//! The whole page of a vLLM server, from text to what is known of it.

use std::collections::BTreeSet;

use auscult_core::Timestamp;
use auscult_engine::{Engine, EngineSettings};
use auscult_knowledge::Knowledge;
use auscult_telemetry::metrics::MetricBatch;
use auscult_telemetry::metrics::exposition::{Format, Times};

const PAGE: &str = include_str!("../../telemetry/tests/expositions/vllm.txt");

fn read(second: i64) -> MetricBatch {
    let mut batch = MetricBatch::default();
    let times = Times { asked: Timestamp::from_seconds(second), honor: true };
    Format::Text.read(PAGE.as_bytes(), times, &mut batch).expect("a sound page");
    batch
}

#[test]
fn every_line_becomes_a_sample_and_every_series_is_judged_or_known_not_to_be() {
    let lines = PAGE.lines().filter(|line| !line.starts_with('#')).count();
    let batch = read(0);
    assert_eq!((batch.samples(), batch.len()), (lines, lines));
    let engine = Engine::new(EngineSettings::default());
    for second in [0, 15, 90, 105] {
        engine.ingest(&read(1_700_000_000 + second));
    }
    let counts = engine.counts();
    assert_eq!((counts.late, counts.duplicate, counts.invalid, counts.unwatched), (0, 0, 0, 0));
    let views = engine.series_now(|_| true);
    let of = |name: &str| views.iter().filter(|view| view.labels.as_ref().metric() == name).count();
    assert_eq!(of("vllm:num_requests_running"), 1);
    assert_eq!(of("vllm:request_success_total"), 5);
    // By their rate; nothing came, so there is neither a mean nor a quantile.
    assert_eq!(of("vllm:time_to_first_token_seconds_count"), 1);
    assert_eq!(of("vllm:time_to_first_token_seconds_bucket"), 0);
}

#[test]
fn these_metrics_and_no_others_tell_no_signal_yet() {
    let knowledge = Knowledge::embedded();
    let families: BTreeSet<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE vllm:")?.split_once(' '))
        .map(|(name, _)| name)
        .filter(|name| !name.ends_with("_created"))
        .collect();
    let known = |name: &&&str| knowledge.look_up(&format!("vllm:{name}")).is_some();
    let unknown: Vec<&str> = families.iter().filter(|name| !known(name)).copied().collect();
    // They are judged as what the page says they are.
    let expected = [
        "admission_rejections_total",
        "estimated_flops_per_gpu_total",
        "estimated_read_bytes_per_gpu_total",
        "estimated_write_bytes_per_gpu_total",
        "external_prefix_cache_hits_total",
        "external_prefix_cache_queries_total",
        "kv_block_idle_before_evict_seconds",
        "kv_block_lifetime_seconds",
        "kv_block_reuse_gap_seconds",
        "nixl_bytes_transferred",
        "nixl_num_descriptors",
        "nixl_num_failed_notifications_total",
        "nixl_num_notifications_after_expiry_total",
        "nixl_post_time_seconds",
        "num_requests_kv_fetch_by_stage",
        "prompt_tokens_cached_by_source_total",
        "request_max_num_generation_tokens",
        "request_num_preemptions",
        "request_params_n",
        "spec_decode_num_accepted_tokens_per_pos_total",
        "watermark_requests_total",
    ];
    assert_eq!(
        unknown,
        expected,
        "{} of {} are known",
        families.len() - unknown.len(),
        families.len()
    );
}
