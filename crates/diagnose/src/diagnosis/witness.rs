//! A tree or forest that was learnt from past incidents, heard as one more witness.
//!
//! A model that `auscult learn` made of a fault log says how likely each of its causes is, given what
//! can be said of a case in the columns of such logs. What that adds is the logarithm of how much
//! likelier the model takes a cause for than its log did. It looked at the same readings as all other
//! evidence, so a part of it counts only ([`Weights::witness`]), and of that as much as the model was
//! right of on rows that it had not learnt from, beyond naming the most frequent cause. However sure
//! it is, it moves the odds by [`Weights::witness_most`] at most: it is never the only witness.
//!
//! Pooling opinions by their logarithms: C. Genest, J. V. Zidek, "Combining probability distributions: a
//! critique and an annotated bibliography", Statistical Science 1(1), 1986.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use auscult_knowledge::Knowledge;
use auscult_trees::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Weights;
use crate::features::is_column;
use crate::model::{KnownValues, LearntModel};

/// What logs call a case in which nothing is wrong.
const HEALTHY: &str = "healthy";
/// Causes that are told.
const TOLD: usize = 3;
/// Probability under which a cause is not worth telling.
const NEGLIGIBLE: f64 = 0.05;

/// A learnt model that is asked of each case.
///
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Witness {
    model: Arc<LearntModel>,
    /// What each cause of the model is here.
    means: Vec<Meant>,
    /// How far it was right where it had not learnt, from 0 to 1.
    skill: f64,
}

/// What a cause of a model is to the handbook.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meant {
    Fault(usize),
    Healthy,
    Unknown,
}

impl Witness {
    /// Of a model whose causes are called as in `knowledge`, by short name or by what people call them;
    /// `healthy` for nothing, and anything else for none of the known causes.
    ///
    /// # Errors
    ///
    /// A sentence for a model of which no cause is known, or that asks for nothing that is said of a case.
    pub fn new(knowledge: &Knowledge, model: LearntModel) -> Result<Self, String> {
        let faults = knowledge.faults();
        let meant = |name: &str| {
            let is_it = |known: &str| known.eq_ignore_ascii_case(name);
            let number = faults.iter().position(|fault| is_it(&fault.fault) || is_it(&fault.name));
            match number {
                Some(number) => Meant::Fault(number),
                None if name.eq_ignore_ascii_case(HEALTHY) => Meant::Healthy,
                None => Meant::Unknown,
            }
        };
        let means: Vec<Meant> = model.causes().iter().map(|cause| meant(&cause.name)).collect();
        if means.iter().all(|means| *means == Meant::Unknown) {
            let first = &model.causes()[0].name;
            return Err(format!(
                "none of its causes is a fault of the handbook, `{first}` for one; expected a model of a log whose causes are called as `auscult faults` lists them"
            ));
        }
        let asks = |name: &str| is_column(knowledge, name);
        if !model.features().iter().any(|feature| asks(&feature.name)) {
            let first = model.features().first().map_or("", |feature| feature.name.as_str());
            return Err(format!(
                "it asks for nothing that is said of an incident, for `{first}` first; expected a model of a fault log that `auscult simulate --fault-log` or a running service wrote"
            ));
        }
        let validation = &model.training().validation;
        let (right, guessed) = (validation.accuracy, validation.majority_accuracy);
        let skill = if guessed < 1.0 { (right - guessed) / (1.0 - guessed) } else { 0.0 };
        Ok(Self { model: Arc::new(model), means, skill: skill.clamp(0.0, 1.0) })
    }

    /// The same of the model in the file at `path`.
    ///
    /// # Errors
    ///
    /// A sentence that begins with the path; beside those above, for a file that is no model.
    pub fn from_file(knowledge: &Knowledge, path: &Path) -> Result<Self, String> {
        let refuse = |reason: String| format!("{}: {reason}", path.display());
        let model = LearntModel::from_file(path).map_err(|error| refuse(error.to_string()))?;
        Self::new(knowledge, model).map_err(refuse)
    }

