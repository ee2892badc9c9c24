//! A small simulated fleet that tests record and watch.

/// Six replicas on a host of eight cards; one card gets hot at minute `at` for `minutes`.
pub(crate) fn hot_card(name: &str, duration: u32, at: u32, minutes: u32) -> String {
    format!(
        "
scenario: {name}
seed: 5
duration: {duration}m
fleet:
  hosts:
    - {{name: serve, gpu: H100}}
  services:
    - {{name: chat, hosts: serve, replicas: 6, load: 0.5}}
faults:
  - {{fault: G1, variant: one card, at: {at}m, for: {minutes}m, severity: 1, onset: sudden, place: serve-0/3}}
"
    )
}
