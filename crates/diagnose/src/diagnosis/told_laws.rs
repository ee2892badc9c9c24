//! What became of the laws, as people and programs read it.

use std::collections::BTreeMap;
use std::fmt::Write;

use auscult_knowledge::Knowledge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::quantity;
use crate::laws::{Laws, Measured, Verdict, of};
use crate::scene::Scene;

/// Targets that are named.
const NAMED: usize = 5;
/// Broken laws, and groups of signals that are not trusted, that a text tells.
const LINES: usize = 6;

/// What became of the laws, and what was not believed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Laws")]
pub struct ToldLaws {
    /// Laws that are broken, those that were not broken before first.
    pub broken: Vec<BrokenLaw>,
    /// Laws that hold wherever they are not broken.
    pub held: Vec<HeldLaw>,
    /// Laws that could be checked nowhere, and what they would need.
    pub unknown: Vec<UnknownLaw>,
    /// Signals that were not believed, and counted as evidence of nothing.
    pub not_trusted: Vec<NotTrusted>,
    /// Pairs of a target and a signal that were not believed.
    pub signals_not_trusted: usize,
    /// Pairs of a target and a signal that there are.
    pub signals: usize,
}

/// A part of a law that is broken, where it is broken most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenLaw {
    /// The law.
    pub law: String,
    /// The part of it.
    pub part: String,
    /// What it says, as a formula.
    pub says: String,
    /// Whether it was not broken before.
    pub new: bool,
    /// Kind of the targets.
    pub kind: String,
    /// Where, by names of targets, the worst first; no more than some.
    pub at: Vec<String>,
    /// At how many targets.
    pub targets: usize,
    /// Mean of the left side, where it is worst.
    pub left: f64,
    /// Mean of the right side.
    pub right: f64,
    /// How far they may lie apart.
    pub tolerated: f64,
    /// What it means.
    pub means: String,
}

/// A part of a law that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldLaw {
    /// The law.
    pub law: String,
    /// The part of it.
    pub part: String,
    /// At how many targets.
    pub targets: usize,
}

/// A part of a law that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownLaw {
    /// The law.
    pub law: String,
    /// The part of it.
    pub part: String,
    /// A signal or constant that nobody tells; none where there are too few readings.
    pub missing: Option<String>,
}

/// Signals that were not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotTrusted {
    /// The signals.
    pub signals: Vec<String>,
    /// Kind of the target.
    pub kind: String,
    /// What the target is called.
    pub place: String,
    /// Why.
    pub why: String,
}

/// How far a side lies beyond what is tolerated.
fn excess(measured: &Measured) -> f64 {
    (measured.left - measured.right).abs() / measured.tolerated.max(f64::MIN_POSITIVE)
}

impl ToldLaws {
    /// Tells what became of the laws in a scene.
    pub(super) fn new(knowledge: &Knowledge, scene: &Scene, laws: &Laws) -> Self {
        let mut parts: BTreeMap<(usize, usize), Vec<&Verdict>> = BTreeMap::new();
        for verdict in laws.verdicts() {
            parts.entry((verdict.law, verdict.part)).or_default().push(verdict);
        }
        let mut told = Self::default();
        (told.signals_not_trusted, told.signals) = laws.trust().counts();
        for verdicts in parts.values() {
            let (law, part) = of(knowledge, verdicts[0]);
            let (law, name) = (law.law.clone(), part.part.clone());
            let held = verdicts.iter().filter(|one| one.now.is_some_and(|now| now.holds)).count();
            let mut broken: Vec<(&Verdict, Measured)> = verdicts
                .iter()
                .filter_map(|verdict| Some((*verdict, verdict.now.filter(|now| !now.holds)?)))
                .collect();
            if held == 0 && broken.is_empty() {
                let missing = verdicts.iter().find_map(|verdict| verdict.missing.clone());
                told.unknown.push(UnknownLaw { law, part: name, missing });
                continue;
            }
            // Where both may be, either is as it should be.
            let targets = if part.either { held + broken.len() } else { held };
            if targets > 0 {
                let (law, part) = (law.clone(), name.clone());
                told.held.push(HeldLaw { law, part, targets });
            }
            broken.retain(|_| !part.either);
            broken.sort_by(|(_, one), (_, other)| excess(other).total_cmp(&excess(one)));
            let Some((_, worst)) = broken.first() else { continue };
            let was = |verdict: &Verdict| verdict.before.is_some_and(|before| !before.holds);
            told.broken.push(BrokenLaw {
                law,
                part: name,
                says: part.says.text.clone(),
                new: broken.iter().any(|(verdict, _)| !was(verdict)),
                kind: part.of.clone(),
                at: broken
                    .iter()
                    .take(NAMED)
                    .map(|(verdict, _)| scene.targets()[verdict.target].name.clone())
                    .collect(),
                targets: broken.len(),
                left: worst.left,
                right: worst.right,
                tolerated: worst.tolerated,
                means: part.broken.means.clone(),
            });
        }
        told.broken.sort_by_key(|broken| !broken.new);
        let mut groups: BTreeMap<(usize, &str), Vec<String>> = BTreeMap::new();
        for (target, signal, distrust) in laws.trust().distrusted() {
            groups.entry((target, &distrust.why)).or_default().push(signal.to_owned());
        }
        let groups = groups.into_iter().map(|((target, why), signals)| {
            let target = &scene.targets()[target];
            let (kind, place) = (target.kind.clone(), target.name.clone());
            NotTrusted { signals, kind, place, why: why.to_owned() }
        });
        told.not_trusted = groups.collect();
        told
    }

    /// Whether what is not believed is more than half of what there is.
    pub(super) fn most_is_not_trusted(&self) -> bool {
        2 * self.signals_not_trusted > self.signals
    }

    /// As lines of a text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.held.is_empty() && self.broken.is_empty() && self.not_trusted.is_empty() {
            return text;
        }
        let (held, broken) = (self.held.len(), self.broken.len());
        let _ = writeln!(text, "\nlaws checked: {held} hold, {broken} broken");
        for law in self.broken.iter().take(LINES) {
            let new = if law.new { "" } else { " as before" };
            let more = law.targets - law.at.len().min(law.targets);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = writeln!(
                text,
                "broken{new}: {} ({}) at {} {}{more}: {}: {} against {}; {}",
                law.law,
                law.part,
                law.kind,
                law.at.join(", "),
                law.says,
                quantity(law.left, ""),
                quantity(law.right, ""),
                law.means
            );
        }
        more(&mut text, broken, "broken");
        for group in self.not_trusted.iter().take(LINES) {
            let signals = group.signals.join(", ");
            let (kind, place, why) = (&group.kind, &group.place, &group.why);
            let _ = writeln!(text, "not trusted: {signals} of {kind} {place}, because {why}");
        }
        more(&mut text, self.not_trusted.len(), "not trusted");
        text
    }
}

fn more(text: &mut String, all: usize, what: &str) {
    if all > LINES {
        let _ = writeln!(text, "{what}: and {} more", all - LINES);
    }
}