    /// What it says of a case of which `columns` can be said.
    pub fn hear(
        &self,
        knowledge: &Knowledge,
        columns: &BTreeMap<String, String>,
        weights: &Weights,
    ) -> Testimony {
        let answers: Vec<Answer> = self
            .model
            .features()
            .iter()
            .map(|feature| match (columns.get(&feature.name), &feature.values) {
                (Some(word), KnownValues::Words { categories, .. }) => {
                    let code = categories.iter().position(|known| known == word);
                    code.map_or(Answer::Unknown, |code| Answer::Category(code as u32))
                }
                (Some(word), KnownValues::Numbers { .. }) => {
                    word.parse().map_or(Answer::Unknown, Answer::Number)
                }
                // What was often missing in the log has taught something by that.
                (None, _) if feature.missing > 0 => Answer::Missing,
                (None, _) => Answer::Unknown,
            })
            .collect();
        let likely = self.model.probabilities(&answers);
        let before: Vec<f64> =
            self.model.causes().iter().map(|cause| cause.rows as f64 * cause.row_weight).collect();
        let all: f64 = before.iter().sum();
        // Of each cause of the handbook: how likely it is now, and how likely it was.
        let mut faults = vec![[0.0; 2]; knowledge.faults().len()];
        let (mut healthy, mut unknown) = ([0.0; 2], [0.0; 2]);
        for ((means, likely), before) in self.means.iter().zip(&likely).zip(&before) {
            let of = match means {
                Meant::Fault(number) => &mut faults[*number],
                Meant::Healthy => &mut healthy,
                Meant::Unknown => &mut unknown,
            };
            of[0] += likely;
            of[1] += before / all;
        }
        let counts = weights.witness * self.skill;
        let adds = |[now, before]: [f64; 2]| {
            if before == 0.0 {
                return 0.0;
            }
            let most = weights.witness_most;
            (counts * (now / before).max(f64::MIN_POSITIVE).ln()).clamp(-most, most)
        };
        let mut says: Vec<Said> = self
            .model
            .causes()
            .iter()
            .zip(&self.means)
            .zip(&likely)
            .filter(|(_, likely)| **likely >= NEGLIGIBLE)
            .map(|((cause, means), likely)| {
                let name = match means {
                    Meant::Fault(number) => knowledge.faults()[*number].fault.clone(),
                    Meant::Healthy => HEALTHY.to_owned(),
                    Meant::Unknown => cause.name.clone(),
                };
                let weight = match means {
                    Meant::Fault(number) => adds(faults[*number]),
                    Meant::Healthy => adds(healthy),
                    Meant::Unknown => adds(unknown),
                };
                Said { cause: name, probability: *likely, weight }
            })
            .collect();
        says.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        says.truncate(TOLD);
        let training = self.model.training();
        Testimony {
            told: ToldWitness {
                trees: self.model.trees().len() as u64,
                cases: training.rows,
                accuracy: training.validation.accuracy,
                says,
            },
            faults: faults.into_iter().map(adds).collect(),
            healthy: adds(healthy),
            unknown: adds(unknown),
        }
    }
}

/// What a learnt model says of a case, and what that adds to the logarithms of odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Testimony {
    /// As people and programs read it.
    pub told: ToldWitness,
    /// Of each fault, in the order of the catalogue.
    pub(super) faults: Vec<f64>,
    pub(super) healthy: f64,
    pub(super) unknown: f64,
}

/// What a tree or forest that was learnt from past incidents says of this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LearntWitness")]
pub struct ToldWitness {
    /// Trees of the model; 1 unless it is a forest.
    pub trees: u64,
    /// Past cases that it was learnt from.
    pub cases: u64,
    /// Share of cases that it named right among those that it had not learnt from.
    pub accuracy: f64,
    /// Which causes it takes for likely, first the likeliest.
    pub says: Vec<Said>,
}

/// A cause that a learnt model takes for likely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LearntCause")]
pub struct Said {
    /// Short name of a fault, `healthy`, or what the log calls a cause that the handbook has not.
    pub cause: String,
    /// How likely the model takes it for.
    pub probability: f64,
    /// By how much that changes the logarithm of the odds.
    pub weight: f64,
}

