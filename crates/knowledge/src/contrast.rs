//! What tells one fault from another: statements that hold under one and not under the other.

use crate::{Fault, Knowledge, Relation, Scope, Statement, Subject};

/// A statement that tells two faults apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast<'k> {
    /// The fault under which it is expected to hold.
    pub expected_of: &'k str,
    /// What is expected.
    pub statement: &'k Statement,
    /// Why it does not point at the other fault.
    pub why: Why<'k>,
}

/// Why a statement that is expected of one fault does not point at another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why<'k> {
    /// The other fault says that this is not seen with it.
    Denied(&'k Statement),
    /// The other fault expects something that cannot hold together with it.
    Contradicted(&'k Statement),
    /// It has to be seen with the one, and the other has nothing to do with it.
    Unrelated,
}

/// Two faults that nothing tells apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusable<'k> {
    /// Short name of the first, in the order of the catalogue.
    pub one: &'k str,
    /// Short name of the second.
    pub other: &'k str,
    /// The test that would tell them apart, if the catalogue names it.
    pub missing_test: Option<&'k str>,
}

/// What a statement is about, wherever it is seen from: kind of target, whether of its peers.
type About<'s> = (&'s str, bool, &'s Subject);

impl Knowledge {
    /// Every statement that tells two faults apart, the clearest first: those that the other
    /// denies, those that contradict what it expects, those that it has nothing to do with.
    ///
    /// Statements made from different places are compared by what they are about: a GPU's
    /// temperature is the same thing seen from the GPU and from the service on it.
    ///
    /// Cost: the product of the numbers of their statements.
    ///
    /// ```
    /// use auscult_knowledge::{Knowledge, Why};
    /// let knowledge = Knowledge::embedded();
    /// let fault = |name| knowledge.faults().iter().find(|fault| fault.fault == name).unwrap();
    /// let contrasts = knowledge.contrasts(fault("G1"), fault("G2"));
    /// assert_eq!(contrasts[0].statement.text, "gpu_temperature rises");
    /// assert!(matches!(contrasts[0].why, Why::Denied(_)));
    /// ```
    #[must_use]
    pub fn contrasts<'k>(&self, one: &'k Fault, other: &'k Fault) -> Vec<Contrast<'k>> {
        let mut found = directed(one, other);
        found.extend(directed(other, one));
        found.sort_by_key(|contrast| match contrast.why {
            Why::Denied(_) => 0,
            Why::Contradicted(_) => 1,
            Why::Unrelated => 2,
        });
        found
    }

    /// Pairs of faults that no statement tells apart, each with the test that would, where one of
    /// the two names it under `confused_with`.
    ///
    /// Cost: some milliseconds for the built-in catalogue.
    ///
    /// ```
    /// let knowledge = auscult_knowledge::Knowledge::embedded();
    /// assert!(knowledge.confusable().iter().all(|pair| pair.missing_test.is_some()));
    /// ```
    #[must_use]
    pub fn confusable(&self) -> Vec<Confusable<'_>> {
        let mut pairs = Vec::new();
        for (place, one) in self.faults().iter().enumerate() {
            for other in &self.faults()[place + 1..] {
                if self.contrasts(one, other).is_empty() {
                    let missing_test = test(one, other).or_else(|| test(other, one));
                    let (one, other) = (one.fault.as_str(), other.fault.as_str());
                    pairs.push(Confusable { one, other, missing_test });
                }
            }
        }
        pairs
    }
}

/// The test that `one` says would tell it from `other`.
fn test<'k>(one: &'k Fault, other: &Fault) -> Option<&'k str> {
    let named = one.confused_with.iter().find(|named| named.fault == other.fault)?;
    Some(&named.missing_test)
}

/// Statements expected of `one` that do not point at `other`.
fn directed<'k>(one: &'k Fault, other: &'k Fault) -> Vec<Contrast<'k>> {
    let expected = one.required.iter().chain(&one.supporting);
    let contrasts = expected.enumerate().filter_map(|(place, statement)| {
        let is_required = place < one.required.len();
        let why = why(one, statement, other, is_required)?;
        Some(Contrast { expected_of: &one.fault, statement, why })
    });
    contrasts.collect()
}

fn why<'k>(
    one: &Fault,
    statement: &Statement,
    other: &'k Fault,
    is_required: bool,
) -> Option<Why<'k>> {
    let own = about(one, statement);
    let same = |said: &&'k Statement| about(other, said) == own;
    let denied = other.against.iter().chain(&other.excluded_by);
    if let Some(said) = denied.filter(same).find(|said| implies(statement.relation, said.relation))
    {
        return Some(Why::Denied(said));
    }
    if let Some(said) = other.required.iter().filter(same).find(|said| excludes(statement, said)) {
        return Some(Why::Contradicted(said));
    }
    let mut expected = other.required.iter().chain(&other.supporting);
    let touches = expected.any(|said| same(&said));
    (is_required && !touches).then_some(Why::Unrelated)
}

fn about<'s>(fault: &'s Fault, statement: &'s Statement) -> About<'s> {
    match &statement.scope {
        Scope::Own => (&fault.place, false, &statement.subject),
        Scope::Peers => (&fault.place, true, &statement.subject),
        Scope::Near { kind, .. } => (kind, false, &statement.subject),
    }
}

