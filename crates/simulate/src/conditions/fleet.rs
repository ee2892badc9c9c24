//! The conditions of every part of a fleet, and the injections that change them.

use super::{
    GpuConditions, HostConditions, JobConditions, PortConditions, RankConditions,
    ReplicaConditions, ServiceConditions, SourceConditions, StorageConditions,
};
use crate::fault::{Course, dials, find_dial};
use crate::place::{PartKind, Place};
use crate::shape::Shape;

/// Conditions of every part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FleetConditions {
    /// Of each service.
    pub services: Vec<ServiceConditions>,
    /// Of each replica of each service.
    pub replicas: Vec<Vec<ReplicaConditions>>,
    /// Of each source of each service.
    pub sources: Vec<Vec<SourceConditions>>,
    /// Of each host.
    pub hosts: Vec<HostConditions>,
    /// Of each GPU of each host.
    pub gpus: Vec<Vec<GpuConditions>>,
    /// Of each port of each host.
    pub ports: Vec<Vec<PortConditions>>,
    /// Of the storage.
    pub storage: StorageConditions,
    /// Of each job.
    pub jobs: Vec<JobConditions>,
    /// Of each rank of each job.
    pub ranks: Vec<Vec<RankConditions>>,
}

impl FleetConditions {
    /// A healthy fleet.
    pub fn healthy(shape: &Shape) -> Self {
        Self {
            services: vec![ServiceConditions::default(); shape.services.len()],
            replicas: shape
                .services
                .iter()
                .map(|service| vec![ReplicaConditions::default(); service.replicas])
                .collect(),
            sources: shape
                .services
                .iter()
                .map(|service| vec![SourceConditions::default(); service.sources])
                .collect(),
            hosts: vec![HostConditions::default(); shape.hosts.len()],
            gpus: shape
                .hosts
                .iter()
                .map(|host| vec![GpuConditions::default(); host.gpus])
                .collect(),
            ports: shape
                .hosts
                .iter()
                .map(|host| vec![PortConditions::default(); host.ports])
                .collect(),
            storage: StorageConditions::default(),
            jobs: vec![JobConditions::default(); shape.jobs.len()],
            ranks: shape.jobs.iter().map(|ranks| vec![RankConditions::default(); *ranks]).collect(),
        }
    }

    /// Turns dial number `dial` of the part at `place` by `by`.
    fn turn(&mut self, place: Place, dial: usize, by: f64) {
        let Place { kind, holder, member } = place;
        match kind {
            PartKind::Service => self.services[holder].turn(dial, by),
            PartKind::Replica => self.replicas[holder][member].turn(dial, by),
            PartKind::Source => self.sources[holder][member].turn(dial, by),
            PartKind::Host => self.hosts[holder].turn(dial, by),
            PartKind::Gpu => self.gpus[holder][member].turn(dial, by),
            PartKind::Port => self.ports[holder][member].turn(dial, by),
            PartKind::Storage => self.storage.turn(dial, by),
            PartKind::Job => self.jobs[holder].turn(dial, by),
            PartKind::Rank => self.ranks[holder][member].turn(dial, by),
        }
    }

    fn heal(&mut self, place: Place) {
        let Place { kind, holder, member } = place;
        match kind {
            PartKind::Service => self.services[holder] = ServiceConditions::default(),
            PartKind::Replica => self.replicas[holder][member] = ReplicaConditions::default(),
            PartKind::Source => self.sources[holder][member] = SourceConditions::default(),
            PartKind::Host => self.hosts[holder] = HostConditions::default(),
            PartKind::Gpu => self.gpus[holder][member] = GpuConditions::default(),
            PartKind::Port => self.ports[holder][member] = PortConditions::default(),
            PartKind::Storage => self.storage = StorageConditions::default(),
            PartKind::Job => self.jobs[holder] = JobConditions::default(),
            PartKind::Rank => self.ranks[holder][member] = RankConditions::default(),
        }
    }
}

