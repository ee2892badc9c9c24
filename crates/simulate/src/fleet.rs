//! The whole fleet, second by second: programs on hardware, and the pages they show.

use crate::conditions::FleetConditions;
use crate::device::{Gpu, Spec};
use crate::exporter::{ContainerExporter, DcgmExporter, NodeExporter, TrainingExporter};
use crate::exporter::{replica_page, router, write_replica};
use crate::host::{Host, HostSettings, Storage, StorageSettings, StorageShare};
use crate::logs::{self, Log, LogKind, LogLine, Written};
use crate::page::{Answer, Page, Values};
use crate::quality::{Evaluation, Perception};
use crate::scenario::{HostPlan, JobPlan, PerceptionPlan, Plan, Seat, ServicePlan};
use crate::serving::{Service, Supply};
use crate::supply::{GpuDemand, GpuSupply, HostDemand, HostSupply};
use crate::training::{Job, JobDemand, JobSettings};

/// Who shows a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// dcgm-exporter of a host.
    Dcgm(usize),
    /// node_exporter of a host.
    Node(usize),
    /// The containers of a host.
    Container(usize),
    /// A replica of a service.
    Replica(usize, usize),
    /// The router of a service.
    Router(usize),
    /// The gateway before a service, which sees what clients get.
    Gateway(usize),
    /// The job that judges the answers of a service.
    Evaluation(usize),
    /// A model that perceives.
    Perception(usize),
    /// A job.
    Training(usize),
}

/// Everything that runs.
#[derive(Debug)]
pub struct Fleet {
    epoch: f64,
    seconds: u64,
    hosts: Vec<HostParts>,
    storage: Storage,
    /// What each host moved to and from the storage in the last second, and gets next.
    moved: Vec<HostDemand>,
    shares: Vec<StorageShare>,
    services: Vec<ServiceParts>,
    perception: Vec<PerceptionParts>,
    jobs: Vec<JobParts>,
    pages: Vec<Page>,
    shown: Vec<Shown>,
    /// Of each host, then of each job.
    logs: Vec<Log>,
    /// Numbers of the services and replicas whose engines write logs, in the order of these.
    engines: Vec<(usize, usize)>,
}

/// One host, and for each program on it what it did in the last second and gets next.
#[derive(Debug, Clone)]
struct HostParts {
    host: Host,
    inlet: f64,
    gpus: Vec<Gpu>,
    gpu_demands: Vec<GpuDemand>,
    gpu_supplies: Vec<GpuSupply>,
    demands: Vec<HostDemand>,
    supplies: Vec<HostSupply>,
    /// Pod and container of each program.
    pods: Vec<(String, String)>,
    written: Written,
}

/// One service and where it runs.
#[derive(Debug)]
struct ServiceParts {
    service: Service,
    evaluation: Evaluation,
    replicas: Vec<Vec<Seat>>,
    /// Number of each replica among the programs of its host.
    programs: Vec<usize>,
    supplies: Vec<Supply>,
}

/// One model that perceives, and where it runs.
#[derive(Debug)]
struct PerceptionParts {
    perception: Perception,
    seat: Seat,
}

/// One job and where it runs.
#[derive(Debug, Clone)]
struct JobParts {
    job: Job,
    ranks: Vec<Seat>,
    /// For each of its hosts: the host, and its number among the programs there.
    hosts: Vec<(usize, usize)>,
    demand: JobDemand,
    gpus: Vec<GpuSupply>,
    supplies: Vec<HostSupply>,
}

impl HostParts {
    fn new(planned: &HostPlan, seed: u64, number: usize, first_gpu: u64) -> Self {
        let spec = &planned.spec;
        let settings = HostSettings {
            cores: spec.cores,
            memory_bytes: spec.memory as f64,
            ports: spec.ports,
            ..HostSettings::default()
        };
        let gpu = Spec::named(&spec.gpu).expect("a plan names GPUs that are known");
        let gpus = (0..spec.gpus as u64).map(|place| Gpu::new(gpu, seed, first_gpu + place));
        Self {
            host: Host::new(settings, seed, number as u64),
            inlet: spec.inlet,
            gpus: gpus.collect(),
            gpu_demands: vec![GpuDemand::default(); spec.gpus],
            gpu_supplies: vec![GpuSupply::default(); spec.gpus],
            demands: Vec::new(),
            supplies: Vec::new(),
            pods: Vec::new(),
            written: Written::default(),
        }
    }

