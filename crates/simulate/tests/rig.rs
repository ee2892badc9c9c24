//! A job on its GPUs, hosts and storage, wired as a fleet wires them.

use auscult_simulate::conditions::{
    GpuConditions, HostConditions, JobConditions, PortConditions, RankConditions, StorageConditions,
};
use auscult_simulate::device::{Gpu, Xid};
use auscult_simulate::host::{Host, HostSettings, Storage, StorageSettings, StorageShare};
use auscult_simulate::supply::{GpuSupply, HostSupply};
use auscult_simulate::training::{
    Job, JobDemand, JobEvent, JobReading, JobSettings, RankReading, StepRecord, What,
};

/// Everything that may be wrong; tests turn its dials.
#[derive(Clone)]
pub(crate) struct Dials {
    pub(crate) gpus: Vec<GpuConditions>,
    pub(crate) ports: Vec<Vec<PortConditions>>,
    pub(crate) hosts: Vec<HostConditions>,
    pub(crate) storage: StorageConditions,
    pub(crate) job: JobConditions,
    pub(crate) ranks: Vec<RankConditions>,
}

pub(crate) struct Rig {
    pub(crate) dials: Dials,
    pub(crate) job: Job,
    pub(crate) gpus: Vec<Gpu>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) demand: JobDemand,
    pub(crate) log: Vec<StepRecord>,
    pub(crate) events: Vec<JobEvent>,
    pub(crate) xids: Vec<(usize, Xid)>,
    storage: Storage,
    shares: Vec<StorageShare>,
    gpu_supplies: Vec<GpuSupply>,
    host_supplies: Vec<HostSupply>,
    now: f64,
}

impl Rig {
    pub(crate) fn new(settings: JobSettings, seed: u64) -> Self {
        let (ranks, hosts) = (settings.ranks(), settings.hosts());
        let spec = settings.gpu;
        Self {
            dials: Dials {
                gpus: vec![GpuConditions::default(); ranks],
                ports: vec![vec![PortConditions::default(); 8]; hosts],
                hosts: vec![HostConditions::default(); hosts],
                storage: StorageConditions::default(),
                job: JobConditions::default(),
                ranks: vec![RankConditions::default(); ranks],
            },
            gpus: (0..ranks).map(|rank| Gpu::new(spec, seed, rank as u64)).collect(),
            hosts: (0..hosts)
                .map(|host| Host::new(HostSettings::default(), seed, host as u64))
                .collect(),
            demand: JobDemand::default(),
            log: Vec::new(),
            events: Vec::new(),
            xids: Vec::new(),
            storage: Storage::new(StorageSettings::default(), seed),
            shares: vec![StorageShare::default(); hosts],
            gpu_supplies: vec![GpuSupply::default(); ranks],
            host_supplies: vec![HostSupply::default(); hosts],
            now: 0.0,
            job: Job::new(settings, seed),
        }
    }

    /// Sixteen ranks on two hosts, warmed up.
    pub(crate) fn warm() -> Self {
        let mut rig = Self::new(JobSettings::sixteen(), 11);
        rig.run(400);
        rig.log.clear();
        rig.events.clear();
        rig
    }

    /// Goes on by `seconds`, one at a time.
    pub(crate) fn run(&mut self, seconds: usize) {
        self.run_by(seconds, 1.0);
    }

    /// Goes on by `steps` of `by` seconds.
    pub(crate) fn run_by(&mut self, steps: usize, by: f64) {
        let mut supplies = Vec::new();
        for _ in 0..steps {
            let dials = &self.dials;
            self.job.advance(
                self.now,
                self.now + by,
                &self.gpu_supplies,
                &self.host_supplies,
                &dials.job,
                &dials.ranks,
                &mut self.demand,
            );
            self.log.extend(self.job.take_steps());
            self.events.extend(self.job.take_events());
            for (rank, gpu) in self.gpus.iter_mut().enumerate() {
                self.gpu_supplies[rank] =
                    gpu.advance(by, &self.demand.gpus[rank], 27.0, &dials.gpus[rank]);
                self.xids.extend(gpu.take_xids().map(|xid| (rank, xid)));
            }
            self.storage.advance(by, &self.demand.hosts, &dials.storage, &mut self.shares);
            for (index, host) in self.hosts.iter_mut().enumerate() {
                let programs = &self.demand.hosts[index..=index];
                let conditions = &dials.hosts[index];
                let ports = &dials.ports[index];
                host.advance(by, programs, self.shares[index], conditions, ports, &mut supplies);
                self.host_supplies[index] = supplies[0];
            }
            self.now += by;
        }
    }

    /// Mean of `read` over `seconds`.
    pub(crate) fn mean(&mut self, seconds: usize, read: impl Fn(&Self) -> f64) -> f64 {
        let mut sum = 0.0;
        for _ in 0..seconds {
            self.run(1);
            sum += read(self);
        }
        sum / seconds as f64
    }

    pub(crate) fn reading(&self) -> JobReading {
        *self.job.reading()
    }

    pub(crate) fn ranks(&self) -> Vec<RankReading> {
        (0..self.job.settings().ranks()).map(|rank| self.job.rank(rank)).collect()
    }

    /// The rank that waits least in collectives.
    pub(crate) fn waits_least(&self) -> usize {
        let ranks = self.ranks();
        let by = |a: &usize, b: &usize| {
            ranks[*a].collective_seconds.total_cmp(&ranks[*b].collective_seconds)
        };
        (0..ranks.len()).min_by(by).expect("ranks")
    }

    /// Mean seconds of the steps in the log.
    pub(crate) fn mean_step(&self) -> f64 {
        let sum: f64 = self.log.iter().map(|step| step.reading.step_seconds).sum();
        sum / self.log.len() as f64
    }

    pub(crate) fn happened(&self, which: impl Fn(&What) -> bool) -> usize {
        self.events.iter().filter(|event| which(&event.what)).count()
    }

    /// Bytes on the fabric of all hosts so far.
    pub(crate) fn fabric_bytes(&self) -> f64 {
        let ports = self.hosts.iter().flat_map(Host::ports);
        ports.map(|port| port.counters().sent_bytes).sum()
    }
}
