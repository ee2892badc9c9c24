//! A scenario with everything decided: who runs where, what strikes whom and when.

use auscult_yaml::{Path, nearest};

use super::language::{
    EngineKind, FaultSection, HostSection, JobSection, PerceptionSection, Scenario, ServiceSection,
    TrafficKind,
};
use crate::catalogue::accelerator::{ACCELERATORS, Accelerator};
use crate::catalogue::model::{MODELS, Model};
use crate::conditions::{Injection, Injector};
use crate::fault::{self, ChangeKind, Course, Fault, Needs, Onset, Spread, Variant, dials};
use crate::place::{PartKind, Place};
use crate::random::Random;
use crate::shape::{HostShape, ServiceShape, Shape};

/// Share of GPU memory that an engine takes: vLLM's `gpu_memory_utilization`.
const MEMORY_SHARE: f64 = 0.9;
/// Dials that can be turned below zero; the others are shares, counts and speeds.
const BELOW_ZERO: [&str; 2] = ["gpu.inlet", "host.clock_offset"];

/// A mistake and the path of what it is about.
pub(super) type Mistake = (Path, String);

/// A GPU of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// Number of the host.
    pub host: usize,
    /// Number of the GPU there.
    pub gpu: usize,
}

/// A host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostPlan {
    /// Its name.
    pub name: String,
    /// What it is.
    pub spec: HostSection,
}

/// A service and where its replicas run.
#[derive(Debug, Clone, PartialEq)]
pub struct ServicePlan {
    /// What it is.
    pub spec: ServiceSection,
    /// The GPUs of each replica, all on one host.
    pub replicas: Vec<Vec<Seat>>,
}

/// A model that perceives, and where it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PerceptionPlan {
    /// What it is.
    pub spec: PerceptionSection,
    /// Its GPU.
    pub seat: Seat,
}

/// A job and where its ranks run.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPlan {
    /// What it is.
    pub spec: JobSection,
    /// The GPU of each rank.
    pub ranks: Vec<Seat>,
}

/// Something that will go wrong: the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedFault {
    /// Number in the catalogue; none of a dial turned by itself.
    pub id: Option<&'static str>,
    /// A few words; of a dial, its name.
    pub name: &'static str,
    /// Which of its ways.
    pub variant: &'static str,
    /// Whether it harms; a look-alike does not.
    pub is_harmful: bool,
    /// The parts it strikes.
    pub places: Vec<Place>,
    /// When, and how it begins.
    pub course: Course,
    /// From the mildest, 0, to the worst, 1.
    pub severity: f64,
    /// What people did when it began.
    pub change: Option<ChangeKind>,
    injections: Vec<Injection>,
}

/// A scenario with everything decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Parts of each kind.
    pub shape: Shape,
    /// Hosts.
    pub hosts: Vec<HostPlan>,
    /// Services of language models.
    pub services: Vec<ServicePlan>,
    /// Services of models that perceive; as parts, they are numbered after the others.
    pub perception: Vec<PerceptionPlan>,
    /// Jobs.
    pub jobs: Vec<JobPlan>,
    /// What goes wrong.
    pub faults: Vec<PlannedFault>,
}

impl Scenario {
    /// Decides everything that the scenario leaves open, by its seed.
    ///
    /// # Errors
    ///
    /// Each contradiction with the path of what it is about.
    pub fn plan(&self) -> Result<Plan, Vec<(Path, String)>> {
        let mut mistakes = Vec::new();
        let mut plan = Plan::default();
        plan.place(self, &mut mistakes);
        if mistakes.is_empty() {
            let top = Path::default().key("faults");
            for (number, section) in self.faults.iter().enumerate() {
                let mut random = Random::member(self.seed, "fault", number as u64);
                match plan.fault(section, &top.place(number), &mut random) {
                    Ok(fault) => plan.faults.push(fault),
                    Err(mistake) => mistakes.push(mistake),
                }
            }
        }
        if mistakes.is_empty() { Ok(plan) } else { Err(mistakes) }
    }
}

impl Plan {
    /// What changes the conditions of the fleet as planned.
    pub fn injector(&self) -> Injector {
        let injections = self.faults.iter().flat_map(|fault| fault.injections.iter().copied());
        Injector::new(&self.shape, injections.collect())
    }

    /// The same fleet without what goes wrong.
    #[must_use]
    pub fn healthy(&self) -> Self {
        Self { faults: Vec::new(), ..self.clone() }
    }

