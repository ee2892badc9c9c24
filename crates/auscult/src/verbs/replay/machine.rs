//! A replay's answer for programs: JSON.

use auscult_diagnose::replay::{Cause, CauseKind, Slowdown, Worker};
use serde::Serialize;
use serde_json::{Value, json};

use super::Replayed;

/// Everything, as one JSON object.
pub(super) fn json(replayed: &Replayed) -> String {
    let Replayed { file, trace, found, mended } = replayed;
    let worst: Vec<Value> = found.worst_workers.part.iter().map(worker).collect();
    let stages: Vec<Value> = found
        .mended_stages
        .iter()
        .map(|one| json!({ "stage": one.part, "share": one.share }))
        .collect();
    let workers: Vec<Value> = found
        .workers
        .iter()
        .map(|one| json!({ "worker": worker(&one.part), "slowdown": one.factor }))
        .collect();
    let mended: Vec<Value> = mended
        .iter()
        .map(|(part, time)| {
            json!({
                "part": part.to_string(),
                "operations": time.operations,
                "step_seconds": time.mended,
                "share": time.share,
            })
        })
        .collect();
    let all = json!({
        "file": file,
        "operations": trace.operations().len(),
        "steps": found.steps,
        "workers": trace.workers().len(),
        "step_seconds": { "measured": found.measured, "replayed": found.real, "ideal": found.ideal },
        "slowdown": found.slowdown,
        "causes": found.causes.iter().map(cause).collect::<Vec<_>>(),
        "slowdown_by": {
            "operation": parts("operation", &found.kinds),
            "stage": parts("stage", &found.stages),
            "rank": parts("rank", &found.ranks),
            "worker": workers,
        },
        "won_back": {
            "worst_workers": { "workers": worst, "share": found.worst_workers.share },
            "stages": stages,
            "communication": found.communication,
            "even_batches": found.even_batches,
        },
        "batch_correlation": found.batch_correlation,
        "mended": mended,
    });
    let mut text = serde_json::to_string_pretty(&all).expect("an object of plain data");
    text.push('\n');
    text
}

fn parts<P: Serialize>(name: &str, parts: &[Slowdown<P>]) -> Vec<Value> {
    parts.iter().map(|one| json!({ name: one.part, "slowdown": one.factor })).collect()
}

fn worker(worker: &Worker) -> Value {
    json!({ "rank": worker.dp_rank, "stage": worker.stage })
}

fn cause(cause: &Cause) -> Value {
    let mut told = match &cause.kind {
        CauseKind::SlowWorkers { workers, factor } => {
            let workers: Vec<Value> = workers.iter().map(worker).collect();
            json!({ "kind": "slow_workers", "workers": workers, "factor": factor })
        }
        CauseKind::UnevenStages { stage, factor } => {
            json!({ "kind": "uneven_stages", "stage": stage, "factor": factor })
        }
        CauseKind::UnequalSequences { correlation } => {
            json!({ "kind": "unequal_sequences", "correlation": correlation })
        }
        CauseKind::UnsteadyCompute { correlation } => {
            json!({ "kind": "unsteady_compute", "correlation": correlation })
        }
        CauseKind::SlowCommunication { operations } => {
            json!({ "kind": "slow_communication", "operation": operations })
        }
        // Kinds that come later are told in words at least.
        _ => json!({ "kind": "other" }),
    };
    told["share"] = json!(cause.share);
    told["sentence"] = json!(cause.to_string());
    told
}
