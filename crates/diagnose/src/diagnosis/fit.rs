//! Fits what evidence weighs to past incidents, so that the true causes come first among all.
//!
//! A conditional logit (McFadden, *Conditional logit analysis of qualitative choice behavior*,
//! 1974): of all faults at all places, and of health, the true one is to be the likeliest. What
//! experts and counts expect is where weights begin and where a penalty on squares holds them;
//! what no incident speaks of stays as it was. No finding may speak for a fault by more than its
//! rarity where all is well, and no fault is assumed for want of findings. Stochastic gradient with Adam (Kingma and Ba,
//! *Adam: a method for stochastic optimization*, 2015), in an order that a seed decides.

use std::collections::BTreeMap;

use auscult_knowledge::{Knowledge, Subject};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::expect::least_and_most;
use super::experience::Learnt;
use super::tables::Tables;
use super::{Cases, Experience, Priors, Weights};

/// How weights are fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitting {
    /// How often every incident is looked at.
    pub rounds: usize,
    /// Incidents between one step and the next.
    pub batch: usize,
    /// Length of the first steps; it falls to nothing.
    pub step: f64,
    /// How strongly weights are held where experts and counts see them, as a penalty on half the
    /// square of the difference, for all incidents together.
    pub hold: f64,
    /// Part of what was learnt that is kept: incidents that were simulated are not those that come.
    pub belief: f64,
    /// How much more an incident counts in which nothing is wrong.
    pub caution: f64,
    /// Share of the findings that are left out each time an incident is looked at, so that no few
    /// of them decide alone (Hinton et al., *Improving neural networks by preventing co-adaptation
    /// of feature detectors*, 2012).
    pub left_out: f64,
    /// Share of the times at which an incident is looked at as if nobody had told of changes, as at
    /// sites where nobody does.
    pub untold: f64,
    /// Of the order in which incidents are looked at, and of what is left out.
    pub seed: u64,
}

impl Default for Fitting {
    fn default() -> Self {
        Self {
            rounds: 20,
            batch: 32,
            step: 0.02,
            hold: 0.2,
            belief: 0.6,
            caution: 2.0,
            left_out: 0.3,
            untold: 0.3,
            seed: 1,
        }
    }
}

/// An incident whose causes are known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lesson {
    /// Short names of the faults; none where all was well.
    pub causes: Vec<String>,
    /// Of those that were known, so that what they account for is not among what was found, and they are not
    /// asked for again.
    pub known: Vec<String>,
    /// Every place at which faults are looked for.
    pub places: Vec<LessonPlace>,
}

/// A place of a lesson.
#[derive(Debug, Clone, PartialEq)]
pub struct LessonPlace {
    /// Kind of the target.
    pub kind: String,
    /// How many targets look exactly like that.
    pub alike: usize,
    /// Whether a cause is there.
    pub is_ill: bool,
    /// What was found: places of statements in [`Doctor::vocabulary`](super::Doctor::vocabulary)
    /// of such targets, and whether they hold.
    pub found: Vec<(usize, bool)>,
}

/// Weights below this are not worth their place.
const NEGLIGIBLE: f64 = 0.02;
/// Decay of the mean of gradients, and of that of their squares.
const MOMENTUM: [f64; 2] = [0.9, 0.999];