    fn place(&mut self, scenario: &Scenario, mistakes: &mut Vec<Mistake>) {
        let fleet = &scenario.fleet;
        let top = Path::default().key("fleet");
        let mut names = Vec::new();
        let mut named = |name: &str, path: Path, mistakes: &mut Vec<Mistake>| {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            if name.is_empty() || name == "storage" || !name.chars().all(is_plain) {
                let sentence = format!(
                    "`{name}` is no name: expected letters, digits, `-`, `_` and `.`, and not `storage`"
                );
                mistakes.push((path.key("name"), sentence));
            } else if names.contains(&name.to_owned()) {
                mistakes.push((path.key("name"), format!("`{name}` is there already")));
            }
            names.push(name.to_owned());
        };
        let mut groups = Vec::new();
        for (number, spec) in fleet.hosts.iter().enumerate() {
            let path = top.key("hosts").place(number);
            named(&spec.name, path.clone(), mistakes);
            if Accelerator::named(&spec.gpu).is_none() {
                let known = ACCELERATORS.iter().map(|known| known.name);
                mistakes.push((path.key("gpu"), unknown("accelerator", &spec.gpu, known)));
            }
            let first = self.hosts.len();
            self.hosts.extend((0..spec.count).map(|host| HostPlan {
                name: format!("{}-{host}", spec.name),
                spec: spec.clone(),
            }));
            groups.push((spec.name.as_str(), first..self.hosts.len()));
        }
        let mut taken = vec![0; self.hosts.len()];
        for (number, spec) in fleet.services.iter().enumerate() {
            let path = top.key("services").place(number);
            named(&spec.name, path.clone(), mistakes);
            let model = model(&spec.model, &path, mistakes);
            if spec.client_timeout.is_zero() {
                let sentence =
                    "clients that wait no time get no answer; expected a time such as 2m";
                mistakes.push((path.key("client_timeout"), sentence.to_owned()));
            }
            let Some(hosts) = group(&groups, &spec.hosts, &path, mistakes) else { continue };
            let gpu = Accelerator::named(&self.hosts[hosts.start].spec.gpu);
            if let (Some(model), Some(gpu)) = (model, gpu) {
                let room = gpu.memory_bytes * spec.gpus as f64 * MEMORY_SHARE;
                if model.weight_bytes() > room {
                    let sentence = format!(
                        "the weights of {} take {:.0} GB, and {} {} leave {:.0} GB for them and the cache; take more GPUs",
                        model.name,
                        model.weight_bytes() / 1e9,
                        spec.gpus,
                        gpu.name,
                        room / 1e9
                    );
                    mistakes.push((path.key("gpus"), sentence));
                }
            }
            let mut replicas = Vec::with_capacity(spec.replicas);
            for _ in 0..spec.replicas {
                // The emptiest host that has room, the first of equals.
                let free = |host: &usize| self.hosts[*host].spec.gpus - taken[*host];
                let host = hosts.clone().rev().max_by_key(|host| free(host));
                let Some(host) = host.filter(|host| free(host) >= spec.gpus) else { break };
                replicas.push(
                    (0..spec.gpus).map(|gpu| Seat { host, gpu: taken[host] + gpu }).collect(),
                );
                taken[host] += spec.gpus;
            }
            if replicas.len() < spec.replicas {
                let sentence = format!(
                    "`{}` has room for {} of {} replicas with {} GPUs each; add hosts or take fewer replicas",
                    spec.hosts,
                    replicas.len(),
                    spec.replicas,
                    spec.gpus
                );
                mistakes.push((path.key("replicas"), sentence));
            }
            self.services.push(ServicePlan { spec: spec.clone(), replicas });
        }
        for (number, spec) in fleet.perception.iter().enumerate() {
            let path = top.key("perception").place(number);
            named(&spec.name, path.clone(), mistakes);
            let Some(hosts) = group(&groups, &spec.hosts, &path, mistakes) else { continue };
            let free = hosts.clone().find(|host| taken[*host] < self.hosts[*host].spec.gpus);
            let Some(host) = free else {
                let sentence = format!("`{}` has no free GPU for it", spec.hosts);
                mistakes.push((path.key("hosts"), sentence));
                continue;
            };
            let seat = Seat { host, gpu: taken[host] };
            taken[host] += 1;
            self.perception.push(PerceptionPlan { spec: spec.clone(), seat });
        }
        for (number, spec) in fleet.jobs.iter().enumerate() {
            let path = top.key("jobs").place(number);
            named(&spec.name, path.clone(), mistakes);
            model(&spec.model, &path, mistakes);
            let Some(hosts) = group(&groups, &spec.hosts, &path, mistakes) else { continue };
            // A job has whole hosts, those of the group that nobody uses.
            let hosts: Vec<usize> = hosts.filter(|host| taken[*host] == 0).collect();
            let seats = |host: &usize| {
                let host = *host;
                (0..self.hosts[host].spec.gpus).map(move |gpu| Seat { host, gpu })
            };
            let ranks: Vec<Seat> = hosts.iter().flat_map(seats).collect();
            hosts.iter().for_each(|host| taken[*host] = self.hosts[*host].spec.gpus);
            let unit = spec.tensor_parallel * spec.pipeline_parallel;
            if ranks.is_empty() || !ranks.len().is_multiple_of(unit) {
                let sentence = format!(
                    "`{}` has {} GPUs on hosts that nobody else uses; expected a multiple of {unit} (tensor by pipeline parallel)",
                    spec.hosts,
                    ranks.len()
                );
                mistakes.push((path.key("hosts"), sentence));
            }
            self.jobs.push(JobPlan { spec: spec.clone(), ranks });
        }
        let serving = self.services.iter();
        let serving =
            serving.map(|service| ServiceShape { replicas: service.replicas.len(), sources: 0 });
        let perceiving = self.perception.iter();
        let perceiving =
            perceiving.map(|service| ServiceShape { replicas: 0, sources: service.spec.sources });
        self.shape = Shape {
            services: serving.chain(perceiving).collect(),
            hosts: self
                .hosts
                .iter()
                .map(|host| HostShape { gpus: host.spec.gpus, ports: host.spec.ports })
                .collect(),
            jobs: self.jobs.iter().map(|job| job.ranks.len()).collect(),
        };
    }