/// Whether what holds of `one` makes `other` hold as well.
pub(crate) fn implies(one: Relation, other: Relation) -> bool {
    use Relation::{Above, Below, Falls, Rises, Starts, Stops};
    one == other
        || match (one, other) {
            (Starts, Rises) | (Stops, Falls) => true,
            (Above(bound), Above(lower)) => bound >= lower,
            (Below(bound), Below(higher)) => bound <= higher,
            _ => false,
        }
}

/// Whether two statements about the same subject can never hold together at the same target.
pub(crate) fn excludes(one: &Statement, other: &Statement) -> bool {
    use Relation::{
        Above, AbovePeers, Below, BelowPeers, Falls, Rises, Starts, Steady, Stops, WithPeers,
    };
    let some = |statement: &Statement| matches!(statement.scope, Scope::Near { some: true, .. });
    let opposite = |a: Relation, b: Relation| {
        matches!(
            (a, b),
            (Rises | Starts, Falls | Steady | Stops)
                | (Steady, Falls | Stops)
                | (AbovePeers, BelowPeers | WithPeers)
                | (BelowPeers, WithPeers)
        ) || matches!((a, b), (Above(low), Below(high)) if low >= high)
    };
    // One replica may do what another one does not.
    !(some(one) || some(other))
        && (opposite(one.relation, other.relation) || opposite(other.relation, one.relation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowledge(faults: &str) -> Knowledge {
        let mut knowledge = Knowledge::embedded();
        knowledge.add_faults("a.yaml", faults).unwrap();
        knowledge
    }

    fn fault(name: &str, evidence: &str) -> String {
        format!(
            "- fault: {name}\n  name: x\n  place: gpu\n  about: x\n  prior: {{weight: 1, source: x}}\n{evidence}\n  \
             remedy: {{now: \"\", later: x, risk: x, guard: x, recovered_when: gpu_power rises}}\n  references: []\n"
        )
    }

    fn between(one: &str, other: &str) -> Vec<(String, String)> {
        let text = fault("X1", one) + &fault("X2", other);
        let knowledge = knowledge(&text);
        let named = |name: &str| knowledge.faults().iter().find(|fault| fault.fault == name);
        let contrasts = knowledge.contrasts(named("X1").unwrap(), named("X2").unwrap());
        let told = |contrast: &Contrast<'_>| {
            let why = match contrast.why {
                Why::Denied(_) => "denied",
                Why::Contradicted(_) => "contradicted",
                Why::Unrelated => "unrelated",
            };
            (contrast.statement.text.clone(), why.to_owned())
        };
        contrasts.iter().map(told).collect()
    }

    #[test]
    fn every_fault_of_the_catalogue_is_told_from_every_other_or_names_the_missing_test() {
        let knowledge = Knowledge::embedded();
        let silent: Vec<Confusable<'_>> =
            knowledge.confusable().into_iter().filter(|pair| pair.missing_test.is_none()).collect();
        assert!(silent.is_empty(), "nothing tells these apart: {silent:?}");
        // What was a missing test once, and no longer is one, is not kept.
        let pairs = knowledge.confusable();
        for fault in knowledge.faults() {
            for named in &fault.confused_with {
                let known = |pair: &Confusable<'_>| {
                    (pair.one == fault.fault && pair.other == named.fault)
                        || (pair.other == fault.fault && pair.one == named.fault)
                };
                let (one, other) = (&fault.fault, &named.fault);
                assert!(pairs.iter().any(known), "{one} and {other} can be told apart");
            }
        }
    }

    #[test]
    fn what_the_other_denies_contradicts_or_never_mentions_tells_them_apart() {
        let hot = "  required: [gpu_temperature rises]";
        let told = |text: &str, why: &str| (text.to_owned(), why.to_owned());
        assert_eq!(
            between(hot, "  required: [gpu_power falls]\n  against: [gpu_temperature rises]")[0],
            told("gpu_temperature rises", "denied")
        );
        assert_eq!(
            between(hot, "  required: [gpu_temperature is steady]"),
            [
                told("gpu_temperature rises", "contradicted"),
                told("gpu_temperature is steady", "contradicted")
            ]
        );
        assert_eq!(
            between(hot, "  required: [gpu_power falls, gpu_temperature rises]"),
            [told("gpu_power falls", "unrelated")]
        );
    }

    #[test]
    fn faults_that_show_the_same_are_confusable() {
        let same = "  required: [gpu_power falls]\n  supporting: [gpu_temperature falls]";
        let missing = format!("{same}\n  confused_with: [{{fault: X1, missing_test: a meter}}]");
        assert!(between(same, same).is_empty());
        let knowledge = knowledge(&(fault("X1", same) + &fault("X2", &missing)));
        let pairs = knowledge.confusable();
        let pair = pairs.iter().find(|pair| pair.one == "X1" && pair.other == "X2").unwrap();
        assert_eq!(pair.missing_test, Some("a meter"));
    }

    #[test]
    fn what_some_do_does_not_contradict_what_others_do() {
        let one = "  required: [\"some replica: engine_steps rises\"]";
        let other = "  required: [\"replica: engine_steps falls\"]";
        assert!(between(one, other).is_empty());
    }
}
