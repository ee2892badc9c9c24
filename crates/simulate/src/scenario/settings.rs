//! The settings of programs that follow from a plan.

use super::language::{self, EngineKind, ServiceSection, TrafficKind};
use super::plan::{HostPlan, JobPlan, PerceptionPlan, ServicePlan};
use crate::catalogue::{Accelerator, Model};
use crate::device::Spec;
use crate::quality::{PerceptionKind, PerceptionSpec};
use crate::serving::{self, Policy, ReplicaSpec, Role, Roofline, ServiceSpec, Work};
use crate::training::JobSettings;
use crate::workload::Workload;

/// Seconds that a step of a healthy job takes, about.
const STEP_SECONDS: f64 = 4.0;

impl JobPlan {
    /// The job as the trainer is started: a batch that takes about four seconds, and checkpoints as
    /// often as the plan says.
    pub(crate) fn settings(&self, hosts: &[HostPlan]) -> JobSettings {
        let host = &hosts[self.ranks[0].host].spec;
        let gpu = Spec::named(&host.gpu).expect("a plan names GPUs that are known");
        let model = Model::named(&self.spec.model).expect("a plan names models that are known");
        let (tensor, pipeline) = (self.spec.tensor_parallel, self.spec.pipeline_parallel);
        let data = self.ranks.len() / (tensor * pipeline);
        let usual = JobSettings::sixteen();
        let rate = gpu.accelerator.bf16_flops * usual.efficiency * self.ranks.len() as f64
            / (6.0 * model.active_parameters);
        // Whole sequences, at least one for each copy.
        let sequences = (STEP_SECONDS * rate / usual.sequence).floor().max(data as f64);
        let settings = JobSettings {
            name: self.spec.name.clone(),
            gpu,
            parameters: model.active_parameters,
            tensor,
            pipeline,
            data,
            gpus_per_host: host.gpus,
            batch_tokens: sequences * usual.sequence,
            sharded: pipeline == 1,
            busy_waiting: self.spec.busy_waiting,
            ..usual
        };
        // The interruptions for which this interval is the best.
        let hosts = settings.hosts() as f64;
        let save = settings.checkpoint_bytes() / (hosts * settings.planned_write);
        let interval = self.spec.checkpoint_interval.as_secs_f64();
        JobSettings { interruption_seconds: interval * interval / (2.0 * save), ..settings }
    }
}

/// Guesses of a draft model for each token.
const DRAFTS: u32 = 3;
/// Of requests for a service with adapters, those that name one.
const ADAPTED: f64 = 0.8;
/// Requests of a batch in which answers still come at a good pace.
const GOOD_BATCH: f64 = 96.0;
/// Requests in the busiest hour of a weekday, as a multiple of the mean over the week.
const BUSIEST: f64 = 1.59;
/// Of what steps of such batches alone would bear, the share that the simulated engine does, with
/// its mixed steps and overheads: 0.58 to 0.65 over chat, code and documents on an H100.
const REACHED: f64 = 0.58;
/// Share of a prompt that is not found in the prefix cache, in the mean.
const COMPUTED: f64 = 0.6;