impl fmt::Display for ToldWitness {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trees, cases, accuracy, says } = self;
        match trees {
            1 => write!(to, "a tree")?,
            trees => write!(to, "a forest of {trees} trees")?,
        }
        let right = 100.0 * accuracy;
        write!(to, " learnt from {cases} past cases (right of {right:.0} % of those held out)")?;
        let said = says.iter().map(|said| {
            let Said { cause, probability, weight } = said;
            format!("{cause} {:.0} % (odds × {:.1})", 100.0 * probability, weight.exp())
        });
        match said.collect::<Vec<_>>() {
            said if said.is_empty() => write!(to, " takes no cause for likely"),
            said => write!(to, " says {}", said.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{FaultLog, FeatureColumn, FeatureValues, LearnSettings, learn};

    const WORDS: [&str; 3] = ["rises", "steady", "falls"];

    /// A model of ninety cases of three causes, which `column` tells apart, or does not.
    fn model(causes: [&str; 3], column: &str, tells: bool) -> LearntModel {
        let code = |row: u32| if tells { row % 3 } else { row / 3 % 3 };
        let column = FeatureColumn {
            name: column.to_owned(),
            values: FeatureValues::Words {
                codes: (0..90).map(code).collect(),
                categories: WORDS.map(str::to_owned).to_vec(),
            },
        };
        let causes = causes.map(str::to_owned).to_vec();
        let labels = (0..90).map(|row| row % 3).collect();
        let log = FaultLog::new("fault", causes, labels, vec![column]).unwrap();
        let settings = LearnSettings { keep_suspects: true, ..LearnSettings::default() };
        learn(&log, &settings, &|_| {}).unwrap().model
    }

    const HEAT: [&str; 3] = ["thermal throttle", "a loose cable", "healthy"];

    fn heard(tells: bool, word: &str, weights: &Weights) -> Testimony {
        let knowledge = Knowledge::embedded();
        let witness = Witness::new(&knowledge, model(HEAT, "gpu_temperature", tells)).unwrap();
        let columns = [("gpu_temperature".to_owned(), word.to_owned())];
        witness.hear(&knowledge, &columns.into(), weights)
    }

    #[test]
    fn what_a_model_says_counts_as_far_as_it_was_right_and_no_further() {
        let weights = Weights::default();
        let said = heard(true, "rises", &weights);
        let heat = Knowledge::embedded().faults().iter().position(|fault| fault.fault == "G1");
        let heat = said.faults[heat.unwrap()];
        assert!(heat > 0.4 && said.healthy < -1.0 && said.unknown < -1.0, "{said:?}");
        // Of a fault that the log has not, it says nothing.
        assert_eq!(said.faults.iter().filter(|adds| **adds != 0.0).count(), 1);
        assert_eq!((said.told.says.len(), said.told.says[0].cause.as_str()), (1, "G1"));
        assert!((said.told.says[0].weight - heat).abs() < 1e-12);
        assert!(heard(true, "steady", &weights).unknown > 0.4);
        assert!(heard(true, "falls", &weights).healthy > 0.4);
        // A word that the log has not tells nothing.
        let none = heard(true, "dances", &weights);
        assert!(none.faults.iter().all(|adds| adds.abs() < 1e-9) && none.healthy.abs() < 1e-9);
        // However sure it is.
        let loud = Weights { witness: 100.0, ..weights };
        let most = weights.witness_most;
        let said = heard(true, "rises", &loud);
        assert!(said.faults.contains(&most) && said.healthy == -most, "{said:?}");
        // Who was never right beyond chance is not believed.
        let said = heard(false, "rises", &loud);
        assert!(said.faults.iter().all(|adds| *adds == 0.0), "{said:?}");
    }

    #[test]
    fn a_model_of_something_else_is_refused() {
        let knowledge = Knowledge::embedded();
        let refused =
            |causes, column| Witness::new(&knowledge, model(causes, column, true)).unwrap_err();
        let error = refused(["fan", "cable", "none"], "gpu_temperature");
        assert!(
            error.starts_with("none of its causes is a fault of the handbook, `fan`"),
            "{error}"
        );
        let error = refused(HEAT, "torque");
        assert!(error.contains("asks for nothing that is said of an incident, for `torque`"));
        for column in ["change", "scrape engine", "tokens of a step", "gpu_temperature apart"] {
            assert!(is_column(&knowledge, column), "{column}");
        }
    }

    #[test]
    fn a_person_reads_who_it_is_and_what_it_says() {
        let said = heard(true, "rises", &Weights::default()).told.to_string();
        let head = "a tree learnt from 90 past cases (right of 100 % of those held out) says G1 ";
        assert!(said.starts_with(head) && said.ends_with(')'), "{said}");
    }
}
