//! What a replica is made of and how it is configured.

use crate::catalogue::accelerator::H100;
use crate::catalogue::model::MODELS;
use crate::catalogue::{Accelerator, Model};

/// Which program serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// vLLM, engine version 1: prompts and answers share steps.
    Vllm,
    /// SGLang: prompts go first, answers wait for them.
    Sglang,
}

/// Which part of a request a replica does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// All of it.
    Both,
    /// Its prompt; the cache is handed over.
    Prefill,
    /// Its answer; the cache comes from a replica that does prompts.
    Decode,
}

/// One replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplicaSpec {
    /// The model.
    pub model: Model,
    /// Kind of its GPUs.
    pub accelerator: Accelerator,
    /// GPUs that share each layer.
    pub gpus: u32,
    /// The program.
    pub engine: EngineKind,
    /// Its part.
    pub role: Role,
    /// Most requests that run at once.
    pub max_running: u32,
    /// Most tokens of a step.
    pub step_tokens: u32,
    /// Tokens of a block of the KV cache.
    pub block: u32,
    /// Share of GPU memory it takes.
    pub memory_share: f64,
    /// Places for adapters.
    pub adapter_slots: u32,
    /// Tokens guessed for each by a draft model; 0 without one.
    pub drafts: u32,
    /// Probability that a guess is right if all before it were.
    pub acceptance: f64,
    /// Cores for the server before the engine.
    pub frontend_cores: f64,
    /// Host memory at which its container is killed, bytes.
    pub memory_limit: f64,
    /// Whether `/metrics` counts cached prefixes in blocks, by their old names (vLLM before 0.10).
    pub old_names: bool,
}

impl Default for ReplicaSpec {
    fn default() -> Self {
        Self {
            model: MODELS[0],
            accelerator: H100,
            gpus: 1,
            engine: EngineKind::Vllm,
            role: Role::Both,
            max_running: 256,
            step_tokens: 8192,
            block: 16,
            memory_share: 0.9,
            adapter_slots: 4,
            drafts: 0,
            acceptance: 0.7,
            frontend_cores: 4.0,
            memory_limit: 64e9,
            old_names: false,
        }
    }
}

/// Memory for captured graphs and buffers of each GPU, bytes.
pub(super) const BUFFER_BYTES: f64 = 3.0e9;

impl ReplicaSpec {
    /// Blocks that the memory left beside weights and buffers gives; 0 when the model does not fit.
    pub fn blocks(&self, taken_bytes: f64) -> u64 {
        let gpus = f64::from(self.gpus);
        let free = self.accelerator.memory_bytes * self.memory_share - taken_bytes.max(0.0);
        let left = (free - BUFFER_BYTES) * gpus - self.model.weight_bytes();
        let block =
            self.model.kv_token_bytes() * self.model.kv_copies(gpus) * f64::from(self.block);
        (left / block).max(0.0) as u64
    }

    /// Bytes each GPU holds while the replica runs with so many blocks.
    pub fn gpu_bytes(&self, blocks: u64) -> f64 {
        let gpus = f64::from(self.gpus);
        let block =
            self.model.kv_token_bytes() * self.model.kv_copies(gpus) * f64::from(self.block);
        BUFFER_BYTES + (self.model.weight_bytes() + blocks as f64 * block) / gpus
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::accelerator::{A100, H200};

    #[test]
    fn models_fit_where_they_are_known_to_fit() {
        let blocks = |name: &str, accelerator, gpus| {
            let model = Model::named(name).expect("known");
            ReplicaSpec { model, accelerator, gpus, ..ReplicaSpec::default() }.blocks(0.0)
        };
        // About 430,000 tokens of an 8B model beside its weights on 80 GB.
        assert!((24_000..30_000).contains(&blocks("llama-3.1-8b", H100, 1)));
        assert_eq!(blocks("llama-3.3-70b", A100, 1), 0);
        assert!(blocks("llama-3.3-70b", A100, 4) > 10_000);
        assert!(blocks("deepseek-v3", H200, 8) > 10_000);
        assert_eq!(blocks("deepseek-v3", H100, 8), 0);
    }
}
