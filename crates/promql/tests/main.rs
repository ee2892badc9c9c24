//! Queries over made-up series: what is easily got wrong.

mod mutated;

use std::cell::Cell;

use auscult_core::Labels;
use auscult_promql::{
    Answer, Limits, Query, QueryError, Sample, Selector, Series, Source, SourceError, Stop,
    format_number,
};

const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Series that are given, and how often they were asked for.
struct Given {
    series: Vec<Series>,
    asked: Cell<usize>,
}

impl Source for Given {
    fn select(
        &self,
        wanted: &Selector,
        from: i64,
        to: i64,
        most: usize,
    ) -> Result<Vec<Series>, SourceError> {
        self.asked.set(self.asked.get() + 1);
        let mut found: Vec<Series> =
            self.series.iter().filter(|one| wanted.matches(one.labels.as_ref())).cloned().collect();
        for one in &mut found {
            one.samples.retain(|sample| (from..=to).contains(&sample.time));
        }
        found.retain(|one| !one.samples.is_empty());
        let samples: usize = found.iter().map(|one| one.samples.len()).sum();
        if samples > most { Err(SourceError::TooMany) } else { Ok(found) }
    }
}

/// Series by their names in PromQL, with pairs of seconds and values.
fn given(series: &[(&str, &[(f64, f64)])]) -> Given {
    let series = series.iter().map(|(name, samples)| {
        let (metric, rest) = name.split_once('{').unwrap_or((name, "}"));
        let pairs = rest.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
        let labels = Labels::from_pairs(pairs.chain([("__name__", metric)])).unwrap();
        let sample = |(seconds, value): &(f64, f64)| Sample {
            time: (seconds * 1000.0) as i64,
            value: *value,
        };
        Series { labels, samples: samples.iter().map(sample).collect() }
    });
    Given { series: series.collect(), asked: Cell::new(0) }
}

/// An answer in a line: `{labels} value@seconds value@seconds; …`.
fn shown(answer: &Answer) -> String {
    let sample = |sample: &Sample| {
        format!("{}@{}", format_number(sample.value), sample.time as f64 / 1000.0)
    };
    let series = |labels: &Labels, samples: Vec<Sample>| {
        let samples: Vec<String> = samples.iter().map(sample).collect();
        format!("{labels} {}", samples.join(" "))
    };
    let all: Vec<String> = match answer {
        Answer::Scalar(one) => vec![sample(one)],
        Answer::Text(_, text) => vec![text.clone()],
        Answer::Vector(found) => found
            .iter()
            .map(|one| format!("{} {}", one.labels, format_number(one.sample.value)))
            .collect(),
        Answer::Matrix(found) => {
            found.iter().map(|one| series(&one.labels, one.samples.clone())).collect()
        }
        Answer::Range(steps, rows) => {
            rows.iter().map(|row| series(&row.labels, row.samples(*steps).collect())).collect()
        }
    };
    all.join("; ")
}

fn instant(source: &Given, query: &str, seconds: f64) -> String {
    let time = (seconds * 1000.0) as i64;
    let answer =
        Query::parse(query).and_then(|query| query.instant(source, time, &Limits::default()));
    answer.map_or_else(|error| error.to_string(), |answer| shown(&answer))
}

/// From 0 to `end`, every `step` seconds.
fn range(source: &Given, query: &str, end: i64, step: i64) -> String {
    let steps = (0, end * 1000, step * 1000);
    let answer =
        Query::parse(query).and_then(|query| query.range(source, steps, &Limits::default()));
    answer.map_or_else(|error| error.to_string(), |answer| shown(&answer))
}

#[test]
fn a_series_ends_by_its_mark_or_after_the_lookback() {
    let source =
        given(&[("a", &[(10.0, 1.0), (20.0, STALE), (40.0, 2.0)]), ("b", &[(10.0, f64::NAN)])]);
    assert_eq!(range(&source, "a", 50, 10), "a 1@10 2@40 2@50");
    assert_eq!(instant(&source, "a", 339.999), "a 2");
    assert_eq!(instant(&source, "a", 340.0), "", "the look-back is open on its far side");
    assert_eq!(instant(&source, "b", 20.0), "b NaN", "other NaN are values");
    assert_eq!(instant(&source, "count_over_time(a[1m])", 60.0), "{} 2", "marks are no samples");
    assert_eq!(instant(&source, "a[1m]", 60.0), "a 1@10 2@40");
}

