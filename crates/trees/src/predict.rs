//! What a tree says of new cases.

use serde::{Deserialize, Serialize};

use crate::compact::Compact;
use crate::tree::{Kind, Question, Split, Tree};
use crate::{Answer, FeatureKind, Features, Row, TreeError};

/// How counts in a leaf become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Smoothing {
    /// Shares of weight as they are; a leaf of one row is then certain.
    #[default]
    None,
    /// One more row of every class.
    Laplace,
    /// So much more weight, spread as the classes are at the root.
    MEstimate(f64),
}

/// One question on the way to a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The node that asked.
    pub node: usize,
    /// What the case answered.
    pub answer: Answer,
    /// Whether it went to yes.
    pub yes: bool,
}

impl Split {
    /// Where `answer` leads: `Some(true)` to yes, `None` when it is unknown.
    ///
    /// An answer of the wrong kind, or a category not seen here, goes the way of
    /// missing values.
    #[must_use]
    pub fn goes_yes(&self, answer: Answer) -> Option<bool> {
        let known = match (&self.question, answer) {
            (_, Answer::Unknown) => return None,
            (Question::Present, Answer::Number(number)) => Some(!number.is_nan()),
            (Question::Present, Answer::Category(code)) => Some(code != crate::MISSING),
            (Question::AtMost { threshold }, Answer::Number(number)) if !number.is_nan() => {
                Some(number <= *threshold)
            }
            (Question::OneOf(sides), Answer::Category(code)) => {
                if sides.yes.binary_search(&code).is_ok() {
                    Some(true)
                } else {
                    sides.no.binary_search(&code).is_ok().then_some(false)
                }
            }
            _ => None,
        };
        Some(known.unwrap_or(self.missing_goes_yes))
    }
}

