//! What each feature did to a prediction.

use crate::predict::Smoothing;
use crate::tree::Tree;
use crate::{Forest, Row, TreeError};

/// A prediction taken apart: `base` and all `features` sum to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// What is predicted before any question is asked.
    pub base: f64,
    /// What the answers about each feature add, up or down.
    pub features: Vec<f64>,
}

impl Tree {
    /// What each feature adds to the probability of class `output`, or to the
    /// predicted number when `output` is 0.
    ///
    /// Every question on the way to the leaf is credited with the change from its
    /// node to the next. Unknown answers count as missing. Features asked later
    /// get what earlier ones left over, so of features that say the same the one
    /// asked first takes the credit. Time O(depth).
    ///
    /// Reference: A. Saabas, "Interpreting random forests", 2014, after A.
    /// Palczewska et al., "Interpreting random forest classification models using
    /// a feature contribution method", 2013.
    ///
    /// # Errors
    ///
    /// [`TreeError::Misfit`] when there is no such output.
    pub fn contributions(
        &self,
        row: &(impl Row + ?Sized),
        output: usize,
    ) -> Result<Contributions, TreeError> {
        let outputs = self.kind.width();
        if output >= outputs {
            let reason = format!("{output} is not below {outputs}");
            return Err(TreeError::Misfit { key: "output", reason });
        }
        let at = |node: usize| self.node_prediction(node, Smoothing::None)[output];
        let mut features = vec![0.0; self.features.len()];
        let base = at(0);
        let mut before = base;
        let mut node = 0;
        while let Some(split) = &self.nodes[node].split {
            let yes = split.goes_yes(row.answer(split.feature)).unwrap_or(split.missing_goes_yes);
            node = if yes { split.yes } else { split.no };
            let after = at(node);
            features[split.feature] += after - before;
            before = after;
        }
        Ok(Contributions { base, features })
    }
}

impl Forest {
    /// The mean of [`Tree::contributions`] over all trees.
    ///
    /// ```
    /// use auscult_trees::{ClassifierSettings, Features, Forest, ForestSettings};
    /// let readings: Vec<f64> = (0..80).flat_map(|row| [f64::from(row), f64::from(row % 7)]).collect();
    /// let labels: Vec<u32> = (0..80).map(|row| u32::from(row >= 60)).collect();
    /// let features = Features::from_rows(&readings, 2)?;
    /// let (trees, forest) = (ClassifierSettings::default(), ForestSettings::default());
    /// let fit = Forest::fit_classes(&features, &labels, 2, None, &trees, &forest)?;
    /// let why = fit.forest.contributions(&features.row(75), 1)?;
    /// assert!(why.features[0] > 0.7 && why.features[1].abs() < 0.1);
    /// # Ok::<(), auscult_trees::TreeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Tree::contributions`].
    pub fn contributions(
        &self,
        row: &(impl Row + ?Sized),
        output: usize,
    ) -> Result<Contributions, TreeError> {
        let trees = self.trees();
        let mut sum = Contributions { base: 0.0, features: vec![0.0; trees[0].features.len()] };
        for tree in trees {
            let own = tree.contributions(row, output)?;
            sum.base += own.base;
            sum.features.iter_mut().zip(own.features).for_each(|(sum, own)| *sum += own);
        }
        let count = trees.len() as f64;
        sum.base /= count;
        sum.features.iter_mut().for_each(|sum| *sum /= count);
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Features, RegressorSettings, Tree};

    #[test]
    fn contributions_sum_to_the_prediction() {
        let readings: Vec<f64> = (0..300).map(|at| f64::from(at * 7919 % 307)).collect();
        let features = Features::from_rows(&readings, 3).expect("three columns");
        let targets: Vec<f64> =
            readings.chunks_exact(3).map(|row| row[0] - 2.0 * row[1] + row[2] / 3.0).collect();
        let tree = Tree::fit_numbers(&features, &targets, None, &RegressorSettings::default());
        let tree = tree.expect("fits");
        for row in 0..100 {
            let row = features.row(row);
            let parts = tree.contributions(&row, 0).expect("a number");
            let sum = parts.base + parts.features.iter().sum::<f64>();
            assert!((sum - tree.number(&row).expect("a number")).abs() < 1e-9);
        }
        assert!(tree.contributions(&features.row(0), 1).is_err());
    }
}
