//! Where in a fleet something is.

use std::fmt;

/// Kind of a part, one for each set of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// A served model with its router and traffic.
    Service,
    /// A replica of a service.
    Replica,
    /// A source of inputs of a service.
    Source,
    /// A host.
    Host,
    /// A GPU of a host.
    Gpu,
    /// A port of a host on the fabric.
    Port,
    /// The storage that all hosts share.
    Storage,
    /// A training job.
    Job,
    /// A rank of a training job.
    Rank,
}

impl PartKind {
    /// The word in dial names and scenarios.
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Replica => "replica",
            Self::Source => "source",
            Self::Host => "host",
            Self::Gpu => "gpu",
            Self::Port => "port",
            Self::Storage => "storage",
            Self::Job => "job",
            Self::Rank => "rank",
        }
    }

    /// The kind of what holds such parts; none of what stands alone.
    pub fn holder(self) -> Option<Self> {
        match self {
            Self::Replica | Self::Source => Some(Self::Service),
            Self::Gpu | Self::Port => Some(Self::Host),
            Self::Rank => Some(Self::Job),
            Self::Service | Self::Host | Self::Storage | Self::Job => None,
        }
    }

    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Service,
        Self::Replica,
        Self::Source,
        Self::Host,
        Self::Gpu,
        Self::Port,
        Self::Storage,
        Self::Job,
        Self::Rank,
    ];
}

/// One part of a fleet: its kind, the number of what holds it, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What it is.
    pub kind: PartKind,
    /// Number of its service, host or job; of such a one, its own number; 0 for the storage.
    pub holder: usize,
    /// Its number within the holder; 0 for a service, host, job or the storage.
    pub member: usize,
}

impl Place {
    /// A service, a host, a job or the storage.
    pub fn whole(kind: PartKind, number: usize) -> Self {
        Self { kind, holder: number, member: 0 }
    }

    /// A replica, source, GPU, port or rank.
    pub fn member(kind: PartKind, holder: usize, member: usize) -> Self {
        Self { kind, holder, member }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, holder, member } = self;
        match kind {
            PartKind::Storage => f.write_str("storage"),
            PartKind::Service | PartKind::Host | PartKind::Job => {
                write!(f, "{} {holder}", kind.word())
            }
            _ => write!(f, "{} {holder}/{member}", kind.word()),
        }
    }
}
