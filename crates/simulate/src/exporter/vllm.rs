//! The page of vLLM's server, engine version 1.
//!
//! Names, types, labels and bounds: `vllm/v1/metrics/loggers.py` of vLLM. Its quirks are kept:
//!
//! - Counters begin anew with the process, which is told by `process_start_time_seconds` only.
//! - There is no counter of failures: a request that dies with the process is counted nowhere.
//! - Readings are those of the last step: of a hung engine they stay as they were.
//! - `iteration_tokens_total` is a histogram; a step that gives out nothing is not in it.
//! - A preempted request looks for its own blocks when it comes back, and what it finds counts as hits.
//! - [`ReplicaSpec::old_names`](crate::serving::ReplicaSpec): the cache's names before 0.10, whose hits and queries
//!   are shown in blocks.
//!
//! `lora_requests_info` is left out: it tells by its labels which adapters run, so that its series come and go,
//! and the series of a [`Page`] never change.

use crate::page::{Kind, Page, PageBuilder, Values};
use crate::serving::{Meters, Reason, Replica, ReplicaSpec, Role};

use super::process;

/// The page of a replica of `spec`.
pub fn page(spec: &ReplicaSpec, instance: &str) -> Page {
    let common = [("engine", "0"), ("model_name", spec.model.name)];
    let mut page = PageBuilder::new("vllm", instance, &common);
    let [ttft, itl, request, lengths, iteration, transfer, params_n] = bounds(spec);
    page.gauge("vllm:num_requests_running", "Requests in the batches of the engine.");
    page.gauge("vllm:num_requests_waiting", "Requests that wait to be run.");
    page.family(
        Kind::Gauge,
        "vllm:num_requests_waiting_by_reason",
        "",
        "Requests that wait to be run, by what for.",
        &[&[("reason", "capacity")], &[("reason", "deferred")]],
    );
    let states: [&[(&str, &str)]; 3] = [
        &[("sleep_state", "awake")],
        &[("sleep_state", "weights_offloaded")],
        &[("sleep_state", "discard_all")],
    ];
    page.family(Kind::Gauge, "vllm:engine_sleep_state", "", "Whether the engine sleeps.", &states);
    let usage =
        if spec.old_names { "vllm:gpu_cache_usage_perc" } else { "vllm:kv_cache_usage_perc" };
    page.gauge(usage, "Share of the KV cache in use, 1 is all.");
    let cache = if spec.old_names { "vllm:gpu_prefix_cache" } else { "vllm:prefix_cache" };
    page.counter(&format!("{cache}_queries"), "What was looked for in the prefix cache.");
    page.counter(&format!("{cache}_hits"), "What was found in the prefix cache.");
    page.counter("vllm:mm_cache_queries", "Media looked for in their cache.");
    page.counter("vllm:mm_cache_hits", "Media found in their cache.");
    page.counter("vllm:num_preemptions", "Requests preempted.");
    page.counter("vllm:prompt_tokens", "Prompt tokens processed.");
    let sources: [&[(&str, &str)]; 3] = [
        &[("source", "local_compute")],
        &[("source", "local_cache_hit")],
        &[("source", "external_kv_transfer")],
    ];
    let about = "Prompt tokens by where they came from.";
    page.family(Kind::Counter, "vllm:prompt_tokens_by_source", "_total", about, &sources);
    page.counter("vllm:prompt_tokens_cached", "Prompt tokens that were not computed.");
    page.counter("vllm:generation_tokens", "Tokens generated.");
    page.counter("vllm:corrupted_requests", "Requests with logits that are not numbers.");
    let reasons = Reason::ALL.map(|reason| [("finished_reason", reason.name())]);
    let reasons: Vec<&[(&str, &str)]> = reasons.iter().map(<[_; 1]>::as_slice).collect();
    let about = "Requests that ended, by why.";
    page.family(Kind::Counter, "vllm:request_success", "_total", about, &reasons);
    page.histogram("vllm:request_prompt_tokens", "Tokens of a prompt.", lengths);
    page.histogram("vllm:request_generation_tokens", "Tokens of an answer.", lengths);
    page.histogram("vllm:request_params_max_tokens", "Most tokens asked for.", lengths);
    let name = "vllm:request_max_num_generation_tokens";
    page.histogram(name, "Tokens of the longest answer of a request.", lengths);
    let name = "vllm:request_prefill_kv_computed_tokens";
    page.histogram(name, "Tokens of a prompt that were computed.", lengths);
    page.histogram("vllm:request_params_n", "Answers asked for.", params_n);
    page.histogram("vllm:iteration_tokens_total", "Tokens of a step.", iteration);
    page.histogram("vllm:time_to_first_token_seconds", "Time to the first token.", ttft);
    let between = if spec.old_names {
        "vllm:time_per_output_token_seconds"
    } else {
        "vllm:inter_token_latency_seconds"
    };
    page.histogram(between, "Time from one token to the next.", itl);
    if !spec.old_names {
        let name = "vllm:request_time_per_output_token_seconds";
        page.histogram(name, "Mean time between the tokens of a request.", itl);
    }
    page.histogram("vllm:e2e_request_latency_seconds", "Time from arrival to end.", request);
    page.histogram("vllm:request_queue_time_seconds", "Time waiting.", request);
    page.histogram("vllm:request_inference_time_seconds", "Time running.", request);
    page.histogram("vllm:request_prefill_time_seconds", "Time of the prompt.", request);
    page.histogram("vllm:request_decode_time_seconds", "Time of the answer.", request);
    if spec.drafts > 0 {
        page.counter("vllm:spec_decode_num_drafts", "Drafts.");
        page.counter("vllm:spec_decode_num_draft_tokens", "Tokens guessed.");
        page.counter("vllm:spec_decode_num_accepted_tokens", "Guesses accepted.");
        let positions: Vec<String> =
            (0..spec.drafts).map(|position| position.to_string()).collect();
        let positions: Vec<[(&str, &str); 1]> =
            positions.iter().map(|position| [("position", position.as_str())]).collect();
        let positions: Vec<&[(&str, &str)]> = positions.iter().map(<[_; 1]>::as_slice).collect();
        let name = "vllm:spec_decode_num_accepted_tokens_per_pos";
        page.family(Kind::Counter, name, "_total", "Guesses accepted, by position.", &positions);
    }
    if spec.role != Role::Both {
        page.histogram("vllm:nixl_xfer_time_seconds", "Time of a transfer of a cache.", transfer);
        page.counter("vllm:nixl_num_failed_transfers", "Transfers that failed.");
        page.counter("vllm:nixl_num_kv_expired_reqs", "Caches that nobody fetched in time.");
    }
    page.common(&[]);
    let blocks = spec.blocks(0.0).to_string();
    let block = spec.block.to_string();
    let memory = spec.memory_share.to_string();
    let config: &[(&str, &str)] = &[
        ("block_size", &block),
        ("cache_dtype", "auto"),
        ("enable_prefix_caching", "True"),
        ("engine", "0"),
        ("gpu_memory_utilization", &memory),
        ("num_gpu_blocks", &blocks),
    ];
    page.family(Kind::Gauge, "vllm:cache_config_info", "", "Settings of the cache.", &[config]);
    process::families(&mut page);
    page.build()
}

