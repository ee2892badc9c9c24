//! Checks of trees that were written elsewhere.

use crate::tree::{Kind, Node, Question, Split, Tree};
use crate::{FeatureKind, TreeError};

/// Checks weights and values this far, so that sums stay finite.
const LARGEST: f64 = 1e200;

impl Tree {
    /// Checks that this is a tree: lengths, indices, every node but the root the
    /// child of exactly one earlier node, questions that suit their features,
    /// finite numbers. Time O(nodes + categories).
    ///
    /// # Errors
    ///
    /// [`TreeError::Node`] or [`TreeError::Damaged`] says what is wrong.
    pub fn validate(&self) -> Result<(), TreeError> {
        if self.kind.width() == 0 {
            return Err(TreeError::Damaged("a tree needs at least one class"));
        }
        if self.nodes.is_empty() || self.features.is_empty() {
            return Err(TreeError::Damaged("a tree needs a root and a feature"));
        }
        if self.nodes.len().checked_mul(self.kind.width()) != Some(self.values.len()) {
            return Err(TreeError::Damaged("values and nodes differ in number"));
        }
        let mut has_parent = vec![false; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            let fail = |reason| TreeError::Node { node: at, reason };
            check_numbers(self.kind, node, self.value(at)).map_err(fail)?;
            let Some(split) = &node.split else { continue };
            check_split(split, &self.features).map_err(fail)?;
            for child in [split.yes, split.no] {
                if child <= at || child >= self.nodes.len() {
                    return Err(fail("a child must be a later node"));
                }
                if has_parent[child] {
                    return Err(fail("a child has two parents"));
                }
                has_parent[child] = true;
            }
        }
        match has_parent.iter().skip(1).position(|has_parent| !has_parent) {
            None => Ok(()),
            Some(orphan) => Err(TreeError::Node { node: orphan + 1, reason: "it has no parent" }),
        }
    }
}

fn check_numbers(kind: Kind, node: &Node, value: &[f64]) -> Result<(), &'static str> {
    if !(node.weight > 0.0 && node.weight <= LARGEST) {
        return Err("its weight must be above 0 and finite");
    }
    if !(node.impurity >= 0.0 && node.impurity.is_finite()) {
        return Err("its impurity must be at least 0 and finite");
    }
    match kind {
        Kind::Numbers if !value[0].is_finite() => Err("its mean must be finite"),
        Kind::Numbers => Ok(()),
        Kind::Classes { .. } => {
            if value.iter().any(|weight| !(0.0..=LARGEST).contains(weight)) {
                return Err("class weights must be at least 0 and finite");
            }
            if value.iter().any(|weight| *weight > 0.0) {
                Ok(())
            } else {
                Err("some class must have weight")
            }
        }
    }
}

fn check_split(split: &Split, features: &[FeatureKind]) -> Result<(), &'static str> {
    if !split.gain.is_finite() {
        return Err("its gain must be finite");
    }
    let kind = features.get(split.feature).ok_or("there is no such feature")?;
    match (&split.question, kind) {
        (Question::Present, _) if split.missing_goes_yes => {
            Err("what is missing cannot be present")
        }
        (Question::Present, _) => Ok(()),
        (Question::AtMost { threshold }, FeatureKind::Number) if threshold.is_finite() => Ok(()),
        (Question::AtMost { .. }, FeatureKind::Number) => Err("its threshold must be finite"),
        (Question::OneOf(sides), FeatureKind::Category { categories }) => {
            check_categories(&sides.yes, &sides.no, *categories)
        }
        _ => Err("the question does not suit the feature"),
    }
}

fn check_categories(yes: &[u32], no: &[u32], categories: usize) -> Result<(), &'static str> {
    if yes.is_empty() || no.is_empty() {
        return Err("both answers need a category");
    }
    if !yes.is_sorted_by(|a, b| a < b) || !no.is_sorted_by(|a, b| a < b) {
        return Err("categories must ascend");
    }
    if yes.iter().chain(no).any(|code| *code as usize >= categories) {
        return Err("there is no such category");
    }
    if yes.iter().any(|code| no.binary_search(code).is_ok()) {
        return Err("a category leads both ways");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{ClassifierSettings, Feature, Features, Tree};

    fn damaged(edit: impl Fn(&mut serde_json::Value)) -> String {
        let features = Features::new(vec![
            Feature::numbers(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            Feature::categories(vec![0, 1, 2, 0, 1, 2], 3),
        ])
        .expect("columns fit");
        let labels = [0, 1, 0, 0, 1, 1];
        let tree = Tree::fit_classes(&features, &labels, 2, None, &ClassifierSettings::default())
            .expect("fits");
        let mut json = serde_json::to_value(&tree).expect("plain data");
        assert_eq!(serde_json::from_value::<Tree>(json.clone()).expect("sound"), tree);
        edit(&mut json);
        serde_json::from_value::<Tree>(json).expect_err("damaged").to_string()
    }

    #[test]
    fn a_tree_from_a_stranger_is_checked_completely() {
        let root = |json: &mut serde_json::Value, key: &str, value: serde_json::Value| {
            json["nodes"][0]["split"][key] = value;
        };
        assert!(damaged(|json| root(json, "yes", 0.into())).contains("later node"));
        assert!(damaged(|json| root(json, "no", 99.into())).contains("later node"));
        assert!(damaged(|json| root(json, "no", 1.into())).contains("two parents"));
        assert!(damaged(|json| root(json, "feature", 7.into())).contains("no such feature"));
        assert!(damaged(|json| json["values"][0] = (-1.0).into()).contains("class weights"));
        assert!(damaged(|json| json["nodes"][1]["weight"] = 0.into()).contains("weight"));
        assert!(
            damaged(|json| json["nodes"][0]["split"] = serde_json::Value::Null)
                .contains("no parent")
        );
        assert!(damaged(|json| json["values"] = serde_json::json!([])).contains("differ"));
        assert!(damaged(|json| json["nodes"] = serde_json::json!([])).contains("root"));
        let question = serde_json::json!({"one-of": {"yes": [0, 5], "no": [1]}});
        assert!(
            damaged(|json| {
                root(json, "feature", 1.into());
                root(json, "question", question.clone());
            })
            .contains("no such category")
        );
    }
}
