//! Scenarios drawn by seed: any number for each fault, none like the other.

use crate::fault::{Fault, LOOKALIKES, Needs, Onset, fault, faults};
use crate::random::Random;

use super::plan::ROOM;

/// Scenarios of the library for each fault and look-alike.
pub const LIBRARY_EACH: usize = 5;

/// Names of the scenarios of the library: `G1/1` to `G1/5`, and so for each fault and
/// look-alike, and `healthy/1` to `healthy/5`.
pub fn library() -> impl Iterator<Item = String> {
    let ids = faults().chain(LOOKALIKES).map(|fault| fault.id).chain(["healthy"]);
    ids.flat_map(|id| (1..=LIBRARY_EACH).map(move |number| format!("{id}/{number}")))
}

/// The scenario `NAME` of the library, as YAML; none if there is no such fault. Numbers above
/// those of the library give scenarios that it does not have: for evaluation with ones that
/// nobody has seen. Two faults joined by `+` strike together: `G1+T1/7`.
///
/// ```
/// use auscult_simulate::scenario::{Scenario, scenario_text};
/// let text = scenario_text("G1/3").unwrap();
/// assert!(text.contains("fault: G1"));
/// assert!(Scenario::read("G1/3", &text).is_ok());
/// assert!(scenario_text("G99/1").is_none());
/// ```
pub fn scenario_text(name: &str) -> Option<String> {
    let (ids, number) = name.split_once('/')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let mut random = Random::member(number, ids, 0);
    if ids == "healthy" {
        let fleet = Fleet::draw(&[], &mut random);
        return Some(text(name, "Nothing goes wrong.", &fleet, &[], &mut random));
    }
    let struck: Option<Vec<&Fault>> = ids.split('+').map(fault).collect();
    let struck = struck.filter(|struck| struck.len() <= 2)?;
    let needs: Vec<Needs> = struck.iter().map(|fault| fault.needs).collect();
    let fleet = Fleet::draw(&needs, &mut random);
    Some(struck_text(name, &fleet, &struck, &mut random))
}

/// The case `NAME`, such as `G1/3`, as a scenario: as [`scenario_text`], in a fleet that has more than the fault
/// needs, drawn by chance, so that what a fleet has does not give away what ails it.
///
/// ```
/// use auscult_simulate::scenario::{Scenario, case_text};
/// let text = case_text("G1/3").unwrap();
/// assert!(text.contains("services:") && Scenario::read("G1/3", &text).is_ok());
/// ```
pub fn case_text(name: &str) -> Option<String> {
    let (id, number) = name.split_once('/')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let mut random = Random::member(number, id, 1);
    let struck: Vec<&Fault> = if id == "healthy" { Vec::new() } else { vec![fault(id)?] };
    let mut needs: Vec<Needs> = struck.iter().map(|fault| fault.needs).collect();
    needs.push(Needs::Service);
    for need in
        [Needs::Speculation, Needs::Adapters, Needs::Disaggregation, Needs::Sources, Needs::Job]
    {
        if random.chance(0.5) {
            needs.push(need);
        }
    }
    if random.chance(0.4) && !needs.contains(&Needs::Links) {
        needs.push(Needs::Experts);
    }
    let fleet = Fleet::draw(&needs, &mut random);
    if struck.is_empty() {
        return Some(text(name, "Nothing goes wrong.", &fleet, &[], &mut random));
    }
    Some(struck_text(name, &fleet, &struck, &mut random))
}

/// The case `NAME`, such as `E3/2`, as a scenario: as [`scenario_text`], where one host serves with one replica
/// or two, or trains with four GPUs or eight, as most with a model of their own do. There is none of faults that
/// take more than that.
///
/// ```
/// use auscult_simulate::scenario::{Scenario, small_text};
/// let text = small_text("E3/2").unwrap();
/// assert!(text.contains("{name: serve, count: 1,") && Scenario::read("E3/2", &text).is_ok());
/// assert!(small_text("N5/2").is_none(), "a fabric takes several hosts");
/// ```
pub fn small_text(name: &str) -> Option<String> {
    let (id, number) = name.split_once('/')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let mut random = Random::member(number, id, 2);
    let struck: Vec<&Fault> = if id == "healthy" { Vec::new() } else { vec![fault(id)?] };
    let needs: Vec<Needs> = struck.iter().map(|fault| fault.needs).collect();
    let takes_more = |need: &Needs| {
        use Needs::{Disaggregation, Fabric, Sources, Workers};
        matches!(need, Fabric | Disaggregation | Sources | Workers)
    };
    if needs.iter().any(takes_more) {
        return None;
    }
    let mut fleet =
        Fleet { hosts: Vec::new(), services: Vec::new(), perception: Vec::new(), jobs: Vec::new() };
    let accelerator = ACCELERATORS[random.below(ACCELERATORS.len())];
    let (serves, trains) = match needs.as_slice() {
        [Needs::Job] => (false, true),
        // Either will do.
        [] | [Needs::Hardware] => {
            [(true, false), (true, false), (true, true), (false, true)][random.below(4)]
        }
        _ => (true, false),
    };
    if serves {
        fleet.serve(&needs, true, accelerator, &mut random);
    }
    if trains {
        fleet.train_small(accelerator, &mut random);
    }
    Some(match *struck {
        [] => text(name, "Nothing goes wrong.", &fleet, &[], &mut random),
        _ => struck_text(name, &fleet, &struck, &mut random),
    })
}

