//! Why a case is thought to have a cause.

use std::fmt;

use auscult_trees::{Answer, Question, Tree};

use crate::model::{LearntModel, number};

/// Reasons given of a forest, at most.
const MOST_REASONS: usize = 4;

/// An answer that speaks for the cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Name of the feature.
    pub feature: String,
    /// What was answered.
    pub answer: String,
    /// Where it lies, as the tree asked: `> 65.2`.
    pub bound: Option<String>,
    /// How much less likely the cause would be without this answer.
    pub weight: Option<f64>,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.feature, self.answer)?;
        if let Some(bound) = &self.bound {
            write!(f, " ({bound})")?;
        }
        if let Some(weight) = self.weight {
            write!(f, " ({:+.0} points)", weight * 100.0)?;
        }
        Ok(())
    }
}

/// The answers that led to `cause`.
///
/// Of one tree, those on its path, in the order in which it asks, each with
/// its tightest bounds; where an answer is unknown the path goes on to the side
/// on which `cause` weighs more. Of a forest, and of answers that the tree did
/// not ask on that path, the few whose absence would make `cause` less likely,
/// the heaviest first.
#[must_use]
pub fn reasons(model: &LearntModel, answers: &[Answer], cause: usize) -> Vec<Evidence> {
    let [tree] = model.trees() else { return weights(model, answers, cause, &met(model, answers)) };
    let (mut reasons, asked) = along(model, tree, answers, cause);
    if model.weighs_all() {
        let mut others = met(model, answers);
        model.strongest(answers).into_iter().for_each(|feature| others[feature] = true);
        asked.into_iter().for_each(|feature| others[feature] = false);
        reasons.extend(weights(model, answers, cause, &others));
    }
    reasons
}

/// What the path says of one feature.
#[derive(Debug, Default)]
struct Bounds {
    above: Option<f64>,
    upto: Option<f64>,
}

/// The reasons on the path, and the features that it asks.
fn along(
    model: &LearntModel,
    tree: &Tree,
    answers: &[Answer],
    cause: usize,
) -> (Vec<Evidence>, Vec<usize>) {
    let mut path: Vec<(usize, Bounds)> = Vec::new();
    let mut node = 0;
    while let Some(split) = &tree.nodes()[node].split {
        let answer = answers[split.feature];
        let Some(yes) = split.goes_yes(answer) else {
            let (yes, no) = (tree.value(split.yes)[cause], tree.value(split.no)[cause]);
            node = if yes >= no { split.yes } else { split.no };
            continue;
        };
        let at = path.iter().position(|(feature, _)| *feature == split.feature);
        let at = at.unwrap_or_else(|| {
            path.push((split.feature, Bounds::default()));
            path.len() - 1
        });
        if let (Question::AtMost { threshold }, Answer::Number(_)) = (&split.question, answer) {
            let bounds = &mut path[at].1;
            // Deeper questions are tighter.
            *(if yes { &mut bounds.upto } else { &mut bounds.above }) = Some(*threshold);
        }
        node = if yes { split.yes } else { split.no };
    }
    let evidence = |(feature, bounds): (usize, Bounds)| Evidence {
        feature: model.features()[feature].name.clone(),
        answer: model.answer(feature, answers[feature]),
        bound: bounds.text(),
        weight: None,
    };
    let asked = path.iter().map(|(feature, _)| *feature).collect();
    (path.into_iter().map(evidence).collect(), asked)
}

impl Bounds {
    fn text(&self) -> Option<String> {
        let above = self.above.map(|above| format!("> {}", number(above)));
        let upto = self.upto.map(|upto| format!("<= {}", number(upto)));
        match (above, upto) {
            (Some(above), Some(upto)) => Some(format!("{above}, {upto}")),
            (one, other) => one.or(other),
        }
    }
}

/// The answers among `which` that speak most for `cause`.
fn weights(model: &LearntModel, answers: &[Answer], cause: usize, which: &[bool]) -> Vec<Evidence> {
    let with = model.probabilities(answers)[cause];
    let mut without = answers.to_vec();
    let mut weights: Vec<(usize, f64)> = Vec::new();
    for (feature, answer) in answers.iter().enumerate() {
        if *answer != Answer::Unknown && which[feature] {
            without[feature] = Answer::Unknown;
            weights.push((feature, with - model.probabilities(&without)[cause]));
            without[feature] = *answer;
        }
    }
    weights.retain(|(_, weight)| *weight >= 0.005);
    weights.sort_by(|a, b| b.1.total_cmp(&a.1));
    let evidence = |(feature, weight): (usize, f64)| Evidence {
        feature: model.features()[feature].name.clone(),
        answer: model.answer(feature, answers[feature]),
        bound: None,
        weight: Some(weight),
    };
    weights.into_iter().take(MOST_REASONS).map(evidence).collect()
}

/// Which features some tree asks about on the way of this case.
fn met(model: &LearntModel, answers: &[Answer]) -> Vec<bool> {
    let mut met = vec![false; model.features().len()];
    for tree in model.trees() {
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            let Some(split) = &tree.nodes()[node].split else { continue };
            met[split.feature] = true;
            match split.goes_yes(answers[split.feature]) {
                Some(true) => open.push(split.yes),
                Some(false) => open.push(split.no),
                None => open.extend([split.yes, split.no]),
            }
        }
    }
    met
}
