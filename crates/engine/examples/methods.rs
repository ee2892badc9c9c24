//! How often methods that policies assign raise false alarms where nothing is wrong.
//!
//! `cargo run --release -p auscult-engine --example methods -- [METHOD…]` gives healthy made-up series
//! to the engine, each a target of its own, a sample a minute for twenty days, and prints
//! alarms (incidents opened or opened again) over the promise of the budget. Without names, every method
//! that can watch one series is tried, and the default detector (`none`).

use auscult_core::Timestamp;
use auscult_detect::{CATALOGUE, Channels};
use auscult_engine::{AlarmBudget, Engine, EngineSettings, Policy};
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

const MINUTES: i64 = 20 * 1440;
const SERIES: u64 = 4;
const KINDS: [&str; 6] = ["normal", "heavy", "sticky", "day", "bursts", "whole"];
const BUDGETS: [(&str, f64); 2] = [("1/day", 86_400.0), ("1/week", 604_800.0)];

/// A repeatable random number in (0, 1).
fn uniform(seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (((bits ^ (bits >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

fn normal(seed: u64) -> f64 {
    let radius = (-2.0 * uniform(seed ^ 0xa5a5).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(seed ^ 0x5a5a)).cos()
}

/// A reading of a series of some kind; `last` is what it needs to go on.
fn reading(kind: usize, series: u64, minute: i64, last: &mut f64) -> f64 {
    let seed = (minute as u64) << 16 | series << 8 | kind as u64;
    let noise = normal(seed);
    match kind {
        0 => noise,
        1 => {
            let chi: f64 = (1..5).map(|at| normal(seed ^ at << 50).powi(2)).sum::<f64>() / 4.0;
            noise / chi.sqrt()
        }
        2 => {
            *last = 0.9 * *last + noise;
            *last
        }
        3 => {
            let day = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
            10.0 * day + noise
        }
        4 => (0.5 * noise).exp() - 1.0,
        _ => (3.0 + 1.7 * noise).round().max(0.0),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        let all = CATALOGUE.iter().copied().flatten();
        let single = all.filter(|one| one.online.is_some() && one.channels != Channels::Several);
        names = single.map(|one| one.name.to_owned()).collect();
        names.insert(0, "none".to_owned());
    }
    println!("| method | budget | all | {} |", KINDS.join(" | "));
    println!("|---|---|{}", "---:|".repeat(KINDS.len() + 1));
    for name in names {
        for (budget, seconds) in BUDGETS {
            let alarms = alarms(&name, budget.parse()?)?;
            let promised = SERIES as f64 * MINUTES as f64 * 60.0 / seconds;
            let ratios: Vec<String> =
                alarms.iter().map(|count| format!("{:.2}", *count as f64 / promised)).collect();
            let all: u64 = alarms.iter().sum();
            let all = all as f64 / promised / KINDS.len() as f64;
            println!("| `{name}` | {budget} | {all:.2} | {} |", ratios.join(" | "));
        }
    }
    Ok(())
}

/// Alarms of each kind of series.
fn alarms(method: &str, budget: AlarmBudget) -> Result<[u64; KINDS.len()], serde_json::Error> {
    let policy: Policy = serde_json::from_value(serde_json::json!({"method": {"name": method}}))?;
    let topology_labels = Vec::new();
    let settings =
        EngineSettings { budget, policies: vec![policy], topology_labels, ..Default::default() };
    let engine = Engine::new(settings);
    let mut last = [0.0; KINDS.len() * SERIES as usize];
    let mut counts = [0; KINDS.len()];
    let mut batch = MetricBatch::default();
    let mut seen = 0;
    for minute in 0..MINUTES {
        let time = Timestamp::from_seconds(1_700_000_000 + 60 * minute);
        batch.clear();
        for (kind, name) in KINDS.iter().enumerate() {
            for series in 0..SERIES {
                let number = series.to_string();
                let mut labels = [("__name__", "x"), ("job", *name), ("instance", number.as_str())];
                let place = kind * SERIES as usize + series as usize;
                let value = reading(kind, series, minute, &mut last[place]);
                batch.begin_series(MetricKind::Gauge, &mut labels).expect("labels");
                batch.push(time, value);
            }
        }
        engine.ingest(&batch);
        engine.tick(time);
        for change in engine.changes_after(seen) {
            use auscult_engine::incident::Happening::{Opened, Reopened};
            seen = change.number;
            if matches!(change.happening, Opened | Reopened) {
                let job = change.incident.targets[0].get("job").unwrap_or_default();
                let kind = KINDS.iter().position(|kind| *kind == job);
                kind.into_iter().for_each(|kind| counts[kind] += 1);
            }
        }
    }
    Ok(counts)
}