    /// Another program runs here; its number.
    fn program(&mut self, pod: String, container: &str) -> usize {
        self.pods.push((pod, container.to_owned()));
        self.demands.push(HostDemand::default());
        self.supplies.push(HostSupply::default());
        self.demands.len() - 1
    }
}

impl ServiceParts {
    fn new(planned: &ServicePlan, hosts: &mut [HostParts], service: Service, seed: u64) -> Self {
        let name = &planned.spec.name;
        let replicas = planned.replicas.iter().enumerate();
        let program = |(number, seats): (usize, &Vec<Seat>)| {
            hosts[seats[0].host].program(format!("{name}-{number}"), "engine")
        };
        Self {
            service,
            evaluation: Evaluation::new(planned.replicas.len(), seed),
            replicas: planned.replicas.clone(),
            programs: replicas.map(program).collect(),
            supplies: vec![Supply::default(); planned.replicas.len()],
        }
    }
}

impl JobParts {
    fn new(planned: &JobPlan, hosts: &mut [HostParts], settings: JobSettings, seed: u64) -> Self {
        let mut on: Vec<usize> = planned.ranks.iter().map(|seat| seat.host).collect();
        on.dedup();
        let name = &planned.spec.name;
        let program = |(number, host): (usize, usize)| {
            (host, hosts[host].program(format!("{name}-{number}"), "trainer"))
        };
        let hosts: Vec<(usize, usize)> = on.into_iter().enumerate().map(program).collect();
        Self {
            job: Job::new(settings, seed),
            ranks: planned.ranks.clone(),
            demand: JobDemand::default(),
            gpus: vec![GpuSupply::default(); planned.ranks.len()],
            supplies: vec![HostSupply::default(); hosts.len()],
            hosts,
        }
    }
}

impl Fleet {
    /// The fleet of `plan`, at rest, at `start` seconds since 1970.
    pub fn new(plan: &Plan, seed: u64, start: u64) -> Self {
        let mut fleet = Self {
            epoch: start as f64,
            seconds: 0,
            hosts: Vec::new(),
            storage: Storage::new(StorageSettings::default(), seed),
            moved: vec![HostDemand::default(); plan.hosts.len()],
            shares: vec![StorageShare::default(); plan.hosts.len()],
            services: Vec::new(),
            perception: Vec::new(),
            jobs: Vec::new(),
            pages: Vec::new(),
            shown: Vec::new(),
            logs: Vec::new(),
            engines: Vec::new(),
        };
        let mut gpus = 0;
        for (number, planned) in plan.hosts.iter().enumerate() {
            fleet.hosts.push(HostParts::new(planned, seed, number, gpus));
            gpus += planned.spec.gpus as u64;
        }
        for (number, planned) in plan.services.iter().enumerate() {
            // Services of one fleet do not share their draws.
            let seed = seed ^ ((number as u64) << 48);
            let service = Service::new(&planned.settings(&plan.hosts, start), seed);
            fleet.services.push(ServiceParts::new(planned, &mut fleet.hosts, service, seed));
        }
        for (number, planned) in plan.perception.iter().enumerate() {
            let PerceptionPlan { seat, .. } = planned;
            let seed = seed ^ ((number as u64 + 1) << 56);
            let perception = Perception::new(planned.settings(), seed);
            fleet.perception.push(PerceptionParts { perception, seat: *seat });
        }
        for planned in &plan.jobs {
            let settings = planned.settings(&plan.hosts);
            let job = JobParts::new(planned, &mut fleet.hosts, settings, seed);
            fleet.jobs.push(job);
        }
        fleet.lay_out(plan, seed);
        fleet
    }