/// Bounds of its histograms, taken from empty meters so that they cannot differ.
fn bounds(spec: &ReplicaSpec) -> [&'static [f64]; 7] {
    let meters = Meters::new(spec.engine, spec.model.longest, spec.drafts);
    [
        meters.ttft.bounds(),
        meters.itl.bounds(),
        meters.e2e.bounds(),
        meters.prompt_length.bounds(),
        meters.iteration.bounds(),
        meters.transfer.bounds(),
        meters.params_n.bounds(),
    ]
}

/// Writes the values of a replica's page; `start` is the Unix time of second 0.
pub fn write(replica: &Replica, start: f64, values: &mut Values) {
    let (spec, meters) = (replica.spec(), replica.meters());
    let now = &meters.now;
    values.push(now.running);
    values.push(now.waiting + now.deferred);
    values.push(now.waiting);
    values.push(now.deferred);
    for state in [1.0, 0.0, 0.0] {
        values.push(state);
    }
    values.push(now.usage);
    let unit = if spec.old_names { u64::from(spec.block) } else { 1 };
    count(values, meters.queries / unit);
    count(values, meters.hits / unit);
    count(values, meters.media_queries);
    count(values, meters.media_hits);
    count(values, meters.preemptions);
    count(values, meters.prompt_tokens + replica.counted_twice());
    for source in meters.prompt_sources {
        count(values, source);
    }
    count(values, meters.prompt_sources[1] + meters.prompt_sources[2]);
    count(values, meters.generation_tokens);
    count(values, meters.corrupted);
    for finished in meters.finished {
        count(values, finished);
    }
    values.histogram(&meters.prompt_length);
    values.histogram(&meters.output_length);
    values.histogram(&meters.max_tokens);
    values.histogram(&meters.output_length);
    values.histogram(&meters.computed_length);
    values.histogram(&meters.params_n);
    values.histogram(&meters.iteration);
    values.histogram(&meters.ttft);
    values.histogram(&meters.itl);
    if !spec.old_names {
        values.histogram(&meters.tpot);
    }
    values.histogram(&meters.e2e);
    values.histogram(&meters.queue);
    values.histogram(&meters.inference);
    values.histogram(&meters.prefill);
    values.histogram(&meters.decode);
    if spec.drafts > 0 {
        count(values, meters.drafts);
        count(values, meters.draft_tokens);
        values.push(meters.accepted_tokens());
        for position in &meters.accepted {
            values.push(position.floor());
        }
    }
    if spec.role != Role::Both {
        values.histogram(&meters.transfer);
        count(values, meters.transfer_failed);
        count(values, meters.expired);
    }
    values.push(1.0);
    process::write(replica, start, values);
}

fn count(values: &mut Values, count: u64) {
    values.push(count as f64);
}
