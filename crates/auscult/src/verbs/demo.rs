//! `auscult demo`: a simulated fleet that falls ill, watched by the real service.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_engine::incident::{Incident, State};
use auscult_server::{Configuration, Server};
use auscult_simulate::page::Values;
use auscult_simulate::scenario::{Plan, PlannedFault, Scenario};
use auscult_simulate::simulation::Simulation;
use auscult_telemetry::format_time;
use auscult_telemetry::metrics::remote_write::Writer;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;
use crate::simulation::demo;
use crate::simulation::live::Live;
use crate::simulation::pages::{PageServer, targets};
use crate::simulation::send::{Sender, Series};

/// Seconds from one scrape to the next, and from one sample of the past to the next.
const INTERVAL: u64 = 5;
/// Samples of the past that are sent at once.
const TOGETHER: usize = 40_000;

/// Arguments of `auscult demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the service listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9709")]
    listen: SocketAddr,

    /// End after so long [default: a day]
    #[arg(long, value_name = "TIME", value_parser = auscult_server::parse_duration)]
    duration: Option<Duration>,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// Plays the demo until it is interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(CallError::input)?.as_secs();
    let scenario = Scenario::read("demo", &demo::scenario(now))
        .map_err(|problems| CallError::input(format!("{problems:?}")))?;
    let plan = scenario.plan().map_err(|mistakes| CallError::input(format!("{mistakes:?}")))?;
    let simulation = Simulation::new(&scenario, plan);
    let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
    runtime.block_on(play(arguments, simulation))?;
    Ok(Outcome::Done)
}

async fn play(arguments: &Arguments, mut simulation: Simulation) -> Result<(), CallError> {
    let progress = Progress::new(!arguments.quiet);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let pages = simulation.pages().to_vec();
    let listener = tokio::net::TcpListener::bind(address).await.map_err(CallError::input)?;
    let scraped = listener.local_addr().map_err(CallError::input)?;
    let settings = configuration(arguments.listen, &targets(pages.iter(), &scraped.to_string()))?;
    let server = Server::bind(settings.settings()).await.map_err(CallError::input)?;
    let url = format!("{}://{}", server.scheme(), server.address());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        // A stop that is never sent comes when the demo goes.
        let _ = stopped.await;
    }));

    past(&mut simulation, &url, &progress).await?;
    println!(
        "A simulated fleet: eight replicas of a chat model on serve-0 and serve-1, one training job on train-0 and train-1."
    );
    println!(
        "The service that watches it: {url} (Grafana: as a Prometheus data source; incidents: {url}/api/auscult/v1/incidents)"
    );
    println!(
        "Every three minutes a fault strikes for one. What the simulator does stands after `!`, what auscult notices after its number.\n"
    );
    let live = Live::new(simulation);
    let server = PageServer::on(listener, live.clone());
    let lasts = arguments.duration.unwrap_or(Duration::from_secs(86_400)).as_secs();
    let mut teller = Teller::new(&url);
    let told = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            teller.look(&live).await?;
        }
    };
    tokio::select! {
        failed = server.run() => failed.map(drop).map_err(CallError::input)?,
        () = live.play(lasts, 1.0, |_| {}) => {}
        failed = told => { let never: Result<std::convert::Infallible, String> = failed; never.map(drop).map_err(CallError::input)?; }
        _ = tokio::signal::ctrl_c() => {}
    }
    drop(stop);
    serving.await.map_err(CallError::input)?.map_err(CallError::input)
}