    /// For each GPU of host number `host`, the pod and container that have it, if any.
    fn pods_on_gpus(&self, plan: &Plan, host: usize) -> Vec<Option<(String, &'static str)>> {
        let mut pods = vec![None; self.hosts[host].gpus.len()];
        for planned in &plan.services {
            for (number, seats) in planned.replicas.iter().enumerate() {
                for seat in seats.iter().filter(|seat| seat.host == host) {
                    pods[seat.gpu] = Some((format!("{}-{number}", planned.spec.name), "engine"));
                }
            }
        }
        for (parts, planned) in self.jobs.iter().zip(&plan.jobs) {
            let number = parts.hosts.iter().position(|(other, _)| *other == host);
            for seat in parts.ranks.iter().filter(|seat| seat.host == host) {
                let number = number.expect("a job has a program on each host of its ranks");
                pods[seat.gpu] = Some((format!("{}-{number}", planned.spec.name), "trainer"));
            }
        }
        pods
    }

    fn lay_out(&mut self, plan: &Plan, seed: u64) {
        let mut pages = Vec::new();
        for (number, (parts, planned)) in self.hosts.iter().zip(&plan.hosts).enumerate() {
            let pods = self.pods_on_gpus(plan, number);
            let page = DcgmExporter::new().page(&planned.name, seed, &parts.gpus, &pods);
            pages.push((Shown::Dcgm(number), page));
            let page = NodeExporter::summed(self.epoch).page(&planned.name, &parts.host);
            pages.push((Shown::Node(number), page));
            if !parts.pods.is_empty() {
                let pods: Vec<(&str, &str)> = parts
                    .pods
                    .iter()
                    .map(|(pod, container)| (pod.as_str(), container.as_str()))
                    .collect();
                let exporter = ContainerExporter::new(self.epoch, pods.len());
                pages.push((Shown::Container(number), exporter.page(&planned.name, &pods)));
            }
        }
        for (number, (parts, planned)) in self.services.iter().zip(&plan.services).enumerate() {
            let (name, model) = (&planned.spec.name, &planned.spec.model);
            let replicas = parts.service.replicas();
            let workers: Vec<String> =
                (0..replicas.len()).map(|replica| format!("{name}-{replica}:8000")).collect();
            for (replica, (parts, instance)) in replicas.iter().zip(&workers).enumerate() {
                let mut page = replica_page(parts.spec(), instance);
                let host = &plan.hosts[planned.replicas[replica][0].host].name;
                page.labels.push(("service".to_owned(), name.clone()));
                page.labels.push(("host".to_owned(), host.clone()));
                pages.push((Shown::Replica(number, replica), page));
            }
            let page = router::page(name, &format!("{name}-router:8080"), &workers);
            pages.push((Shown::Router(number), page));
            let page = router::gateway_page(name, model, &format!("{name}-gateway:9000"));
            pages.push((Shown::Gateway(number), page));
            let instance = format!("{name}-evaluation:9300");
            pages.push((Shown::Evaluation(number), Evaluation::page(name, &instance, &workers)));
        }
        for (number, planned) in plan.perception.iter().enumerate() {
            let spec = planned.settings();
            let page = Perception::page(&spec, &format!("{}:9301", spec.name));
            pages.push((Shown::Perception(number), page));
        }
        for (number, parts) in self.jobs.iter().enumerate() {
            let names: Vec<&str> =
                parts.hosts.iter().map(|(host, _)| plan.hosts[*host].name.as_str()).collect();
            let page = TrainingExporter::new(self.epoch).page(&names, &parts.job);
            pages.push((Shown::Training(number), page));
        }
        (self.shown, self.pages) = pages.into_iter().unzip();
        let log = |kind, of: &str, label: &str| Log {
            kind,
            of: of.to_owned(),
            labels: vec![(label.to_owned(), of.to_owned())],
        };
        let kernels = plan.hosts.iter().map(|host| log(LogKind::Kernel, &host.name, "Hostname"));
        let jobs = plan.jobs.iter();
        let jobs = jobs.map(|job| log(LogKind::Training, &job.spec.name, "training_job"));
        let services = self.services.iter().enumerate();
        let replicas = services.flat_map(|(service, parts)| {
            let replicas = parts.service.replicas().iter().enumerate();
            let replicas = replicas.filter(|(_, replica)| replica.has_workers());
            replicas.map(move |(replica, _)| (service, replica))
        });
        self.engines = replicas.collect();
        let engines = self.engines.iter();
        let engines = engines.map(|(service, replica)| {
            let name = &plan.services[*service].spec.name;
            log(LogKind::Engine, &format!("{name}-{replica}"), "pod")
        });
        self.logs = kernels.chain(jobs).chain(engines).collect();
    }

