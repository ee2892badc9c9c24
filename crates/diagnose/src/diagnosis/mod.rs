//! From an incident to its causes: every fault at every place is a hypothesis; evidence weighs them.

mod conclusion;
mod consult;
mod expect;
mod experience;
mod explained;
mod fit;
mod gate;
mod illustrated;
mod priors;
mod recovery;
mod report;
mod tables;
mod together;
mod told_laws;
mod vocabulary;
mod weigh;
mod witness;

pub use conclusion::Conclusion;
pub use consult::{Answer, Asked, CERTAINTY, Consultation, Leading, Question, Step, by_readings};
pub use experience::{Experience, Learnt, Tally};
pub use fit::{Fitting, Lesson, LessonPlace};
pub use illustrated::{EvidenceSeries, Illustrated, OtherSeries};
pub use priors::{Cases, HANDBOOK_CASES, PriorShare, Priors};
pub use recovery::{Outcome, Recovery, recovery};
pub use report::{Report, ToldCause, ToldChange, ToldEvidence, ToldRemedy};
pub use told_laws::{BrokenLaw, HeldLaw, NotTrusted, ToldLaws, UnknownLaw};
pub use weigh::{Doctor, Prepared, Weights};
pub use witness::{Said, ToldWitness, Witness};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Finding;
use crate::laws::Laws;

/// What may be the cause of an incident, the likeliest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Hypotheses that remain, the likeliest first.
    pub causes: Vec<Cause>,
    /// Faults that are ruled out everywhere, each with the reason.
    pub ruled_out: Vec<RuledOut>,
    /// Probability that it is none of the known causes.
    pub unknown: f64,
    /// Probability that nothing is wrong.
    pub healthy: f64,
    /// What became of the laws, and which signals were not believed.
    pub laws: Laws,
}

/// A hypothesis: a fault at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// Its short name, such as `G1`.
    pub fault: String,
    /// What people call it.
    pub name: String,
    /// Whether it is no fault and only looks like one.
    pub benign: bool,
    /// Kind of the target.
    pub kind: String,
    /// What the target is called.
    pub place: String,
    /// Probability of this fault, wherever it is.
    pub probability: f64,
    /// Probability that it is here, if it is this fault.
    pub here: f64,
    /// What speaks for and against it, the weightiest first.
    pub evidence: Vec<Evidence>,
}

/// A statement and what it does to a hypothesis.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// What was predicted.
    pub statement: String,
    /// What became of it.
    pub finding: Finding,
    /// By how much it changes the logarithm of the odds.
    pub weight: f64,
}

/// A cause that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuledOut {
    /// Its short name.
    pub fault: String,
    /// What people call it.
    pub name: String,
    /// Why.
    pub reason: String,
}
