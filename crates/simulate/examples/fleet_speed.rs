//! How fast a whole fleet is simulated and read, on one core.
//!
//! `cargo run --release -p auscult-simulate --example fleet_speed -- [GPUS] [SECONDS] [INTERVAL]`: half of the GPUs
//! serve, the other half train; every page is read each `INTERVAL` seconds. Without arguments 512 GPUs
//! (64 replicas of 4 GPUs and a job of 256 ranks) run for an hour and are read each second.

#![expect(
    clippy::disallowed_methods,
    reason = "the clock of the one who waits is what is measured"
)]

use std::time::Instant;

use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::scenario::Scenario;
use auscult_simulate::simulation::Simulation;

fn main() -> Result<(), String> {
    let number = |position: usize, usual: u64| match std::env::args().nth(position) {
        None => Ok(usual),
        Some(text) => text.parse().map_err(|_| format!("`{text}`: expected a whole number")),
    };
    let (gpus, seconds, interval) = (number(1, 512)?, number(2, 3600)?, number(3, 1)?.max(1));
    let scenario = scenario(gpus)?;
    let plan = scenario.plan().map_err(|mistakes| format!("{mistakes:?}"))?;
    let begin = Instant::now();
    let mut simulation = Simulation::new(&scenario, plan);
    let made = begin.elapsed().as_secs_f64();
    let series: usize = simulation.pages().iter().map(Page::series).sum();
    let pages = simulation.pages().len();
    let (mut advancing, mut reading, mut samples) = (0.0, 0.0, 0);
    let mut values = Values::default();
    for second in 1..=seconds {
        let begin = Instant::now();
        simulation.advance();
        advancing += begin.elapsed().as_secs_f64();
        if second % interval != 0 {
            continue;
        }
        let begin = Instant::now();
        for page in 0..pages {
            if let Answer::Page(_) = simulation.read(page, &mut values) {
                samples += values.len();
            }
        }
        reading += begin.elapsed().as_secs_f64();
    }
    println!("{gpus} GPUs, {pages} pages, {series} series, made in {made:.1} s");
    println!("{seconds} s simulated in {advancing:.2} s, {samples} samples read in {reading:.2} s");
    println!("{:.0} times as fast as the clock", seconds as f64 / (advancing + reading));
    Ok(())
}

/// A fleet of so many GPUs on hosts of eight: half serve, four for each replica; half train, in jobs of up to 1,024 ranks.
fn scenario(gpus: u64) -> Result<Scenario, String> {
    let hosts = (gpus / 16).max(1);
    let replicas = hosts * 2;
    let services = replicas.div_ceil(64);
    let jobs = hosts.div_ceil(128);
    let part =
        |total: u64, parts: u64, number: u64| total * (number + 1) / parts - total * number / parts;
    let mut text =
        "scenario: speed\nabout: Nothing goes wrong.\nseed: 7\nduration: 30d\nfleet:\n  hosts:\n"
            .to_owned();
    text += &format!("    - {{name: serve, count: {hosts}, gpu: H100}}\n");
    for number in 0..jobs {
        let count = part(hosts, jobs, number);
        text += &format!("    - {{name: train{number}, count: {count}, gpu: H100}}\n");
    }
    text += "  services:\n";
    for number in 0..services {
        let replicas = part(replicas, services, number);
        text += &format!(
            "    - {{name: chat{number}, model: llama-3.3-70b, engine: vllm, hosts: serve, replicas: {replicas}, gpus: 4, load: 0.6, traffic: chat}}\n"
        );
    }
    text += "  jobs:\n";
    for number in 0..jobs {
        text += &format!(
            "    - {{name: pretrain{number}, model: llama-3.1-8b, hosts: train{number}, tensor_parallel: 1, pipeline_parallel: 1}}\n"
        );
    }
    Scenario::read("speed", &text).map_err(|problems| {
        problems.iter().map(|problem| problem.with_source()).collect::<Vec<_>>().join("\n")
    })
}
