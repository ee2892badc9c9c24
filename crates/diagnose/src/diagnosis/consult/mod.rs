//! Asking further: what readings answer is looked at question by question, and people are asked what
//! no reading answers.
//!
//! Which question comes next is decided by what its answer is worth: by how many bits the entropy over
//! all causes is expected to fall, for its price. Nobody has written the tree that is walked so: it
//! grows from what the handbook says, as far as it is walked.
//!
//! Reference: D. Heckerman, J. Breese, K. Rommelse, "Decision-theoretic troubleshooting",
//! Communications of the ACM 38(3), 1995. We look one question ahead, and measure worth in bits.

mod belief;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use auscult_core::nearest;
use auscult_knowledge::{Fault, Scope, Statement, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::belief::{Belief, Lead, Test};
use super::explained::Explained;
use super::weigh::Weighed;
use super::{Doctor, Report};
use crate::evidence::{Judge, Window};
use crate::scene::Scene;

/// Bits that the answer of a person must be expected to gain.
const WORTHWHILE: f64 = 0.02;
/// Bits that a look at readings must be expected to gain to be told by itself.
const TOLD: f64 = 0.05;
/// Most looks that are told.
const MOST_STEPS: usize = 12;
/// Probability of a cause from which on people are asked for its sake.
const LIKELY: f64 = 0.01;
/// Most places that people are asked about.
const MOST_PLACES: usize = 20;
/// Probability of a cause at which nothing more is asked, unless a person wants another.
pub const CERTAINTY: f64 = 0.95;
/// Least factor between two readings that people tell for the later one to count as moved.
const MOVED: f64 = 1.1;

/// What a person says of a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TroubleshootingAnswer")]
pub struct Answer {
    /// The statement that was asked about.
    pub statement: String,
    /// Kind of the target that it was asked of.
    pub kind: String,
    /// What that target is called.
    pub place: String,
    /// Whether it holds; `null` for what the person does not know, which is not asked again.
    pub holds: Option<bool>,
}

/// What was asked and answered so far, and how to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Answers of people.
    pub answers: Vec<Answer>,
    /// What it costs to find out about a signal, by name, or about `event KIND` or `log`; 1 without.
    pub prices: BTreeMap<String, f64>,
    /// Probability of a cause at which nothing more is asked, above 0 and at most 1.
    pub certainty: f64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { answers: Vec::new(), prices: BTreeMap::new(), certainty: CERTAINTY }
    }
}

/// Where an incident stands after all looks and answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Troubleshooting")]
pub struct Consultation {
    /// What readings and people answered, the most telling first: the way from what is likely before
    /// anything is known to the answer.
    pub steps: Vec<Step>,
    /// Further findings that count, each of which tells little by itself.
    pub others: usize,
    /// What to ask a person next; absent if a cause is clear or nothing is worth asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// Whether a cause, or that nothing is wrong, is as certain as was wanted.
    pub is_clear: bool,
    /// The diagnosis by all of it.
    pub diagnosis: Report,
}

/// A look at readings of all targets of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TroubleshootingStep")]
pub struct Step {
    /// What was looked for.
    pub statement: String,
    /// Kind of the targets.
    pub kind: String,
    /// Targets at which it is so; no more than some.
    pub at: Vec<String>,
    /// At how many it is so.
    pub holding: usize,
    /// At how many it is not so.
    pub failing: usize,
    /// What was seen at the first of them.
    pub seen: String,
    /// What leads then.
    pub leading: Leading,
}

/// What leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leading {
    /// Short name of a fault, `unknown` or `healthy`.
    pub cause: String,
    /// What people call it.
    pub name: String,
    /// Where it is likeliest; empty for what is at no place.
    pub place: String,
    /// How likely the cause is, wherever it is.
    pub probability: f64,
}

