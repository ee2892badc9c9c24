//! Faults: what can be wrong, what it shows, what excludes it, what to do.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::law::Law;
use crate::statement::{Relation, Scope, Statement};

/// A fault of the catalogue: a hypothesis.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its short name, such as `G1`.
    pub fault: String,
    /// What people call it.
    pub name: String,
    /// Whether it is healthy after all, and only looks like a fault.
    #[serde(default)]
    pub benign: bool,
    /// The kind of target that it is a fault of.
    pub place: String,
    /// What goes on, in a sentence or two.
    pub about: String,
    /// How often it is the cause, beside the others; and where that is from.
    pub prior: Prior,
    /// What has to be seen, nearly always.
    pub required: Vec<Statement>,
    /// What is seen often.
    #[serde(default)]
    pub supporting: Vec<Statement>,
    /// What is not seen with it.
    #[serde(default)]
    pub against: Vec<Statement>,
    /// What rules it out, as noise cannot bring it about.
    #[serde(default)]
    pub excluded_by: Vec<Statement>,
    /// Other faults that show the same, each with the test that would tell them apart.
    #[serde(default)]
    pub confused_with: Vec<ConfusedWith>,
    /// What cures it.
    pub remedy: Remedy,
    /// Where it is described.
    pub references: Vec<String>,
    /// How many statements, at the ends of `supporting` and `excluded_by`, are told by laws.
    #[serde(skip)]
    pub(crate) of_laws: [usize; 2],
}

/// How often a fault is the cause.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// Weight beside the others, above 0.
    pub weight: f64,
    /// Where the weight is from.
    pub source: String,
}

/// A fault that shows the same as another one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfusedWith {
    /// Short name of the other one.
    pub fault: String,
    /// What would have to be measured to tell them apart.
    pub missing_test: String,
}

/// What cures a fault.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// What to do at once; empty if nothing should be done unattended.
    pub now: String,
    /// What people do later.
    pub later: String,
    /// What may go wrong with it.
    pub risk: String,
    /// What keeps it from doing harm.
    pub guard: String,
    /// What shows that it helped.
    pub recovered_when: Statement,
}

impl Fault {
    /// Takes over what laws say of it, instead of what laws said before.
    pub(crate) fn take_laws(&mut self, laws: &[Law]) {
        let [supporting, excluding] = self.of_laws;
        self.supporting.truncate(self.supporting.len() - supporting);
        self.excluded_by.truncate(self.excluded_by.len() - excluding);
        let own = [self.supporting.len(), self.excluded_by.len()];
        for part in laws.iter().flat_map(|law| &law.parts) {
            let names = |faults: &[String]| faults.contains(&self.fault);
            let scope = |some| match part.of == self.place {
                true => Scope::Own,
                false => Scope::Near { kind: part.of.clone(), some },
            };
            let (breaks, holds) = (Relation::Breaks, Relation::Holds);
            let add = |to: &mut Vec<Statement>, some, relation| {
                let said = Statement::of_law(&part.part, scope(some), relation);
                // What the fault itself says of a law stands there already.
                if to.iter().all(|other| other.text != said.text) {
                    to.push(said);
                }
            };
            if names(&part.broken.points_to) {
                add(&mut self.supporting, true, breaks);
            }
            if names(&part.broken.excludes) {
                add(&mut self.excluded_by, false, breaks);
            }
            if names(&part.holds_excludes) {
                add(&mut self.excluded_by, false, holds);
            }
        }
        self.of_laws = [self.supporting.len() - own[0], self.excluded_by.len() - own[1]];
    }

    /// Every statement of its evidence.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        let evidence = self.required.iter().chain(&self.supporting).chain(&self.against);
        evidence.chain(&self.excluded_by)
    }
}