impl Experience {
    /// Fits what evidence weighs to `lessons`; what was fitted before is forgotten.
    ///
    /// Time: linear in rounds, and in statements that were found times faults of such targets.
    pub fn fit(
        &mut self,
        knowledge: &Knowledge,
        weights: Weights,
        lessons: &[Lesson],
        fitting: Fitting,
    ) {
        self.learnt.clear();
        let mut logit = Logit::new(knowledge, self, weights);
        let lessons: Vec<&Lesson> =
            lessons.iter().filter(|lesson| logit.can_learn(lesson)).collect();
        let mut order: Vec<usize> = (0..lessons.len()).collect();
        let mut random = Pcg64Mcg::seed_from_u64(fitting.seed);
        let mut adam = Adam::new(logit.weights.len());
        let steps = fitting.rounds * order.len().div_ceil(fitting.batch);
        let mut taken = 0;
        for _ in 0..fitting.rounds {
            order.shuffle(&mut random);
            for batch in order.chunks(fitting.batch) {
                let mut gradient = vec![0.0; logit.weights.len()];
                for number in batch {
                    let lesson = lessons[*number];
                    let hearing = Hearing {
                        left_out: fitting.left_out,
                        changes: !random.random_bool(fitting.untold),
                        seed: random.random(),
                    };
                    let counts = if logit.is_benign(lesson) { fitting.caution } else { 1.0 };
                    logit.learn(lesson, hearing, counts / batch.len() as f64, &mut gradient);
                }
                let hold = fitting.hold / lessons.len() as f64;
                let away = logit.weights.iter().zip(&logit.base);
                for (slope, (weight, base)) in gradient.iter_mut().zip(away) {
                    *slope += hold * (weight - base);
                }
                let left = 1.0 - taken as f64 / steps as f64;
                adam.step(&gradient, fitting.step * left, &mut logit.weights);
                logit.bound();
                taken += 1;
            }
        }
        logit.tell(fitting.belief, self);
    }

    /// Of each of `lessons`, what comes first by what was fitted: the short name of a fault, or none
    /// where nothing is wrong.
    pub fn first_causes(
        &self,
        knowledge: &Knowledge,
        weights: Weights,
        lessons: &[Lesson],
    ) -> Vec<Option<String>> {
        let logit = Logit::new(knowledge, self, weights);
        lessons.iter().map(|lesson| logit.first_cause(lesson)).collect()
    }
}

/// Which findings of a lesson count when it is looked at once.
#[derive(Debug, Clone, Copy)]
struct Hearing {
    left_out: f64,
    /// Whether changes are told.
    changes: bool,
    seed: u64,
}

impl Hearing {
    /// All of them.
    const ALL: Self = Self { left_out: 0.0, changes: true, seed: 0 };

    /// Whether a statement about a target of `kind` can be known at all.
    fn is_told(self, kind: &Kind, statement: usize) -> bool {
        self.changes || !kind.is_change[statement]
    }

    /// Whether what was found of a statement at a place of the lesson, a target of `kind`, counts: a
    /// hash of both, by the finaliser of SplitMix64.
    fn counts(self, kind: &Kind, place: usize, statement: usize) -> bool {
        if !self.is_told(kind, statement) {
            return false;
        }
        let mut mixed = self.seed ^ (place as u64) << 32 ^ statement as u64;
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            mixed = (mixed ^ mixed >> shift).wrapping_mul(factor);
        }
        (mixed ^ mixed >> 31) as f64 / u64::MAX as f64 >= self.left_out
    }
}

/// The weights of all faults, kind by kind of target: a row for each statement that fails, one for
/// each that holds, one for leaning; in a row, a weight for each fault.
#[derive(Debug)]
struct Logit<'k> {
    kinds: BTreeMap<String, Kind>,
    statements: BTreeMap<String, Vec<String>>,
    /// Names of faults that are none.
    benign: Vec<&'k str>,
    health: f64,
    /// What is added where nothing is found of what a fault requires.
    unseen: f64,
    weights: Vec<f64>,
    base: Vec<f64>,
    /// Between what each may be.
    bounds: Vec<[f64; 2]>,
}

/// The faults of a kind of target.
#[derive(Debug)]
struct Kind {
    /// Short names.
    faults: Vec<String>,
    /// Logarithms of priors.
    priors: Vec<f64>,
    /// For each fault, places of statements that strike it out, and whether they do by holding.
    struck_out_by: Vec<Vec<(usize, bool)>>,
    /// For each fault, places of what it requires.
    required: Vec<Vec<usize>>,
    /// For each statement, whether it is about a change that people made.
    is_change: Vec<bool>,
    statements: usize,
    /// Where its weights begin.
    offset: usize,
}

impl Kind {
    fn row(&self, statement: usize, holds: bool) -> usize {
        let row = statement + if holds { self.statements } else { 0 };
        self.offset + row * self.faults.len()
    }

    fn leaning(&self) -> usize {
        self.offset + 2 * self.statements * self.faults.len()
    }
}

/// The hypotheses of each place, with its number: for each fault of such places the logarithm of the odds.
type Odds<'l> = Vec<(usize, &'l LessonPlace, Vec<f64>)>;

