//! How long one step of the engine takes: bytes to move, numbers to multiply, ranks to agree, a host to wait for.
//!
//! S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model"
//! (2009), applied to a decoder as in R. Pope et al., "Efficiently Scaling Transformer
//! Inference" (2022): a step moves the weights once and every request's cache once, multiplies
//! `2 * active parameters` a token, and meets twice a layer to add up what ranks have.

use crate::catalogue::{Accelerator, Model};
use crate::supply::GpuSupply;

// Shares of the published peaks that good kernels reach: dense matrix products of large batches
// and memory-bound attention (T. Dao, "FlashAttention-2", 2023, and vendors' own benchmarks).
const COMPUTE_REACHED: f64 = 0.62;
const BANDWIDTH_REACHED: f64 = 0.82;
/// Of the links between GPUs, all-reduce included.
const LINK_REACHED: f64 = 0.6;
/// Seconds of one small all-reduce between the GPUs of a host.
const REDUCE_SECONDS: f64 = 9e-6;
/// Seconds in which one layer chooses experts, sends tokens to them and gathers what they say.
const EXPERTS_SECONDS: f64 = 45e-6;
/// Below this share of the highest clock even memory-bound kernels slow down.
const BANDWIDTH_CLOCK: f64 = 0.55;
/// Batches beyond this touch all experts, nearly.
const TABLE: usize = 512;

/// What one step does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Tokens that go through the model, guesses of the draft included.
    pub tokens: f64,
    /// Tokens of context that decoding requests attend to, all together.
    pub context: f64,
    /// Operations of attention in the prompts that are computed, beside the weights.
    pub attention: f64,
    /// Guesses of a draft model for each request.
    pub drafts: f64,
}

/// What one step costs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Seconds on the GPU.
    pub gpu: f64,
    /// Of these, seconds the tensor pipes would need at their peak.
    pub tensor: f64,
    /// Of these, seconds the memory would need at its published bandwidth.
    pub memory: f64,
    /// Of these, seconds in which ranks wait for the one with the most used experts.
    pub waiting: f64,
    /// Bytes to each other GPU of the group, from one.
    pub link_bytes: f64,
}

/// The step time of one model on one group of GPUs.
#[derive(Debug)]
pub struct Roofline {
    model: Model,
    gpus: f64,
    flops: f64,
    bandwidth: f64,
    nvlink: f64,
    /// Share of the experts that a batch of so many tokens touches.
    touched: Vec<f64>,
    now: Now,
}

/// Seconds by unit of work, with what the hardware gives in this second.
#[derive(Debug, Clone, Copy, Default)]
struct Now {
    weights: f64,
    experts: f64,
    token_compute: f64,
    expert_compute: f64,
    context: f64,
    attention: f64,
    reduce: f64,
    choose: f64,
    token_link: f64,
    peak: f64,
    draft: f64,
    skew: f64,
    memory_share: f64,
}

impl Roofline {
    /// `model` on `gpus` GPUs of this kind that share each layer.
    pub fn new(model: Model, accelerator: Accelerator, gpus: u32) -> Self {
        let touched = (0..=TABLE)
            .map(|tokens| {
                let missed = if model.experts == 0.0 {
                    1.0
                } else {
                    libm::pow(1.0 - model.experts_used / model.experts, tokens as f64)
                };
                1.0 - missed
            })
            .collect();
        let mut roofline = Self {
            model,
            gpus: f64::from(gpus.max(1)),
            flops: accelerator.flops(model.parameter_bytes),
            bandwidth: accelerator.bandwidth_bytes,
            nvlink: accelerator.nvlink_bytes,
            touched,
            now: Now::default(),
        };
        roofline.supply(&GpuSupply::default(), 0.0);
        roofline
    }

    /// What the hardware gives from now on; `skew` is how unevenly tokens fall to experts.
    pub fn supply(&mut self, supply: &GpuSupply, skew: f64) {
        let model = &self.model;
        let clock = supply.clock.max(1e-3);
        let flops = self.flops * self.gpus * COMPUTE_REACHED * clock;
        let slowed = supply.bandwidth * (clock / BANDWIDTH_CLOCK).min(1.0);
        let bandwidth = self.bandwidth * self.gpus * BANDWIDTH_REACHED * slowed.max(1e-3);
        let expert_bytes = model.expert_parameters() * model.parameter_bytes;
        let expert_active = if model.experts == 0.0 {
            0.0
        } else {
            model.expert_parameters() * model.experts_used / model.experts
        };
        let others = self.gpus - 1.0;
        let link = self.nvlink * LINK_REACHED * supply.nvlink.max(1e-3);
        let reduced = 2.0 * model.layers * model.hidden * 2.0 * 2.0 * others / self.gpus;
        let weights = (model.weight_bytes() - expert_bytes) / bandwidth;
        self.now = Now {
            weights,
            experts: expert_bytes / bandwidth,
            token_compute: 2.0 * (model.active_parameters - expert_active) / flops,
            expert_compute: 2.0 * expert_active / flops,
            context: model.kv_token_bytes() * model.kv_copies(self.gpus) / bandwidth,
            attention: 1.0 / flops,
            reduce: if others > 0.0 { 2.0 * model.layers * REDUCE_SECONDS } else { 0.0 },
            choose: if model.experts > 0.0 { model.layers * EXPERTS_SECONDS } else { 0.0 },
            token_link: reduced / link,
            peak: COMPUTE_REACHED * clock,
            memory_share: BANDWIDTH_REACHED * slowed,
            // A draft head is a layer or two: published ones have 1 to 3 % of the parameters.
            draft: 0.025 * (weights + expert_active * model.parameter_bytes / bandwidth) + 0.15e-3,
            skew: 1.0 + skew.clamp(0.0, 1.0) * others,
        };
    }

