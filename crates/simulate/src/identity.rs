//! By which labels of series a part of a fleet is known to those who watch it.

use crate::exporter::dcgm;
use crate::place::{PartKind, Place};
use crate::scenario::{Plan, Seat};

/// Labels that series carry together: those of one target.
pub type Labels = Vec<(&'static str, String)>;

/// Label sets of the series that are of the part at `place` itself: a series belongs to it if it has all
/// labels of one set. None for the storage, which shows on every host.
///
/// ```
/// use auscult_simulate::identity::own;
/// use auscult_simulate::place::{PartKind, Place};
/// use auscult_simulate::scenario::{Scenario, scenario_text};
///
/// let scenario = Scenario::read("T1/1", &scenario_text("T1/1").unwrap()).unwrap();
/// let plan = scenario.plan().unwrap();
/// let labels = own(&plan, scenario.seed, Place::member(PartKind::Replica, 0, 2));
/// assert_eq!(labels[0], [("instance", "chat-2:8000".to_owned())]);
/// ```
pub fn own(plan: &Plan, seed: u64, place: Place) -> Vec<Labels> {
    let Place { kind, holder, member } = place;
    let one = |label: &'static str, value: &str| vec![(label, value.to_owned())];
    match kind {
        PartKind::Service => {
            let name = plan.name(place);
            let mut sets = vec![one("service", &name)];
            let replicas = plan.services.get(holder).map_or(0, |service| service.replicas.len());
            for replica in 0..replicas {
                sets.extend(self::replica(&name, replica));
            }
            sets
        }
        PartKind::Replica => replica(&plan.services[holder].spec.name, member),
        PartKind::Source => {
            let service = plan.name(Place::whole(PartKind::Service, holder));
            let source = format!("source-{member}");
            vec![vec![("service", service), ("source", source)]]
        }
        PartKind::Host => {
            let name = &plan.hosts[holder].name;
            let exporters = ["9100", "9400"].map(|port| format!("{name}:{port}"));
            let mut sets: Vec<Labels> =
                exporters.iter().map(|exporter| one("instance", exporter)).collect();
            sets.push(one("Hostname", name));
            // Only a host with containers has a page of them.
            let mut seats = plan.services.iter().flat_map(|service| service.replicas.iter());
            let mut jobs = plan.jobs.iter().flat_map(|job| &job.ranks);
            if seats.any(|seats| seats[0].host == holder) || jobs.any(|seat| seat.host == holder) {
                sets.extend([one("instance", &format!("{name}:10250")), one("node", name)]);
            }
            sets
        }
        PartKind::Gpu => vec![one("UUID", &uuid(plan, seed, Seat { host: holder, gpu: member }))],
        PartKind::Port => {
            let instance = format!("{}:9100", plan.hosts[holder].name);
            let devices = [format!("mlx5_{member}"), format!("ib{member}")];
            devices.map(|device| vec![("instance", instance.clone()), ("device", device)]).into()
        }
        PartKind::Storage => Vec::new(),
        PartKind::Job => vec![one("training_job", &plan.jobs[holder].spec.name)],
        PartKind::Rank => vec![vec![
            ("training_job", plan.jobs[holder].spec.name.clone()),
            ("rank", member.to_string()),
        ]],
    }
}

/// [`own`], and the label sets of what runs on the part or what it runs on: where else people may
/// rightly see what ails it. None for the storage: that is everywhere.
pub fn reach(plan: &Plan, seed: u64, place: Place) -> Vec<Labels> {
    let Place { kind, holder, member } = place;
    let mut sets = own(plan, seed, place);
    let one = |label: &'static str, value: String| vec![(label, value)];
    let gpus = |seats: &[Seat]| -> Vec<Labels> {
        seats.iter().map(|seat| one("UUID", uuid(plan, seed, *seat))).collect()
    };
    match kind {
        PartKind::Service => {
            let services = plan.services.get(holder);
            let seats = services.into_iter().flat_map(|service| service.replicas.iter());
            seats.for_each(|seats| sets.extend(gpus(seats)));
        }
        PartKind::Replica => sets.extend(gpus(&plan.services[holder].replicas[member])),
        PartKind::Source => {
            sets.push(one("service", plan.name(Place::whole(PartKind::Service, holder))));
        }
        PartKind::Host | PartKind::Gpu | PartKind::Port => {
            let here =
                |seat: &Seat| seat.host == holder && (kind != PartKind::Gpu || seat.gpu == member);
            for service in &plan.services {
                let replicas = service.replicas.iter().enumerate();
                let replicas = replicas.filter(|(_, seats)| seats.iter().any(here));
                replicas.for_each(|(number, _)| sets.extend(replica(&service.spec.name, number)));
            }
            for service in plan.perception.iter().filter(|service| here(&service.seat)) {
                sets.push(one("service", service.spec.name.clone()));
            }
            for job in plan.jobs.iter().filter(|job| job.ranks.iter().any(here)) {
                // A job waits for its slowest part.
                sets.push(one("training_job", job.spec.name.clone()));
            }
            if kind == PartKind::Host {
                let all = 0..plan.hosts[holder].spec.gpus;
                let seats: Vec<Seat> = all.map(|gpu| Seat { host: holder, gpu }).collect();
                sets.extend(gpus(&seats));
            }
        }
        PartKind::Storage => {}
        PartKind::Job => {
            let mut hosts: Vec<usize> =
                plan.jobs[holder].ranks.iter().map(|seat| seat.host).collect();
            hosts.dedup();
            for host in hosts {
                sets.extend(own(plan, seed, Place::whole(PartKind::Host, host)));
            }
        }
        PartKind::Rank => {
            let job = &plan.jobs[holder];
            sets.push(one("training_job", job.spec.name.clone()));
            sets.extend(gpus(&job.ranks[member..=member]));
        }
    }
    sets
}

/// A replica as its engine, its pod, its router and those who judge its answers know it.
fn replica(service: &str, number: usize) -> Vec<Labels> {
    let address = format!("{service}-{number}:8000");
    vec![
        vec![("instance", address.clone())],
        vec![("worker", address.clone())],
        vec![("replica", address)],
        vec![("pod", format!("{service}-{number}"))],
    ]
}

fn uuid(plan: &Plan, seed: u64, seat: Seat) -> String {
    dcgm::uuid(&plan.hosts[seat.host].name, seed, seat.gpu)
}