    fn fault(
        &self,
        section: &FaultSection,
        path: &Path,
        random: &mut Random,
    ) -> Result<PlannedFault, Mistake> {
        let onset = match &section.onset {
            None => None,
            Some(word) => Some(Onset::from_word(word).ok_or_else(|| {
                (
                    path.key("onset"),
                    format!("`{word}` is no onset: expected sudden, creeping or intermittent"),
                )
            })?),
        };
        let (start, lasts) = (section.at.as_secs_f64(), section.lasts.as_secs_f64());
        let course = |usual| Course { start, end: start + lasts, onset: onset.unwrap_or(usual) };
        match (&section.fault, &section.dial) {
            (Some(id), None) => {
                let fault = known_fault(id, path)?;
                let variant = choose_variant(fault, section, path, random)?;
                let places = self.places(fault, variant, section, path, random)?;
                let course = course(fault.onsets[0]);
                let turn = |place: &Place| {
                    let place = *place;
                    variant.turns.iter().flat_map(move |turn| {
                        Injection::of(
                            &self.shape,
                            place,
                            turn.dial,
                            turn.at(section.severity),
                            course,
                        )
                    })
                };
                let mut injections: Vec<Injection> = places.iter().flat_map(turn).collect();
                // A dial of what holds several of the places is turned once.
                let mut seen = Vec::new();
                injections.retain(|injection| {
                    let is_new = !seen.contains(injection);
                    seen.push(*injection);
                    is_new
                });
                Ok(PlannedFault {
                    id: Some(fault.id),
                    name: fault.name,
                    variant: variant.name,
                    is_harmful: fault.is_harmful(),
                    places,
                    course,
                    severity: section.severity,
                    change: variant.change,
                    injections,
                })
            }
            (None, Some(name)) => {
                let Some((kind, dial)) = fault::find_dial(name) else {
                    let known = PartKind::ALL.into_iter().flat_map(dials).map(|dial| dial.name);
                    return Err((path.key("dial"), unknown("dial", name, known)));
                };
                let value = section
                    .value
                    .ok_or_else(|| (path.clone(), format!("`{name}` needs a `value`")))?;
                if value < 0.0 && !BELOW_ZERO.contains(&name.as_str()) {
                    let sentence = format!("`{name}` cannot be {value}; expected 0 or more");
                    return Err((path.key("value"), sentence));
                }
                let place = match &section.place {
                    Some(name) => self.named(name, path)?,
                    None => {
                        let parts: Vec<Place> = self.shape.parts(kind).collect();
                        *parts.get(random.below(parts.len())).ok_or_else(|| {
                            (path.key("dial"), format!("the fleet has no {} for it", kind.word()))
                        })?
                    }
                };
                let course = course(Onset::Sudden);
                let injections = Injection::of(&self.shape, place, name, value, course);
                if injections.is_empty() {
                    let sentence = format!(
                        "`{name}` is a dial of a {}, and {} has none",
                        kind.word(),
                        self.name(place)
                    );
                    return Err((path.key("place"), sentence));
                }
                Ok(PlannedFault {
                    id: None,
                    name: dials(kind)[dial].name,
                    variant: "",
                    is_harmful: true,
                    places: vec![place],
                    course,
                    severity: section.severity,
                    change: None,
                    injections,
                })
            }
            _ => Err((path.clone(), "expected either a `fault` or a `dial`".to_owned())),
        }
    }