impl<'k> Logit<'k> {
    fn new(knowledge: &'k Knowledge, experience: &Experience, settings: Weights) -> Self {
        let tables = Tables::new(knowledge, experience, settings);
        let priors = Priors::new(knowledge, &settings, &Cases::default());
        let faults = knowledge.faults();
        let mut kinds = BTreeMap::new();
        let (mut weights, mut bounds, mut statements) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (kind, vocabulary) in &tables.vocabulary {
            let numbers = (0..faults.len()).filter(|number| faults[*number].place == *kind);
            let numbers: Vec<usize> = numbers.collect();
            let offset = weights.len();
            for holds in [0, 1] {
                for (place, statement) in vocabulary.iter().enumerate() {
                    for number in &numbers {
                        let alone = tables.weights[*number][place][holds];
                        let fault = &faults[*number];
                        weights.push(alone);
                        bounds.push(least_and_most(
                            experience,
                            fault,
                            statement,
                            holds == 1,
                            alone,
                        ));
                    }
                }
            }
            weights.extend(numbers.iter().map(|_| 0.0));
            bounds.extend(numbers.iter().map(|_| [f64::NEG_INFINITY, 0.0]));
            kinds.insert(
                kind.clone(),
                Kind {
                    faults: numbers.iter().map(|number| faults[*number].fault.clone()).collect(),
                    priors: numbers.iter().map(|number| priors.faults[*number].ln()).collect(),
                    struck_out_by: numbers
                        .iter()
                        .map(|number| tables.struck_out_by[*number].clone())
                        .collect(),
                    required: numbers
                        .iter()
                        .map(|number| tables.required[*number].clone())
                        .collect(),
                    is_change: vocabulary
                        .iter()
                        .map(|statement| matches!(statement.subject, Subject::Event(_)))
                        .collect(),
                    statements: vocabulary.len(),
                    offset,
                },
            );
            let texts = vocabulary.iter().map(|statement| statement.text.clone()).collect();
            statements.insert(kind.clone(), texts);
        }
        let benign = faults.iter().filter(|fault| fault.benign);
        let benign = benign.map(|fault| fault.fault.as_str()).collect();
        let (health, base) = (priors.healthy.ln(), weights.clone());
        let unseen = settings.unseen.ln();
        Self { kinds, statements, benign, health, unseen, weights, base, bounds }
    }

    /// Keeps every weight between the least and the most that it may be.
    fn bound(&mut self) {
        let each = self.weights.iter_mut().zip(&self.bounds);
        each.for_each(|(weight, [least, most])| *weight = weight.clamp(*least, *most));
    }

    fn is_benign(&self, lesson: &Lesson) -> bool {
        let causes = lesson.causes.iter().chain(&lesson.known);
        causes.map(String::as_str).all(|cause| self.benign.contains(&cause))
    }

    fn first_cause(&self, lesson: &Lesson) -> Option<String> {
        let odds = self.odds(lesson, Hearing::ALL);
        let mut by_fault: BTreeMap<&str, f64> = BTreeMap::new();
        for (_, place, odds) in &odds {
            for (fault, odds) in self.kinds[place.kind.as_str()].faults.iter().zip(odds) {
                let sum = by_fault.entry(fault).or_insert(f64::NEG_INFINITY);
                let most = sum.max(*odds);
                if most.is_finite() {
                    *sum = most + ((*sum - most).exp() + (odds - most).exp()).ln();
                }
            }
        }
        let first = by_fault.into_iter().max_by(|one, other| one.1.total_cmp(&other.1));
        first.filter(|(_, odds)| *odds > self.health).map(|(fault, _)| fault.to_owned())
    }

    /// Whether each cause is among the hypotheses.
    fn can_learn(&self, lesson: &Lesson) -> bool {
        let odds = self.odds(lesson, Hearing::ALL);
        lesson.causes.iter().all(|cause| {
            odds.iter().any(|(_, place, odds)| {
                let faults = self.kinds[place.kind.as_str()].faults.iter().zip(odds);
                place.is_ill
                    && faults.filter(|(fault, _)| *fault == cause).any(|(_, odds)| odds.is_finite())
            })
        })
    }