impl Tree {
    /// The way `row` takes to its leaf, unknown answers counting as missing.
    #[must_use]
    pub fn path(&self, row: &(impl Row + ?Sized)) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut node = 0;
        while let Some(split) = &self.nodes[node].split {
            let answer = row.answer(split.feature);
            let yes = split.goes_yes(answer).unwrap_or(split.missing_goes_yes);
            steps.push(Step { node, answer, yes });
            node = if yes { split.yes } else { split.no };
        }
        steps
    }

    /// The leaf of `row`, unknown answers counting as missing.
    #[must_use]
    pub fn leaf(&self, row: &(impl Row + ?Sized)) -> usize {
        let mut node = 0;
        while let Some(split) = &self.nodes[node].split {
            let yes = split.goes_yes(row.answer(split.feature)).unwrap_or(split.missing_goes_yes);
            node = if yes { split.yes } else { split.no };
        }
        node
    }

    /// Every leaf that `row` may come to, with its share. Where the answer is
    /// unknown both branches are followed, in proportion to their training
    /// weight. Shares sum to 1; leaves ascend.
    #[must_use]
    pub fn leaf_shares(&self, row: &(impl Row + ?Sized)) -> Vec<(usize, f64)> {
        let mut open = vec![(0, 1.0)];
        let mut leaves = Vec::new();
        while let Some((node, share)) = open.pop() {
            let Some(split) = &self.nodes[node].split else {
                leaves.push((node, share));
                continue;
            };
            match split.goes_yes(row.answer(split.feature)) {
                Some(true) => open.push((split.yes, share)),
                Some(false) => open.push((split.no, share)),
                None => {
                    let (yes, no) = (self.nodes[split.yes].weight, self.nodes[split.no].weight);
                    open.push((split.yes, share * (yes / (yes + no))));
                    open.push((split.no, share * (no / (yes + no))));
                }
            }
        }
        leaves.sort_unstable_by_key(|(leaf, _)| *leaf);
        leaves
    }

    /// The probability of each class for `row`, unknown answers leaving both
    /// branches open. For a tree of numbers, the mean as the only entry.
    #[must_use]
    pub fn probabilities(&self, row: &(impl Row + ?Sized), smoothing: Smoothing) -> Vec<f64> {
        let mut sum = vec![0.0; self.kind.width()];
        for (leaf, share) in self.leaf_shares(row) {
            for (sum, value) in sum.iter_mut().zip(self.node_prediction(leaf, smoothing)) {
                *sum += share * value;
            }
        }
        sum
    }

    /// The expected number for `row`, unknown answers leaving both branches
    /// open.
    ///
    /// # Errors
    ///
    /// [`TreeError::Kind`] for a tree of classes.
    pub fn number(&self, row: &(impl Row + ?Sized)) -> Result<f64, TreeError> {
        self.check_numbers()?;
        Ok(self.probabilities(row, Smoothing::None)[0])
    }

    /// What node `node` predicts: the probability of each class, or the mean.
    #[must_use]
    pub fn node_prediction(&self, node: usize, smoothing: Smoothing) -> Vec<f64> {
        let value = self.value(node);
        if matches!(self.kind, Kind::Numbers) {
            return value.to_vec();
        }
        let (extra, prior) = match smoothing {
            Smoothing::None => (0.0, Vec::new()),
            Smoothing::Laplace => (value.len() as f64, vec![1.0 / value.len() as f64; value.len()]),
            Smoothing::MEstimate(weight) => {
                (weight.max(0.0), self.node_prediction(0, Smoothing::None))
            }
        };
        let total = value.iter().sum::<f64>() + extra;
        let prior = prior.into_iter().chain(std::iter::repeat(0.0));
        value.iter().zip(prior).map(|(weight, prior)| (weight + extra * prior) / total).collect()
    }

    /// The leaf of every row, with missing values going the way that was learnt.
    ///
    /// # Errors
    ///
    /// [`TreeError::Columns`] when these are not the columns that were learnt.
    pub fn apply(&self, features: &Features<'_>) -> Result<Vec<u32>, TreeError> {
        self.check_columns(features)?;
        Ok(Compact::new(self).leaves(features))
    }

    /// The probability of each class for every row, row by row.
    ///
    /// # Errors
    ///
    /// [`TreeError::Columns`] when these are not the columns that were learnt;
    /// [`TreeError::Kind`] for a tree of numbers.
    pub fn predict_probabilities(
        &self,
        features: &Features<'_>,
        smoothing: Smoothing,
    ) -> Result<Vec<f64>, TreeError> {
        self.check_classes()?;
        let leaves = self.apply(features)?;
        let width = self.kind.width();
        let table = self.prediction_table(smoothing);
        let mut all = Vec::with_capacity(leaves.len() * width);
        for leaf in leaves {
            all.extend_from_slice(&table[leaf as usize * width..(leaf as usize + 1) * width]);
        }
        Ok(all)
    }

    /// The likeliest class of every row; the lower one of two that tie.
    ///
    /// # Errors
    ///
    /// As [`Tree::predict_probabilities`].
    pub fn predict_classes(&self, features: &Features<'_>) -> Result<Vec<u32>, TreeError> {
        self.check_classes()?;
        let leaves = self.apply(features)?;
        let classes: Vec<u32> =
            (0..self.nodes.len()).map(|node| largest(self.value(node)) as u32).collect();
        Ok(leaves.into_iter().map(|leaf| classes[leaf as usize]).collect())
    }

    /// The expected number of every row.
    ///
    /// # Errors
    ///
    /// [`TreeError::Columns`] when these are not the columns that were learnt;
    /// [`TreeError::Kind`] for a tree of classes.
    pub fn predict_numbers(&self, features: &Features<'_>) -> Result<Vec<f64>, TreeError> {
        self.check_numbers()?;
        Ok(self.apply(features)?.into_iter().map(|leaf| self.values[leaf as usize]).collect())
    }

    /// [`Tree::node_prediction`] of every node.
    pub(crate) fn prediction_table(&self, smoothing: Smoothing) -> Vec<f64> {
        (0..self.nodes.len()).flat_map(|node| self.node_prediction(node, smoothing)).collect()
    }

    pub(crate) fn check_columns(&self, features: &Features<'_>) -> Result<(), TreeError> {
        check_columns(&self.features, features)
    }

    pub(crate) fn check_classes(&self) -> Result<(), TreeError> {
        match self.kind {
            Kind::Classes { .. } => Ok(()),
            Kind::Numbers => Err(TreeError::Kind { has: "numbers", asked: "classes" }),
        }
    }

    pub(crate) fn check_numbers(&self) -> Result<(), TreeError> {
        match self.kind {
            Kind::Numbers => Ok(()),
            Kind::Classes { .. } => Err(TreeError::Kind { has: "classes", asked: "numbers" }),
        }
    }
}

