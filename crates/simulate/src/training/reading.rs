//! What a training job shows of itself.

use super::stall::Flight;

/// The job as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct JobReading {
    /// Steps done; goes back when it starts anew from a checkpoint.
    pub step: u64,
    /// Loss of the last step.
    pub loss: f64,
    /// Gradient norm of the last step.
    pub gradient_norm: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Scale of the loss.
    pub loss_scale: f64,
    /// Steps left out.
    pub skipped: u64,
    /// Steps whose loss was not a number.
    pub not_a_number: u64,
    /// Seconds of the last step.
    pub step_seconds: f64,
    /// Longest waiting for data of a rank in the last step, in seconds.
    pub data_seconds: f64,
    /// Exchanges that were not hidden in the last step, in seconds.
    pub exchange_seconds: f64,
    /// Tokens worked through, lost ones too.
    pub tokens: f64,
    /// Tokens a second in the last step.
    pub tokens_per_second: f64,
    /// Share of the peak arithmetic that the model used in the last step: `6 · parameters ·
    /// tokens a second / (GPUs · peak)`; waiting for data is in it.
    pub mfu: f64,
    /// Samples consumed from the data, as the loader counts.
    pub sample: u64,
    /// Seconds of the last save.
    pub save_seconds: f64,
    /// Seconds between saves as they are set.
    pub save_interval: f64,
    /// Saves that ended well.
    pub saves: u64,
    /// Saves that did not.
    pub failed_saves: u64,
    /// Seconds that steps stood still for saves.
    pub saving_seconds: f64,
    /// Step of the last checkpoint.
    pub checkpoint: u64,
    /// Times it was started anew.
    pub restarts: u64,
    /// Steps that were done and lost.
    pub lost_steps: u64,
    /// Times that a watchdog ended it.
    pub watchdogs: u64,
    /// Steps computed again elsewhere with the same result.
    pub same_again: u64,
    /// Steps computed again elsewhere with another result.
    pub other_again: u64,
    /// Whether processes run.
    pub running: bool,
    /// When the last step ended, in seconds since the simulation began, by the clock of the first
    /// host.
    pub heartbeat: f64,
    /// Seconds spent in steps, lost ones too.
    pub stepping_seconds: f64,
    /// Seconds of the steps that were lost.
    pub lost_seconds: f64,
    /// Seconds since it was placed first.
    pub wall_seconds: f64,
}

impl JobReading {
    /// Share of the time in which steps were done that were kept (effective training time ratio).
    pub fn effective(&self) -> f64 {
        (self.stepping_seconds - self.lost_seconds) / self.wall_seconds.max(1.0e-9)
    }
}

/// One rank in the last step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankReading {
    /// Seconds of its own work.
    pub own_seconds: f64,
    /// Seconds of waiting for data.
    pub data_seconds: f64,
    /// Seconds in collectives: waiting for slower ranks, and the exchange itself.
    pub collective_seconds: f64,
    /// How fast it is beside the fastest, at most 1 (NVRx calls it the relative score).
    pub score: f64,
    /// Collectives that it entered.
    pub sequence: u64,
    /// Where it stands in the last.
    pub flight: Flight,
    /// Steps in which its own gradients were not numbers, before they were exchanged.
    pub not_a_number: u64,
}

/// A line of the job's log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepRecord {
    /// When it was written, in seconds since the simulation began, by the clock of the first host.
    pub seconds: f64,
    /// What it says.
    pub reading: JobReading,
}
