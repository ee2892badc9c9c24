//! The files of `knowledge/`, built in.

/// The list of signals: name and text.
pub(crate) const SIGNALS: (&str, &str) =
    ("signals.yaml", include_str!("../../../knowledge/signals.yaml"));

/// The adapters: name and text of each.
pub(crate) const ADAPTERS: &[(&str, &str)] = &[
    ("cadvisor.yaml", include_str!("../../../knowledge/adapters/cadvisor.yaml")),
    ("dcgm-exporter.yaml", include_str!("../../../knowledge/adapters/dcgm-exporter.yaml")),
    ("gateway.yaml", include_str!("../../../knowledge/adapters/gateway.yaml")),
    ("llama-cpp.yaml", include_str!("../../../knowledge/adapters/llama-cpp.yaml")),
    ("node-exporter.yaml", include_str!("../../../knowledge/adapters/node-exporter.yaml")),
    ("otel-gen-ai.yaml", include_str!("../../../knowledge/adapters/otel-gen-ai.yaml")),
    ("perception.yaml", include_str!("../../../knowledge/adapters/perception.yaml")),
    ("process.yaml", include_str!("../../../knowledge/adapters/process.yaml")),
    ("quality.yaml", include_str!("../../../knowledge/adapters/quality.yaml")),
    ("sgl-router.yaml", include_str!("../../../knowledge/adapters/sgl-router.yaml")),
    ("sglang.yaml", include_str!("../../../knowledge/adapters/sglang.yaml")),
    ("tensorrt-llm.yaml", include_str!("../../../knowledge/adapters/tensorrt-llm.yaml")),
    ("training-rank.yaml", include_str!("../../../knowledge/adapters/training-rank.yaml")),
    ("training.yaml", include_str!("../../../knowledge/adapters/training.yaml")),
    ("triton.yaml", include_str!("../../../knowledge/adapters/triton.yaml")),
    ("vllm.yaml", include_str!("../../../knowledge/adapters/vllm.yaml")),
];

/// The faults: name and text of each file.
pub(crate) const FAULTS: &[(&str, &str)] = &[
    ("traffic.yaml", include_str!("../../../knowledge/faults/traffic.yaml")),
    ("scheduler.yaml", include_str!("../../../knowledge/faults/scheduler.yaml")),
    ("engine.yaml", include_str!("../../../knowledge/faults/engine.yaml")),
    ("device.yaml", include_str!("../../../knowledge/faults/device.yaml")),
    ("network.yaml", include_str!("../../../knowledge/faults/network.yaml")),
    ("model.yaml", include_str!("../../../knowledge/faults/model.yaml")),
    ("training.yaml", include_str!("../../../knowledge/faults/training.yaml")),
    ("healthy.yaml", include_str!("../../../knowledge/faults/healthy.yaml")),
];

/// What readings there can be: name and text.
pub(crate) const RANGES: (&str, &str) =
    ("ranges.yaml", include_str!("../../../knowledge/laws/ranges.yaml"));

/// Constants that laws name: name and text.
pub(crate) const CONSTANTS: (&str, &str) =
    ("constants.yaml", include_str!("../../../knowledge/laws/constants.yaml"));

/// The laws: name and text.
pub(crate) const LAWS: (&str, &str) =
    ("laws.yaml", include_str!("../../../knowledge/laws/laws.yaml"));

/// What simulated incidents showed, as `build.rs` packed it.
pub(crate) const EXPERIENCE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/experience.json.z"));