#[test]
fn windows_are_open_to_the_left_and_closed_to_the_right() {
    let source = given(&[("a", &[(0.0, 1.0), (30.0, 2.0), (60.0, 3.0)])]);
    assert_eq!(instant(&source, "a[1m]", 60.0), "a 2@30 3@60");
    assert_eq!(instant(&source, "sum_over_time(a[1m])", 60.0), "{} 5");
    assert_eq!(instant(&source, "a[1m] offset 1ms", 60.0), "a 1@0 2@30");
}

#[test]
fn rates_go_on_to_the_ends_of_the_window_but_not_below_zero() {
    let even = given(&[("a", &[(15.0, 100.0), (30.0, 130.0), (45.0, 160.0), (60.0, 190.0)])]);
    assert_eq!(instant(&even, "increase(a[1m])", 60.0), "{} 120");
    assert_eq!(instant(&even, "rate(a[1m])", 60.0), "{} 2");
    let new = given(&[("a", &[(15.0, 10.0), (30.0, 40.0), (45.0, 70.0), (60.0, 100.0)])]);
    assert_eq!(instant(&new, "increase(a[1m])", 60.0), "{} 100", "it was 0 five seconds before");
    assert_eq!(instant(&new, "delta(a[1m])", 60.0), "{} 120", "a gauge may go below");
    let short = given(&[("a", &[(30.0, 100.0), (40.0, 120.0)])]);
    assert_eq!(instant(&short, "increase(a[1m])", 60.0), "{} 40", "half an interval at either end");
    let one = given(&[("a", &[(30.0, 100.0)])]);
    assert_eq!(instant(&one, "rate(a[1m])", 60.0), "");
}

#[test]
fn a_counter_that_falls_began_anew() {
    let source = given(&[("a", &[(20.0, 90.0), (40.0, 100.0), (60.0, 5.0), (80.0, 15.0)])]);
    assert_eq!(instant(&source, "increase(a[1m20s])", 80.0), "{} 33.33333333333333");
    assert_eq!(instant(&source, "resets(a[1m20s])", 80.0), "{} 1");
    assert_eq!(instant(&source, "irate(a[30s])", 61.0), "{} 0.25");
}

#[test]
fn each_selector_is_asked_for_once_whatever_the_steps() {
    let source = given(&[("a", &[(0.0, 1.0), (30.0, 2.0)]), ("b", &[(0.0, 1.0)])]);
    assert_eq!(
        range(&source, "sum(rate(a[1m])) + on() b offset 10s", 60, 1).matches('@').count(),
        30
    );
    assert_eq!(source.asked.get(), 2);
}

#[test]
fn at_and_offset_move_what_is_looked_at() {
    let source = given(&[("a", &[(0.0, 1.0), (10.0, 2.0), (20.0, 3.0)])]);
    assert_eq!(range(&source, "a @ 10", 20, 10), "a 2@0 2@10 2@20");
    assert_eq!(range(&source, "a @ end() - a @ start()", 20, 10), "{} 2@0 2@10 2@20");
    assert_eq!(range(&source, "a offset 10s", 20, 10), "a 1@10 2@20");
    assert_eq!(range(&source, "a offset -10s", 20, 20), "a 2@0 3@20");
    assert_eq!(range(&source, "a @ 20 offset 10s", 10, 10), "a 2@0 2@10");
}

#[test]
fn subqueries_stand_on_multiples_of_their_step() {
    let source = given(&[("a", &[(0.0, 1.0), (10.0, 2.0), (20.0, 3.0)])]);
    assert_eq!(instant(&source, "a[25s:10s]", 27.0), "a 2@10 3@20");
    assert_eq!(instant(&source, "max_over_time((a * 2)[25s:10s] offset 10s)", 27.0), "{} 4");
    assert_eq!(range(&source, "sum_over_time(a[20s:10s])", 20, 10), "{} 1@0 3@10 5@20");
    let error = instant(&source, "count_over_time(a[10y:1ms])", 27.0);
    assert!(error.contains("more than 50000000 samples"), "{error}");
}

