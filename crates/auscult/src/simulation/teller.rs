//! Tells a person what the simulator does to a fleet, and what the service says of it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_diagnose::diagnosis::ToldCause;
use auscult_engine::Diagnosis;
use auscult_engine::incident::{Incident, State};
use auscult_simulate::scenario::{Plan, PlannedFault};
use auscult_telemetry::format_time;
use serde::Deserialize;
use serde_json::{Value, json};

use super::live::Live;
use super::truth;

/// Tells what happens: what the simulator does, and what the service says.
#[derive(Debug)]
pub(crate) struct Teller {
    client: reqwest::Client,
    /// Of the API.
    api: String,
    url: String,
    /// Of the scenario.
    seed: u64,
    /// Faults that were told to begin and to end.
    begun: usize,
    ended: usize,
    /// Incidents as they were told last.
    told: Vec<Incident>,
    /// What was said last of the cause of an incident.
    causes: HashMap<u64, String>,
    looks: u64,
}

/// What the service answers.
#[derive(Debug, Deserialize)]
struct Incidents {
    incidents: Vec<Incident>,
}

impl Teller {
    /// Of what the service at `url` says of a scenario with this seed.
    pub(crate) fn new(url: &str, seed: u64) -> Self {
        let api = format!("{url}/api/auscult/v1");
        Self {
            client: reqwest::Client::new(),
            url: format!("{api}/incidents"),
            api,
            seed,
            begun: 0,
            ended: 0,
            told: Vec::new(),
            causes: HashMap::new(),
            looks: 0,
        }
    }

    /// Tells until the service cannot be asked any more.
    pub(crate) async fn tell(&mut self, live: &Live) -> Result<(), String> {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.look(live).await?;
        }
    }

    async fn look(&mut self, live: &Live) -> Result<(), String> {
        for change in self.faults(live) {
            self.post("/events", &change).await?;
        }
        let answer: Incidents = self.ask("?limit=50").await?;
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
        self.looks += 1;
        if self.looks.is_multiple_of(CAUSES_EVERY) { self.causes().await } else { Ok(()) }
    }

    /// Tells what is thought to be the cause of open incidents, when that changes.
    async fn causes(&mut self) -> Result<(), String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let open = self.told.iter().filter(|incident| {
            incident.state == State::Open && now - incident.noticed.seconds() >= YOUNGEST
        });
        let open: Vec<u64> = open.map(|incident| incident.id).collect();
        for id in open {
            let diagnosis: Diagnosis = self.ask(&format!("/{id}/diagnosis")).await?;
            let Some(cause) = diagnosis.answer().filter(|cause| cause.probability >= SURE) else {
                continue;
            };
            let said = format!("{} at {}", cause.fault, cause.place);
            if self.causes.get(&id) != Some(&said) {
                println!("{}", because(id, &diagnosis, cause));
                self.causes.insert(id, said);
            }
        }
        Ok(())
    }

    async fn ask<A: serde::de::DeserializeOwned>(&self, what: &str) -> Result<A, String> {
        let refuse = |error: reqwest::Error| format!("cannot ask {}{what}: {error}", self.url);
        let answer = self.client.get(format!("{}{what}", self.url)).send().await.map_err(refuse)?;
        answer.error_for_status().map_err(refuse)?.json().await.map_err(refuse)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<(), String> {
        let url = format!("{}{path}", self.api);
        let refuse = |error: reqwest::Error| format!("cannot tell {url}: {error}");
        let answer = self.client.post(&url).json(body).send().await.map_err(refuse)?;
        answer.error_for_status().map(drop).map_err(refuse)
    }

    /// Tells which faults begin and end; the changes that people made then, as the service takes them.
    fn faults(&mut self, live: &Live) -> Vec<Value> {
        let mut changes = Vec::new();
        let simulation = live.simulation();
        let second = simulation.seconds() as f64;
        let plan = simulation.plan();
        while let Some(fault) =
            plan.faults.get(self.begun).filter(|fault| fault.course.start <= second)
        {
            println!("{}  !   {} strikes {}", clock(), named(fault), places(plan, fault));
            if let Some(change) = fault.change {
                let kind = change.word();
                println!("{}  !   a change is told: {kind} of {}", clock(), places(plan, fault));
                changes.push(json!({
                    "kind": kind,
                    "target": truth::struck(plan, self.seed, fault),
                    "text": format!("{kind} of {}", places(plan, fault)),
                    "source": "simulator",
                }));
            }
            self.begun += 1;
        }
        while let Some(fault) =
            plan.faults.get(self.ended).filter(|fault| fault.course.end <= second)
        {
            println!("{}  !   {} is gone", clock(), named(fault));
            self.ended += 1;
        }
        changes
    }
}

fn named(fault: &PlannedFault) -> String {
    format!("{} ({})", fault.id.unwrap_or_default(), fault.name)
}

fn places(plan: &Plan, fault: &PlannedFault) -> String {
    let names: Vec<String> = fault.places.iter().map(|place| plan.name(*place)).collect();
    names.join(", ")
}

/// The time of day, UTC.
fn clock() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = format_time(Timestamp::from_nanos(now.as_secs() as i64 * 1_000_000_000));
    text.get(11..19).unwrap_or(&text).to_owned()
}

/// Looks from one diagnosis to the next.
const CAUSES_EVERY: u64 = 5;
/// Seconds after it was noticed before which little is known of an incident.
const YOUNGEST: f64 = 15.0;
/// Probability from which a cause is told.
const SURE: f64 = 0.5;
/// How many pieces of evidence are shown.
const EVIDENCE: usize = 3;

fn because(id: u64, diagnosis: &Diagnosis, cause: &ToldCause) -> String {
    let mut text = format!("{}  {id:<3} because: {}", clock(), diagnosis.sentence);
    for evidence in cause.supports.iter().take(EVIDENCE) {
        text += &format!("\n               {evidence}");
    }
    if !cause.remedy.now.is_empty() {
        text += &format!("\n               to do: {}", cause.remedy.now);
    }
    text
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