/// The service's configuration: it scrapes `targets`, and tells soon that something is over, since a
/// demo is watched for minutes.
fn configuration(listen: SocketAddr, targets: &Value) -> Result<Configuration, CallError> {
    let interval = format!("{INTERVAL}s");
    let configuration = json!({
        "server": {"listen": listen.to_string(), "tick": interval, "otlp_http": "none", "otlp_grpc": "none"},
        "storage": {"folder": "none"},
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

/// Shows the service the past three hours, as a Prometheus server that scraped the fleet would send it.
async fn past(
    simulation: &mut Simulation,
    url: &str,
    progress: &Progress,
) -> Result<(), CallError> {
    let sender = Sender::new(&format!("{url}/api/v1/write")).map_err(CallError::input)?;
    let mut series = Series::of(simulation.pages());
    let (mut writer, mut values) = (Writer::default(), Values::default());
    progress.steps("the fleet's past three hours", demo::PAST);
    // Until it has caught up with the clock, which goes on meanwhile.
    while simulation.time() < unix_now() {
        simulation.advance();
        let second = simulation.seconds();
        progress.at(second);
        if second.is_multiple_of(INTERVAL) {
            series.sample(simulation, &mut values, &mut writer);
        }
        if writer.samples() >= TOGETHER || simulation.time() >= unix_now() {
            sender.send(std::mem::take(&mut writer)).await.map_err(CallError::input)?;
        }
    }
    progress.done();
    Ok(())
}

/// Tells what happens: what the simulator does, and what the service says.
#[derive(Debug)]
struct Teller {
    client: reqwest::Client,
    url: String,
    /// Faults that were told to begin and to end.
    begun: usize,
    ended: usize,
    /// Incidents as they were told last.
    told: Vec<Incident>,
}

/// What the service answers.
#[derive(Debug, Deserialize)]
struct Incidents {
    incidents: Vec<Incident>,
}

impl Teller {
    fn new(url: &str) -> Self {
        let url = format!("{url}/api/auscult/v1/incidents?limit=50");
        Self { client: reqwest::Client::new(), url, begun: 0, ended: 0, told: Vec::new() }
    }

    async fn look(&mut self, live: &Live) -> Result<(), String> {
        self.faults(live);
        let asked = || format!("cannot ask {}", self.url);
        let answer = self
            .client
            .get(&self.url)
            .send()
            .await
            .map_err(|error| format!("{}: {error}", asked()))?;
        let answer: Incidents =
            answer.json().await.map_err(|error| format!("{}: {error}", asked()))?;
        for incident in answer.incidents.into_iter().rev() {
            let before = self.told.iter().position(|told| told.id == incident.id);
            let was = before.map(|place| (self.told[place].state, self.told[place].targets.len()));
            match was {
                None => println!("{}", opened(&incident)),
                Some((State::Open, _)) if incident.state == State::Recovered => {
                    println!("{}", recovered(&incident))
                }
                Some((State::Recovered, _)) if incident.state == State::Open => {
                    println!("{}", opened(&incident))
                }
                Some((_, targets)) if incident.targets.len() > targets => {
                    println!("{}", grew(&incident))
                }
                Some(_) => {}
            }
            match before {
                Some(place) => self.told[place] = incident,
                None => self.told.push(incident),
            }
        }
        Ok(())
    }

    fn faults(&mut self, live: &Live) {
        let simulation = live.simulation();
        let second = simulation.seconds() as f64;
        let plan = simulation.plan();
        while let Some(fault) =
            plan.faults.get(self.begun).filter(|fault| fault.course.start <= second)
        {
            println!("{}  !   {} strikes {}", clock(), named(fault), places(plan, fault));
            self.begun += 1;
        }
        while let Some(fault) =
            plan.faults.get(self.ended).filter(|fault| fault.course.end <= second)
        {
            println!("{}  !   {} is gone", clock(), named(fault));
            self.ended += 1;
        }
    }
}

fn named(fault: &PlannedFault) -> String {
    format!("{} ({})", fault.id.unwrap_or_default(), fault.name)
}

fn places(plan: &Plan, fault: &PlannedFault) -> String {
    let names: Vec<String> = fault.places.iter().map(|place| plan.name(*place)).collect();
    names.join(", ")
}

/// Seconds since 1970.
fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The time of day, UTC.
fn clock() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = format_time(Timestamp::from_nanos(now.as_secs() as i64 * 1_000_000_000));
    text.get(11..19).unwrap_or(&text).to_owned()
}

/// How many series of an incident are shown.
const SHOWN: usize = 4;

fn opened(incident: &Incident) -> String {
    let again = if incident.reopened > 0 { " again" } else { "" };
    let noticed = seconds_between(incident.began, incident.noticed);
    let mut text = format!(
        "{}  {:<3} opened{again}, {noticed} s after it began: {}",
        clock(),
        incident.id,
        target_names(incident)
    );
    for member in incident.members.iter().take(SHOWN) {
        let reason = member.reasons.first().map_or("", String::as_str);
        text += &format!(
            "\n               {} reads {:.4}, usually {:.4}; {reason}",
            series(&member.series),
            member.reading,
            member.expected
        );
    }
    let more = incident.members.len().saturating_sub(SHOWN) as u64 + incident.more_members;
    if more > 0 {
        text += &format!("\n               and {more} more series");
    }
    text
}

fn grew(incident: &Incident) -> String {
    format!("{}  {:<3} grew: {}", clock(), incident.id, target_names(incident))
}

fn recovered(incident: &Incident) -> String {
    let lasted = seconds_between(incident.began, incident.updated);
    format!("{}  {:<3} recovered, {lasted} s after it began", clock(), incident.id)
}

fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    (to.nanos() - from.nanos()) / 1_000_000_000
}

fn target_names(incident: &Incident) -> String {
    let name = |labels: &Labels| {
        let values: Vec<&str> = labels.iter().map(|(_, value)| value).collect();
        values.join(" ")
    };
    let names: Vec<String> = incident.targets.iter().take(3).map(name).collect();
    let more = incident.targets.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join("; "))
}

/// A series by its metric and the labels that tell it from others of the fleet.
fn series(labels: &Labels) -> String {
    let own = ["instance", "gpu", "rank", "replica", "le", "engine"];
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(name, _)| own.contains(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{}{{{}}}", labels.as_ref().metric(), pairs.join(","))
}
