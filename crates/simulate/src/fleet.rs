//! The whole fleet, second by second: programs on hardware, and the pages they show.

use crate::conditions::FleetConditions;
use crate::device::{Gpu, Spec};
use crate::exporter::DcgmExporter;
use crate::page::{Answer, Page, Values};
use crate::scenario::Plan;
use crate::supply::{GpuDemand, GpuSupply};

/// Who shows a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// dcgm-exporter of a host.
    Dcgm(usize),
}

/// Everything that runs.
#[derive(Debug, Clone)]
pub struct Fleet {
    hosts: Vec<HostParts>,
    pages: Vec<Page>,
    shown: Vec<Shown>,
}

/// Hardware of one host and what was asked of it in the last second.
#[derive(Debug, Clone)]
struct HostParts {
    inlet: f64,
    gpus: Vec<Gpu>,
    gpu_demands: Vec<GpuDemand>,
    gpu_supplies: Vec<GpuSupply>,
}

impl Fleet {
    /// The fleet of `plan`, at rest.
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let mut fleet = Self { hosts: Vec::new(), pages: Vec::new(), shown: Vec::new() };
        let exporter = DcgmExporter::new();
        let mut number = 0;
        for (host, planned) in plan.hosts.iter().enumerate() {
            let spec = Spec::find(&planned.spec.gpu).expect("a plan names GPUs that are known");
            let gpus: Vec<Gpu> = (0..planned.spec.gpus)
                .map(|_| {
                    number += 1;
                    Gpu::new(spec, seed, number)
                })
                .collect();
            fleet.show(Shown::Dcgm(host), exporter.page(&planned.name, seed, &gpus));
            fleet.hosts.push(HostParts {
                inlet: planned.spec.inlet,
                gpu_demands: vec![GpuDemand::default(); gpus.len()],
                gpu_supplies: vec![GpuSupply::default(); gpus.len()],
                gpus,
            });
        }
        fleet
    }

    fn show(&mut self, shown: Shown, page: Page) {
        self.shown.push(shown);
        self.pages.push(page);
    }

    /// Everything that can be scraped.
    pub fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// One second under these conditions.
    pub fn advance(&mut self, conditions: &FleetConditions) {
        for (host, conditions) in self.hosts.iter_mut().zip(&conditions.gpus) {
            let demands = host.gpu_demands.iter_mut();
            let parts = host.gpus.iter_mut().zip(demands).zip(&mut host.gpu_supplies);
            for (((gpu, demand), supply), conditions) in parts.zip(conditions) {
                *supply = gpu.advance(1.0, demand, host.inlet, conditions);
                *demand = GpuDemand::default();
            }
        }
    }

    /// What a scrape of page number `page` gets; on [`Answer::Page`], `values` has its values.
    pub fn read(&self, page: usize, values: &mut Values) -> Answer {
        values.clear();
        match self.shown[page] {
            Shown::Dcgm(host) => {
                let gpus = &self.hosts[host].gpus;
                DcgmExporter::new().write(values, gpus);
                DcgmExporter::answer(gpus)
            }
        }
    }
}
