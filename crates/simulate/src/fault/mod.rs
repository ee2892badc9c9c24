//! The faults a fleet can have: which dials each turns, how far, and in what course.

mod catalogue;
mod course;

pub use catalogue::{LOOKALIKES, fault, faults};
pub use course::{Course, Onset};

use crate::conditions::{
    Dial, GpuConditions, HostConditions, JobConditions, PortConditions, RankConditions,
    ReplicaConditions, ServiceConditions, SourceConditions, StorageConditions,
};
use crate::place::PartKind;

/// A way in which a fleet falls ill, or only seems to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// Its number in the catalogue of faults: `G1`; of what only looks like one, `L1`.
    pub id: &'static str,
    /// A few words.
    pub name: &'static str,
    /// Courses it usually takes, the usual first.
    pub onsets: &'static [Onset],
    /// What a fleet must have for it.
    pub needs: Needs,
    /// Ways in which it comes about, at least one.
    pub variants: &'static [Variant],
}

impl Fault {
    /// Whether it harms anyone; a look-alike does not.
    pub fn is_harmful(&self) -> bool {
        !self.id.starts_with('L')
    }
}

/// One way in which a fault comes about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variant {
    /// A few words; empty where there is one only.
    pub name: &'static str,
    /// Which parts it hits.
    pub spread: Spread,
    /// What it turns there.
    pub turns: &'static [Turn],
    /// What people did when it began, as the log of changes tells it.
    pub change: Option<ChangeKind>,
}

/// A dial and where a fault puts it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// Name of the dial, `gpu.cooling`.
    pub dial: &'static str,
    /// Its value in the mildest case.
    pub mild: f64,
    /// Its value in the worst case.
    pub severe: f64,
}

impl Turn {
    /// The dial's value at `severity` in [0, 1].
    pub fn at(&self, severity: f64) -> f64 {
        self.mild + (self.severe - self.mild) * severity
    }
}

/// Which parts a fault hits. Dials of other kinds of parts are turned on what holds the
/// part, or on all it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// One part of this kind.
    One(PartKind),
    /// About a third of the parts of this kind within one holder, at least two if there are.
    Some(PartKind),
    /// All parts of this kind within one holder.
    All(PartKind),
}

impl Spread {
    /// The kind of the parts.
    pub fn kind(self) -> PartKind {
        match self {
            Self::One(kind) | Self::Some(kind) | Self::All(kind) => kind,
        }
    }
}

/// What people do to a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new version of model, engine or prompt was rolled out.
    Deploy,
    /// A setting was changed.
    Config,
    /// Replicas were added or taken away.
    Scale,
    /// Something was started anew on purpose.
    Restart,
    /// Someone works on the hardware.
    Maintenance,
}

impl ChangeKind {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Config => "config",
            Self::Scale => "scale",
            Self::Restart => "restart",
            Self::Maintenance => "maintenance",
        }
    }
}

/// What a fleet must have for a fault to be possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A service of any kind.
    Service,
    /// A service whose replicas draft tokens ahead.
    Speculation,
    /// A service with adapters.
    Adapters,
    /// A service with prefill and decode apart.
    Disaggregation,
    /// A service whose prompts seldom go on from others, so that it loses little with its prefix cache.
    Unshared,
    /// A service whose prompts go on from others, so that it has much to lose with its prefix cache.
    Sessions,
    /// A service with room for twice of what comes.
    Room,
    /// A service without.
    Busy,
    /// A service of vLLM whose replicas have workers: several replicas, each of several GPUs.
    Workers,
    /// A service of a mixture of experts.
    Experts,
    /// A service with sources whose quality is measured (speech, vision, driving).
    Sources,
    /// A training job.
    Job,
    /// A training job over several hosts.
    Fabric,
    /// GPUs that compute each step together with others of their host.
    Links,
    /// Only hardware.
    Hardware,
}

/// The dials of a kind of part.
pub fn dials(kind: PartKind) -> &'static [Dial] {
    match kind {
        PartKind::Service => ServiceConditions::DIALS,
        PartKind::Replica => ReplicaConditions::DIALS,
        PartKind::Source => SourceConditions::DIALS,
        PartKind::Host => HostConditions::DIALS,
        PartKind::Gpu => GpuConditions::DIALS,
        PartKind::Port => PortConditions::DIALS,
        PartKind::Storage => StorageConditions::DIALS,
        PartKind::Job => JobConditions::DIALS,
        PartKind::Rank => RankConditions::DIALS,
    }
}

/// Kind and number of the dial called `name`.
pub fn find_dial(name: &str) -> Option<(PartKind, usize)> {
    PartKind::ALL.into_iter().find_map(|kind| {
        let number = dials(kind).iter().position(|dial| dial.name == name)?;
        Some((kind, number))
    })
}
