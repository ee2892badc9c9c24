//! What the engine tells of simulated fleets.
//!
//! `cargo run --release -p auscult-engine --example fleet -- SCENARIO…` plays each scenario (a file
//! or one of the library) at 15 seconds a sample and prints its incidents, and how many false
//! ones there were for each target and week.

use std::time::Instant;

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_engine::incident::Incident;
use auscult_engine::{Engine, EngineSettings};
use auscult_simulate::page::{Answer, Kind, Page, Values};
use auscult_simulate::scenario::{Scenario, scenario_text};
use auscult_simulate::simulation::Simulation;
use auscult_telemetry::metrics::{MetricBatch, MetricKind};

/// Seconds from one sample to the next.
const INTERVAL: u64 = 15;
/// Seconds after the end of a fault within which an incident still counts for it.
const GRACE: f64 = 300.0;

fn main() -> Result<(), String> {
    let mut begun = [(0_usize, 0.0_f64); 3];
    for name in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&name).ok().or_else(|| scenario_text(&name));
        let text = text.ok_or("there is no such file or scenario")?;
        let scenario = Scenario::read(&name, &text).map_err(|problems| {
            problems.iter().map(|problem| problem.with_source()).collect::<String>()
        })?;
        play(&name, &scenario, &mut begun)?;
    }
    for ((incidents, weeks), hours) in begun.iter().zip(["0-1 h", "1-6 h", "6 h on"]) {
        println!(
            "false incidents in hours {hours}: {incidents} in {weeks:.2} target-weeks: {:.2} a week",
            *incidents as f64 / weeks
        );
    }
    Ok(())
}

fn play(name: &str, scenario: &Scenario, begun: &mut [(usize, f64); 3]) -> Result<(), String> {
    let plan = scenario.plan().map_err(|mistakes| format!("{mistakes:?}"))?;
    let mut simulation = Simulation::new(scenario, plan);
    let series: Vec<Vec<(Labels, MetricKind)>> = simulation.pages().iter().map(series).collect();
    let engine = Engine::new(EngineSettings::default());
    let mut values = Values::default();
    let mut batch = MetricBatch::default();
    let (mut engine_seconds, mut samples) = (0.0, 0);
    for second in 1..=scenario.duration.as_secs() {
        simulation.advance();
        if second % INTERVAL != 0 {
            continue;
        }
        let time = Timestamp::from_seconds(simulation.time() as i64);
        for (page, series) in series.iter().enumerate() {
            batch.clear();
            let up = matches!(simulation.read(page, &mut values), Answer::Page(seconds) if seconds < 10.0);
            let (own, others) = series.split_last().expect("`up`");
            if up {
                for ((labels, kind), value) in others.iter().zip(values.iter()) {
                    let Some(value) = value else { continue };
                    batch.begin_labels(*kind, labels.as_ref());
                    batch.push(time, value);
                }
            }
            batch.begin_labels(own.1, own.0.as_ref());
            batch.push(time, f64::from(u8::from(up)));
            samples += batch.samples();
            let clock = Instant::now();
            engine.ingest(&batch);
            engine_seconds += clock.elapsed().as_secs_f64();
        }
        let clock = Instant::now();
        engine.tick(time);
        engine_seconds += clock.elapsed().as_secs_f64();
    }
    let plan = simulation.plan();
    let hours = scenario.duration.as_secs_f64() / 3600.0;
    let start = scenario.start as f64;
    println!(
        "== {name}: {} targets, {} series, {samples} samples in {engine_seconds:.1} s",
        engine.targets(),
        engine.series()
    );
    for fault in &plan.faults {
        let places: Vec<String> = fault.places.iter().map(|place| plan.name(*place)).collect();
        let found = engine.incidents().into_iter().filter(|incident| {
            let noticed = incident.noticed.seconds() - start;
            noticed >= fault.course.start && noticed <= fault.course.end + GRACE
        });
        let first = found.min_by(|a, b| a.noticed.seconds().total_cmp(&b.noticed.seconds()));
        let told = first.map_or("NOT FOUND".to_owned(), |incident| {
            format!("found after {:.0} s", incident.noticed.seconds() - start - fault.course.start)
        });
        println!(
            "   {} {} {} at {}: {told}",
            fault.id.unwrap_or_default(),
            fault.name,
            fault.variant,
            places.join(" ")
        );
    }
    for incident in engine.incidents() {
        let noticed = incident.noticed.seconds() - start;
        let during = plan
            .faults
            .iter()
            .any(|fault| noticed >= fault.course.start && noticed <= fault.course.end + GRACE);
        println!("   {}{}", if during { "* " } else { "" }, told(&incident, start));
        if !during {
            let bucket = if noticed < 3600.0 {
                0
            } else if noticed < 6.0 * 3600.0 {
                1
            } else {
                2
            };
            begun[bucket].0 += 1 + incident.reopened as usize;
        }
    }
    let targets = engine.targets() as f64;
    let in_bucket = [hours.min(1.0), (hours.min(6.0) - 1.0).max(0.0), (hours - 6.0).max(0.0)];
    for (bucket, hours) in begun.iter_mut().zip(in_bucket) {
        bucket.1 += targets * hours / 168.0;
    }
    Ok(())
}

fn told(incident: &Incident, start: f64) -> String {
    let targets: Vec<String> = incident
        .targets
        .iter()
        .take(2)
        .map(|labels| labels.iter().map(|(_, value)| value).collect::<Vec<_>>().join(" "))
        .collect();
    let members: Vec<String> = incident
        .members
        .iter()
        .take(3)
        .map(|member| {
            let reason: String = member
                .reasons
                .first()
                .map(|reason| reason.chars().take(28).collect())
                .unwrap_or_default();
            format!(
                "{} {:.4}/{:.4} {:.0}s [{reason}]",
                member.series.as_ref().metric(),
                member.reading,
                member.expected,
                member.return_seconds
            )
        })
        .collect();
    let minute = (incident.noticed.seconds() - start) / 60.0;
    format!(
        "{minute:.1} min, x{}, {:?}, surprise {:.1}, {} targets ({}), {} series: {}",
        incident.reopened + 1,
        incident.state,
        incident.surprise,
        incident.targets.len(),
        targets.join("; "),
        incident.members.len(),
        members.join("; ")
    )
}

fn series(page: &Page) -> Vec<(Labels, MetricKind)> {
    let kinds = page.lines().map(|(family, _)| match family.kind {
        Kind::Counter => MetricKind::Counter,
        Kind::Gauge => MetricKind::Gauge,
        Kind::Histogram => MetricKind::Histogram,
        Kind::Untyped => MetricKind::Unknown,
    });
    // `up` comes last.
    let series = page.scraped().zip(kinds.chain([MetricKind::Gauge]));
    let labels = |(name, mut labels): (String, Vec<(&str, &str)>)| {
        labels.push((METRIC_NAME, &name));
        Labels::from_pairs(labels.iter().copied()).expect("pages carry each label once")
    };
    series.map(|(series, kind)| (labels(series), kind)).collect()
}