    /// The logs that are written.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Adds what was written into logs since the last call to `lines`, log by log.
    pub fn take_log_lines(&mut self, lines: &mut Vec<LogLine>) {
        for (number, parts) in self.hosts.iter_mut().enumerate() {
            let HostParts { host, gpus, written, .. } = parts;
            written.kernel(number, &self.logs[number].of, self.epoch, host, gpus, lines);
        }
        for (number, parts) in self.jobs.iter_mut().enumerate() {
            logs::training(self.hosts.len() + number, self.epoch, &mut parts.job, lines);
        }
        for (number, (service, replica)) in self.engines.iter().enumerate() {
            let number = self.hosts.len() + self.jobs.len() + number;
            let replica = &mut self.services[*service].service.replica_mut(*replica);
            logs::engine(number, &self.logs[number].of, self.epoch, replica, lines);
        }
    }

    /// Everything that can be scraped.
    pub fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// One second under these conditions: programs run on what hardware gave them, then
    /// hardware answers.
    pub fn advance(&mut self, conditions: &FleetConditions) {
        self.serve(conditions);
        self.perceive(conditions);
        self.train(conditions);
        self.answer(conditions);
        self.seconds += 1;
    }

    fn serve(&mut self, conditions: &FleetConditions) {
        for (number, parts) in self.services.iter_mut().enumerate() {
            let replicas = parts.replicas.iter().zip(&parts.programs);
            for (supply, (seats, program)) in parts.supplies.iter_mut().zip(replicas) {
                let host = &self.hosts[seats[0].host];
                let gpus = seats.iter().map(|seat| host.gpu_supplies[seat.gpu]);
                let gpu = gpus.reduce(GpuSupply::slowest).expect("a replica has a GPU");
                *supply = Supply { gpu, host: host.supplies[*program] };
            }
            let (replicas, service) = (&conditions.replicas[number], &conditions.services[number]);
            parts.service.advance(self.seconds, &parts.supplies, replicas, service);
            parts.evaluation.advance(self.seconds, &parts.service, replicas, service);
            let replicas = parts.service.replicas().iter();
            for (replica, (seats, program)) in
                replicas.zip(parts.replicas.iter().zip(&parts.programs))
            {
                let host = &mut self.hosts[seats[0].host];
                for (rank, seat) in seats.iter().enumerate() {
                    host.gpu_demands[seat.gpu] = *replica.gpu_demand(rank);
                }
                host.demands[*program] = replica.demand().host;
            }
        }
    }

    fn perceive(&mut self, conditions: &FleetConditions) {
        // Among services they are numbered after those that answer in words.
        let first = self.services.len();
        for (number, parts) in self.perception.iter_mut().enumerate() {
            let host = &mut self.hosts[parts.seat.host];
            let gpu = host.gpu_supplies[parts.seat.gpu];
            let sources = &conditions.sources[first + number];
            let service = &conditions.services[first + number];
            parts.perception.advance(self.seconds, &gpu, sources, service);
            host.gpu_demands[parts.seat.gpu] = *parts.perception.demand();
        }
    }