impl ServicePlan {
    /// The service as its operators run it; `start` is the Unix time of second 0.
    pub(crate) fn settings(&self, hosts: &[HostPlan], start: u64) -> ServiceSpec {
        let spec = &self.spec;
        let model = Model::named(&spec.model).expect("a plan names models that are known");
        let host = &hosts[self.replicas[0][0].host].spec;
        let accelerator = Accelerator::named(&host.gpu).expect("a plan names GPUs that are known");
        let replica = ReplicaSpec {
            model,
            accelerator,
            gpus: u32::try_from(spec.gpus).unwrap_or(u32::MAX),
            engine: match spec.engine {
                EngineKind::Vllm => serving::EngineKind::Vllm,
                EngineKind::Sglang => serving::EngineKind::Sglang,
                EngineKind::LlamaCpp => serving::EngineKind::LlamaCpp,
            },
            max_running: u32::try_from(spec.max_running).unwrap_or(u32::MAX),
            step_tokens: u32::try_from(spec.step_tokens).unwrap_or(u32::MAX),
            drafts: if spec.speculation { DRAFTS } else { 0 },
            ..ReplicaSpec::default()
        };
        // Of replicas that divide the work, one in three does prompts.
        let prefill = if spec.disaggregation { self.replicas.len().div_ceil(3) } else { 0 };
        let role = |number: usize| match (spec.disaggregation, number < prefill) {
            (false, _) => Role::Both,
            (true, true) => Role::Prefill,
            (true, false) => Role::Decode,
        };
        let count = self.replicas.len();
        let bearable = bearable(&replica, spec.traffic) * count as f64;
        ServiceSpec {
            name: spec.name.clone(),
            workload: Workload { rate: spec.load * bearable / BUSIEST, ..workload(spec) },
            policy: Policy::SessionAffinity,
            replicas: (0..count)
                .map(|number| ReplicaSpec { role: role(number), ..replica })
                .collect(),
            start: start as f64,
        }
    }
}

impl PerceptionPlan {
    /// The service as its operators run it.
    pub(crate) fn settings(&self) -> PerceptionSpec {
        // Frames a second of a source, and milliseconds of the GPU for each.
        let (kind, rate, frame_ms): (_, f64, f64) = match self.spec.kind {
            language::PerceptionKind::Speech => (PerceptionKind::Speech, 0.5, 40.0),
            language::PerceptionKind::Vision => (PerceptionKind::Vision, 5.0, 8.0),
            language::PerceptionKind::Driving => (PerceptionKind::Driving, 10.0, 8.0),
        };
        PerceptionSpec {
            name: self.spec.name.clone(),
            kind,
            sources: (0..self.spec.sources).map(|number| format!("source-{number}")).collect(),
            // Many sources share the GPU: at most six tenths of its time.
            rate: rate.min(600.0 / (frame_ms * self.spec.sources as f64)),
            frame_ms,
            label_delay: LABEL_DELAY,
        }
    }
}

/// Seconds until people have labelled what a model perceived.
const LABEL_DELAY: u64 = 300;

/// What clients ask, but for how often.
fn workload(spec: &ServiceSection) -> Workload {
    let usual = Workload::default();
    let adapters = u32::try_from(spec.adapters).unwrap_or(u32::MAX);
    let adapted = if adapters > 0 { ADAPTED } else { 0.0 };
    let (turns, retrieval) = match spec.traffic {
        TrafficKind::Chat => (usual.turns, usual.retrieval),
        TrafficKind::Code => (1.2, 0.3),
        TrafficKind::Documents => (1.5, 0.7),
    };
    let timeout = spec.client_timeout.as_secs_f64();
    let retries = u32::try_from(spec.client_retries).unwrap_or(u32::MAX);
    Workload { turns, retrieval, adapters, adapted, timeout, retries, ..usual }
}

/// Requests a second that one replica bears: as many as it can compute the prompts of, and
/// the answers of in batches that still go at a good pace.
fn bearable(replica: &ReplicaSpec, traffic: TrafficKind) -> f64 {
    let (prompt, answer) = match traffic {
        TrafficKind::Chat => (1400.0, 215.0),
        TrafficKind::Code => (2300.0, 215.0),
        TrafficKind::Documents => (3600.0, 215.0),
    };
    let roofline = Roofline::new(replica.model, replica.accelerator, replica.gpus);
    let context = prompt + answer / 2.0;
    let room = (replica.blocks(0.0) * u64::from(replica.block)) as f64 / context;
    let batch = room.min(f64::from(replica.max_running)).clamp(1.0, GOOD_BATCH);
    let step = Work { tokens: batch, context: batch * context, ..Work::default() };
    let computed = COMPUTED * prompt;
    let attention = roofline.attention(prompt - computed, computed);
    let first = Work { tokens: computed, attention, ..Work::default() };
    REACHED / (roofline.cost(&first).gpu + answer * roofline.cost(&step).gpu / batch)
}