/// Something that a person may know and no reading tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TroubleshootingQuestion")]
pub struct Question {
    /// The statement, in the vocabulary of evidence.
    pub statement: String,
    /// Kind of the target that it is asked of.
    pub kind: String,
    /// What that target is called.
    pub place: String,
    /// The same in words, as a question.
    pub text: String,
    /// Bits that the answer is expected to gain.
    pub gain: f64,
    /// What it costs to find out.
    pub price: f64,
    /// Probability that it holds.
    pub chance: f64,
    /// What would lead if it holds.
    pub if_yes: Leading,
    /// What would lead if it does not.
    pub if_no: Leading,
}

impl Question {
    /// The answer to it.
    #[must_use]
    pub fn answer(&self, holds: Option<bool>) -> Answer {
        let Self { statement, kind, place, .. } = self.clone();
        Answer { statement, kind, place, holds }
    }
}

/// What readings that a person tells say of `statement`: the reading of now, or those of before and
/// now. `None` where they say nothing of it.
///
/// ```
/// use auscult_diagnose::diagnosis::by_readings;
/// let hot = "gpu_temperature above 80".parse()?;
/// assert_eq!(by_readings(&hot, &[84.0]), Some(true));
/// let rises = "gpu_temperature rises".parse()?;
/// assert_eq!(by_readings(&rises, &[60.0, 61.0]), Some(false));
/// assert_eq!(by_readings(&rises, &[84.0]), None);
/// # Ok::<(), String>(())
/// ```
#[must_use]
pub fn by_readings(statement: &Statement, readings: &[f64]) -> Option<bool> {
    use auscult_knowledge::Relation::{
        Above, Below, Bit, Doubles, Falls, Is, Rises, Starts, Steady, Stops,
    };
    let now = *readings.last()?;
    let bit = |bit: u32| now >= 0.0 && (now as u64) & (1 << bit) != 0;
    match (statement.relation, readings) {
        (Above(bound), _) => Some(now > bound),
        (Below(bound), _) => Some(now < bound),
        (Is(code), _) => Some(now == code),
        (Bit(number), _) => Some(bit(number)),
        (relation, [before, now]) => {
            let (up, down) =
                (*now >= MOVED * before && now > before, *now <= before / MOVED && now < before);
            match relation {
                Rises => Some(up),
                Doubles => Some(up && *now >= 2.0 * before),
                Falls => Some(down),
                Steady => Some(!up && !down),
                Stops => Some(*before > 0.0 && *now <= 0.05 * before),
                Starts => Some(*before == 0.0 && *now > 0.0),
                _ => None,
            }
        }
        _ => None,
    }
}

