//! The files of `knowledge/`, built in.

/// The list of signals: name and text.
pub(crate) const SIGNALS: (&str, &str) =
    ("signals.yaml", include_str!("../../../knowledge/signals.yaml"));

/// The adapters: name and text of each.
pub(crate) const ADAPTERS: &[(&str, &str)] = &[
    ("cadvisor.yaml", include_str!("../../../knowledge/adapters/cadvisor.yaml")),
    ("dcgm-exporter.yaml", include_str!("../../../knowledge/adapters/dcgm-exporter.yaml")),
    ("llama-cpp.yaml", include_str!("../../../knowledge/adapters/llama-cpp.yaml")),
    ("node-exporter.yaml", include_str!("../../../knowledge/adapters/node-exporter.yaml")),
    ("otel-gen-ai.yaml", include_str!("../../../knowledge/adapters/otel-gen-ai.yaml")),
    ("process.yaml", include_str!("../../../knowledge/adapters/process.yaml")),
    ("sglang.yaml", include_str!("../../../knowledge/adapters/sglang.yaml")),
    ("tensorrt-llm.yaml", include_str!("../../../knowledge/adapters/tensorrt-llm.yaml")),
    ("training.yaml", include_str!("../../../knowledge/adapters/training.yaml")),
    ("training-rank.yaml", include_str!("../../../knowledge/adapters/training-rank.yaml")),
    ("triton.yaml", include_str!("../../../knowledge/adapters/triton.yaml")),
    ("vllm.yaml", include_str!("../../../knowledge/adapters/vllm.yaml")),
];