/// One dial that is turned at one place over a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Injection {
    place: Place,
    dial: usize,
    /// How far from its healthy place at the height.
    by: f64,
    course: Course,
}

impl Injection {
    /// `dial` stands at `value` at the height of `course`, at `place` and at what it holds or lies in.
    /// Empty if there is no such dial or the place has nothing to do with it.
    pub fn of(shape: &Shape, place: Place, dial: &str, value: f64, course: Course) -> Vec<Self> {
        let Some((kind, dial)) = find_dial(dial) else { return Vec::new() };
        let by = value - dials(kind)[dial].healthy;
        let at = |place| Self { place, dial, by, course };
        shape.related(place, kind).into_iter().map(at).collect()
    }

    /// Where.
    pub fn place(&self) -> Place {
        self.place
    }
}

/// Conditions over time: healthy but for what is injected.
#[derive(Debug, Clone)]
pub struct Injector {
    injections: Vec<Injection>,
    conditions: FleetConditions,
}

impl Injector {
    /// A fleet of this shape with these injections; turns of one dial add up.
    pub fn new(shape: &Shape, injections: Vec<Injection>) -> Self {
        Self { injections, conditions: FleetConditions::healthy(shape) }
    }

    /// The conditions at second `at`. Time O(injections).
    pub fn at(&mut self, at: f64) -> &FleetConditions {
        for injection in &self.injections {
            self.conditions.heal(injection.place);
        }
        for injection in &self.injections {
            let by = injection.by * injection.course.level(at);
            self.conditions.turn(injection.place, injection.dial, by);
        }
        &self.conditions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Onset;
    use crate::shape::{HostShape, ServiceShape};

    fn shape() -> Shape {
        Shape {
            services: vec![ServiceShape { replicas: 3, sources: 0 }],
            hosts: vec![HostShape { gpus: 2, ports: 1 }],
            jobs: vec![4],
        }
    }

    fn course(start: f64, end: f64) -> Course {
        Course { start, end, onset: Onset::Sudden }
    }

    #[test]
    fn dials_go_back_when_the_fault_is_gone() {
        let shape = shape();
        let place = Place::member(PartKind::Gpu, 0, 1);
        let injections = Injection::of(&shape, place, "gpu.cooling", 0.4, course(10.0, 20.0));
        let mut injector = Injector::new(&shape, injections);
        assert_eq!(injector.at(0.0), &FleetConditions::healthy(&shape));
        assert!((injector.at(15.0).gpus[0][1].cooling - 0.4).abs() < 1e-12);
        assert_eq!(injector.at(20.0), &FleetConditions::healthy(&shape));
    }

    #[test]
    fn a_dial_of_members_is_turned_on_all_of_them() {
        let shape = shape();
        let place = Place::whole(PartKind::Service, 0);
        let of_service = Injection::of(&shape, place, "replica.kv_blocks", 0.5, course(0.0, 9.0));
        assert_eq!(of_service.len(), 3);
        let place = Place::member(PartKind::Replica, 0, 2);
        let of_replica = Injection::of(&shape, place, "service.arrivals", 2.0, course(0.0, 9.0));
        assert_eq!(of_replica.len(), 1);
        let mut injector = Injector::new(&shape, [of_service, of_replica].concat());
        let conditions = injector.at(1.0);
        assert_eq!(
            conditions.replicas[0].iter().map(|replica| replica.kv_blocks).sum::<f64>(),
            1.5
        );
        assert_eq!(conditions.services[0].arrivals, 2.0);
    }

    #[test]
    fn two_faults_at_one_dial_add_up() {
        let shape = shape();
        let place = Place::whole(PartKind::Host, 0);
        let injections = [10.0, 20.0].map(|cores| {
            Injection::of(&shape, place, "host.neighbour_cores", cores, course(0.0, 9.0))
        });
        assert_eq!(
            Injector::new(&shape, injections.concat()).at(1.0).hosts[0].neighbour_cores,
            30.0
        );
    }
}
