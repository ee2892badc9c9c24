//! `auscult simulate`: a fleet that never existed, with faults whose causes are known.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auscult_server::parse_duration;
use auscult_simulate::fault::{Fault, LOOKALIKES, dials, faults};
use auscult_simulate::page::Values;
use auscult_simulate::place::PartKind;
use auscult_simulate::scenario::{Plan, Scenario, library, scenario_text};
use auscult_simulate::simulation::Simulation;
use auscult_telemetry::Format;
use auscult_telemetry::metrics::remote_write::Writer;

use crate::http::parse_address;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;
use crate::simulation::fault_log::FaultLog;
use crate::simulation::live::Live;
use crate::simulation::logs::LogFiles;
use crate::simulation::pages::{PageServer, targets};
use crate::simulation::record::Recording;
use crate::simulation::send::{Sender, Series};

/// Arguments of `auscult simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A scenario: a YAML file, or one of the library, such as G1/3 (a fault and a number),
    /// G1+T1/3 (two faults at once) or healthy/1; for a fault log the faults to have, such as G1,T1,healthy
    #[arg(short, long, value_name = "FILE|NAME", required_unless_present_any = ["list", "fault_log"])]
    scenario: Option<String>,

    /// Draw everything from this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Record into this folder: metrics, logs, events.csv (when what went wrong), changes.csv, truth.json
    #[arg(short, long, value_name = "DIR", group = "where")]
    output: Option<PathBuf>,

    /// Form of the recorded metrics: parquet or csv
    #[arg(short, long, value_name = "FORM", default_value = "parquet", value_parser = form, requires = "output")]
    format: Format,

    /// From one recorded or sent sample to the next
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = interval)]
    interval: Duration,

    /// Write a labelled fault log for `auscult learn` (.csv or .parquet): a row for each of many cases, what could
    /// be known in it and, in the column `fault`, what it was
    #[arg(long, value_name = "FILE", group = "where")]
    fault_log: Option<PathBuf>,

    /// Cases of each fault, each look-alike and the healthy fleet in the fault log
    #[arg(long, value_name = "N", default_value_t = 10, requires = "fault_log", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    count: u64,

    /// How long after the beginning of a fault the fault log looks at, if it lasts so long
    #[arg(long, value_name = "TIME", default_value = "30m", requires = "fault_log", value_parser = window)]
    window: Duration,

    /// Show live metrics at this address, to be scraped
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address, group = "where")]
    listen: Option<SocketAddr>,

    /// Write the addresses to scrape into this file, as Prometheus's file discovery reads them
    #[arg(long, value_name = "FILE", requires = "listen")]
    targets: Option<PathBuf>,

    /// Write the logs of kernels and training jobs into this folder as they grow, to be followed
    #[arg(long, value_name = "DIR", requires = "listen")]
    logs: Option<PathBuf>,

    /// Send by remote write to this address, such as http://127.0.0.1:9709/api/v1/write
    #[arg(long, value_name = "URL", group = "where")]
    remote_write: Option<String>,

    /// Play this many times as fast as the clock goes; 0 as fast as can be
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    speed: f64,

    /// Print the scenario as YAML, a start for one of your own
    #[arg(long, group = "where")]
    show: bool,

    /// List the faults and dials that scenarios can have
    #[arg(long)]
    list: bool,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

fn form(text: &str) -> Result<Format, String> {
    match text {
        "parquet" => Ok(Format::Parquet),
        "csv" => Ok(Format::Csv),
        _ => Err("expected parquet or csv".to_owned()),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = parse_duration(text)?;
    if interval.as_secs() == 0 || interval.subsec_nanos() != 0 {
        return Err("expected whole seconds, 1s or more".to_owned());
    }
    Ok(interval)
}

fn window(text: &str) -> Result<Duration, String> {
    let window = parse_duration(text)?;
    if (60..=7200).contains(&window.as_secs()) {
        return Ok(window);
    }
    Err("expected a time from 1m to 2h".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    let expected = || format!("`{text}` is no speed: expected a number from 0 to 1000000");
    let speed: f64 = text.parse().map_err(|_| expected())?;
    if (0.0..=1e6).contains(&speed) { Ok(speed) } else { Err(expected()) }
}

/// Plays a scenario.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    if arguments.list {
        print!("{}", listed());
        return Ok(Outcome::Done);
    }
    if let Some(path) = &arguments.fault_log {
        return fault_log(path, arguments);
    }
    let name = arguments.scenario.as_deref().unwrap_or_default();
    let text = text(name)?;
    if arguments.show {
        print!("{text}");
        return Ok(Outcome::Done);
    }
    let mut scenario = Scenario::read(name, &text).map_err(|problems| {
        let shown: Vec<String> = problems.iter().map(|problem| problem.with_source()).collect();
        CallError::input(shown.join("\n"))
    })?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    let plan = scenario.plan().map_err(|mistakes| {
        // With another seed a fault may be drawn where it cannot strike.
        let said: Vec<String> = mistakes.into_iter().map(|(_, sentence)| sentence).collect();
        CallError::input(format!("{name}: {}", said.join("; ")))
    })?;
    if let Some(folder) = &arguments.output {
        let interval = arguments.interval.as_secs();
        let recording = Recording { folder, format: arguments.format, interval };
        let progress = Progress::new(!arguments.quiet);
        let faults = plan.faults.len();
        let samples = recording.write(&scenario, &text, plan, &progress)?;
        if !arguments.quiet {
            eprintln!("{}: {samples} samples, {faults} faults", folder.display());
        }
        return Ok(Outcome::Done);
    }
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    runtime.block_on(async {
        match (&arguments.listen, &arguments.remote_write) {
            (Some(address), _) => listen(*address, arguments, &scenario, plan).await,
            (_, Some(url)) => send(url, arguments, &scenario, plan).await,
            _ => Err(CallError::input(
                "say what to do with it: --output DIR, --listen ADDRESS:PORT, --remote-write URL, --fault-log FILE or --show",
            )),
        }
    })?;
    Ok(Outcome::Done)
}