    fn odds<'l>(&self, lesson: &'l Lesson, hearing: Hearing) -> Odds<'l> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for place in &lesson.places {
            *counts.entry(&place.kind).or_default() += place.alike;
        }
        let known = lesson.places.iter().enumerate().filter_map(|(number, place)| {
            let kind = self.kinds.get(place.kind.as_str())?;
            let share = (place.alike as f64 / counts[place.kind.as_str()] as f64).ln();
            let leaning = &self.weights[kind.leaning()..][..kind.faults.len()];
            let mut odds: Vec<f64> = kind
                .priors
                .iter()
                .zip(leaning)
                .map(|(prior, leaning)| prior + leaning + share)
                .collect();
            let heard = place.found.iter().filter(|(one, _)| hearing.counts(kind, number, *one));
            for (statement, holds) in heard {
                let row = &self.weights[kind.row(*statement, *holds)..][..kind.faults.len()];
                odds.iter_mut().zip(row).for_each(|(odds, weight)| *odds += weight);
            }
            for (odds, struck_out_by) in odds.iter_mut().zip(&kind.struck_out_by) {
                let mut strikes =
                    struck_out_by.iter().filter(|(one, _)| hearing.is_told(kind, *one));
                if strikes.any(|finding| place.found.contains(finding)) {
                    *odds = f64::NEG_INFINITY;
                }
            }
            for (odds, fault) in odds.iter_mut().zip(&kind.faults) {
                if lesson.known.contains(fault) {
                    *odds = f64::NEG_INFINITY;
                }
            }
            for (odds, required) in odds.iter_mut().zip(&kind.required) {
                let is_found = |one: &&usize| {
                    hearing.is_told(kind, **one)
                        && place.found.iter().any(|(known, _)| known == *one)
                };
                let unseen = required.len() - required.iter().filter(is_found).count();
                *odds += self.unseen * unseen as f64 / required.len().max(1) as f64;
            }
            Some((number, place, odds))
        });
        known.collect()
    }

    /// Adds the slope of the cross-entropy of a lesson, `counts` times; returns that entropy.
    fn learn(&self, lesson: &Lesson, hearing: Hearing, counts: f64, gradient: &mut [f64]) -> f64 {
        let odds = self.odds(lesson, hearing);
        let all = odds.iter().flat_map(|(_, _, odds)| odds.iter().copied());
        let most = all.clone().fold(self.health, f64::max);
        let sum: f64 =
            all.map(|odds| (odds - most).exp()).sum::<f64>() + (self.health - most).exp();
        let total = most + sum.ln();
        // Of each cause, all its places together.
        let mut of_causes: Vec<f64> = Vec::with_capacity(lesson.causes.len());
        for cause in &lesson.causes {
            let there =
                odds.iter().filter(|(_, place, _)| place.is_ill).flat_map(|(_, place, odds)| {
                    let faults = self.kinds[place.kind.as_str()].faults.iter().zip(odds);
                    faults.filter(|(fault, _)| *fault == cause).map(|(_, odds)| (odds - most).exp())
                });
            of_causes.push(most + there.sum::<f64>().ln());
        }
        let each = 1.0 / lesson.causes.len().max(1) as f64;
        for (number, place, odds) in &odds {
            let kind = &self.kinds[place.kind.as_str()];
            let slopes: Vec<f64> = kind
                .faults
                .iter()
                .zip(odds)
                .map(|(fault, odds)| {
                    let said = (odds - total).exp();
                    let cause = lesson.causes.iter().position(|cause| cause == fault);
                    let wanted = match cause.filter(|_| place.is_ill) {
                        Some(cause) => each * (odds - of_causes[cause]).exp(),
                        None => 0.0,
                    };
                    counts * (said - wanted)
                })
                .collect();
            let mut add = |row: usize| {
                let row = &mut gradient[row..][..slopes.len()];
                row.iter_mut().zip(&slopes).for_each(|(sum, slope)| *sum += slope);
            };
            add(kind.leaning());
            let heard = place.found.iter().filter(|(one, _)| hearing.counts(kind, *number, *one));
            heard.for_each(|(statement, holds)| add(kind.row(*statement, *holds)));
        }
        if lesson.causes.is_empty() {
            return counts * (total - self.health);
        }
        counts * of_causes.iter().map(|odds| each * (total - odds)).sum::<f64>()
    }

    /// Tells experience by how much weights are away from what was expected.
    fn tell(&self, belief: f64, experience: &mut Experience) {
        let away = |place: usize| belief * (self.weights[place] - self.base[place]);
        for (name, kind) in &self.kinds {
            for (number, fault) in kind.faults.iter().enumerate() {
                let mut learnt =
                    Learnt { leaning: away(kind.leaning() + number), ..Learnt::default() };
                for (place, statement) in self.statements[name].iter().enumerate() {
                    let weights = [false, true].map(|holds| away(kind.row(place, holds) + number));
                    if weights.iter().any(|weight| weight.abs() >= NEGLIGIBLE) {
                        learnt.weights.insert(statement.clone(), weights);
                    }
                }
                experience.learnt.insert(fault.clone(), learnt);
            }
        }
    }
}

