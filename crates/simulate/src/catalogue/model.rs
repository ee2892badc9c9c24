//! Models: layers, heads, parameters, experts and number formats, as published.
//!
//! Sources: the `config.json` of each model's repository, and "The Llama 3 Herd of Models"
//! (2024), "Qwen2.5 Technical Report" (2024), "Mixtral of Experts" (2024), "Qwen3 Technical
//! Report" (2025), "DeepSeek-V3 Technical Report" (2024: 671B parameters, 37B active; its
//! attention keeps 512 + 64 values a token and layer).

/// One kind of language model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Its name in scenarios and in `model_name` labels.
    pub name: &'static str,
    /// Layers.
    pub layers: f64,
    /// Width of the residual stream.
    pub hidden: f64,
    /// Width of all query heads together.
    pub query: f64,
    /// Key heads; GPUs beyond their number keep copies of the cache.
    pub kv_heads: f64,
    /// Values kept of each token in each layer of the KV cache.
    pub kv_values: f64,
    /// Bytes of one value in the KV cache.
    pub kv_value_bytes: f64,
    /// Parameters.
    pub parameters: f64,
    /// Parameters that work on one token.
    pub active_parameters: f64,
    /// Bytes of one parameter.
    pub parameter_bytes: f64,
    /// Routed experts in each layer; 0 of a dense model.
    pub experts: f64,
    /// Routed experts that work on one token.
    pub experts_used: f64,
    /// Longest context, tokens.
    pub longest: u32,
}

/// All of them.
pub const MODELS: &[Model] = &[
    dense("llama-3.1-8b", 32.0, 4096.0, 4096.0, 1024.0, 8.03e9, 2.0),
    Model { longest: 32_768, ..dense("qwen2.5-32b", 64.0, 5120.0, 5120.0, 1024.0, 32.8e9, 2.0) },
    dense("llama-3.3-70b", 80.0, 8192.0, 8192.0, 1024.0, 70.6e9, 2.0),
    dense("llama-3.3-70b-fp8", 80.0, 8192.0, 8192.0, 1024.0, 70.6e9, 1.0),
    dense("llama-3.1-405b-fp8", 126.0, 16_384.0, 16_384.0, 1024.0, 405.9e9, 1.0),
    Model {
        active_parameters: 12.9e9,
        experts: 8.0,
        experts_used: 2.0,
        longest: 32_768,
        ..dense("mixtral-8x7b", 32.0, 4096.0, 4096.0, 1024.0, 46.7e9, 2.0)
    },
    Model {
        active_parameters: 3.3e9,
        experts: 128.0,
        experts_used: 8.0,
        ..dense("qwen3-30b-a3b", 48.0, 2048.0, 4096.0, 512.0, 30.5e9, 2.0)
    },
    Model {
        active_parameters: 22e9,
        experts: 128.0,
        experts_used: 8.0,
        ..dense("qwen3-235b-a22b-fp8", 94.0, 4096.0, 8192.0, 512.0, 235e9, 1.0)
    },
    Model {
        active_parameters: 37e9,
        experts: 256.0,
        experts_used: 8.0,
        kv_heads: 1.0,
        kv_values: 576.0,
        ..dense("deepseek-v3", 61.0, 7168.0, 24_576.0, 0.0, 671e9, 1.0)
    },
];

/// `kv` is the width of all key heads together, 128 each, which is that of all value heads too.
const fn dense(
    name: &'static str,
    layers: f64,
    hidden: f64,
    query: f64,
    kv: f64,
    parameters: f64,
    parameter_bytes: f64,
) -> Model {
    Model {
        name,
        layers,
        hidden,
        query,
        kv_heads: kv / 128.0,
        kv_values: 2.0 * kv,
        kv_value_bytes: 2.0,
        parameters,
        active_parameters: parameters,
        parameter_bytes,
        experts: 0.0,
        experts_used: 0.0,
        longest: 131_072,
    }
}

impl Model {
    /// The one with this name, whatever the case.
    pub fn named(name: &str) -> Option<Self> {
        MODELS.iter().copied().find(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// Bytes that one token takes in the KV cache.
    pub fn kv_token_bytes(&self) -> f64 {
        self.layers * self.kv_values * self.kv_value_bytes
    }

    /// Copies of the cache that a group of so many GPUs keeps.
    pub fn kv_copies(&self, gpus: f64) -> f64 {
        (gpus / self.kv_heads.max(1.0)).max(1.0)
    }

    /// Bytes of all weights.
    pub fn weight_bytes(&self) -> f64 {
        self.parameters * self.parameter_bytes
    }

    /// Parameters of all routed experts: what differs between all and active ones is experts
    /// that do not work on a token, which is `1 - used / all` of them.
    pub fn expert_parameters(&self) -> f64 {
        if self.experts == 0.0 {
            return 0.0;
        }
        (self.parameters - self.active_parameters) / (1.0 - self.experts_used / self.experts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_bytes_of_a_token_are_as_published() {
        let kib = |name: &str| Model::named(name).expect("known").kv_token_bytes() / 1024.0;
        assert_eq!(kib("llama-3.1-8b"), 128.0);
        assert_eq!(kib("llama-3.3-70b"), 320.0);
        // 70 KB: "Insights into DeepSeek-V3" (2025), table 1.
        assert!((kib("deepseek-v3") * 1.024 - 70.3).abs() < 0.1);
    }

    #[test]
    fn experts_are_most_of_a_mixture_and_fit_into_it() {
        for model in MODELS.iter().filter(|model| model.experts > 0.0) {
            let share = model.expert_parameters() / model.parameters;
            assert!((0.9..1.0).contains(&share), "{}: {share}", model.name);
        }
    }
}
