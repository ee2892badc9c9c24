//! The three ways of a fault, held against each other.

use std::collections::{BTreeMap, BTreeSet};

use auscult_stats::quantile::median;

use super::RequestCase;
use super::phase::{Event, Phase};
use super::statements::turns;
use super::times::longer;
use crate::rank::combined::unexplained;

/// What kind of fault requests show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Code goes another way: an exception, an early return, a wrong answer.
    Code,
    /// Work takes longer in the target itself: a processor or a lock is short.
    Contention,
    /// Messages to or from the target take longer.
    Delay,
}

/// A target that may be the cause.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RequestSuspect {
    /// The target.
    pub name: String,
    /// The highest of the scores of its kinds, in nats; at least 0.
    pub score: f64,
    /// Kinds of fault, the likeliest first, each with its score.
    pub kinds: Vec<(FaultKind, f64)>,
    /// In words, what changed most where code goes another way: after what, what used to
    /// follow, what follows now. Empty when nothing did.
    pub turn: String,
}

/// Targets, the most suspect first; equal scores stand in order of name.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RequestRanking {
    /// Every target of a span.
    pub targets: Vec<RequestSuspect>,
}

/// Ranks targets by how their requests changed.
///
/// For each target, three log likelihood ratios of "this changed" against "nothing did",
/// in nats, each times the size of the change (0..1), so that a certain trifle counts little:
/// which statement follows which within a span (G-test); own time of spans (Wilcoxon);
/// what calls took beyond what was called (Wilcoxon). A request counts once, however often it
/// passes a place. The score of a target is its highest.
///
/// A change of code is explained away by one in a called target; a slow call is laid at the called
/// target unless the caller's other calls are as slow, which lays it at the caller.
/// Blind to faults that leave requests alone, and to targets that neither phase has spans of.
/// Time O(spans log spans).
///
/// Reference: pairs of events that stop following each other are the evidence of G. Yu and
/// others, "Nezha: interpretable fine-grained root causes analysis for microservices on
/// multi-modal observability data", FSE 2023; tests, own times and the joining are ours.
///
/// ```
/// use auscult_diagnose::rank::requests::{FaultKind, RequestCase, Span, rank_requests};
/// let request = |request: usize, answer: &str| Span {
///     request,
///     parent: None,
///     target: "shop".to_owned(),
///     operation: "buy".to_owned(),
///     start_micros: 0.0,
///     duration_micros: 900.0,
///     statements: vec!["look up".to_owned(), answer.to_owned()],
/// };
/// let case = RequestCase {
///     normal: (0..20).map(|at| request(at, "found")).collect(),
///     abnormal: (0..20).map(|at| request(at, "null pointer")).collect(),
/// };
/// let ranking = rank_requests(&case);
/// assert_eq!(ranking.targets[0].kinds[0].0, FaultKind::Code);
/// assert_eq!(ranking.targets[0].turn, "after `look up` no longer `found` but `null pointer`");
/// ```
#[must_use]
pub fn rank_requests(case: &RequestCase) -> RequestRanking {
    let (before, after) = (Phase::of(&case.normal), Phase::of(&case.abnormal));
    let spans = || case.normal.iter().chain(&case.abnormal);
    let names: BTreeSet<&str> = spans().map(|span| span.target.as_str()).collect();
    let mut called: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (caller, target, _) in before.calls.keys().chain(after.calls.keys()) {
        called.entry(caller).or_default().insert(target);
    }
    let (code, words) = code(&before, &after);
    let contention = contention(&before, &after);
    let delay = delay(&before, &after, &called);
    let of = |scores: &BTreeMap<&str, f64>, name: &str| scores.get(name).copied().unwrap_or(0.0);
    let suspect = |name: &&str| {
        let below = called.get(name).into_iter().flatten().map(|target| of(&code, target));
        let own_code = unexplained(of(&code, name), below.fold(0.0, f64::max));
        let mut kinds = vec![
            (FaultKind::Code, own_code),
            (FaultKind::Contention, of(&contention, name)),
            (FaultKind::Delay, of(&delay, name)),
        ];
        kinds.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        let turn = words.get(name).cloned().unwrap_or_default();
        RequestSuspect { name: (*name).to_owned(), score: kinds[0].1, kinds, turn }
    };
    let mut targets: Vec<RequestSuspect> = names.iter().map(suspect).collect();
    targets.sort_by(|one, other| {
        other.score.total_cmp(&one.score).then_with(|| one.name.cmp(&other.name))
    });
    RequestRanking { targets }
}

type Scores<'s> = BTreeMap<&'s str, f64>;

/// For each target its strongest turn, and that in words.
fn code<'s>(before: &Phase<'s>, after: &Phase<'s>) -> (Scores<'s>, BTreeMap<&'s str, String>) {
    let (mut scores, mut words) = (Scores::new(), BTreeMap::new());
    for ((target, moment), turn) in turns(before, after) {
        if turn.score > scores.get(target).copied().unwrap_or(0.0) {
            let (moment, lost, gained) = (say(moment), say(turn.lost), say(turn.gained));
            scores.insert(target, turn.score);
            words.insert(target, format!("after {moment} no longer {lost} but {gained}"));
        }
    }
    (scores, words)
}

