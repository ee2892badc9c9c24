//! What the requests of one phase say, each request counted once.

use std::collections::{BTreeMap, BTreeSet};

use auscult_stats::quantile::median;

use super::Span;

/// A statement or the beginning of an operation, at a target.
pub(super) type Place<'s> = (&'s str, Event<'s>);

/// A moment within a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event<'s> {
    /// The operation begins.
    Begin(&'s str),
    /// Something is logged.
    Statement(&'s str),
    /// The operation ends.
    End,
}

/// What was counted and measured.
#[derive(Debug, Default)]
pub(super) struct Phase<'s> {
    /// After each moment, the moments that came next, with the number of requests in which
    /// they did.
    pub next: BTreeMap<Place<'s>, BTreeMap<Event<'s>, f64>>,
    /// Own time of spans that call no other target, one median a request, by target and
    /// operation.
    pub own: BTreeMap<(&'s str, &'s str), Vec<f64>>,
    /// What calls took beyond what was called, one median a request, by caller, called
    /// target and operation.
    pub calls: BTreeMap<(&'s str, &'s str, &'s str), Vec<f64>>,
}

impl<'s> Phase<'s> {
    pub(super) fn of(spans: &'s [Span]) -> Self {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
        for (at, span) in spans.iter().enumerate() {
            if let Some(place) = span.parent.and_then(|parent| children.get_mut(parent)) {
                place.push(at);
            }
        }
        let mut next: BTreeMap<(Place<'s>, Event<'s>), BTreeSet<usize>> = BTreeMap::new();
        let mut own = ByRequest::new();
        let mut calls = ByRequest::new();
        for (span, children) in spans.iter().zip(&children) {
            let mut moment = Event::Begin(&span.operation);
            let logged = span.statements.iter().map(|statement| Event::Statement(statement));
            for following in logged.chain([Event::End]) {
                let pair = ((span.target.as_str(), moment), following);
                next.entry(pair).or_default().insert(span.request);
                moment = following;
            }
            let elsewhere = || children.iter().filter(|child| spans[**child].target != span.target);
            for child in elsewhere() {
                let called = &spans[*child];
                let beyond = span.duration_micros - called.duration_micros;
                let key = (span.target.as_str(), called.target.as_str(), called.operation.as_str());
                put(&mut calls, key, span.request, beyond);
            }
            if elsewhere().next().is_none() {
                let time = span.duration_micros - covered(children.iter().map(|at| &spans[*at]));
                put(&mut own, (span.target.as_str(), span.operation.as_str()), span.request, time);
            }
        }
        let mut phase = Self { own: medians(own), calls: medians(calls), ..Self::default() };
        for ((place, following), requests) in next {
            phase.next.entry(place).or_default().insert(following, requests.len() as f64);
        }
        phase
    }
}

type ByRequest<K> = BTreeMap<K, BTreeMap<usize, Vec<f64>>>;

/// Less than a microsecond is not measured.
fn put<K: Ord>(times: &mut ByRequest<K>, key: K, request: usize, micros: f64) {
    times.entry(key).or_default().entry(request).or_default().push(micros.max(1.0));
}

fn medians<K: Ord>(times: ByRequest<K>) -> BTreeMap<K, Vec<f64>> {
    let of = |requests: BTreeMap<usize, Vec<f64>>| {
        requests.into_values().map(|mut times| median(&mut times)).collect()
    };
    times.into_iter().map(|(key, requests)| (key, of(requests))).collect()
}

/// Microseconds in which at least one of `children` was at work.
fn covered<'s>(children: impl Iterator<Item = &'s Span>) -> f64 {
    let mut times: Vec<(f64, f64)> = children
        .map(|child| (child.start_micros, child.start_micros + child.duration_micros))
        .collect();
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut sum, mut until) = (0.0, f64::NEG_INFINITY);
    for (start, end) in times {
        sum += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(parent: Option<usize>, target: &str, start: f64, duration: f64) -> Span {
        Span {
            request: 0,
            parent,
            target: target.to_owned(),
            operation: "get".to_owned(),
            start_micros: start,
            duration_micros: duration,
            statements: vec!["one".to_owned(), "two".to_owned()],
        }
    }

    #[test]
    fn own_time_is_what_children_do_not_cover() {
        let spans = [
            span(None, "web", 0.0, 100.0),
            span(Some(0), "web", 10.0, 30.0),
            span(Some(0), "web", 20.0, 40.0),
        ];
        let phase = Phase::of(&spans);
        // 100 less 10..60; the others have no children. One median for the request.
        assert_eq!(phase.own[&("web", "get")], [40.0]);
        assert!(phase.calls.is_empty());
    }

    #[test]
    fn a_call_takes_what_the_called_target_did_not() {
        let spans = [span(None, "web", 0.0, 100.0), span(Some(0), "store", 10.0, 30.0)];
        let phase = Phase::of(&spans);
        assert_eq!(phase.calls[&("web", "store", "get")], [70.0]);
        assert_eq!(phase.own[&("store", "get")], [30.0]);
        assert!(!phase.own.contains_key(&("web", "get")));
        let after = &phase.next[&("web", Event::Statement("one"))];
        assert_eq!(after[&Event::Statement("two")], 1.0);
        assert_eq!(phase.next[&("web", Event::Begin("get"))].len(), 1);
    }
}
