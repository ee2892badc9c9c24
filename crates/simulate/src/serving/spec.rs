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
    /// llama.cpp's server: prompts and answers share batches; each request has a slot, of which there
    /// are few.
    LlamaCpp,
}

impl EngineKind {
    /// Whether prompts and answers are computed in one step.
    pub(super) fn mixes(self) -> bool {
        self != Self::Sglang
    }

    /// Whether tokens of an answer are counted when it ends, not as they are made.
    pub(super) fn counts_answers_at_their_end(self) -> bool {
        self != Self::Vllm
    }

    /// Whether tokens of a prompt are counted when it is done, not when the answer ends.
    pub(super) fn counts_prompts_when_done(self) -> bool {
        self != Self::Sglang
    }
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
    /// Share of the cache that stays free when a request is admitted beside others, so that these can
    /// grow; vLLM's `watermark`, which is 0 unless it is set.
    pub watermark: f64,
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
            watermark: 0.0,
            adapter_slots: 4,
            drafts: 0,
            acceptance: 0.7,
            frontend_cores: 4.0,
            memory_limit: 64e9,
            old_names: false,
        }
    }
}

/// Why a replica cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum SpecError {
    /// A setting that is out of its range.
    #[error("{setting} is {value}, expected {expected}")]
    Range { setting: &'static str, value: f64, expected: &'static str },
    /// Weights, buffers and a cache for one context of the longest answer do not fit.
    #[error(
        "`{model}` on {gpus} {accelerator} leaves a cache of {tokens} tokens, expected at least {least}: use more or larger GPUs, or fewer bytes a parameter"
    )]
    Memory { model: &'static str, gpus: u32, accelerator: &'static str, tokens: u64, least: u64 },
}

/// Tokens of cache below which a replica serves nobody.
const LEAST_TOKENS: u64 = 4096;

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

    /// Whether such a replica can be.
    ///
    /// # Errors
    ///
    /// [`SpecError`] when a setting is out of its range, or the model leaves no room for a cache.
    pub fn check(&self) -> Result<(), SpecError> {
        let at_least_one = "at least 1";
        for (setting, value) in [
            ("GPUs", self.gpus),
            ("most running requests", self.max_running),
            ("tokens of a step", self.step_tokens),
            ("tokens of a block", self.block),
        ] {
            if value == 0 {
                return Err(SpecError::Range { setting, value: 0.0, expected: at_least_one });
            }
        }
        for (setting, value, most, expected) in [
            ("share of GPU memory", self.memory_share, 1.0, "a share above 0 and up to 1"),
            ("cores of the front end", self.frontend_cores, 1e6, "a number above 0"),
            ("acceptance", self.acceptance, 1.0, "a probability above 0"),
        ] {
            if !(value > 0.0 && value <= most) {
                return Err(SpecError::Range { setting, value, expected });
            }
        }
        let tokens = self.blocks(0.0) * u64::from(self.block);
        if tokens < LEAST_TOKENS {
            return Err(SpecError::Memory {
                model: self.model.name,
                gpus: self.gpus,
                accelerator: self.accelerator.name,
                tokens,
                least: LEAST_TOKENS,
            });
        }
        Ok(())
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

    #[test]
    fn a_replica_that_cannot_be_says_why() {
        let model = Model::named("llama-3.3-70b").expect("known");
        let spec = ReplicaSpec { model, ..ReplicaSpec::default() };
        let message = spec.check().expect_err("it does not fit").to_string();
        assert_eq!(
            message,
            "`llama-3.3-70b` on 1 H100 leaves a cache of 0 tokens, expected at least 4096: use more or larger GPUs, or fewer bytes a parameter"
        );
        let spec = ReplicaSpec { memory_share: 1.4, ..ReplicaSpec::default() };
        let message = spec.check().expect_err("out of range").to_string();
        assert_eq!(message, "share of GPU memory is 1.4, expected a share above 0 and up to 1");
        assert_eq!(ReplicaSpec::default().check(), Ok(()));
    }
}
