//! The page of SGLang's server.
//!
//! Names, types, labels and bounds: `sglang/srt/metrics/collector.py` of SGLang. Its quirks are kept:
//!
//! - Tokens of a request are counted when it ends, all at once.
//! - A counter is absent until it first counts.
//! - `token_usage` and its kin are readings of the last step.

use crate::page::{Kind, Page, PageBuilder, Values};
use crate::serving::{Meters, Replica, ReplicaSpec, Role};

use super::process;

/// The page of a replica of `spec`.
pub fn page(spec: &ReplicaSpec, instance: &str) -> Page {
    let role = match spec.role {
        Role::Both => "unified",
        Role::Prefill => "prefill",
        Role::Decode => "decode",
    };
    let common = [
        ("model_name", spec.model.name),
        ("engine_type", role),
        ("tp_rank", "0"),
        ("pp_rank", "0"),
        ("moe_ep_rank", "0"),
    ];
    let mut page = PageBuilder::new("sglang", instance, &common);
    let meters = Meters::new(spec.engine, spec.model.longest, spec.drafts);
    page.gauge("sglang:num_running_reqs", "Requests that run.");
    page.gauge("sglang:num_queue_reqs", "Requests that wait.");
    page.gauge("sglang:num_grammar_queue_reqs", "Requests that wait for a grammar.");
    page.gauge("sglang:num_used_tokens", "Tokens in use in the pool.");
    page.gauge("sglang:kv_available_tokens", "Tokens free in the pool.");
    page.gauge("sglang:kv_evictable_tokens", "Tokens that only remember a prefix.");
    page.gauge("sglang:token_usage", "Share of the pool in use.");
    page.gauge("sglang:max_total_num_tokens", "Tokens that the pool has.");
    page.gauge("sglang:decode_sum_seq_lens", "Context of all decoding requests.");
    page.gauge("sglang:gen_throughput", "Tokens generated a second.");
    page.gauge("sglang:cache_hit_rate", "Share of prompt tokens found in the cache.");
    page.gauge("sglang:new_token_ratio", "Share of the longest answers that is reserved.");
    if spec.drafts > 0 {
        page.gauge("sglang:spec_accept_length", "Tokens of a step and request.");
        page.gauge("sglang:spec_accept_rate", "Share of guesses accepted.");
    }
    if spec.adapter_slots > 0 {
        page.gauge("sglang:lora_pool_slots_used", "Places for adapters in use.");
        page.gauge("sglang:lora_pool_slots_total", "Places for adapters.");
        page.gauge("sglang:lora_pool_utilization", "Share of places in use.");
    }
    if spec.model.experts > 0.0 {
        page.gauge("sglang:eplb_balancedness", "How evenly experts are used, 1 is even.");
    }
    let phases: [&[(&str, &str)]; 2] = [&[("phase", "load_weight")], &[("phase", "scheduler_e2e")]];
    page.family(Kind::Gauge, "sglang:startup_time_seconds", "", "Phases of the start.", &phases);
    let phases: [&[(&str, &str)]; 1] = [&[("phase", "decode")]];
    let name = "sglang:startup_cuda_graph_time_seconds";
    page.family(Kind::Gauge, name, "", "Time to compile and capture graphs.", &phases);
    page.gauge("sglang:weight_memory_usage_gb", "Memory of the weights on each GPU.");
    page.gauge("sglang:kv_cache_memory_usage_gb", "Memory of the pool on each GPU.");
    for (name, about) in COUNTERS {
        page.counter(name, about);
    }
    let device: &[&[(&str, &str)]] = &[&[("cache_source", "device")]];
    let about = "Prompt tokens found in the cache.";
    page.family(Kind::Counter, "sglang:cached_tokens", "_total", about, device);
    let modes: [&[(&str, &str)]; 2] =
        [&[("mode", "decode_cuda_graph")], &[("mode", "decode_none")]];
    page.family(Kind::Counter, "sglang:cuda_graph_passes", "_total", "Passes by graph.", &modes);
    let categories: [&[(&str, &str)]; 2] = [&[("category", "decode")], &[("category", "extend")]];
    let name = "sglang:forward_execution_seconds";
    page.family(Kind::Counter, name, "_total", "Seconds of passes.", &categories);
    let modes: [&[(&str, &str)]; 3] =
        [&[("mode", "prefill_compute")], &[("mode", "prefill_cache")], &[("mode", "decode")]];
    page.family(Kind::Counter, "sglang:realtime_tokens", "_total", "Tokens as processed.", &modes);
    let first = "sglang:time_to_first_token_seconds";
    page.histogram(first, "Time to the first token.", meters.ttft.bounds());
    let between = "sglang:inter_token_latency_seconds";
    page.histogram(between, "Time from one token to the next.", meters.itl.bounds());
    let whole = "sglang:e2e_request_latency_seconds";
    page.histogram(whole, "Time from arrival to end.", meters.e2e.bounds());
    page.histogram("sglang:queue_time_seconds", "Time waiting.", meters.queue.bounds());
    let grammar = "sglang:grammar_compilation_time_seconds";
    page.histogram(grammar, "Time to compile a grammar.", meters.compile.bounds());
    let retractions = "sglang:num_retractions";
    page.histogram(retractions, "Retractions of a request.", meters.retractions.bounds());
    if spec.role != Role::Both {
        page.counter("sglang:num_transfer_failed_reqs", "Caches that could not be handed over.");
        page.histogram(
            "sglang:kv_transfer_latency_ms",
            "Time of a hand-over.",
            meters.transfer.bounds(),
        );
        page.gauge("sglang:num_prefill_inflight_queue_reqs", "Caches that wait to be fetched.");
        page.gauge("sglang:num_decode_transfer_queue_reqs", "Requests that wait for a cache.");
    }
    process::families(&mut page);
    page.build()
}