#[test]
fn vectors_that_do_not_match_one_to_one_are_refused_in_words() {
    let source = given(&[
        ("a{x=1,y=1}", &[(0.0, 1.0)]),
        ("a{x=1,y=2}", &[(0.0, 2.0)]),
        ("b{x=1,z=1}", &[(0.0, 10.0)]),
        ("c{x=1,z=1}", &[(0.0, 1.0)]),
        ("c{x=1,z=2}", &[(0.0, 1.0)]),
    ]);
    assert_eq!(
        instant(&source, "a + on(x) b", 0.0),
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    );
    let error = instant(&source, "b + on(x) c", 0.0);
    assert!(
        error.starts_with(
            "found duplicate series for the match group {x=\"1\"} on the right hand-side"
        ),
        "{error}"
    );
    let error = instant(&source, "a + on(x) group_left c", 0.0);
    assert!(error.starts_with("found duplicate series"), "{error}");
    assert_eq!(
        instant(&source, "a - on(x) group_left(z) b", 0.0),
        r#"{x="1",y="1",z="1"} -9; {x="1",y="2",z="1"} -8"#
    );
    assert_eq!(
        instant(&source, "b - on(x) group_right(z) a", 0.0),
        r#"{x="1",y="1",z="1"} 9; {x="1",y="2",z="1"} 8"#
    );
    assert_eq!(
        instant(&source, "a * on(x) group_left(y) b", 0.0),
        "multiple matches for labels: grouping labels must ensure unique matches"
    );
    assert_eq!(
        instant(&source, "{x=\"1\"} * 2", 0.0),
        "vector cannot contain metrics with the same labelset"
    );
    assert_eq!(instant(&source, "b == on(x) b", 0.0), r#"{x="1"} 10"#);
    assert_eq!(instant(&source, "b == b", 0.0), r#"b{x="1",z="1"} 10"#);
}

#[test]
fn series_of_one_name_that_never_meet_are_one() {
    let source = given(&[("a{x=1}", &[(0.0, 1.0), (10.0, STALE)]), ("b{x=1}", &[(10.0, 2.0)])]);
    assert_eq!(range(&source, "-{__name__=~\"a|b\"}", 20, 10), r#"{x="1"} -1@0 -2@10 -2@20"#);
    assert_eq!(range(&source, "a or b", 10, 10), r#"a{x="1"} 1@0; b{x="1"} 2@10"#);
}

#[test]
fn aggregations_leave_out_what_is_not_there() {
    let source = given(&[
        ("a{x=1}", &[(0.0, 1.0), (10.0, STALE)]),
        ("a{x=2}", &[(0.0, f64::NAN), (10.0, 5.0)]),
        ("a{x=3}", &[(0.0, 3.0), (10.0, 4.0)]),
    ]);
    assert_eq!(range(&source, "count(a)", 10, 10), "{} 3@0 2@10");
    assert_eq!(range(&source, "max(a)", 10, 10), "{} 3@0 5@10");
    assert_eq!(range(&source, "topk(1, a)", 10, 10), r#"a{x="2"} 5@10; a{x="3"} 3@0"#);
    assert_eq!(instant(&source, "bottomk(2, a)", 0.0), r#"a{x="1"} 1; a{x="3"} 3"#);
    assert_eq!(instant(&source, "topk(0, a)", 0.0), "");
    assert_eq!(instant(&source, "topk(NaN, a)", 0.0), "Scalar value NaN overflows int64");
    assert_eq!(
        range(&source, "count_values(\"v\", a)", 10, 10),
        r#"{v="1"} 1@0; {v="3"} 1@0; {v="4"} 1@10; {v="5"} 1@10; {v="NaN"} 1@0"#
    );
    assert_eq!(instant(&source, "sort_desc(a)", 10.0), r#"a{x="2"} 5; a{x="3"} 4"#);
}

#[test]
fn absence_has_the_labels_that_were_asked_for() {
    let source = given(&[("a{x=1}", &[(0.0, 1.0)])]);
    assert_eq!(instant(&source, r#"absent(a{x="2",y=~"3"})"#, 0.0), r#"{x="2"} 1"#);
    assert_eq!(instant(&source, "absent(a)", 0.0), "");
    assert_eq!(instant(&source, "absent(sum(nosuch))", 0.0), "{} 1");
    assert_eq!(instant(&source, "scalar(nosuch)", 0.0), "NaN@0");
}

#[test]
fn dates_are_those_of_the_calendar() {
    let source = given(&[]);
    let at = |query: &str| instant(&source, query, 1_709_210_096.0);
    let parts = [
        "year()",
        "month()",
        "day_of_month()",
        "day_of_week()",
        "day_of_year()",
        "hour()",
        "minute()",
        "days_in_month()",
    ];
    let parts: Vec<String> = parts.into_iter().map(at).collect();
    assert_eq!(parts, ["{} 2024", "{} 2", "{} 29", "{} 4", "{} 60", "{} 12", "{} 34", "{} 29"]);
    assert_eq!(at("year(vector(1e300))"), "{} NaN");
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let source = given(&[]);
    for (query, expected) in [
        ("histogram_avg(a)", "function `histogram_avg` is not supported here"),
        ("limitk(1, a)", "aggregation `limitk` is not supported here"),
        ("a + fill(0) b", "`fill` between vectors is not supported here"),
        (
            "{a=\"1\" or b=\"2\"}",
            "`or` between label matchers is not PromQL: use `or` between selectors",
        ),
        ("", "no expression found in input"),
        ("a[1e300]", "parse error"),
        ("rate(a[0])", "parse error: duration must be greater than 0"),
        ("rate(a[0s])", "parse error: duration must be greater than 0"),
        ("max_over_time(a[5m:0])", "parse error: duration must be greater than 0"),
        ("max_over_time(a[0:1m])", "parse error: duration must be greater than 0"),
        ("rate(a)", "parse error: expected type matrix"),
        ("exp(Inf)", "parse error: expected type instant vector, got scalar"),
    ] {
        let error = instant(&source, query, 0.0);
        assert!(error.contains(expected), "{query}: {error}");
    }
    let error = range(&source, "a[5m]", 10, 1);
    assert_eq!(
        error,
        "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"
    );
}

#[test]
fn deep_and_long_queries_are_refused_or_answered_and_never_overflow() {
    let source = given(&[]);
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(instant(&source, &nested(100), 0.0), "1@0");
    assert!(instant(&source, &nested(101), 0.0).contains("nested 101 deep"));
    let sum = |terms: usize| vec!["1"; terms].join("+");
    assert_eq!(instant(&source, &sum(1001), 0.0), "1001@0");
    assert!(instant(&source, &sum(1002), 0.0).contains("1001 operators"));
    assert_eq!(instant(&source, &format!("{}1", "-".repeat(1000)), 0.0), "1@0");
    let quoted = format!("label_replace(vector(1), \"a\", \"{}\", \"\", \"\")", "((--".repeat(500));
    assert!(instant(&source, &quoted, 0.0).starts_with("{a="), "quotes are no operators");
    assert!(instant(&source, &"a".repeat(200_000), 0.0).contains("at most 131072 are read"));
}

#[test]
fn limits_end_an_evaluation() {
    let source = given(&[("a", &[(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)])]);
    let query = Query::parse("sum_over_time(a[1m])").unwrap();
    let limits = Limits { most_samples: 2, ..Limits::default() };
    let error = query.instant(&source, 2000, &limits).unwrap_err();
    assert_eq!(error, QueryError::TooMany { most: 2 });
    let limits = Limits { most_samples: 100, ..Limits::default() };
    let error = query.range(&source, (0, 200_000, 1000), &limits).unwrap_err();
    assert_eq!(error, QueryError::TooMany { most: 100 }, "results count too");
    let limits = Limits { stop: &|| Some(Stop::TimedOut), ..Limits::default() };
    assert_eq!(query.instant(&source, 2000, &limits).unwrap_err(), QueryError::TimedOut);
    let limits = Limits { stop: &|| Some(Stop::Cancelled), ..Limits::default() };
    assert_eq!(query.instant(&source, 2000, &limits).unwrap_err(), QueryError::Cancelled);
}

#[test]
fn what_parts_held_is_free_again() {
    let source = given(&[("a", &[(0.0, 1.0)])]);
    let query = Query::parse(&vec!["a"; 100].join("+")).unwrap();
    let limits = Limits { most_samples: 800, ..Limits::default() };
    let answer = query.range(&source, (0, 100_000, 1000), &limits).unwrap();
    assert_eq!(shown(&answer).matches("100@").count(), 101);
}

/// Words that PromQL is made of.
const WORDS: [&str; 60] = [
    "a",
    "b",
    "{x=\"1\"}",
    "{x=~\".+\"}",
    "[1m]",
    "[30s:10s]",
    "[1ms:]",
    "(",
    ")",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    "> bool",
    "<",
    "and",
    "or",
    "unless",
    "on(x)",
    "ignoring(x)",
    "group_left(y)",
    "group_right()",
    "offset 1m",
    "offset -1h",
    "@ 10",
    "@ end()",
    "1",
    "0",
    "-1",
    "1e300",
    "NaN",
    "Inf",
    "\"x\"",
    "\"$1\"",
    "sum",
    "topk",
    "quantile",
    "count_values",
    "by (x)",
    "without (x)",
    "rate(",
    "increase(",
    "histogram_quantile(",
    "label_replace(",
    "label_join(",
    "absent(",
    "predict_linear(",
    "scalar(",
    "vector(",
    "time()",
    "round(",
    "clamp(",
    "timestamp(",
    "avg_over_time(",
];

/// Expressions that are whole, so that more than the parser gets something to do.
fn expression() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("{x=~\"1|2\"}".to_owned()),
        Just("b offset 10s".to_owned()),
        Just("rate(a[1m])".to_owned()),
        Just("b @ 20".to_owned()),
        (-3..12_i32).prop_map(|number| format!("vector({number})")),
    ];
    let operators = vec![
        "+",
        "-",
        "/",
        "^",
        "> bool",
        "<=",
        "and",
        "or",
        "unless",
        "* on(x) group_left(y)",
        "% ignoring(x)",
        "or on()",
        "- on(x) group_right()",
    ];
    let functions = vec![
        "sum(INNER)",
        "count by (x) (INNER)",
        "max without (x) (INNER)",
        "topk by (x) (1, INNER)",
        "quantile(0.5, INNER)",
        "count_values(\"v\", INNER)",
        "abs(INNER)",
        "absent(INNER)",
        "sort_desc(INNER)",
        "histogram_quantile(0.9, INNER)",
        "label_replace(INNER, \"x\", \"$1\", \"y\", \"(.*)\")",
        "label_join(INNER, \"y\", \"-\", \"x\", \"y\")",
        "-(INNER)",
        "timestamp(INNER)",
        "vector(scalar(INNER))",
        "day_of_year(INNER)",
        "max_over_time((INNER)[40s:10s])",
        "delta((INNER)[30s:5s] offset 5s)",
        "clamp_min(INNER, 1)",
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let operator = proptest::sample::select(operators.clone());
        let function = proptest::sample::select(functions.clone());
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            (function, inner).prop_map(|(function, inner)| function.replace("INNER", &inner)),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_asked_panics(words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 1..12)) {
        let source = given(&[
            ("a{x=1,le=2}", &[(0.0, 1.0), (30.0, f64::INFINITY)]),
            ("b{x=1}", &[(0.0, f64::NAN), (10.0, 3.0)]),
        ]);
        let text = words.join(" ");
        instant(&source, &text, 40.0);
        range(&source, &text, 40, 10);
    }

    #[test]
    fn a_range_is_its_instants(text in expression()) {
        let source = given(&[
            ("a{x=1,y=1}", &[(0.0, 1.0), (15.0, 4.0), (30.0, 2.0), (45.0, 7.0)]),
            ("a{x=2,y=1}", &[(5.0, 1.0), (20.0, STALE), (35.0, 2.0)]),
            ("b{x=1}", &[(0.0, f64::NAN), (10.0, 3.0)]),
            ("c{x=1,le=+Inf}", &[(0.0, 8.0)]),
        ]);
        let steps = (0, 60_000, 10_000);
        let query = Query::parse(&text).expect("a sound query");
        let Ok(Answer::Range(steps_of, rows)) = query.range(&source, steps, &Limits::default()) else {
            // Then at least one of its moments is refused too.
            let refused = (0..=6).any(|step| query.instant(&source, step * 10_000, &Limits::default()).is_err());
            proptest::prop_assert!(refused, "{}", text);
            return Ok(());
        };
        for step in 0..=6 {
            let time = step * 10_000;
            let mut expected: Vec<String> = rows
                .iter()
                .filter_map(|row| {
                    let sample = row.samples(steps_of).find(|sample| sample.time == time)?;
                    Some(format!("{} {}", row.labels, format_number(sample.value)))
                })
                .collect();
            let answer = query.instant(&source, time, &Limits::default()).expect("as the range");
            let Answer::Vector(found) = answer else { panic!("a vector") };
            let mut found: Vec<String> =
                found.iter().map(|one| format!("{} {}", one.labels, format_number(one.sample.value))).collect();
            expected.sort();
            found.sort();
            proptest::prop_assert_eq!(found, expected, "{} at {}", text, step);
        }
    }
}