/// Adam: steps by means of gradients, each in units of its own size.
#[derive(Debug)]
struct Adam {
    means: Vec<f64>,
    squares: Vec<f64>,
    steps: i32,
}

impl Adam {
    fn new(length: usize) -> Self {
        Self { means: vec![0.0; length], squares: vec![0.0; length], steps: 0 }
    }

    fn step(&mut self, gradient: &[f64], length: f64, weights: &mut [f64]) {
        self.steps += 1;
        let [mean_decay, square_decay] = MOMENTUM;
        let unbiased = MOMENTUM.map(|decay| 1.0 - decay.powi(self.steps));
        for (place, slope) in gradient.iter().enumerate() {
            let (mean, square) = (&mut self.means[place], &mut self.squares[place]);
            *mean += (1.0 - mean_decay) * (slope - *mean);
            *square += (1.0 - square_decay) * (slope * slope - *square);
            let size = (*square / unbiased[1]).sqrt() + 1e-8;
            weights[place] -= length * (*mean / unbiased[0]) / size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(kind: &str, is_ill: bool, found: &[(usize, bool)]) -> LessonPlace {
        LessonPlace { kind: kind.to_owned(), alike: 1, is_ill, found: found.to_vec() }
    }

    /// Two faults of a GPU that only one statement tells apart, which nobody said anything of.
    fn lessons() -> Vec<Lesson> {
        let lesson = |cause: &str, holds: bool| Lesson {
            causes: vec![cause.to_owned()],
            known: Vec::new(),
            places: vec![
                place("gpu", true, &[(0, true), (1, holds)]),
                place("gpu", false, &[(0, false), (1, false)]),
                place("host", false, &[(2, false)]),
            ],
        };
        let calm = Lesson { places: vec![place("gpu", false, &[(0, false)])], ..Lesson::default() };
        vec![lesson("G2", true), lesson("G8", false), calm]
    }

    #[test]
    fn slopes_are_those_of_the_entropy() {
        let (knowledge, experience) = (Knowledge::embedded(), Experience::default());
        let mut logit = Logit::new(&knowledge, &experience, Weights::default());
        let gpu = &logit.kinds["gpu"];
        let checked =
            [gpu.leaning(), gpu.row(0, true), gpu.row(1, false) + 1, gpu.row(1, true) + 7];
        for lesson in &lessons() {
            let mut slopes = vec![0.0; logit.weights.len()];
            logit.learn(lesson, Hearing::ALL, 1.0, &mut slopes);
            for place in checked {
                let mut at = |change: f64| {
                    logit.weights[place] += change;
                    let entropy =
                        logit.learn(lesson, Hearing::ALL, 1.0, &mut vec![0.0; slopes.len()]);
                    logit.weights[place] -= change;
                    entropy
                };
                let (less, more) = (at(-1e-5), at(1e-5));
                let slope = (more - less) / 2e-5;
                assert!((slope - slopes[place]).abs() < 1e-6, "{slope} {}", slopes[place]);
            }
        }
    }

    #[test]
    fn what_tells_two_faults_apart_is_learnt() {
        let knowledge = Knowledge::embedded();
        let mut experience = Experience::default();
        let fitting = Fitting { rounds: 200, belief: 1.0, left_out: 0.0, ..Fitting::default() };
        experience.fit(&knowledge, Weights::default(), &lessons(), fitting);
        let logit = Logit::new(&knowledge, &experience, Weights::default());
        let unfitted = Experience { learnt: BTreeMap::new(), ..experience.clone() };
        let before = Logit::new(&knowledge, &unfitted, Weights::default());
        let entropy = |logit: &Logit<'_>, lesson: &Lesson| {
            logit.learn(lesson, Hearing::ALL, 1.0, &mut vec![0.0; logit.weights.len()])
        };
        let [first, second, calm] = lessons().try_into().expect("three");
        for lesson in [&first, &second] {
            assert!(entropy(&logit, lesson) < entropy(&before, lesson) - 0.3, "{lesson:?}");
        }
        assert!(entropy(&logit, &calm) < entropy(&before, &calm), "{calm:?}");
        for (lesson, other) in [(&first, &second), (&second, &first)] {
            let mistaken = Lesson { causes: other.causes.clone(), ..lesson.clone() };
            assert!(entropy(&logit, lesson) < entropy(&logit, &mistaken) - 0.5, "{lesson:?}");
        }
        let mut again = Experience::default();
        again.fit(&knowledge, Weights::default(), &lessons(), fitting);
        assert_eq!(experience, again);
        // Nobody spoke of jobs.
        assert_eq!(experience.learnt["R1"], Learnt::default());
    }

    #[test]
    fn a_known_cause_is_not_asked_for_again() {
        let knowledge = Knowledge::embedded();
        let mut experience = Experience::default();
        let fitting = Fitting { rounds: 200, belief: 1.0, left_out: 0.0, ..Fitting::default() };
        experience.fit(&knowledge, Weights::default(), &lessons(), fitting);
        let first = lessons().remove(0);
        let known = Lesson { known: first.causes.clone(), causes: Vec::new(), ..first.clone() };
        let causes = experience.first_causes(&knowledge, Weights::default(), &[first, known]);
        assert_eq!(causes[0].as_deref(), Some("G2"));
        assert_ne!(causes[1].as_deref(), Some("G2"));
    }

    #[test]
    fn what_was_never_seen_with_a_cause_does_not_speak_for_it() {
        let knowledge = Knowledge::embedded();
        let fault = knowledge.faults().iter().position(|fault| fault.fault == "G2").unwrap();
        let is_said =
            |text: &String| knowledge.faults()[fault].statements().any(|said| said.text == *text);
        let logit = Logit::new(&knowledge, &Experience::default(), Weights::default());
        let texts = &logit.statements["gpu"];
        let foreign = texts.iter().position(|text| !is_said(text)).expect("of another fault");
        // Together with another fault, again and again, it holds.
        let lesson = |causes: &[&str], holds: bool| Lesson {
            causes: causes.iter().map(|cause| (*cause).to_owned()).collect(),
            known: Vec::new(),
            places: vec![place("gpu", !causes.is_empty(), &[(foreign, holds)])],
        };
        let lessons = [lesson(&["G2"], true), lesson(&[], false)];
        let fitted = |seen: bool| {
            let mut experience = Experience::default();
            for _ in 0..8 {
                experience.learn_fault("G2", &texts[foreign], seen, 1.0);
            }
            let fitting = Fitting { rounds: 200, belief: 1.0, left_out: 0.0, ..Fitting::default() };
            experience.fit(&knowledge, Weights::default(), &lessons, fitting);
            let tables = Tables::new(&knowledge, &experience, Weights::default());
            tables.weights[fault][foreign][1]
        };
        let (seen, never) = (fitted(true), fitted(false));
        assert!(seen > 0.5 && never <= 0.0, "{seen} {never}");
    }

    #[test]
    fn incidents_of_unknown_causes_teach_nothing() {
        let knowledge = Knowledge::embedded();
        let mut experience = Experience::default();
        let mut lesson = lessons().remove(0);
        lesson.causes = vec!["X1".to_owned()];
        experience.fit(&knowledge, Weights::default(), &[lesson], Fitting::default());
        let any = |learnt: &Learnt| learnt.leaning != 0.0 || !learnt.weights.is_empty();
        assert!(!experience.learnt.values().any(any));
    }
}