    fn named(&self, name: &str, path: &Path) -> Result<Place, Mistake> {
        self.find(name).ok_or_else(|| {
            let parts = PartKind::ALL
                .into_iter()
                .flat_map(|kind| self.shape.parts(kind))
                .map(|place| self.name(place));
            let parts: Vec<String> = parts.collect();
            (
                path.key("place"),
                unknown("part of this fleet", name, parts.iter().map(String::as_str)),
            )
        })
    }

    /// The parts that a fault strikes.
    fn places(
        &self,
        fault: &Fault,
        variant: &Variant,
        section: &FaultSection,
        path: &Path,
        random: &mut Random,
    ) -> Result<Vec<Place>, Mistake> {
        let kind = variant.spread.kind();
        let eligible: Vec<Place> =
            self.shape.parts(kind).filter(|place| self.may_strike(fault.needs, *place)).collect();
        if eligible.is_empty() {
            return Err((
                path.key("fault"),
                format!("{} ({}) {}", fault.id, fault.name, needed(fault.needs, kind)),
            ));
        }
        let asked = section.place.as_ref().map(|name| self.named(name, path)).transpose()?;
        let struck = match asked {
            None => eligible[random.below(eligible.len())],
            Some(place) if place.kind == kind && eligible.contains(&place) => place,
            Some(place)
                if !matches!(variant.spread, Spread::One(_))
                    && kind.holder() == Some(place.kind) =>
            {
                let within = eligible.iter().find(|member| member.holder == place.holder);
                *within.ok_or_else(|| {
                    (path.key("place"), format!("nothing of {} can have it", self.name(place)))
                })?
            }
            Some(place) => {
                let sentence = format!(
                    "{} ({}) strikes a {}, such as {}; {} is none that can have it",
                    fault.id,
                    fault.name,
                    kind.word(),
                    self.name(eligible[0]),
                    self.name(place)
                );
                return Err((path.key("place"), sentence));
            }
        };
        let mut peers: Vec<Place> =
            eligible.into_iter().filter(|place| place.holder == struck.holder).collect();
        Ok(match variant.spread {
            Spread::One(_) => vec![struck],
            Spread::All(_) => peers,
            Spread::Some(_) => {
                let count = peers.len().div_ceil(3).max(2).min(peers.len());
                // A run of neighbours that holds the one that was drawn or asked for.
                let at = peers.iter().position(|place| *place == struck).unwrap_or(0);
                let count_before = at.min(peers.len() - count);
                peers.drain(count_before..count_before + count).collect()
            }
        })
    }

    /// Whether the part at `place` has what a fault with `needs` takes.
    fn may_strike(&self, needs: Needs, place: Place) -> bool {
        let Place { kind, holder, member } = place;
        let service = match kind {
            PartKind::Service | PartKind::Replica => {
                self.services.get(holder).map(|service| &service.spec)
            }
            _ => None,
        };
        let works_here = |seat: &Seat| match kind {
            PartKind::Gpu => seat.host == holder && seat.gpu == member,
            PartKind::Host | PartKind::Port => seat.host == holder,
            _ => true,
        };
        let is_job = |job: &JobPlan| {
            !matches!(kind, PartKind::Job | PartKind::Rank)
                || self.jobs[holder].spec.name == job.spec.name
        };
        let spans_hosts =
            |job: &JobPlan| job.ranks.iter().any(|seat| seat.host != job.ranks[0].host);
        match needs {
            Needs::Service => service.is_some(),
            Needs::Speculation => service.is_some_and(|service| service.speculation),
            Needs::Adapters => service.is_some_and(|service| service.adapters > 0),
            Needs::Disaggregation => service.is_some_and(|service| service.disaggregation),
            Needs::Workers => self.services.get(holder).is_some_and(|planned| {
                planned.spec.engine == EngineKind::Vllm
                    && planned.replicas.len() > 1
                    && planned.replicas.iter().all(|seats| seats.len() > 1)
            }),
            Needs::Room => service.is_some_and(|service| service.load <= ROOM),
            Needs::Busy => service.is_some_and(|service| service.load > ROOM),
            Needs::Unshared => service.is_some_and(|service| service.traffic != TrafficKind::Chat),
            Needs::Sessions => service.is_some_and(|service| service.traffic == TrafficKind::Chat),
            Needs::Experts => service.is_some_and(|service| is_mixture(&service.model)),
            Needs::Sources => kind == PartKind::Source,
            Needs::Job => {
                self.jobs.iter().any(|job| is_job(job) && job.ranks.iter().any(works_here))
            }
            Needs::Fabric => self
                .jobs
                .iter()
                .any(|job| is_job(job) && spans_hosts(job) && job.ranks.iter().any(works_here)),
            Needs::Links => {
                let groups = self.services.iter().flat_map(|service| &service.replicas);
                let together = groups.filter(|seats| seats.len() > 1).flatten();
                together.chain(self.jobs.iter().flat_map(|job| &job.ranks)).any(works_here)
            }
            Needs::Hardware => {
                let serving =
                    self.services.iter().flat_map(|service| service.replicas.iter().flatten());
                let perceiving = self.perception.iter().map(|service| &service.seat);
                serving
                    .chain(perceiving)
                    .chain(self.jobs.iter().flat_map(|job| &job.ranks))
                    .any(works_here)
            }
        }
    }
}

