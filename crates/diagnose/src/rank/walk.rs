//! A random walk from the symptom towards its causes, in the limit.

use super::case::{Case, RankError};
use super::correlation::with_symptom;
use super::ranking::Ranking;
use super::series_graph::{children, parents};
use super::shift::given_or_found;

/// Weight of a step back, against one towards a cause.
const BACK: f64 = 0.1;

/// Chance of going on; otherwise the walk begins anew at the symptom.
const GO_ON: f64 = 0.85;

/// Rounds after which the shares are taken as they are.
const MOST_ROUNDS: usize = 1000;

/// Ranks series by how often a walk visits them that steps to a series in proportion to how
/// closely it is correlated with the symptom: towards causes, back with a tenth of that, and
/// stays where no cause is closer than the place itself. Computed as a personalised PageRank,
/// without sampling, to 1e-12.
///
/// Reference: M. Kim, R. Sumbaly, S. Shah, "Root cause detection in a service-oriented
/// architecture" (MonitorRank), SIGMETRICS 2013.
pub(super) fn walk(case: &Case) -> Result<Ranking, RankError> {
    let method = "random-walk";
    let symptom = case.symptom().ok_or(RankError::Needs { method, what: "a symptom" })?;
    if case.topology().is_empty() {
        return Err(RankError::Needs { method, what: "a topology" });
    }
    let onset = given_or_found(case);
    // The walk looks at all rows: correlated by habit is close enough for it.
    let closeness = with_symptom(case, symptom, &(0..case.rows()));
    let parents = parents(case);
    let children = children(&parents);
    let steps: Vec<Vec<(usize, f64)>> = (0..closeness.len())
        .map(|at| {
            let towards = parents[at].iter().map(|to| (*to, closeness[*to]));
            let back = children[at].iter().map(|to| (*to, BACK * closeness[*to]));
            let best = parents[at].iter().map(|to| closeness[*to]).fold(0.0, f64::max);
            let mut steps: Vec<(usize, f64)> = towards.chain(back).collect();
            steps.push((at, (closeness[at] - best).max(0.0)));
            let sum: f64 = steps.iter().map(|(_, weight)| weight).sum();
            steps.retain(|(_, weight)| *weight > 0.0);
            steps.iter_mut().for_each(|(_, weight)| *weight /= sum);
            steps
        })
        .collect();
    let mut shares = vec![0.0; steps.len()];
    shares[symptom] = 1.0;
    for _ in 0..MOST_ROUNDS {
        let mut next = vec![0.0; shares.len()];
        for (at, share) in shares.iter().enumerate() {
            for (to, weight) in &steps[at] {
                next[*to] += GO_ON * share * weight;
            }
        }
        next[symptom] += 1.0 - next.iter().sum::<f64>();
        let change: f64 = shares.iter().zip(&next).map(|(old, new)| (old - new).abs()).sum();
        shares = next;
        if change < 1e-12 {
            break;
        }
    }
    // Where the walk begins is what is to be explained.
    shares[symptom] = 0.0;
    Ok(Ranking::by_series(case, &shares, onset))
}
