//! What a training job is: model, batch, layout over ranks, plans.

use crate::device::Spec;

/// A training job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSettings {
    /// Name in labels.
    pub name: String,
    /// The GPU of every rank.
    pub gpu: &'static Spec,
    /// Parameters that each token passes.
    pub parameters: f64,
    /// Ranks that share each layer (always within a host).
    pub tensor: usize,
    /// Stages that the layers are divided into.
    pub pipeline: usize,
    /// Copies of the model, which share the batch.
    pub data: usize,
    /// GPUs of one host.
    pub gpus_per_host: usize,
    /// Parts of the batch that go through the pipeline one after the other.
    pub micro_batches: usize,
    /// Tokens of a step.
    pub batch_tokens: f64,
    /// Tokens of a sequence.
    pub sequence: f64,
    /// Share of the peak arithmetic that kernels reach at the highest clock.
    pub efficiency: f64,
    /// Whether weights are spread over the copies and gathered in each step (FSDP), rather than
    /// held by each copy, which exchanges gradients only.
    pub sharded: bool,
    /// Share of the arithmetic behind which exchanges can hide.
    pub overlap: f64,
    /// Time to make a rank's batch, as a share of a step.
    pub loader: f64,
    /// Whether a rank that waits for its GPU or for other ranks keeps a processor busy, as CUDA does
    /// unless it is told to block, or sleeps.
    pub busy_waiting: bool,
    /// Bytes of data for a token.
    pub token_bytes: f64,
    /// Tokens that were trained on before the simulation begins.
    pub tokens_before: f64,
    /// Mean seconds between interruptions that the plan for checkpoints assumes.
    pub interruption_seconds: f64,
    /// Bytes a second for each host that the plan for checkpoints assumes.
    pub planned_write: f64,
    /// Seconds to find out that a process ended and to place the job again.
    pub replace_seconds: f64,
    /// Seconds to start the processes and connect them.
    pub start_seconds: f64,
    /// Seconds in a collective after which the watchdog ends the job.
    pub watchdog_seconds: f64,
    /// Seconds after which the transport gives up on a link that is down.
    pub transport_seconds: f64,
    /// Learning rate at the peak of its schedule.
    pub learning_rate: f64,
    /// Steps of the schedule.
    pub steps: u64,
}

impl JobSettings {
    /// Eight billion parameters over sixteen H100 of two hosts, sharded.
    pub fn sixteen() -> Self {
        Self {
            name: "pretrain-8b".to_owned(),
            gpu: Spec::named("H100").expect("a known GPU"),
            parameters: 8.0e9,
            tensor: 1,
            pipeline: 1,
            data: 16,
            gpus_per_host: 8,
            micro_batches: 4,
            batch_tokens: 524_288.0,
            sequence: 8192.0,
            efficiency: 0.50,
            sharded: true,
            overlap: 0.8,
            loader: 0.5,
            busy_waiting: true,
            token_bytes: 4.0,
            tokens_before: 4.0e10,
            interruption_seconds: 86_400.0,
            planned_write: 1.0e9,
            replace_seconds: 30.0,
            start_seconds: 60.0,
            watchdog_seconds: 600.0,
            transport_seconds: 60.0,
            learning_rate: 3.0e-4,
            steps: 500_000,
        }
    }

    /// 405 billion parameters over 16,384 H100, as Llama 3 was trained (A. Dubey et al., "The
    /// Llama 3 Herd of Models", 2024, table 4: tensor 8, pipeline 16, data 128, batch of 16 M
    /// tokens, 38 to 43 % of the peak).
    pub fn llama_405b() -> Self {
        Self {
            name: "llama-405b".to_owned(),
            parameters: 405.0e9,
            tensor: 8,
            pipeline: 16,
            data: 128,
            micro_batches: 64,
            batch_tokens: 16.0 * 1024.0 * 1024.0,
            efficiency: 0.60,
            sharded: false,
            tokens_before: 1.0e12,
            interruption_seconds: 3.0 * 3600.0,
            learning_rate: 8.0e-5,
            ..Self::sixteen()
        }
    }

    /// Ranks, one for each GPU. Numbered as Megatron does: tensor first, then data, then pipeline.
    pub fn ranks(&self) -> usize {
        self.tensor * self.pipeline * self.data
    }

    /// Hosts; rank `r` is on host `r / gpus_per_host`.
    pub fn hosts(&self) -> usize {
        self.ranks().div_ceil(self.gpus_per_host)
    }

    /// Pipeline stage of a rank.
    pub fn stage(&self, rank: usize) -> usize {
        rank / (self.tensor * self.data)
    }

    /// Bytes of a checkpoint: weights in BF16, a copy in FP32 and two moments (14 a parameter).
    pub fn checkpoint_bytes(&self) -> f64 {
        14.0 * self.parameters
    }

    /// Seconds of arithmetic of one rank in a step, at the highest clock.
    pub(super) fn arithmetic_seconds(&self) -> f64 {
        let flops = 6.0 * self.parameters * self.batch_tokens / self.ranks() as f64;
        flops / (self.gpu.accelerator.bf16_flops * self.efficiency)
    }

    /// Bytes that each rank sends in a step to ranks that hold other parts or copies.
    pub(super) fn exchange_bytes(&self) -> f64 {
        let held = 2.0 * self.parameters / (self.tensor * self.pipeline) as f64;
        let copies = self.data as f64;
        // Gather for both passes and scatter the gradients, or reduce them in a ring.
        let times = if self.sharded { 3.0 } else { 2.0 };
        times * held * (copies - 1.0) / copies
    }

    /// Where a rank stands among those whose work may differ, from -1 to 1.
    pub(super) fn position(&self, rank: usize) -> f64 {
        let (place, of) = if self.pipeline > 1 {
            (self.stage(rank), self.pipeline)
        } else {
            (rank / self.tensor % self.data, self.data)
        };
        if of > 1 { 2.0 * place as f64 / (of - 1) as f64 - 1.0 } else { 0.0 }
    }
}
