//! The fleet of `auscult demo`, and the faults that strike it.

use std::fmt::Write;

/// What people read first.
pub(crate) const ABOUT: &str = "\
A simulated fleet: eight replicas of a chat model on serve-0 and serve-1, one training job on train-0 and train-1.
The service that watches it: URL (Grafana: as a Prometheus data source; incidents: URL/api/auscult/v1/incidents)
Every three minutes a fault strikes for one. What the simulator does stands after `!`, what auscult notices after its number.
";

/// How long the demo lasts when nobody ends it: a day.
const LASTS: u64 = 86_400;
/// Seconds after the start at which the first fault strikes: the past takes half a minute to show.
const FIRST: u64 = 40;
/// Seconds from one fault to the next.
const EVERY: u64 = 180;
/// Seconds that a fault lasts.
const FOR: u64 = 60;

/// Eight replicas on two hosts, one training job on two more.
const FLEET: &str = "
fleet:
  hosts:
    - {name: serve, count: 2, gpu: H100, gpus: 4}
    - {name: train, count: 2, gpu: H100}
  services:
    - {name: chat, model: llama-3.1-8b, hosts: serve, replicas: 8, load: 0.6}
  jobs:
    - {name: pretrain, model: llama-3.1-8b, hosts: train, checkpoint_interval: 5m}
";

/// Faults in turn: what and where.
const TURNS: &[(&str, &str)] = &[
    ("R3", "pretrain/11"),
    ("T6", "chat/2"),
    ("G1", "serve-1/1"),
    ("G7", "train-0/6"),
    ("E6", "chat"),
    ("R4", "pretrain"),
    ("M1", "chat"),
    ("T2", "chat"),
    ("E3", "chat/0"),
    ("H1", "serve-0"),
    ("R6", "pretrain/3"),
    ("E1", "chat/5"),
];

/// The scenario, with `past` seconds before the time that people watch, which begins at `now`, in
/// seconds since 1970.
pub(crate) fn scenario(now: u64, past: u64) -> String {
    let mut text = format!(
        "scenario: demo\nabout: A fault every {} minutes.\nstart: {}\nduration: {}s\n{FLEET}faults:\n",
        EVERY / 60,
        now - past,
        past + LASTS,
    );
    let mut at = past + FIRST;
    for (fault, place) in TURNS.iter().cycle() {
        if at + FOR > past + LASTS {
            break;
        }
        let variant = if *fault == "G1" { ", variant: one card" } else { "" };
        let variant = if *fault == "R3" { ", variant: one rank" } else { variant };
        writeln!(
            text,
            "  - {{fault: {fault}, at: {at}s, for: {FOR}s, severity: 0.9, onset: sudden, place: {place}{variant}}}"
        )
        .expect("a text takes everything");
        at += EVERY;
    }
    text
}

#[cfg(test)]
mod tests {
    use auscult_simulate::scenario::Scenario;

    #[test]
    fn the_scenario_of_the_demo_can_be_played() {
        let text = super::scenario(1_772_438_400, 10_800);
        let scenario = Scenario::read("demo", &text).unwrap();
        assert_eq!(scenario.faults.len(), 480);
    }
}