/// Index of the largest entry, the first of several.
pub(crate) fn largest(values: &[f64]) -> usize {
    let better = |best: usize, at: usize| if values[at] > values[best] { at } else { best };
    (1..values.len()).fold(0, better)
}

pub(crate) fn check_columns(
    expected: &[FeatureKind],
    features: &Features<'_>,
) -> Result<(), TreeError> {
    let got = features.columns();
    if expected.len() != got.len() {
        let count = |count: usize| format!("{count} features");
        return Err(TreeError::Columns { expected: count(expected.len()), got: count(got.len()) });
    }
    let name = |kind: FeatureKind| match kind {
        FeatureKind::Number => "numbers",
        FeatureKind::Category { .. } => "categories",
    };
    for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
        // More categories than were learnt are fine: new ones count as missing.
        if std::mem::discriminant(expected) != std::mem::discriminant(&got.kind()) {
            let say = |kind| format!("{} in feature {at}", name(kind));
            return Err(TreeError::Columns { expected: say(*expected), got: say(got.kind()) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClassifierSettings, Feature, RegressorSettings};

    fn by_temperature() -> Tree {
        let features = Features::new(vec![Feature::numbers(vec![1.0, 2.0, 3.0, 10.0])]);
        let features = features.expect("columns fit");
        Tree::fit_classes(&features, &[0, 0, 0, 1], 2, None, &ClassifierSettings::default())
            .expect("fits")
    }

    #[test]
    fn an_unknown_answer_leaves_both_branches_open() {
        let tree = by_temperature();
        let unknown = tree.probabilities(&vec![Answer::Unknown], Smoothing::None);
        assert_eq!(unknown, [0.75, 0.25]);
        // Missing is not unknown: it goes with the larger side.
        let missing = tree.probabilities(&vec![Answer::Missing], Smoothing::None);
        assert_eq!(missing, [1.0, 0.0]);
        let wrong_kind = tree.probabilities(&vec![Answer::Category(3)], Smoothing::None);
        assert_eq!(wrong_kind, [1.0, 0.0]);
    }

    #[test]
    fn smoothing_pulls_small_leaves_towards_the_prior() {
        let tree = by_temperature();
        let hot = vec![Answer::Number(11.0)];
        assert_eq!(tree.probabilities(&hot, Smoothing::None), [0.0, 1.0]);
        assert_eq!(tree.probabilities(&hot, Smoothing::Laplace), [1.0 / 3.0, 2.0 / 3.0]);
        assert_eq!(tree.probabilities(&hot, Smoothing::MEstimate(1.0)), [0.375, 0.625]);
    }

    #[test]
    fn the_path_tells_every_question_and_answer() {
        let tree = by_temperature();
        let steps = tree.path(&vec![Answer::Number(11.0)]);
        assert_eq!(steps, [Step { node: 0, answer: Answer::Number(11.0), yes: false }]);
        let split = tree.nodes()[0].split.as_ref().expect("a question");
        assert_eq!(split.question, Question::AtMost { threshold: 6.5 });
        assert_eq!(tree.leaf(&vec![Answer::Number(11.0)]), split.no);
    }

    #[test]
    fn wrong_columns_and_kinds_are_refused() {
        let tree = by_temperature();
        let two = Features::from_rows(&[1.0, 2.0], 2).expect("two columns");
        assert!(matches!(tree.predict_classes(&two), Err(TreeError::Columns { .. })));
        let one = Features::from_rows(&[1.0, 2.0], 1).expect("one column");
        assert!(matches!(tree.predict_numbers(&one), Err(TreeError::Kind { .. })));
        let numbers = Tree::fit_numbers(&one, &[1.0, 5.0], None, &RegressorSettings::default());
        let numbers = numbers.expect("fits");
        assert!(matches!(numbers.predict_classes(&one), Err(TreeError::Kind { .. })));
        assert_eq!(numbers.predict_numbers(&one).expect("numbers"), [1.0, 5.0]);
    }
}
