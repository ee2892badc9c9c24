//! Prints series of a scenario, a line for each moment.
//!
//! `cargo run -p auscult-simulate --example watch -- FILE|NAME SECONDS TEXT…` shows every `SECONDS`
//! the series whose name and labels contain one of the texts; of counters, the growth per second.

use auscult_simulate::page::{Answer, Kind, Values};
use auscult_simulate::scenario::{Scenario, scenario_text};
use auscult_simulate::simulation::Simulation;

fn main() -> Result<(), String> {
    let usage = "expected FILE|NAME SECONDS TEXT…";
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or(usage)?;
    let every: u64 = arguments.next().and_then(|text| text.parse().ok()).ok_or(usage)?;
    let wanted: Vec<String> = arguments.collect();
    let text = std::fs::read_to_string(&name).ok().or_else(|| scenario_text(&name));
    let text = text.ok_or("there is no such file or scenario")?;
    let scenario = Scenario::read(&name, &text).map_err(|problems| {
        problems.iter().map(|problem| problem.with_source()).collect::<String>()
    })?;
    let plan = scenario.plan().map_err(|mistakes| format!("{mistakes:?}"))?;
    let mut simulation = Simulation::new(&scenario, plan);
    let mut shown: Vec<(usize, usize, bool, f64)> = Vec::new();
    for (number, page) in simulation.pages().iter().enumerate() {
        for (series, (family, line)) in page.lines().enumerate() {
            let grows = matches!(family.kind, Kind::Counter | Kind::Histogram);
            let labels = line.labels.iter().map(|(name, value)| format!("{name}={value}"));
            let labels: Vec<String> = labels.collect();
            let text = format!("{} {} {}", page.instance, line.name(family), labels.join(","));
            if wanted.iter().any(|wanted| text.contains(wanted.as_str())) {
                println!("column {}: {text}", shown.len() + 2);
                shown.push((number, series, grows, 0.0));
            }
        }
    }
    let mut values = Values::default();
    for second in 1..=scenario.duration.as_secs() {
        simulation.advance();
        if second % every != 0 {
            continue;
        }
        print!("{second}");
        for (page, series, grows, last) in &mut shown {
            let read = matches!(simulation.read(*page, &mut values), Answer::Page(_));
            let value = values.iter().nth(*series).flatten().filter(|_| read);
            match value {
                Some(value) if *grows => {
                    print!("\t{:.4}", (value - *last) / every as f64);
                    *last = value;
                }
                Some(value) => print!("\t{value:.4}"),
                None => print!("\t-"),
            }
        }
        println!();
    }
    Ok(())
}
