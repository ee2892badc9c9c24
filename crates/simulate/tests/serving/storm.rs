//! Dials turned at random: nothing breaks, and what went in comes out.

use auscult_simulate::catalogue::Model;
use auscult_simulate::catalogue::accelerator::H200;
use auscult_simulate::conditions::{ReplicaConditions, ServiceConditions};
use auscult_simulate::random::Random;
use auscult_simulate::serving::{EngineKind, Policy, ReplicaSpec, Role, Service, Supply};
use auscult_simulate::supply::Kill;

use super::run::Run;

/// Values that hurt, for any dial.
const VALUES: [f64; 8] = [0.0, 0.02, 0.2, 0.5, 1.0, 2.0, 8.0, 40.0];

fn spec(random: &mut Random) -> Run {
    let mut run = Run::new(4, 6.0);
    run.spec.workload.adapted = 0.2;
    run.spec.workload.adapters = 6;
    run.spec.policy =
        if random.chance(0.5) { Policy::LeastLoaded } else { Policy::SessionAffinity };
    let engine = if random.chance(0.5) { EngineKind::Vllm } else { EngineKind::Sglang };
    let mixture = Model::named("qwen3-30b-a3b").expect("known");
    for (index, replica) in run.spec.replicas.iter_mut().enumerate() {
        *replica = ReplicaSpec { engine, drafts: 2 * random.below(2) as u32, ..*replica };
        if random.chance(0.3) {
            *replica = ReplicaSpec { model: mixture, accelerator: H200, gpus: 2, ..*replica };
        }
        if index > 1 {
            replica.role = if index == 2 { Role::Prefill } else { Role::Decode };
        }
    }
    run
}

#[test]
fn any_dials_at_any_time_break_nothing_and_lose_nobody() {
    for seed in 0..12 {
        let mut random = Random::new(seed, "storm");
        let run = spec(&mut random);
        let mut service = Service::new(&run.spec, seed);
        let mut asked = ServiceConditions::default();
        let mut conditions = vec![ReplicaConditions::default(); 4];
        let mut supply = vec![Supply::default(); 4];
        let mut sums = [0_u64; 4];
        for second in 0..900 {
            let calm = second >= 500;
            if calm {
                // Nobody asks any more and all is well: everyone inside is answered or gives up.
                asked = ServiceConditions { arrivals: 0.0, ..ServiceConditions::default() };
                conditions.fill(ReplicaConditions::default());
                supply.fill(Supply::default());
            } else if second % 20 == 0 {
                disturb(&mut random, &mut asked, &mut conditions, &mut supply);
            } else {
                supply.iter_mut().for_each(|supply| supply.gpu.kill = None);
            }
            service.advance(second, &supply, &conditions, &asked);
            let clients = service.clients();
            sums[0] += clients.sent;
            sums[1] += clients.answered;
            sums[2] += clients.gave_up;
            sums[3] += clients.failed;
            for replica in service.replicas() {
                let (now, demand) = (&replica.counted().now, replica.demand());
                assert!((0.0..=1.0).contains(&now.usage));
                assert!((0.0..=1.0).contains(&demand.busiest.active));
                assert!(demand.host.cpu_seconds.is_finite() && demand.busiest.dram.is_finite());
            }
        }
        // Sessions go on for a while after the last beginning, so that some may be inside still.
        let inside: usize = service
            .replicas()
            .iter()
            .filter(|replica| replica.role() != Role::Prefill)
            .map(|replica| replica.inside())
            .sum();
        let out = sums[1] + sums[2] + sums[3];
        assert_eq!(sums[0], out + inside as u64, "seed {seed}: {sums:?}");
        assert!(sums[1] > 80, "seed {seed}: {sums:?}");
        for replica in service.replicas().iter().filter(|replica| replica.inside() == 0) {
            assert_eq!(replica.counted().now.held, 0.0, "seed {seed}");
        }
    }
}

fn disturb(
    random: &mut Random,
    asked: &mut ServiceConditions,
    conditions: &mut [ReplicaConditions],
    supply: &mut [Supply],
) {
    *asked = ServiceConditions { client_timeout: 90.0, ..ServiceConditions::default() };
    asked.arrivals = VALUES[random.below(6)];
    for _ in 0..3 {
        let dial = random.below(ServiceConditions::DIALS.len());
        if ServiceConditions::DIALS[dial].name != "service.arrivals" {
            asked.turn(dial, VALUES[random.below(5)]);
        }
    }
    for conditions in conditions {
        *conditions = ReplicaConditions::default();
        for _ in 0..3 {
            let dial = random.below(ReplicaConditions::DIALS.len());
            let healthy = ReplicaConditions::DIALS[dial].healthy;
            conditions.turn(dial, VALUES[random.below(8)] - healthy);
        }
    }
    for supply in supply {
        *supply = Supply::default();
        supply.gpu.clock = random.between(0.1, 1.0);
        supply.host.cpu = random.between(0.05, 1.0);
        supply.gpu.alive = !random.chance(0.02);
        supply.host.alive = !random.chance(0.01);
        supply.gpu.kill = random.chance(0.03).then_some(Kill::GpuError);
        supply.host.fabric = random.between(0.01, 1.0);
        supply.gpu.taken_bytes = if random.chance(0.1) { 6e10 } else { 0.0 };
    }
}
