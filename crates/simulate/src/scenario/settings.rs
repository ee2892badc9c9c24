//! The settings of programs that follow from a plan.

use super::plan::{HostPlan, JobPlan};
use crate::catalogue::Model;
use crate::device::Spec;
use crate::training::JobSettings;

/// Seconds that a step of a healthy job takes, about.
const STEP_SECONDS: f64 = 4.0;

impl JobPlan {
    /// The job as the trainer is started: a batch that takes about four seconds, and checkpoints as
    /// often as the plan says.
    pub(crate) fn settings(&self, hosts: &[HostPlan]) -> JobSettings {
        let host = &hosts[self.ranks[0].host].spec;
        let accelerator = Spec::find(&host.gpu).expect("a plan names GPUs that are known");
        let model = Model::named(&self.spec.model).expect("a plan names models that are known");
        let (tensor, pipeline) = (self.spec.tensor_parallel, self.spec.pipeline_parallel);
        let data = self.ranks.len() / (tensor * pipeline);
        let usual = JobSettings::sixteen();
        let rate = accelerator.flops * usual.efficiency * self.ranks.len() as f64
            / (6.0 * model.active_parameters);
        // Whole sequences, at least one for each copy.
        let sequences = (STEP_SECONDS * rate / usual.sequence).floor().max(data as f64);
        let settings = JobSettings {
            name: self.spec.name.clone(),
            accelerator,
            parameters: model.active_parameters,
            tensor,
            pipeline,
            data,
            gpus_per_host: host.gpus,
            batch_tokens: sequences * usual.sequence,
            sharded: pipeline == 1,
            ..usual
        };
        // The interruptions for which this interval is the best.
        let hosts = settings.hosts() as f64;
        let save = settings.checkpoint_bytes() / (hosts * settings.planned_write);
        let interval = self.spec.checkpoint_interval.as_secs_f64();
        JobSettings { interruption_seconds: interval * interval / (2.0 * save), ..settings }
    }
}
