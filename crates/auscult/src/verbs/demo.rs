//! `auscult demo`: a simulated fleet that falls ill, watched by the real service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_server::{Configuration, ScrapeSettings, Server, ServerSettings, SettingsSource};
use auscult_simulate::page::Values;
use auscult_simulate::scenario::Scenario;
use auscult_simulate::simulation::Simulation;
use auscult_telemetry::metrics::remote_write::Writer;
use serde_json::{Value, json};

use crate::http::parse_address;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;
use crate::simulation::demo;
use crate::simulation::live::Live;
use crate::simulation::pages::{PageServer, targets};
use crate::simulation::send::{Sender, Series};
use crate::simulation::teller::Teller;

/// Seconds from one scrape to the next, and from one sample of the past to the next.
const INTERVAL: u64 = 5;
/// Samples of the past that are sent at once.
const TOGETHER: usize = 40_000;

/// Arguments of `auscult demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the service listens
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address, default_value = "127.0.0.1:9709")]
    listen: SocketAddr,

    /// Past of the fleet that the service is shown first
    #[arg(long, value_name = "TIME", default_value = "3h", value_parser = auscult_server::parse_duration)]
    past: Duration,

    /// End after so long [default: a day]
    #[arg(long, value_name = "TIME", value_parser = auscult_server::parse_duration)]
    duration: Option<Duration>,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// Plays the demo until it is interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let scenario = Scenario::read("demo", &demo::scenario(unix_now(), arguments.past.as_secs()))
        .map_err(|problems| CallError::input(format!("{problems:?}")))?;
    let plan = scenario.plan().map_err(|mistakes| CallError::input(format!("{mistakes:?}")))?;
    let simulation = Simulation::new(&scenario, plan);
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    runtime.block_on(play(arguments, simulation, scenario.seed))?;
    Ok(Outcome::Done)
}

async fn play(
    arguments: &Arguments,
    mut simulation: Simulation,
    seed: u64,
) -> Result<(), CallError> {
    let progress = Progress::new(!arguments.quiet);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = tokio::net::TcpListener::bind(address).await.map_err(CallError::input)?;
    let scraped = listener.local_addr().map_err(CallError::input)?;
    let targets = targets(simulation.pages().iter(), &scraped.to_string());
    // Diagnoses look into what is stored; it goes with the demo.
    let folder = Folder::new().map_err(CallError::input)?;
    let before = configuration(arguments.listen, &folder.0, &json!([]))?.settings();
    let scraping = configuration(arguments.listen, &folder.0, &targets)?.settings();
    let moments = moments(&scraping).map_err(CallError::input)?;
    let server =
        Server::bind(before).await.map_err(CallError::input)?.reloading(Scraping(scraping));
    let reloader = server.reloader();
    let url = format!("{}://{}", server.scheme(), server.address());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        // A stop that is never sent comes when the demo goes.
        let _ = stopped.await;
    }));

    past(&mut simulation, moments, &url, &progress).await?;
    println!("{}", demo::ABOUT.replace("URL", &url));
    // The simulation's seconds are those of the clock from here on.
    let behind = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let behind = behind.saturating_sub(Duration::from_secs(simulation.time()));
    let live = Live::new(simulation);
    let pages = PageServer::on(listener, live.clone());
    let lasts = arguments.duration.unwrap_or(Duration::from_secs(86_400)).as_secs();
    let mut teller = Teller::new(&url, seed);
    let told = async {
        // The last second of the past may lie ahead: what is in it was sampled already.
        tokio::time::sleep(Duration::from_secs(1)).await;
        reloader.reload().await?;
        teller.tell(&live).await
    };
    tokio::select! {
        failed = pages.run() => failed.map(drop).map_err(CallError::input)?,
        played = live.play(lasts, 1.0, behind, None) => played?,
        failed = told => failed.map_err(CallError::input)?,
        _ = tokio::signal::ctrl_c() => {}
    }
    drop(stop);
    serving.await.map_err(CallError::input)?.map_err(CallError::input)
}

/// A folder that is gone when the demo is.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("auscult-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in the folder for what is temporary.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The settings with which the service scrapes the fleet, once it has seen its past.
#[derive(Debug)]
struct Scraping(ServerSettings);

impl SettingsSource for Scraping {
    fn has_changed(&self) -> bool {
        false
    }

    fn read(&mut self) -> Result<ServerSettings, String> {
        Ok(self.0.clone())
    }
}

/// When each page is scraped: the past is sampled at the same moments, so that it goes on without
/// a seam.
fn moments(settings: &ServerSettings) -> Result<Vec<Duration>, String> {
    let jobs: Result<Vec<_>, _> = settings.scrapes.iter().map(ScrapeSettings::moments).collect();
    Ok(jobs?.concat())
}

/// The service's configuration: it scrapes `targets`, and tells soon that something is over, since a
/// demo is watched for minutes.
fn configuration(
    listen: SocketAddr,
    folder: &Path,
    targets: &Value,
) -> Result<Configuration, CallError> {
    let interval = format!("{INTERVAL}s");
    let configuration = json!({
        "server": {"listen": listen.to_string(), "tick": interval, "otlp_http": "none", "otlp_grpc": "none"},
        "storage": {"folder": folder},
        "detection": {"together": "2m", "quiet_after": "30s", "reopen_within": "1m"},
        "scrape_configs": [{
            "job_name": "demo",
            "scrape_interval": interval,
            "scrape_timeout": "4s",
            "static_configs": targets,
        }],
    });
    serde_json::from_value(configuration).map_err(CallError::input)
}

/// Shows the service the fleet's past, as a Prometheus server that scraped the fleet would send it.
async fn past(
    simulation: &mut Simulation,
    moments: Vec<Duration>,
    url: &str,
    progress: &Progress,
) -> Result<(), CallError> {
    let sender = Sender::new(&format!("{url}/api/v1/write")).map_err(CallError::input)?;
    let mut series = Series::of(simulation.pages(), moments, INTERVAL);
    let (mut writer, mut values) = (Writer::default(), Values::default());
    progress.steps("the fleet's past", unix_now() - simulation.time());
    // Until it has caught up with the clock, which goes on meanwhile.
    while simulation.time() < unix_now() {
        simulation.advance();
        progress.at(simulation.seconds());
        series.sample(simulation, &mut values, &mut writer);
        if writer.samples() >= TOGETHER || simulation.time() >= unix_now() {
            sender.send(std::mem::take(&mut writer)).await.map_err(CallError::input)?;
        }
    }
    progress.done();
    Ok(())
}

/// Seconds since 1970.
fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