    /// What a step with this work costs. O(1).
    pub fn cost(&self, work: &Work) -> Cost {
        let now = &self.now;
        let touched = self.touched[(work.tokens as usize).min(TABLE)];
        let even_memory = now.weights + now.context * work.context;
        let expert_memory = now.experts * touched;
        let even_compute = now.token_compute * work.tokens + now.attention * work.attention;
        let expert_compute = now.expert_compute * work.tokens;
        let even = even_memory.max(even_compute);
        let experts = expert_memory.max(expert_compute);
        let link = now.token_link * work.tokens;
        let drafts = now.draft * work.drafts;
        let waiting = experts * (now.skew - 1.0);
        Cost {
            gpu: even + experts + waiting + now.choose + link.max(now.reduce) + drafts,
            tensor: (even_compute + expert_compute) * now.peak,
            memory: (even_memory + expert_memory + drafts) * now.memory_share,
            waiting,
            link_bytes: if now.reduce > 0.0 { work.tokens * self.token_link_bytes() } else { 0.0 },
        }
    }

    /// Operations of attention to compute `tokens` of a prompt behind `before` others.
    pub fn attention(&self, before: f64, tokens: f64) -> f64 {
        4.0 * self.model.layers * self.model.query * tokens * (before + tokens / 2.0)
    }

    fn token_link_bytes(&self) -> f64 {
        2.0 * self.model.layers * self.model.hidden * 2.0 * 2.0 * (self.gpus - 1.0) / self.gpus
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::accelerator::{H100, H200};

    fn named(name: &str) -> Model {
        Model::named(name).expect("known")
    }

    fn decode(batch: f64, context: f64) -> Work {
        Work { tokens: batch, context: batch * context, ..Work::default() }
    }

    #[test]
    fn decode_is_never_faster_than_memory_nor_prefill_than_arithmetic() {
        let model = named("llama-3.1-8b");
        let roofline = Roofline::new(model, H100, 1);
        // Law 7: 8B in 16 bits on an H100 takes at least 4.8 ms a step.
        let one = roofline.cost(&decode(1.0, 1000.0)).gpu;
        assert!((0.0048..0.008).contains(&one), "{one}");
        // Law 8: at least 2 * parameters * tokens / peak.
        let prompt = Work { tokens: 8192.0, ..Work::default() };
        let floor = 2.0 * model.parameters * 8192.0 / H100.bf16_flops;
        let prefill = roofline.cost(&prompt).gpu;
        assert!(prefill > floor && prefill < 2.5 * floor, "{prefill} {floor}");
    }

    #[test]
    fn a_slow_clock_slows_prompts_in_proportion_and_answers_hardly() {
        let mut roofline = Roofline::new(named("llama-3.1-8b"), H100, 1);
        let (prompt, answer) = (Work { tokens: 8192.0, ..Work::default() }, decode(16.0, 1000.0));
        let before = (roofline.cost(&prompt).gpu, roofline.cost(&answer).gpu);
        roofline.supply(&GpuSupply { clock: 0.6, ..GpuSupply::default() }, 0.0);
        let after = (roofline.cost(&prompt).gpu, roofline.cost(&answer).gpu);
        assert!((after.0 / before.0 - 1.0 / 0.6).abs() < 0.02);
        assert!(after.1 / before.1 < 1.05);
    }

    #[test]
    fn a_mixture_touches_more_experts_with_a_larger_batch() {
        let roofline = Roofline::new(named("deepseek-v3"), H200, 8);
        let (one, many) =
            (roofline.cost(&decode(1.0, 1000.0)), roofline.cost(&decode(64.0, 1000.0)));
        assert!(many.memory > 4.0 * one.memory, "{one:?} {many:?}");
        let mut skewed = Roofline::new(named("deepseek-v3"), H200, 8);
        skewed.supply(&GpuSupply::default(), 0.3);
        assert!(skewed.cost(&decode(64.0, 1000.0)).gpu > 1.5 * many.gpu);
    }
}