fn struck_text(name: &str, fleet: &Fleet, struck: &[&Fault], random: &mut Random) -> String {
    let what: Vec<&str> = struck.iter().map(|fault| fault.name).collect();
    text(name, &format!("{}.", what.join(" and ")), fleet, struck, random)
}

/// What a drawn fleet is made of.
struct Fleet {
    hosts: Vec<String>,
    /// Without the closing brace: more is drawn by the seed of the run.
    services: Vec<String>,
    perception: Vec<String>,
    /// The same.
    jobs: Vec<String>,
}

/// A model and the accelerators one replica of it takes.
struct Served {
    model: &'static str,
    gpus: usize,
}

const DENSE: &[Served] = &[
    Served { model: "llama-3.1-8b", gpus: 1 },
    Served { model: "qwen2.5-32b", gpus: 2 },
    Served { model: "llama-3.3-70b-fp8", gpus: 2 },
    Served { model: "llama-3.3-70b", gpus: 4 },
];

const MIXTURES: &[Served] = &[
    Served { model: "mixtral-8x7b", gpus: 2 },
    Served { model: "qwen3-30b-a3b", gpus: 2 },
    Served { model: "qwen3-235b-a22b-fp8", gpus: 8 },
];

const ACCELERATORS: [&str; 3] = ["H100", "H200", "B200"];

impl Fleet {
    fn draw(needs: &[Needs], random: &mut Random) -> Self {
        let has = |need| needs.contains(&need);
        let accelerator = ACCELERATORS[random.below(ACCELERATORS.len())];
        let mut fleet = Self {
            hosts: Vec::new(),
            services: Vec::new(),
            perception: Vec::new(),
            jobs: Vec::new(),
        };
        let trains = has(Needs::Job) || has(Needs::Fabric);
        let serves = needs.is_empty()
            || !needs.iter().all(|need| matches!(need, Needs::Job | Needs::Fabric));
        if serves {
            fleet.serve(needs, false, accelerator, random);
        }
        if has(Needs::Sources) || (needs.is_empty() && random.chance(0.3)) {
            let kind = ["speech", "vision", "driving"][random.below(3)];
            let sources = 3 + random.below(6);
            fleet.hosts.push(format!("{{name: edge, gpu: {accelerator}, gpus: 1, cores: 32}}"));
            fleet
                .perception
                .push(format!("{{name: {kind}, kind: {kind}, hosts: edge, sources: {sources}}}"));
        }
        if trains || (needs.is_empty() && random.chance(0.5)) {
            let hosts = 2 + random.below(3);
            fleet.hosts.push(format!("{{name: train, count: {hosts}, gpu: {accelerator}}}"));
            let (model, tensor, pipeline) =
                [("llama-3.1-8b", 1, 1), ("qwen2.5-32b", 4, 1), ("llama-3.3-70b", 8, 2)]
                    [random.below(3)];
            let pipeline = if hosts.is_multiple_of(pipeline) { pipeline } else { 1 };
            let interval = 5 + random.below(6);
            fleet.jobs.push(format!(
                "{{name: pretrain, model: {model}, hosts: train, tensor_parallel: {tensor}, pipeline_parallel: {pipeline}, checkpoint_interval: {interval}m"
            ));
        }
        fleet
    }

    /// A host that trains, and what.
    fn train_small(&mut self, accelerator: &str, random: &mut Random) {
        let gpus = [4, 8][random.below(2)];
        self.hosts.push(format!("{{name: train, count: 1, gpu: {accelerator}, gpus: {gpus}}}"));
        let (model, interval) = ("llama-3.1-8b", 5 + random.below(6));
        self.jobs.push(format!(
            "{{name: pretrain, model: {model}, hosts: train, checkpoint_interval: {interval}m"
        ));
    }