impl Doctor<'_> {
    /// Looks at readings question by question, takes in what people said, and finds what to ask them
    /// next. The diagnosis is that of [`diagnose`](Doctor::diagnose) and of the answers together,
    /// however far the looks that are told by themselves lead.
    ///
    /// Cost: that of two diagnoses, and of each look one pass over the statements of all faults at all
    /// places.
    ///
    /// # Errors
    ///
    /// A sentence for an answer to what cannot be asked, and for prices and certainties out of range.
    pub fn consult(
        &self,
        scene: &Scene,
        window: Window,
        asked: &Asked,
    ) -> Result<Consultation, String> {
        let Asked { answers, prices, certainty } = asked;
        if !(*certainty > 0.0 && *certainty <= 1.0) {
            return Err(format!(
                "the certainty is {certainty}; expected a number above 0, at most 1"
            ));
        }
        self.check_prices(prices)?;
        let mut judge = Judge::new(scene, self.knowledge, window);
        let mut not_known = BTreeSet::new();
        for answer in answers {
            let (statement, place) = self.meant(scene, answer)?;
            match answer.holds {
                Some(holds) => judge.tell(&statement, place, holds),
                None => drop(not_known.insert((statement.text, place))),
            }
        }
        let (diagnosis, weighed) = self.judged(&mut judge, scene, &[]);
        let report = Report::new(self.knowledge, self, scene, window, &diagnosis);
        let belief = self.belief(&judge, scene, weighed.clone());
        let (lead, probability) = belief.lead();
        if report.laws.most_is_not_trusted() || scene.is_empty() {
            let steps = Vec::new();
            return Ok(Consultation {
                steps,
                others: 0,
                question: None,
                is_clear: false,
                diagnosis: report,
            });
        }
        let is_clear = probability >= *certainty;
        let (steps, others) = self.walk(&mut judge, scene, weighed, (lead, *certainty));
        let question =
            if is_clear { None } else { self.ask(&mut judge, scene, &belief, prices, &not_known) };
        Ok(Consultation { steps, others, question, is_clear, diagnosis: report })
    }

    fn belief(&self, judge: &Judge<'_>, scene: &Scene, hypotheses: Vec<Weighed>) -> Belief {
        let [health, unknown] = self.other_odds(judge, scene, &[]);
        Belief::new(hypotheses, health, unknown, self.weights.credit)
    }

    fn check_prices(&self, prices: &BTreeMap<String, f64>) -> Result<(), String> {
        let signals = || self.knowledge.signals().iter().map(|signal| signal.name.as_str());
        for (name, price) in prices {
            if !(*price > 0.0 && price.is_finite()) {
                return Err(format!("the price of `{name}` is {price}; expected a number above 0"));
            }
            let is_known =
                name == "log" || name.starts_with("event ") || signals().any(|known| known == name);
            if !is_known {
                let near = nearest(name, signals());
                let hint = near.map_or_else(
                    || "expected a signal, `event KIND` or `log`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(format!("nothing is asked about `{name}`; {hint}"));
            }
        }
        Ok(())
    }

    /// The statement and the place that an answer is about.
    fn meant(&self, scene: &Scene, answer: &Answer) -> Result<(Statement, usize), String> {
        let Answer { statement, kind, place, .. } = answer;
        let targets = scene.targets();
        let of_kind = || targets.iter().filter(|target| target.kind == *kind);
        let found = targets.iter().position(|target| target.kind == *kind && target.name == *place);
        let hint = |near: Option<&str>| {
            near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
        };
        let found = found.ok_or_else(|| {
            let near = nearest(place, of_kind().map(|target| target.name.as_str()));
            format!("there is no {kind} `{place}` in this incident{}", hint(near))
        })?;
        let known = self.vocabulary(kind);
        let said = known.iter().find(|known| known.text == *statement).ok_or_else(|| {
            let near = nearest(statement, known.iter().map(|known| known.text.as_str()));
            format!("of a {kind} nobody is asked `{statement}`{}", hint(near))
        })?;
        Ok((said.clone(), found))
    }

    /// Statements that faults of `kind` speak of themselves, by number in the vocabulary of that kind,
    /// with the numbers of these faults.
    fn spoken(&self, kind: &str) -> BTreeMap<usize, Vec<usize>> {
        let vocabulary = self.vocabulary(kind).iter().enumerate();
        let places: BTreeMap<&str, usize> =
            vocabulary.map(|(number, statement)| (statement.text.as_str(), number)).collect();
        let mut spoken: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let of_kind = |(_, fault): &(usize, &Fault)| fault.place == kind;
        for (number, fault) in self.knowledge.faults().iter().enumerate().filter(of_kind) {
            for statement in fault.statements() {
                let place = places.get(statement.text.as_str());
                place.into_iter().for_each(|place| spoken.entry(*place).or_default().push(number));
            }
        }
        spoken
    }

    /// What a statement of the vocabulary does to the hypotheses of a place.
    fn test(&self, belief: &Belief, number: usize, place: usize) -> Test {
        let rates = belief.at(place).map(|one| rates(self.tables.expected[one.fault][number]));
        let rates: Vec<Option<(f64, f64)>> = rates.collect();
        let otherwise = rates.iter().flatten().map(|(_, health)| *health).next().unwrap_or(0.1);
        let effects = belief.at(place).zip(&rates).map(|(one, rates)| {
            let mut adds = self.tables.weights[one.fault][number];
            for (_, holds) in
                self.tables.struck_out_by[one.fault].iter().filter(|(at, _)| *at == number)
            {
                adds[usize::from(*holds)] = f64::NEG_INFINITY;
            }
            (adds, rates.map_or(otherwise, |(share, _)| share))
        });
        Test { place, effects: effects.collect(), otherwise }
    }

    /// Looks at what is known, the most telling first, until `end` leads as surely.
    fn walk(
        &self,
        judge: &mut Judge<'_>,
        scene: &Scene,
        weighed: Vec<Weighed>,
        end: (Lead, f64),
    ) -> (Vec<Step>, usize) {
        // As likely as before anything was looked at.
        let before = |one: Weighed| Weighed {
            odds: one.odds - one.by_evidence + self.tables.leanings[one.fault],
            by_evidence: self.tables.leanings[one.fault],
            ..one
        };
        let mut belief = self.belief(judge, scene, weighed.into_iter().map(before).collect());
        let explained = Explained::default();
        // Of each kind and statement, what was found at which places.
        let mut looks: BTreeMap<(&str, usize), Vec<(usize, bool)>> = BTreeMap::new();
        let mut findings = 0;
        let places: Vec<usize> = belief.places().collect();
        let mut spoken: BTreeMap<&str, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
        for place in places {
            let kind = scene.targets()[place].kind.as_str();
            let known = spoken.entry(kind).or_insert_with(|| self.spoken(kind));
            let verdicts = self.verdicts(judge, kind, place);
            for (number, holds) in self.found(judge, kind, place, &verdicts, &explained) {
                findings += 1;
                if known.contains_key(&number) {
                    looks.entry((kind, number)).or_default().push((place, holds));
                }
            }
        }
        let mut steps = Vec::new();
        while steps.len() < MOST_STEPS {
            let gains = looks.iter().map(|(look, found)| {
                let tests = found.iter().map(|(place, _)| self.test(&belief, look.1, *place));
                (*look, belief.gain(&tests.collect::<Vec<_>>()))
            });
            let best = gains.reduce(|best, one| if one.1 > best.1 { one } else { best });
            let Some((look, _)) = best.filter(|(_, gain)| *gain >= TOLD) else { break };
            let found = looks.remove(&look).unwrap_or_default();
            for (place, holds) in &found {
                let test = self.test(&belief, look.1, *place);
                belief.take(&test, *holds);
                findings -= 1;
            }
            let lead = belief.lead();
            steps.push(self.step(judge, scene, look, &found, lead));
            if lead.0 == end.0 && lead.1 >= end.1 {
                break;
            }
        }
        (steps, findings)
    }

    fn step(
        &self,
        judge: &mut Judge<'_>,
        scene: &Scene,
        (kind, number): (&str, usize),
        found: &[(usize, bool)],
        lead: (Lead, f64),
    ) -> Step {
        const NAMED: usize = 5;
        let statement = &self.vocabulary(kind)[number];
        let holding = || found.iter().filter(|(_, holds)| *holds).map(|(place, _)| *place);
        let shown = holding().next().or(found.first().map(|(place, _)| *place));
        let name = |place: usize| scene.targets()[place].name.clone();
        Step {
            statement: statement.text.clone(),
            kind: kind.to_owned(),
            at: holding().take(NAMED).map(name).collect(),
            holding: holding().count(),
            failing: found.len() - holding().count(),
            seen: shown.map(|place| judge.judge(statement, place).seen).unwrap_or_default(),
            leading: self.leading(scene, lead),
        }
    }

    fn leading(&self, scene: &Scene, (lead, probability): (Lead, f64)) -> Leading {
        let (cause, name, place) = match lead {
            Lead::Fault(fault, place) => {
                let (fault, target) = (&self.knowledge.faults()[fault], &scene.targets()[place]);
                let at = format!("{} {}", target.kind, target.name);
                (fault.fault.clone(), fault.name.clone(), at)
            }
            Lead::Unknown => {
                ("unknown".to_owned(), "none of the known causes".to_owned(), String::new())
            }
            Lead::Healthy => ("healthy".to_owned(), "nothing is wrong".to_owned(), String::new()),
        };
        Leading { cause, name, place, probability }
    }

    /// What is worth most for its price, of what people may know and no reading tells.
    fn ask(
        &self,
        judge: &mut Judge<'_>,
        scene: &Scene,
        belief: &Belief,
        prices: &BTreeMap<String, f64>,
        not_known: &BTreeSet<(String, usize)>,
    ) -> Option<Question> {
        let likely = belief.likely(LIKELY, MOST_PLACES);
        let mut best: Option<(f64, f64, usize, usize, Test)> = None;
        for (place, faults) in &likely {
            let kind = &scene.targets()[*place].kind;
            for (number, speaking) in self.spoken(kind) {
                let statement = &self.vocabulary(kind)[number];
                let is_law = matches!(statement.subject, Subject::Law(_));
                if is_law
                    || !speaking.iter().any(|fault| faults.contains(fault))
                    || not_known.contains(&(statement.text.clone(), *place))
                    || is_empty(judge, statement, *place)
                    || judge.verdict(statement, *place).is_some()
                {
                    continue;
                }
                let test = self.test(belief, number, *place);
                let gain = belief.gain([&test]);
                let price = price(prices, statement);
                let worth = gain / price;
                let is_better = best.as_ref().is_none_or(|(gain, price, ..)| worth > gain / price);
                if gain >= WORTHWHILE && is_better {
                    best = Some((gain, price, *place, number, test));
                }
            }
        }
        let (gain, price, place, number, test) = best?;
        let target = &scene.targets()[place];
        let statement = &self.vocabulary(&target.kind)[number];
        let [no, yes] = belief.outlook(&test);
        Some(Question {
            statement: statement.text.clone(),
            kind: target.kind.clone(),
            place: target.name.clone(),
            text: words::question(self.knowledge, statement, target),
            gain,
            price,
            chance: yes.0,
            if_yes: self.leading(scene, (yes.1, yes.2)),
            if_no: self.leading(scene, (no.1, no.2)),
        })
    }
}

