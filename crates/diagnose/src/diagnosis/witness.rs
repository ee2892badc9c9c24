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
use crate::model::{FeatureInfo, KnownValues, LearntModel};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
        let meant = |name: &str| match knowledge.fault_called(name) {
            Some(number) => Meant::Fault(number),
            None if name.eq_ignore_ascii_case(HEALTHY) => Meant::Healthy,
            None => Meant::Unknown,
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
    pub(super) fn hear(
        &self,
        knowledge: &Knowledge,
        columns: &BTreeMap<String, String>,
        weights: &Weights,
    ) -> Testimony {
        let causes = self.model.causes();
        let likely = self.model.probabilities(&self.answers(columns));
        let rows = causes.iter().map(|cause| cause.rows as f64 * cause.row_weight);
        let all: f64 = rows.clone().sum();
        // Of each meaning: how likely it is now, and how likely it was in the log.
        let mut shares: BTreeMap<Meant, [f64; 2]> = BTreeMap::new();
        for ((means, likely), rows) in self.means.iter().zip(&likely).zip(rows) {
            let [now, before] = shares.entry(*means).or_default();
            *now += likely;
            *before += rows / all;
        }
        let (counts, most) = (weights.witness * self.skill, weights.witness_most);
        let adds = |means: Meant| match shares.get(&means) {
            Some([now, before]) if *before > 0.0 => {
                (counts * (now / before).max(f64::MIN_POSITIVE).ln()).clamp(-most, most)
            }
            _ => 0.0,
        };
        let said = causes.iter().zip(&self.means).zip(&likely);
        let said = said.filter(|(_, likely)| **likely >= NEGLIGIBLE);
        let said = said.map(|((cause, means), likely)| Said {
            cause: match means {
                Meant::Fault(number) => knowledge.faults()[*number].fault.clone(),
                Meant::Healthy | Meant::Unknown => cause.name.clone(),
            },
            probability: *likely,
            weight: adds(*means),
        });
        let mut says: Vec<Said> = said.collect();
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
            faults: (0..knowledge.faults().len())
                .map(|number| adds(Meant::Fault(number)))
                .collect(),
            healthy: adds(Meant::Healthy),
            unknown: adds(Meant::Unknown),
        }
    }

    /// What `columns` say of each feature of the model.
    fn answers(&self, columns: &BTreeMap<String, String>) -> Vec<Answer> {
        let answer = |feature: &FeatureInfo| {
            let known = columns.get(&feature.name).and_then(|word| match &feature.values {
                KnownValues::Words { categories, .. } => {
                    let code = categories.iter().position(|known| known == word)?;
                    Some(Answer::Category(code as u32))
                }
                KnownValues::Numbers { .. } => {
                    let number: Option<f64> = word.parse().ok();
                    number.filter(|number| number.is_finite()).map(Answer::Number)
                }
            });
            // What was often missing in the log has taught something by that.
            let is_missing = feature.missing > 0 && !columns.contains_key(&feature.name);
            known.unwrap_or(if is_missing { Answer::Missing } else { Answer::Unknown })
        };
        self.model.features().iter().map(answer).collect()
    }
}

/// What a learnt model says of a case, and what that adds to the logarithms of odds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Testimony {
    /// As people and programs read it.
    pub(super) told: ToldWitness,
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