    /// Hosts that serve, and what they serve.
    fn serve(&mut self, needs: &[Needs], is_small: bool, accelerator: &str, random: &mut Random) {
        let has = |need| needs.contains(&need);
        let served = if has(Needs::Links) || has(Needs::Workers) {
            &DENSE[1 + random.below(DENSE.len() - 1)]
        } else if has(Needs::Experts) {
            &MIXTURES[random.below(MIXTURES.len())]
        } else {
            &DENSE[random.below(DENSE.len())]
        };
        let (hosts, replicas) = if is_small {
            let replicas = 1 + random.below((8 / served.gpus).min(2));
            // One replica has all the sessions that there are.
            (1, if has(Needs::Sessions) { (8 / served.gpus).min(2) } else { replicas })
        } else {
            let hosts = 1 + random.below(3);
            let fit = hosts * 8 / served.gpus;
            let least = if has(Needs::Disaggregation) { 4 } else { 3 };
            let hosts = if fit < least { hosts + 2 } else { hosts };
            let fit = (hosts * 8 / served.gpus).min(12);
            (hosts, least.min(fit) + random.below(fit - least.min(fit) + 1))
        };
        let inlet = 20 + random.below(9);
        self.hosts
            .push(format!("{{name: serve, count: {hosts}, gpu: {accelerator}, inlet: {inlet}}}"));
        let mut engine = if random.chance(0.7) { "vllm" } else { "sglang" };
        let mut traffic = ["chat", "chat", "code", "documents"][random.below(4)];
        if has(Needs::Unshared) && traffic == "chat" {
            traffic = ["code", "documents"][random.below(2)];
        }
        if has(Needs::Sessions) {
            traffic = "chat";
        }
        let range = if has(Needs::Room) {
            [0.1, 0.9 * ROOM]
        } else if is_small && !has(Needs::Busy) {
            [0.1, 0.75]
        } else {
            [1.1 * ROOM, 0.75]
        };
        let mut load = random.between(range[0], range[1]);
        if has(Needs::Workers) {
            // The others have room for what one replica does no more.
            (engine, load) = ("vllm", load * 0.6);
        }
        let mut service = format!(
            "{{name: chat, model: {}, engine: {engine}, hosts: serve, replicas: {replicas}, gpus: {}, load: {load:.2}, traffic: {traffic}",
            served.model, served.gpus
        );
        if has(Needs::Adapters) {
            service += &format!(", adapters: {}", 6 + random.below(20));
        }
        if has(Needs::Speculation) || (needs.is_empty() && random.chance(0.3)) {
            service += ", speculation: true";
        }
        if has(Needs::Disaggregation) {
            service += ", disaggregation: true";
        }
        self.services.push(service);
    }
}

/// Monday, 2 March 2026, in seconds since 1970.
const MONDAY: usize = 1_772_409_600;

/// Whether a fault is nothing where nobody asks for anything: those of traffic, and of what
/// binds under load only.
fn shows_under_load(fault: &Fault) -> bool {
    let binds = ["S1", "S2", "S3", "S4", "S5", "S8", "E2", "E4", "E5", "E6", "E9"];
    fault.id.starts_with('T') || binds.contains(&fault.id)
}

/// Whether a fault takes most of an hour to be seen.
fn is_slow(fault: &Fault) -> bool {
    ["E5", "D2", "M5", "M6", "R7", "R9", "R10"].contains(&fault.id)
}

/// How long the clients of a service wait for an answer, and how often they ask again: drawn by the seed of its run.
fn clients(seed: u64) -> String {
    let mut random = Random::new(seed, "clients");
    let timeout = [1, 2, 5, 10][random.below(4)];
    // Two is what the libraries of OpenAI and Anthropic do; none is what a page in a browser does.
    let retries = [0, 2, 2, 3][random.below(4)];
    format!(", client_timeout: {timeout}m, client_retries: {retries}}}")
}

/// How the ranks of a job wait: drawn by the seed of its run.
fn waiting(seed: u64) -> String {
    format!(", busy_waiting: {}}}", Random::new(seed, "waiting").chance(0.5))
}

fn text(name: &str, about: &str, fleet: &Fleet, struck: &[&Fault], random: &mut Random) -> String {
    let seed = random.bits() >> 32;
    let start = if struck.iter().any(|fault| shows_under_load(fault)) {
        // Monday to Friday, 10:00 to 17:00.
        MONDAY + random.below(5) * 86_400 + 36_000 + random.below(7 * 4) * 900
    } else {
        // Some moment of a week: nights and weekends too.
        MONDAY + random.below(7 * 24 * 4) * 900
    };
    let slow = struck.iter().any(|fault| is_slow(fault));
    let duration = if slow { "2h30m" } else { "1h30m" };
    let mut text = format!(
        "scenario: {name}\nabout: {about}\nseed: {seed}\nstart: {start}\nduration: {duration}\nfleet:\n"
    );
    for (key, parts) in [
        ("hosts", &fleet.hosts),
        ("services", &fleet.services),
        ("perception", &fleet.perception),
        ("jobs", &fleet.jobs),
    ] {
        if !parts.is_empty() {
            text += &format!("  {key}:\n");
        }
        for part in parts {
            let more = match key {
                "services" => clients(seed),
                "jobs" => waiting(seed),
                _ => String::new(),
            };
            text += &format!("    - {part}{more}\n");
        }
    }
    if !struck.is_empty() {
        text += "faults:\n";
    }
    let at = 45 + random.below(16);
    for fault in struck {
        let lasts = if slow { 60 } else { 15 } + random.below(11);
        let severity = random.between(0.2, 1.0);
        let onset: Onset = fault.onsets[random.below(fault.onsets.len())];
        text += &format!(
            "  - {{fault: {}, at: {at}m, for: {lasts}m, severity: {severity:.2}, onset: {}}}\n",
            fault.id,
            onset.word()
        );
    }
    text
}