/// Whether a statement is about targets of which there are none.
fn is_empty(judge: &mut Judge<'_>, statement: &Statement, place: usize) -> bool {
    match &statement.scope {
        Scope::Near { kind, .. } => judge.near(place, kind).is_empty(),
        Scope::Own | Scope::Peers => false,
    }
}

/// How likely a statement is under a fault and where all is well, from the logarithms of the ratios of
/// both if it fails and if it holds; `None` where they are the same, and where nothing is said of one that
/// holds, as of what was never seen with a fault: the ratio is not that of the rates then.
fn rates([fails, holds]: [f64; 2]) -> Option<(f64, f64)> {
    let is_silent = holds == 0.0;
    let (fails, holds) = (fails.exp(), holds.exp());
    if is_silent || (holds - fails).abs() < 1e-6 {
        return None;
    }
    let health = ((1.0 - fails) / (holds - fails)).clamp(0.0, 1.0);
    Some(((health * holds).clamp(0.0, 1.0), health))
}

fn price(prices: &BTreeMap<String, f64>, statement: &Statement) -> f64 {
    let of = |name: &str| prices.get(name).copied().unwrap_or(1.0);
    match &statement.subject {
        Subject::Signal { name, .. } => of(name),
        Subject::Event(kind) => of(&format!("event {kind}")),
        Subject::Log(_) | Subject::Law(_) => of("log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_that_the_ratios_were_made_of() {
        let ratios = |share: f64, health: f64| {
            [((1.0 - share) / (1.0 - health)).ln(), (share / health).ln()]
        };
        let (share, health) = rates(ratios(0.9, 0.05)).unwrap();
        assert!((share - 0.9).abs() < 1e-9 && (health - 0.05).abs() < 1e-9);
        assert_eq!(rates([0.0, 0.0]), None);
        // It was denied and never seen: that it holds says nothing, and how rare it is neither.
        assert_eq!(rates([-0.05, 0.0]), None);
    }
}