/// Load up to which a service has room for twice of what comes.
pub(super) const ROOM: f64 = 0.4;

fn is_mixture(model: &str) -> bool {
    Model::named(model).is_some_and(|model| model.experts > 0.0)
}

/// The model called `name`, if it is known.
fn model(name: &str, path: &Path, mistakes: &mut Vec<Mistake>) -> Option<Model> {
    let model = Model::named(name);
    if model.is_none() {
        let known = MODELS.iter().map(|model| model.name);
        mistakes.push((path.key("model"), unknown("model", name, known)));
    }
    model
}

/// What a fleet lacks for a fault.
fn needed(needs: Needs, kind: PartKind) -> String {
    match needs {
        Needs::Service => "needs a service".to_owned(),
        Needs::Speculation => "needs a service with `speculation: true`".to_owned(),
        Needs::Adapters => "needs a service with `adapters`".to_owned(),
        Needs::Disaggregation => "needs a service with `disaggregation: true`".to_owned(),
        Needs::Room => format!(
            "needs a service with `load` of at most {ROOM}, so that there is room for twice as much"
        ),
        Needs::Busy => format!(
            "needs a service with `load` above {ROOM}: below, there is room for twice as much"
        ),
        Needs::Workers => {
            "needs a service of vLLM with several replicas of several GPUs each".to_owned()
        }
        Needs::Unshared => "needs a service with `traffic: code` or `documents`".to_owned(),
        Needs::Sessions => "needs a service with `traffic: chat`".to_owned(),
        Needs::Experts => "needs a service whose model is a mixture of experts".to_owned(),
        Needs::Sources => "needs a model under `perception`".to_owned(),
        Needs::Job => "needs a training job".to_owned(),
        Needs::Fabric => "needs a training job over several hosts".to_owned(),
        Needs::Links => "needs a replica of several GPUs, or a training job".to_owned(),
        Needs::Hardware => format!("needs a {} that something runs on", kind.word()),
    }
}

fn known_fault(id: &str, path: &Path) -> Result<&'static Fault, Mistake> {
    fault::fault(id).ok_or_else(|| {
        let known = fault::faults().chain(fault::LOOKALIKES).map(|fault| fault.id);
        (path.key("fault"), unknown("fault", id, known))
    })
}

fn choose_variant(
    fault: &'static Fault,
    section: &FaultSection,
    path: &Path,
    random: &mut Random,
) -> Result<&'static Variant, Mistake> {
    let drawn = random.below(fault.variants.len());
    let Some(name) = &section.variant else { return Ok(&fault.variants[drawn]) };
    fault.variants.iter().find(|variant| variant.name == name).ok_or_else(|| {
        let known = fault.variants.iter().map(|variant| variant.name);
        (path.key("variant"), unknown(&format!("variant of {}", fault.id), name, known))
    })
}

/// The hosts of the group called `name`.
fn group(
    groups: &[(&str, std::ops::Range<usize>)],
    name: &str,
    path: &Path,
    mistakes: &mut Vec<Mistake>,
) -> Option<std::ops::Range<usize>> {
    let found = groups.iter().find(|(group, _)| *group == name);
    if found.is_none() {
        let known = groups.iter().map(|(group, _)| *group);
        mistakes.push((path.key("hosts"), unknown("group of hosts", name, known)));
    }
    found.map(|(_, hosts)| hosts.clone())
}

/// "there is no …", with the nearest that is there.
fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(nearest) => format!("there is no {what} `{name}`; did you mean `{nearest}`?"),
        None => format!("there is no {what} `{name}`"),
    }
}
