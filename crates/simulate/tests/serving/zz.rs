use super::run::Run;
use auscult_simulate::catalogue::{Accelerator, Model};
use auscult_simulate::serving::{EngineKind, ReplicaSpec};
#[test]
fn zz() {
    for (m, a, g, e, rate) in [
        ("llama-3.1-8b", "H100", 1, EngineKind::Sglang, 6.0),
        ("llama-3.1-8b", "A100", 1, EngineKind::Vllm, 3.0),
        ("llama-3.3-70b", "H100", 4, EngineKind::Vllm, 3.0),
        ("llama-3.3-70b-fp8", "B200", 1, EngineKind::Sglang, 3.0),
        ("deepseek-v3", "H200", 8, EngineKind::Sglang, 4.0),
        ("qwen3-235b-a22b-fp8", "H100", 8, EngineKind::Vllm, 4.0),
        ("mixtral-8x7b", "A100", 2, EngineKind::Vllm, 3.0),
        ("llama-3.1-405b-fp8", "H200", 8, EngineKind::Vllm, 1.5),
    ] {
        let mut r = Run::new(1, rate);
        r.spec.replicas[0] = ReplicaSpec {
            model: Model::named(m).unwrap(),
            accelerator: Accelerator::named(a).unwrap(),
            gpus: g,
            engine: e,
            ..ReplicaSpec::default()
        };
        r.warm = 300;
        let s = r.run();
        eprintln!(
            "ZZ {m} {a}x{g} blocks {} rate {rate} fin {:.2} run {:.1} wait {:.1} kv {:.3} act {:.2} tens {:.3} dram {:.2} ttft {:.3} itl {:.4} e2e {:.2} q {:.3} res {:.4} hit {:.2} gtok {:.0} steps {:.0} nvl {:.2e} mem {:.2e}",
            s.service.replicas()[0].blocks(),
            s.rate(|m| m.finished[0] + m.finished[1]),
            s.running[0],
            s.waiting[0],
            s.usage[0],
            s.active[0],
            s.tensor[0],
            s.dram[0],
            s.mean(|m| &m.ttft),
            s.mean(|m| &m.itl),
            s.mean(|m| &m.e2e),
            s.mean(|m| &m.queue),
            s.residual(),
            s.hit_ratio(),
            s.generated(),
            s.steps(),
            s.service.replicas()[0].demand().busiest.nvlink_bytes,
            s.service.replicas()[0].demand().busiest.memory_bytes
        );
    }
}
