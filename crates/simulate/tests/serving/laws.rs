//! The laws of serving in health.

use super::run::Run;

#[test]
fn probe_print() {
    for rate in [2.0, 6.0, 12.0, 20.0, 30.0, 40.0, 60.0] {
        let s = Run::new(1, rate).run();
        eprintln!(
            "rate {rate} fin {:.2} run {:.1} wait {:.1} kv {:.3} act {:.2} tens {:.3} dram {:.2} ttft {:.3} itl {:.4} e2e {:.2} q {:.3} p {:.3} res {:.4} hit {:.2} gtok {:.0} ptok {:.0} steps {:.0} pre {:.2}",
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
            s.mean(|m| &m.prefill),
            s.residual(),
            s.hit_ratio(),
            s.generated(),
            s.rate(|m| m.prompt_tokens),
            s.steps(),
            s.rate(|m| m.preemptions)
        );
    }
}
