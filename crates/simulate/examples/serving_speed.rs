//! How fast a fleet of replicas is simulated: run it with `--release` under `time`.

use auscult_simulate::conditions::{ReplicaConditions, ServiceConditions};
use auscult_simulate::serving::{Policy, ReplicaSpec, Service, ServiceSpec, Supply};
use auscult_simulate::workload::Workload;

fn main() {
    let number = |position: usize, usual: f64| {
        std::env::args().nth(position).map_or(usual, |text| text.parse().expect("a number"))
    };
    let (rate, seconds) = (number(1, 5.0), number(2, 3600.0) as u64);
    let replicas = 64;
    let spec = ServiceSpec {
        name: "chat".to_owned(),
        workload: Workload { rate: rate * f64::from(replicas), ..Workload::default() },
        policy: Policy::SessionAffinity,
        replicas: vec![ReplicaSpec::default(); 64],
        start: 1.8e9,
    };
    let mut service = Service::new(&spec, 1);
    let (supply, conditions) =
        (vec![Supply::default(); 64], vec![ReplicaConditions::default(); 64]);
    for second in 0..seconds {
        service.advance(second, &supply, &conditions, &ServiceConditions::default());
    }
    let tokens: u64 =
        service.replicas().iter().map(|replica| replica.meters().generation_tokens).sum();
    println!("{replicas} replicas, {seconds} s, {tokens} tokens");
}