const GIB: f64 = 1_073_741_824.0;

/// Counters without labels of their own, absent until they count.
const COUNTERS: &[(&str, &str)] = &[
    ("sglang:prompt_tokens", "Prompt tokens of requests that ended."),
    ("sglang:generation_tokens", "Tokens generated of requests that ended."),
    ("sglang:num_requests", "Requests that ended."),
    ("sglang:num_so_requests", "Requests that ended and had a grammar."),
    ("sglang:num_aborted_requests", "Requests given up."),
    ("sglang:num_retracted_requests", "Requests thrown out of the pool."),
    ("sglang:num_retracted_input_tokens", "Their prompt tokens."),
    ("sglang:num_retracted_output_tokens", "Their tokens generated."),
    ("sglang:num_grammar_cache_hit", "Grammars that were known."),
    ("sglang:num_grammar", "Requests with a grammar."),
];

/// Writes the values of a replica's page; `start` is the Unix time of second 0.
pub fn write(replica: &Replica, start: f64, values: &mut Values) {
    let (spec, meters) = (replica.spec(), replica.meters());
    let (now, block) = (&meters.now, f64::from(spec.block));
    let tokens = replica.blocks() as f64 * block;
    values.push(now.running);
    values.push(now.waiting + now.deferred - now.grammar);
    values.push(now.grammar);
    values.push(now.held * block);
    values.push((tokens - (now.held + now.remembered) * block).max(0.0));
    values.push(now.remembered * block);
    values.push(now.usage);
    values.push(tokens);
    values.push(now.context);
    values.push(now.throughput);
    values.push(meters.hits as f64 / meters.queries.max(1) as f64);
    values.push(now.reserved);
    if spec.drafts > 0 {
        let drafts = meters.drafts.max(1) as f64;
        values.push(1.0 + meters.accepted_tokens() / drafts);
        values.push(meters.accepted_tokens() / meters.draft_tokens.max(1) as f64);
    }
    if spec.adapter_slots > 0 {
        let slots = f64::from(spec.adapter_slots);
        values.push(now.adapters);
        values.push(slots);
        values.push(now.adapters / slots);
    }
    if spec.model.experts > 0.0 {
        values.push(now.balance);
    }
    let [initialise, load, compile, capture] = replica.process().phases();
    values.push(load);
    values.push(initialise + load + compile + capture);
    values.push(compile + capture);
    let weights = spec.model.weight_bytes() / f64::from(spec.gpus);
    values.push(weights / GIB);
    values.push((spec.gpu_bytes(replica.blocks()) - spec.gpu_bytes(0)) / GIB);
    let [stopped, cut, aborted, ..] = meters.finished;
    for count in [
        meters.prompt_tokens + replica.counted_twice(),
        meters.generation_tokens,
        stopped + cut,
        meters.structured,
        aborted,
        meters.preemptions,
        meters.retracted_input,
        meters.retracted_output,
        meters.grammar_hits,
        meters.grammars,
        meters.prompt_sources[1],
        meters.graph_passes,
        meters.eager_passes,
    ] {
        counted(values, count);
    }
    values.push(meters.decode_seconds);
    values.push(meters.extend_seconds);
    for count in [meters.computed, meters.cached, meters.decoded] {
        counted(values, count);
    }
    values.histogram(&meters.ttft);
    values.histogram(&meters.itl);
    values.histogram(&meters.e2e);
    values.histogram(&meters.queue);
    values.histogram(&meters.compile);
    values.histogram(&meters.retractions);
    if spec.role != Role::Both {
        counted(values, meters.transfer_failed);
        values.histogram(&meters.transfer);
        values.push(now.offered);
        values.push(now.transfer);
    }
    process::write(replica, start, values);
}

/// A counter, absent while it has not counted.
fn counted(values: &mut Values, count: u64) {
    if count == 0 {
        values.absent(1);
    } else {
        values.push(count as f64);
    }
}
