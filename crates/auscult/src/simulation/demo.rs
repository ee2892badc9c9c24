//! The fleet of `auscult demo`, and the faults that strike it.

use std::fmt::Write;

/// Seconds of the past that the service is shown first.
pub(crate) const PAST: u64 = 3 * 3600;
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

/// The scenario, whose time that people watch begins at `now`, in seconds since 1970.
pub(crate) fn scenario(now: u64) -> String {
    let mut text = format!(
        "scenario: demo\nabout: A fault every {} minutes.\nstart: {}\nduration: {}s\n{FLEET}faults:\n",
        EVERY / 60,
        now - PAST,
        PAST + LASTS,
    );
    let mut at = PAST + FIRST;
    for (fault, place) in TURNS.iter().cycle() {
        if at + FOR > PAST + LASTS {
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
        let text = super::scenario(1_772_438_400);
        let scenario = Scenario::read("demo", &text).unwrap();
        assert_eq!(scenario.faults.len(), 480);
    }
}
