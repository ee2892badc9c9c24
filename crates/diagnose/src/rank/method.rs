//! The methods of ranking, in one list.

use super::case::{Case, RankError};
use super::ranking::Ranking;
use super::{baro, circa, combined, correlation, epsilon, rcd, shift, traversal, walk};

/// A way to rank causes.
///
/// Where no onset was given, [`Method::Baro`] finds one by its own detector, and every other
/// method takes that of [`super::onset()`].
///
/// ```
/// use auscult_diagnose::rank::{Case, CaseSeries, Layer, Method};
/// let series = |target: &str, jump: f64| CaseSeries {
///     name: format!("{target} cpu"),
///     target: target.to_owned(),
///     kind: "cpu".to_owned(),
///     layer: Layer::Work,
///     values: (0..60)
///         .map(|row| f64::from(row * 7 % 5) + if row >= 40 { jump } else { 0.0 })
///         .collect(),
/// };
/// let case = Case::new(vec![series("shop", 0.0), series("store", 30.0)], None)?;
/// let ranking = Method::Combined.rank(&case)?;
/// assert_eq!(ranking.targets[0].name, "store");
/// assert_eq!(ranking.onset.row, 40);
/// assert!(!ranking.abstains());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Ours: how far each series moved on average, in robust scales with a floor, against how far
    /// it moves in healthy windows of the same length. What dependencies explain is explained
    /// away; what a target got from others counts against them; what fills explains the work
    /// of filling it. With a symptom, only what it depends on is suspected, by how clearly it
    /// goes along. A given onset that came late is put right, and the answer comes with the
    /// chance that a healthy window looks as bad. Time O(series · rows · log rows).
    Combined,
    /// Largest distance from the normal median, in robust scales with a floor: a hundredth of the
    /// level, the step of the readings, a hundredth of the level of peers. The baseline.
    RobustShift,
    /// Furthest above the normal mean, in standard deviations. Sees no drop.
    NSigma,
    /// Furthest above the normal median, in interquartile ranges without a floor; sees no
    /// drop. Change points by multivariate Bayesian detection where no onset was given.
    Baro,
    /// Correlation of a window before with the abnormal one.
    EpsilonDiagnosis,
    /// Residuals of a regression on parents in the known graph. Needs a topology.
    Circa,
    /// Neighbours of the fault by tests of conditional independence.
    Rcd,
    /// Personalised PageRank from the symptom. Needs a symptom and a topology.
    RandomWalk,
    /// The end of a path of anomalous targets. Needs a symptom and a topology.
    Traversal,
    /// Correlation with the symptom among what moved. Needs a symptom.
    Correlation,
}

impl Method {
    /// Every method, the default first.
    pub const ALL: &[Self] = &[
        Self::Combined,
        Self::RobustShift,
        Self::NSigma,
        Self::Baro,
        Self::EpsilonDiagnosis,
        Self::Circa,
        Self::Rcd,
        Self::RandomWalk,
        Self::Traversal,
        Self::Correlation,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::RobustShift => "robust-shift",
            Self::NSigma => "n-sigma",
            Self::Baro => "baro",
            Self::EpsilonDiagnosis => "epsilon-diagnosis",
            Self::Circa => "circa",
            Self::Rcd => "rcd",
            Self::RandomWalk => "random-walk",
            Self::Traversal => "traversal",
            Self::Correlation => "correlation",
        }
    }

    /// The method called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.name() == name)
    }

    /// Ranks what may have caused `case`.
    ///
    /// # Errors
    ///
    /// [`RankError::Needs`] when the case lacks what the method works with.
    pub fn rank(self, case: &Case) -> Result<Ranking, RankError> {
        match self {
            Self::Combined => combined::combined(case),
            Self::RobustShift => shift::robust(case),
            Self::NSigma => shift::n_sigma(case),
            Self::Baro => baro::baro(case),
            Self::EpsilonDiagnosis => epsilon::epsilon(case),
            Self::Circa => circa::circa(case),
            Self::Rcd => rcd::rcd(case),
            Self::RandomWalk => walk::walk(case),
            Self::Traversal => traversal::traversal(case),
            Self::Correlation => correlation::correlated(case),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::{CaseSeries, Layer};
    use super::super::topology::Topology;
    use super::*;

    /// Three targets: `web` calls `shop`, `shop` calls `store`; from row 150 of 240 `store` is slow,
    /// and so is what depends on it.
    fn chain(onset: Option<usize>) -> Case {
        let series = |target: &str, kind: &str, layer: Layer, step: f64| {
            let reading = |row: u64| {
                let seed = row * 31 + (target.len() * 7 + kind.len() * 3) as u64;
                let noise = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / 16_777_216.0;
                let wave =
                    if row >= 150 { step * (1.0 + 0.5 * (row as f64 / 5.0).sin()) } else { 0.0 };
                5.0 + noise + wave
            };
            CaseSeries {
                name: format!("{target} {kind}"),
                target: target.to_owned(),
                kind: kind.to_owned(),
                layer,
                values: (0..240).map(reading).collect(),
            }
        };
        let all = vec![
            series("web", "latency", Layer::Service, 8.0),
            series("shop", "latency", Layer::Service, 9.0),
            series("store", "latency", Layer::Service, 10.0),
            series("mail", "latency", Layer::Service, 0.0),
            series("mail", "cpu", Layer::Work, 0.0),
            series("web", "cpu", Layer::Work, 0.0),
        ];
        Case::new(all, onset)
            .expect("a case")
            .with_topology(Topology::new([("web", "shop"), ("shop", "store"), ("web", "mail")]))
            .with_symptom("web latency")
            .expect("there")
    }

    #[test]
    fn a_cause_at_the_end_of_a_chain_is_named_by_every_method_that_can() {
        for method in [
            Method::Combined,
            Method::RobustShift,
            Method::NSigma,
            Method::Baro,
            Method::Circa,
            Method::RandomWalk,
            Method::Traversal,
        ] {
            let ranking = method.rank(&chain(Some(150))).expect("a ranking");
            assert_eq!(ranking.targets[0].name, "store", "{}: {ranking:?}", method.name());
        }
    }

    #[test]
    fn every_method_is_deterministic_and_finite_and_finds_an_onset() {
        for method in Method::ALL {
            assert_eq!(Method::find(method.name()), Some(*method));
            let ranking = method.rank(&chain(None)).expect("a ranking");
            assert_eq!(ranking, method.rank(&chain(None)).expect("a ranking"));
            assert!(ranking.series.iter().all(|one| one.score.is_finite() && one.score >= 0.0));
            assert!(ranking.onset.row.abs_diff(150) <= 3, "{}: {:?}", method.name(), ranking.onset);
        }
    }

    #[test]
    fn what_did_not_move_is_last_among_the_correlated_and_the_neighbours_of_the_fault() {
        for method in [Method::Correlation, Method::Rcd] {
            let ranking = method.rank(&chain(Some(150))).expect("a ranking");
            assert_ne!(ranking.targets[0].name, "mail", "{}: {ranking:?}", method.name());
        }
    }

    #[test]
    fn a_method_says_what_it_lacks() {
        let bare = Case::new(chain(None).series().to_vec(), Some(150)).expect("a case");
        for method in [Method::Circa, Method::RandomWalk, Method::Traversal, Method::Correlation] {
            let error = method.rank(&bare).expect_err("lacks something").to_string();
            assert!(error.starts_with(&format!("method `{}` needs a ", method.name())), "{error}");
        }
    }
}