    fn train(&mut self, conditions: &FleetConditions) {
        for (number, parts) in self.jobs.iter_mut().enumerate() {
            for (supply, seat) in parts.gpus.iter_mut().zip(&parts.ranks) {
                *supply = self.hosts[seat.host].gpu_supplies[seat.gpu];
            }
            for (supply, (host, program)) in parts.supplies.iter_mut().zip(&parts.hosts) {
                *supply = self.hosts[*host].supplies[*program];
            }
            let from = self.seconds as f64;
            let to = from + 1.0;
            let (job, ranks) = (&conditions.jobs[number], &conditions.ranks[number]);
            parts.job.advance(
                from,
                to,
                &parts.gpus,
                &parts.supplies,
                job,
                ranks,
                &mut parts.demand,
            );
            for (demand, seat) in parts.demand.gpus.iter().zip(&parts.ranks) {
                self.hosts[seat.host].gpu_demands[seat.gpu] = *demand;
            }
            for (demand, (host, program)) in parts.demand.hosts.iter().zip(&parts.hosts) {
                self.hosts[*host].demands[*program] = *demand;
            }
        }
    }

    fn answer(&mut self, conditions: &FleetConditions) {
        for (moved, parts) in self.moved.iter_mut().zip(&self.hosts) {
            let all =
                parts.demands.iter().fold(HostDemand::default(), |all, demand| all.and(*demand));
            *moved = all;
        }
        self.storage.advance(1.0, &self.moved, &conditions.storage, &mut self.shares);
        for (number, parts) in self.hosts.iter_mut().enumerate() {
            let (host, ports) = (&conditions.hosts[number], &conditions.ports[number]);
            let was_up = parts.host.up();
            parts.host.advance(
                1.0,
                &parts.demands,
                self.shares[number],
                host,
                ports,
                &mut parts.supplies,
            );
            if parts.host.up() && !was_up {
                parts.gpus.iter_mut().for_each(Gpu::restart);
            }
            let demands = parts.gpu_demands.iter_mut();
            let gpus = parts.gpus.iter_mut().zip(demands).zip(&mut parts.gpu_supplies);
            for (((gpu, demand), supply), conditions) in gpus.zip(&conditions.gpus[number]) {
                *supply = gpu.advance(1.0, demand, parts.inlet, conditions);
                *demand = GpuDemand::default();
            }
            parts.demands.fill(HostDemand::default());
        }
    }

    /// What a scrape of page number `page` gets; on [`Answer::Page`], `values` has its values.
    pub fn read(&mut self, page: usize, values: &mut Values) -> Answer {
        values.clear();
        match self.shown[page] {
            Shown::Dcgm(host) => {
                let parts = &self.hosts[host];
                DcgmExporter::new().write(values, &parts.gpus);
                if parts.host.up() { DcgmExporter::answer(&parts.gpus) } else { Answer::Hangs }
            }
            Shown::Node(host) => {
                let host = &self.hosts[host].host;
                NodeExporter::summed(self.epoch).write(values, host);
                NodeExporter::answer(host)
            }
            Shown::Container(host) => {
                let parts = &self.hosts[host];
                ContainerExporter::new(self.epoch, parts.pods.len()).write(values, &parts.host);
                ContainerExporter::answer(&parts.host)
            }
            Shown::Replica(service, replica) => {
                let parts = &mut self.services[service].service;
                write_replica(&parts.replicas()[replica], self.epoch, values);
                parts.replica_mut(replica).scrape()
            }
            Shown::Router(service) => {
                router::write(&self.services[service].service, values);
                Answer::Page(0.003)
            }
            Shown::Gateway(service) => {
                router::write_gateway(&self.services[service].service, values);
                Answer::Page(0.003)
            }
            Shown::Evaluation(service) => {
                self.services[service].evaluation.write(values);
                Answer::Page(0.003)
            }
            Shown::Perception(number) => {
                self.perception[number].perception.write(values);
                Answer::Page(0.003)
            }
            Shown::Training(job) => {
                let parts = &self.jobs[job];
                TrainingExporter::new(self.epoch).write(values, &parts.job);
                TrainingExporter::answer(&self.hosts[parts.hosts[0].0].host)
            }
        }
    }
}