fn fault_log(path: &Path, arguments: &Arguments) -> Result<Outcome, CallError> {
    let only = arguments.scenario.as_deref().unwrap_or_default();
    let only: Vec<String> = only.split_terminator(',').map(|id| id.trim().to_owned()).collect();
    let log = FaultLog {
        count: arguments.count,
        only: &only,
        seed: arguments.seed.unwrap_or(0),
        window: arguments.window.as_secs(),
    };
    let rows = log.write(path, &Progress::new(!arguments.quiet))?;
    if !arguments.quiet {
        let path = path.display();
        eprintln!("{path}: {rows} cases. Next: auscult learn {path} --label fault");
    }
    Ok(Outcome::Done)
}

/// The text of the scenario, from a file or the library.
fn text(name: &str) -> Result<String, CallError> {
    if Path::new(name).exists() {
        return std::fs::read_to_string(name)
            .map_err(|error| CallError::input(format!("cannot read {name}: {error}")));
    }
    scenario_text(name).ok_or_else(|| {
        let library: Vec<String> = library().collect();
        let nearest = auscult_core::nearest(name, library.iter().map(String::as_str));
        let hint = match nearest {
            Some(known) => format!("did you mean {known}?"),
            None => "`auscult simulate --list` shows the faults".to_owned(),
        };
        CallError::input(format!(
            "there is no file and no scenario of the library `{name}`; {hint}"
        ))
    })
}

async fn listen(
    address: SocketAddr,
    arguments: &Arguments,
    scenario: &Scenario,
    plan: Plan,
) -> Result<(), CallError> {
    let mut simulation = Simulation::new(scenario, plan);
    // Before its first second nothing has run that could show anything.
    simulation.advance();
    let live = Live::new(simulation);
    let server = PageServer::bind(address, live.clone())
        .await
        .map_err(|error| CallError::input(format!("cannot listen at {address}: {error}")))?;
    let address = server.address().map_err(CallError::input)?;
    if let Some(file) = &arguments.targets {
        let text = format!("{:#}\n", targets(live.pages(), &address.to_string()));
        std::fs::write(file, text).map_err(CallError::write(file.display().to_string()))?;
    }
    if !arguments.quiet {
        eprintln!("auscult shows {} pages at http://{address}", live.pages().count());
        eprintln!("  targets  http://{address}/targets");
    }
    let logs = match &arguments.logs {
        None => None,
        Some(folder) => {
            let mut simulation = live.simulation();
            let mut files = LogFiles::create(folder, simulation.logs())?;
            let mut lines = Vec::new();
            simulation.take_log_lines(&mut lines);
            files.write(&lines)?;
            Some(files)
        }
    };
    let seconds = scenario.duration.as_secs().saturating_sub(1);
    let speed = pace(arguments);
    tokio::select! {
        failed = server.run() => failed.map(drop).map_err(CallError::input),
        played = live.play(seconds, speed, Duration::ZERO, logs) => played,
    }
}

async fn send(
    url: &str,
    arguments: &Arguments,
    scenario: &Scenario,
    plan: Plan,
) -> Result<(), CallError> {
    let sender = Sender::new(url).map_err(CallError::input)?;
    let mut simulation = Simulation::new(scenario, plan);
    // All at the beginning of each interval, as the files have them.
    let moments = vec![Duration::ZERO; simulation.pages().len()];
    let mut series = Series::of(simulation.pages(), moments, arguments.interval.as_secs());
    let progress = Progress::new(!arguments.quiet);
    let seconds = scenario.duration.as_secs();
    progress.steps("sending", seconds);
    let begin = tokio::time::Instant::now();
    let mut values = Values::default();
    for second in 1..=seconds {
        simulation.advance();
        let mut writer = Writer::default();
        series.sample(&mut simulation, &mut values, &mut writer);
        if writer.samples() > 0 {
            sender.send(writer).await.map_err(CallError::input)?;
        }
        progress.at(second);
        let due = begin + Duration::from_secs_f64(second as f64 / pace(arguments));
        tokio::time::sleep_until(due).await;
    }
    progress.done();
    Ok(())
}

/// Simulated seconds in a second of the clock.
fn pace(arguments: &Arguments) -> f64 {
    if arguments.speed == 0.0 { 1e9 } else { arguments.speed }
}

/// What scenarios can have.
fn listed() -> String {
    let row = |fault: &Fault| format!("  {:<4} {}\n", fault.id, fault.name);
    let faults: String = faults().map(row).collect();
    let lookalikes: String = LOOKALIKES.iter().map(row).collect();
    let dials = PartKind::ALL.into_iter().flat_map(dials);
    let dials: String = dials
        .map(|dial| format!("  {:<36} {:>8}  {}\n", dial.name, dial.healthy, dial.about.trim()))
        .collect();
    format!(
        "Faults\n{faults}\nHealthy, but looks like a fault\n{lookalikes}\nDials, their healthy place, their meaning\n{dials}"
    )
}