fn say(event: Event<'_>) -> String {
    match event {
        Event::Begin(operation) => format!("the start of `{operation}`"),
        Event::Statement(statement) => format!("`{statement}`"),
        Event::End => "the end".to_owned(),
    }
}

/// For each target the operation whose own time grew most clearly.
fn contention<'s>(before: &Phase<'s>, after: &Phase<'s>) -> Scores<'s> {
    let mut scores = Scores::new();
    for ((target, operation), times) in &before.own {
        let Some(later) = after.own.get(&(*target, *operation)) else { continue };
        let score = scores.entry(*target).or_default();
        *score = f64::max(*score, longer(times, later));
    }
    scores
}

/// For each target how clearly calls to it, or all calls by it, take longer than what was called.
fn delay<'s>(
    before: &Phase<'s>,
    after: &Phase<'s>,
    called: &BTreeMap<&'s str, BTreeSet<&'s str>>,
) -> Scores<'s> {
    let mut edges: BTreeMap<&str, Scores<'s>> = BTreeMap::new();
    for (call, times) in &before.calls {
        let Some(later) = after.calls.get(call) else { continue };
        let score = edges.entry(call.0).or_default().entry(call.1).or_default();
        *score = f64::max(*score, longer(times, later));
    }
    let mut scores = Scores::new();
    let mut raise = |target: &'s str, to: f64| {
        let score = scores.entry(target).or_default();
        *score = f64::max(*score, to);
    };
    for (caller, targets) in called {
        let Some(slow) = edges.get(caller) else { continue };
        let of = |target: &&str| slow.get(target).copied().unwrap_or(0.0);
        for target in targets {
            let mut others: Vec<f64> =
                targets.iter().filter(|other| *other != target).map(of).collect();
            raise(target, unexplained(of(target), median(&mut others)));
        }
        if targets.len() > 1 {
            raise(caller, median(&mut targets.iter().map(of).collect::<Vec<f64>>()));
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::super::Span;
    use super::*;

    /// How one request through `web`, `shop` and two stores goes.
    #[derive(Clone, Copy)]
    struct Way {
        /// Microseconds of own work in each store.
        work: [f64; 2],
        /// Microseconds that each call from `shop` takes beyond that.
        wire: [f64; 2],
        /// What store `a` says last.
        last: &'static str,
        /// What `shop` says last.
        shop: &'static str,
    }

    const USUAL: Way = Way { work: [400.0, 400.0], wire: [50.0, 50.0], last: "found", shop: "ok" };

    fn requests(way: Way) -> Vec<Span> {
        let mut spans = Vec::new();
        for request in 0..24 {
            // A few percent from request to request.
            let vary = 1.0 + (request % 7) as f64 / 50.0;
            let mut add = |parent, target: &str, start: f64, duration: f64, said: &[&str]| {
                spans.push(Span {
                    request,
                    parent,
                    target: target.to_owned(),
                    operation: format!("{target} work"),
                    start_micros: start,
                    duration_micros: duration * vary,
                    statements: said.iter().map(|said| (*said).to_owned()).collect(),
                });
                spans.len() - 1
            };
            let calls = [0, 1].map(|at| way.work[at] + way.wire[at]);
            let shop = calls.iter().sum::<f64>() + 100.0;
            let web = add(None, "web", 0.0, shop + 100.0, &[]);
            let shop = add(Some(web), "shop", 50.0, shop, &["begin", way.shop]);
            let first = add(Some(shop), "shop", 60.0, calls[0], &[]);
            add(Some(first), "store-a", 80.0, way.work[0], &["look", way.last]);
            // One call after the other, also in the slowest request.
            let later = 60.0 + 1.2 * calls[0];
            let second = add(Some(shop), "shop", later, calls[1], &[]);
            add(Some(second), "store-b", later + 10.0, way.work[1], &["look", "found"]);
        }
        spans
    }

    fn first(way: Way) -> (String, FaultKind) {
        let case = RequestCase { normal: requests(USUAL), abnormal: requests(way) };
        let ranking = rank_requests(&case);
        (ranking.targets[0].name.clone(), ranking.targets[0].kinds[0].0)
    }

    #[test]
    fn each_kind_of_fault_is_told_from_the_others() {
        let throws = Way { last: "exception", shop: "failed", ..USUAL };
        assert_eq!(first(throws), ("store-a".to_owned(), FaultKind::Code));
        let busy = Way { work: [400.0, 4000.0], ..USUAL };
        assert_eq!(first(busy), ("store-b".to_owned(), FaultKind::Contention));
        let far = Way { wire: [50.0, 4000.0], ..USUAL };
        assert_eq!(first(far), ("store-b".to_owned(), FaultKind::Delay));
    }

    #[test]
    fn calls_that_are_all_slow_are_the_callers_fault() {
        let slow = Way { wire: [4000.0, 4000.0], ..USUAL };
        assert_eq!(first(slow), ("shop".to_owned(), FaultKind::Delay));
    }

    #[test]
    fn nothing_changed_scores_nothing() {
        let case = RequestCase { normal: requests(USUAL), abnormal: requests(USUAL) };
        assert!(rank_requests(&case).targets.iter().all(|suspect| suspect.score == 0.0));
        let empty = RequestCase { normal: Vec::new(), abnormal: Vec::new() };
        assert!(rank_requests(&empty).targets.is_empty());
    }
}
