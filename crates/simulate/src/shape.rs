//! How many parts of each kind a fleet has, and which.

use crate::place::{PartKind, Place};

/// Numbers of parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// Replicas and sources of each service.
    pub services: Vec<ServiceShape>,
    /// GPUs and ports of each host.
    pub hosts: Vec<HostShape>,
    /// Ranks of each job.
    pub jobs: Vec<usize>,
}

/// Parts of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceShape {
    /// Replicas.
    pub replicas: usize,
    /// Sources of inputs whose quality is measured.
    pub sources: usize,
}

/// Parts of one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostShape {
    /// GPUs.
    pub gpus: usize,
    /// Ports on the fabric.
    pub ports: usize,
}

impl Shape {
    /// Parts of `kind` that stand alone: services, hosts, jobs, the storage.
    fn holders(&self, kind: PartKind) -> usize {
        match kind {
            PartKind::Service | PartKind::Replica | PartKind::Source => self.services.len(),
            PartKind::Host | PartKind::Gpu | PartKind::Port => self.hosts.len(),
            PartKind::Job | PartKind::Rank => self.jobs.len(),
            PartKind::Storage => 1,
        }
    }

    /// Parts of `kind` in holder number `holder`; of what stands alone, one.
    fn members(&self, kind: PartKind, holder: usize) -> usize {
        match kind {
            PartKind::Replica => self.services[holder].replicas,
            PartKind::Source => self.services[holder].sources,
            PartKind::Gpu => self.hosts[holder].gpus,
            PartKind::Port => self.hosts[holder].ports,
            PartKind::Rank => self.jobs[holder],
            PartKind::Service | PartKind::Host | PartKind::Job | PartKind::Storage => 1,
        }
    }

    /// Parts of `kind` in holder number `holder`.
    pub fn within(&self, kind: PartKind, holder: usize) -> impl Iterator<Item = Place> {
        (0..self.members(kind, holder)).map(move |member| Place { kind, holder, member })
    }

    /// All parts of `kind`.
    pub fn parts(&self, kind: PartKind) -> impl Iterator<Item = Place> + '_ {
        (0..self.holders(kind)).flat_map(move |holder| self.within(kind, holder))
    }

    /// Whether there is such a part.
    pub fn has(&self, place: Place) -> bool {
        place.holder < self.holders(place.kind)
            && place.member < self.members(place.kind, place.holder)
    }

    /// The parts of `kind` that `place` is, holds, or lies in.
    pub fn related(&self, place: Place, kind: PartKind) -> Vec<Place> {
        if place.kind == kind {
            vec![place]
        } else if kind.holder() == Some(place.kind) {
            self.within(kind, place.holder).collect()
        } else if place.kind.holder() == Some(kind) {
            vec![Place::whole(kind, place.holder)]
        } else {
            Vec::new()
        }
    }
}
