//! Queries that chance changes: an answer or a sentence, never a panic, and one layout.
//!
//! `AUSCULT_FUZZ=1000000 cargo test -p auscult-promql mutated` tries so many; some thousand otherwise.

use auscult_core::Labels;
use auscult_promql::{Limits, Query, Sample, Selector, Series, Source, SourceError};
use proptest::prelude::*;

/// Real queries, of all shapes.
const QUERIES: [&str; 12] = [
    r#"sum by (job) (rate(m_total{job="llm"}[1m] offset 1m))"#,
    "histogram_quantile(0.9, sum by (job, le) (rate(m_bucket[2m])))",
    "up / on (job) group_left (le) m_total > bool 1",
    "max_over_time(rate(m_total[1m])[5m:30s] @ end())",
    r#"label_replace(up, "a", "$1-x", "job", "(.*)l.*") unless topk(2, odd)"#,
    "count_values(\"v\", up) or vector(time()) and absent(nothing)",
    "-(up ^ 2 ^ 3) % 4 atan2 m_total",
    r#"{__name__=~"m.*|up", job!~"", le!="x"} @ 1234.5 offset -5m"#,
    "predict_linear(m_total[10m], 3600) - quantile_over_time(0.5, odd[3m])",
    "quantile without (le) (NaN, m_total) == Inf",
    "sort_desc(clamp(odd, -Inf, 1e308)) + 0x1F * 1_000",
    "hour(vector(1e18)) + days_in_month(vector(-1e15)) # a comment",
];

/// What queries are made of, to be put anywhere.
const PIECES: [&str; 28] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "[1m]",
    "[1m:]",
    "[9999999y:1ms]",
    "by (",
    " offset ",
    " @ ",
    "\"",
    "\\",
    "'",
    "`",
    ",",
    "=~",
    "!=",
    "1e999",
    "-",
    "0x",
    "NaN",
    " bool ",
    " on ()",
    "5m",
    "é",
    "\0",
];

struct Fixed;

/// Name, label and readings of a series.
type Shape = (&'static str, &'static str, fn(i64) -> f64);

impl Source for Fixed {
    fn select(
        &self,
        wanted: &Selector,
        from: i64,
        to: i64,
        most: usize,
    ) -> Result<Vec<Series>, SourceError> {
        let shapes: [Shape; 5] = [
            ("up", "a", |step| (step % 2) as f64),
            ("m_total", "a", |step| (step % 7 * step) as f64),
            ("m_bucket", "1", |step| step as f64),
            ("m_bucket", "+Inf", |step| 2.0 * step as f64),
            ("odd", "a", |step| if step % 3 == 0 { f64::NAN } else { f64::INFINITY }),
        ];
        let mut found = Vec::new();
        for (name, le, value) in shapes {
            let labels = [("__name__", name), ("job", "llm"), ("le", le)];
            let labels = Labels::from_pairs(labels).unwrap();
            let samples = (0..40).map(|step| Sample { time: 15_000 * step, value: value(step) });
            let samples: Vec<_> = samples.filter(|one| (from..=to).contains(&one.time)).collect();
            if wanted.matches(labels.as_ref()) && !samples.is_empty() {
                found.push(Series { labels, samples });
            }
        }
        let samples: usize = found.iter().map(|one| one.samples.len()).sum();
        if samples > most { Err(SourceError::TooMany) } else { Ok(found) }
    }
}

fn survives(text: &str) {
    let Ok(query) = Query::parse(text) else { return };
    let pretty = query.pretty();
    let again = Query::parse(&pretty);
    let again = again.unwrap_or_else(|error| panic!("`{text}` is laid out as `{pretty}`: {error}"));
    assert_eq!(again.pretty(), pretty, "`{text}`");
    let limits = Limits { most_samples: 100_000, ..Limits::default() };
    drop(query.instant(&Fixed, 300_000, &limits));
    drop(query.range(&Fixed, (0, 600_000, 60_000), &limits));
}

fn cases() -> u32 {
    let asked = std::env::var("AUSCULT_FUZZ").ok();
    asked.map_or(4_000, |text| text.parse().expect("AUSCULT_FUZZ is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_queries_are_answered_or_refused(
        first in 0..QUERIES.len(),
        second in 0..QUERIES.len(),
        cut in any::<(u16, u16)>(),
        changes in prop::collection::vec((0..3_u8, any::<u16>(), 0..PIECES.len()), 0..4),
    ) {
        let place = |text: &str, at: u16| {
            let mut at = usize::from(at) % (text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (one, other) = (QUERIES[first], QUERIES[second]);
        // Most often the whole of one; else the head of one and the tail of another.
        let mut text = if cut.0 % 4 == 0 {
            format!("{}{}", &one[..place(one, cut.0)], &other[place(other, cut.1)..])
        } else {
            one.to_owned()
        };
        for (what, at, piece) in changes {
            let at = place(&text, at);
            match what {
                0 => text.insert_str(at, PIECES[piece]),
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert_str(at, QUERIES[piece % QUERIES.len()]),
            }
        }
        survives(&text);
    }
}
