//! Every series that can be simulated is known to an adapter, so that auscult can reason with it.

use std::collections::BTreeMap;

use auscult_knowledge::Knowledge;
use auscult_simulate::scenario::Scenario;
use auscult_simulate::simulation::Simulation;

/// A fleet with a program of every kind.
pub(crate) const EVERYTHING: &str = "
scenario: everything
duration: 1h
fleet:
  hosts:
    - {name: serve, count: 6, gpu: H100}
    - {name: train, count: 2, gpu: H100}
    - {name: edge, gpu: A100, gpus: 3}
  services:
    - {name: chat, model: llama-3.1-8b, engine: vllm, hosts: serve, replicas: 4, gpus: 1, speculation: true, adapters: 8}
    - {name: big, model: llama-3.3-70b, engine: sglang, hosts: serve, replicas: 4, gpus: 4, speculation: true, adapters: 8}
    - {name: apart, model: mixtral-8x7b, engine: vllm, hosts: serve, replicas: 4, gpus: 2, disaggregation: true}
    - {name: also-apart, model: mixtral-8x7b, engine: sglang, hosts: serve, replicas: 4, gpus: 2, disaggregation: true}
  perception:
    - {name: calls, kind: speech, hosts: edge, sources: 2}
    - {name: gates, kind: vision, hosts: edge, sources: 2}
    - {name: cars, kind: driving, hosts: edge, sources: 2}
  jobs:
    - {name: pretrain, model: llama-3.1-8b, hosts: train, tensor_parallel: 1, pipeline_parallel: 1}
";

/// Names of families that no adapter knows, each with the job that shows it.
fn unknown() -> BTreeMap<String, String> {
    let scenario = Scenario::read("everything", EVERYTHING).expect("it can be read");
    let plan = scenario.plan().expect("it can be planned");
    let knowledge = Knowledge::embedded();
    let simulation = Simulation::new(&scenario, plan);
    let lines = simulation
        .pages()
        .iter()
        .flat_map(|page| page.lines().map(move |(family, line)| (page, family, line)));
    lines
        .filter(|(_, family, line)| knowledge.look_up(&line.name(family)).is_none())
        .map(|(page, family, _)| (family.name.clone(), page.job.clone()))
        .collect()
}

/// What no adapter tells, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("node_infiniband_physical_state_id", "goes with node_infiniband_state_id"),
    ("node_load15", "goes with node_load1, later"),
    ("node_load5", "goes with node_load1, later"),
    ("node_memory_Cached_bytes", "part of what is available"),
    ("node_memory_MemFree_bytes", "part of what is available"),
    ("node_memory_SwapTotal_bytes", "a setting"),
    ("sglang:kv_cache_memory_usage_gb", "set at the start"),
    ("sglang:num_retracted_input_tokens", "goes with sglang:num_retracted_requests_total"),
    ("sglang:num_retracted_output_tokens", "goes with sglang:num_retracted_requests_total"),
    ("sglang:num_retractions", "goes with sglang:num_retracted_requests_total"),
    ("sglang:startup_cuda_graph_time_seconds", "a phase of sglang:startup_time_seconds"),
    ("sglang:weight_memory_usage_gb", "set at the start"),
    ("vllm:request_max_num_generation_tokens", "goes with vllm:request_generation_tokens"),
    ("vllm:request_params_n", "a setting of the request, nearly always 1"),
    ("vllm:spec_decode_num_accepted_tokens_per_pos", "parts of the accepted tokens"),
];

#[test]
fn every_series_is_known_to_an_adapter_or_left_out_for_a_reason() {
    let unknown = unknown();
    let unknown: Vec<&str> = unknown.keys().map(String::as_str).collect();
    // An excuse that is not needed any more has to go.
    let excused: Vec<&str> = LEFT_OUT.iter().map(|(name, _)| *name).collect();
    assert_eq!(unknown, excused);
}
